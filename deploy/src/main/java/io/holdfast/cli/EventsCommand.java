package io.holdfast.cli;

import io.holdfast.audit.AuditLog;
import io.holdfast.config.HoldfastConfig;
import java.io.IOException;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Queue;
import java.util.concurrent.Callable;
import java.util.concurrent.ConcurrentLinkedQueue;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParentCommand;

/** What happens in proxy and agent: the audit log of both, and the events of their sockets, in one order of time. */
@Command(
        name = "events",
        mixinStandardHelpOptions = true,
        description = {
            "Shows what was decided about the guest on this host lately, as `audit` does, and with --follow what happens from"
                    + " now on.",
            "That is new entries of the audit log (in small letters), and the events of the control sockets (in capitals), in"
                    + " order of time. A change of the wall is in both, and shown once, as the audit log has it.",
            "When a process ends, that is said, and it is listened to again as soon as it is back.",
            "Such as: holdfast --guest redis events --follow",
            "Such as: holdfast --guest redis events --for 60 --json | jq -c 'select(.by == \"agent\")'"
        })
final class EventsCommand implements Callable<Integer> {

    private static final Duration TICK = Duration.ofMillis(100);

    @ParentCommand
    private Holdfast holdfast;

    @Option(
            names = "--last",
            paramLabel = "N",
            defaultValue = "20",
            description = "How many entries of the audit log to begin with; default: ${DEFAULT-VALUE}.")
    private int last;

    @Option(names = "--follow", description = "Go on until interrupted.")
    private boolean follow;

    @Option(names = "--for", paramLabel = "SECONDS", description = "Follow for so long only.")
    private @Nullable Long seconds;

    @Option(names = "--json", description = "Print a JSON object for each: at, by, event, data.")
    private boolean json;

    private final Queue<Happening> heard = new ConcurrentLinkedQueue<>();
    private final Timeline timeline = new Timeline();

    @Override
    public Integer call() throws Exception {
        if (last < 0) {
            throw holdfast.usage("--last must be at least 0, not " + last);
        }
        if (seconds != null && seconds < 1) {
            throw holdfast.usage("--for must be at least 1, not " + seconds);
        }
        HoldfastConfig config = holdfast.config();
        AuditTail audit = new AuditTail(AuditLog.fileIn(config.stateDirectory()));
        audit.newest(last).forEach(this::take);
        if (follow || seconds != null) {
            follow(config, audit);
        }
        print(timeline.rest());
        return ExitCode.OK;
    }

    private void follow(HoldfastConfig config, AuditTail audit) throws IOException, InterruptedException {
        List<EventSource> sources = new ArrayList<>();
        try {
            sources.add(EventSource.listen("proxy", config.proxySocket(), heard::add));
            if (config.standsBy()) {
                sources.add(EventSource.listen("standby", config.ownProxySocket(), heard::add));
            }
            sources.add(EventSource.listen("agent", config.agentSocket(), heard::add));
            long beganNanos = System.nanoTime();
            while (seconds == null
                    || System.nanoTime() - beganNanos
                            < Duration.ofSeconds(seconds).toNanos()) {
                Thread.sleep(TICK);
                Instant collectedAt = Instant.now();
                collect(audit);
                print(timeline.settledAt(collectedAt));
            }
        } finally {
            sources.forEach(EventSource::close);
        }
        collect(audit);
    }

    /** The log last, so that it has every change of the wall that was heard of: it is written first. */
    private void collect(AuditTail audit) throws IOException {
        for (Happening event = heard.poll(); event != null; event = heard.poll()) {
            timeline.hear(event);
        }
        audit.newLines().forEach(this::take);
    }

    private void take(String line) {
        Happening.ofAudit(line)
                .ifPresentOrElse(
                        timeline::decide,
                        () -> holdfast.err().println("holdfast: not a whole entry of the audit log: " + line));
    }

    private void print(List<Happening> happenings) {
        happenings.forEach(next -> holdfast.out().println(json ? next.toJson() : next.forPeople()));
        holdfast.out().flush();
    }
}
