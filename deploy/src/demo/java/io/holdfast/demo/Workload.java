package io.holdfast.demo;

import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStream;
import java.io.InputStreamReader;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.util.EnumMap;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.OptionalLong;
import java.util.Set;
import java.util.concurrent.Callable;
import java.util.concurrent.Executors;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.ScheduledFuture;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;
import redis.clients.jedis.HostAndPort;
import redis.clients.jedis.Jedis;
import redis.clients.jedis.exceptions.JedisException;

/**
 * The program: runs a {@link Crowd} against the guest until it is told to stop, says every second how it goes, and ends
 * with a report. Commands come on standard input ({@link Commands}), events go to standard output.
 *
 * <p>Exit code 0 if there is a report, whatever it says; 1 if the guest could not be reached.
 */
@Command(name = "workload", mixinStandardHelpOptions = true, description = "Runs clients and verifies their guest.")
final class Workload implements Callable<Integer> {

    @Option(names = "--host", required = true, description = "the guest's address")
    private String host = "";

    @Option(names = "--port", defaultValue = "6379", description = "the port of its Redis (${DEFAULT-VALUE})")
    private int port;

    @Option(
            names = "--random-port",
            defaultValue = "7000",
            description = "the port of its random service (${DEFAULT-VALUE})")
    private int randomPort;

    @Option(names = "--independent", description = "no client's replies depend on what others do")
    private boolean independent;

    @Option(names = "--random", description = "some clients speak to the random service")
    private boolean random;

    @Option(
            names = "--reset-disavows",
            description = "the guest need not stand by what it told a client whose connection it then reset")
    private boolean resetDisavows;

    @Option(names = "--clients", defaultValue = "8", description = "connections, at least 5 (${DEFAULT-VALUE})")
    private int clients;

    @Option(
            names = "--think-millis",
            defaultValue = "2",
            description = "a client's pause between an answer and the next question (${DEFAULT-VALUE})")
    private int thinkMillis;

    @Option(names = "--prefix", defaultValue = "demo:", description = "begins every key (${DEFAULT-VALUE})")
    private String prefix = "";

    @Option(
            names = "--stuck-millis",
            defaultValue = "10000",
            description = "a connection that is silent for longer counts as stuck (${DEFAULT-VALUE})")
    private int stuckMillis;

    private final InputStream in;
    private final EventWriter events;
    private final Set<String> reportedAsLost = new HashSet<>();

    Workload(InputStream in, PrintStream out) {
        this.in = in;
        this.events = new EventWriter(out);
    }

    public static void main(String[] arguments) {
        System.exit(new CommandLine(new Workload(System.in, System.out)).execute(arguments));
    }

    @Override
    public Integer call() throws InterruptedException {
        if (clients < Crowd.FEWEST) {
            throw new IllegalArgumentException("--clients must be at least " + Crowd.FEWEST);
        }
        Guest guest = new Guest(new HostAndPort(host, port), randomPort, stuckMillis);
        try {
            run(guest);
            return 0;
        } catch (JedisException | IOException e) {
            events.event("unreachable", Map.of("detail", String.valueOf(e)));
            return 1;
        }
    }

    private void run(Guest guest) throws IOException, InterruptedException {
        Verifier verifier = new Verifier(prefix, events::violation);
        List<Role> roles = Role.inTurn(!independent, random);
        Crowd crowd =
                Crowd.connect(guest, roles, clients, TimeUnit.MILLISECONDS.toNanos(thinkMillis), prefix, verifier);
        crowd.subscriber().start();
        if (!crowd.subscriber().awaitSubscription()) {
            throw new JedisException("the guest did not confirm the subscription");
        }
        crowd.asking().forEach(AskingClient::start);
        events.event("ready", Map.of("clients", clients));

        Commands commands = new Commands();
        long startNanos = System.nanoTime();
        try (ScheduledExecutorService everySecond = Executors.newSingleThreadScheduledExecutor()) {
            ScheduledFuture<?> progress =
                    everySecond.scheduleAtFixedRate(() -> reportProgress(crowd, startNanos), 1, 1, TimeUnit.SECONDS);
            commands.readFrom(new BufferedReader(new InputStreamReader(in, StandardCharsets.UTF_8)));
            progress.cancel(false);
        }
        // Once more, or who fell silent since the last second would not be noticed.
        reportProgress(crowd, startNanos);
        Map<Outcome, Integer> outcomes = finish(guest, crowd, verifier);
        events.event("report", report(crowd, commands.failovers(), outcomes, verifier));
    }

    /** Lets every client end, reads the guest's state over a fresh connection, and compares. */
    private Map<Outcome, Integer> finish(Guest guest, Crowd crowd, Verifier verifier) throws InterruptedException {
        Map<Outcome, Integer> outcomes = new EnumMap<>(Outcome.class);
        for (AskingClient client : crowd.asking()) {
            Outcome outcome = client.finish();
            outcomes.merge(outcome, 1, Integer::sum);
            if (outcome == Outcome.RESET && resetDisavows) {
                verifier.disavow(client.name());
            }
        }
        try (Jedis fresh = guest.connectPatiently()) {
            GuestState state = Guest.read(fresh, verifier);
            fresh.publish(verifier.stream().channel(), Subscriber.END);
            Outcome subscriber = crowd.subscriber().finish();
            outcomes.merge(subscriber, 1, Integer::sum);
            verifier.compareWith(state, subscriber == Outcome.SURVIVED);
        }
        return outcomes;
    }

    private void reportProgress(Crowd crowd, long startNanos) {
        long nowNanos = System.nanoTime();
        int answers = 0;
        int silent = 0;
        for (Client client : crowd.everybody()) {
            answers += client.answers().count();
            if (nowNanos - client.answers().latestNanos() > TimeUnit.SECONDS.toNanos(1)) {
                silent++;
            }
            Outcome outcome = client.outcome(nowNanos);
            if (outcome != Outcome.SURVIVED && reportedAsLost.add(client.name())) {
                events.event("lost", Map.of("client", client.name(), "outcome", outcome.name()));
            }
        }
        Map<String, Object> progress = new LinkedHashMap<>();
        progress.put("second", TimeUnit.NANOSECONDS.toSeconds(nowNanos - startNanos));
        progress.put("replies", answers);
        progress.put("silent", silent);
        events.event("progress", progress);
    }

    private Map<String, Object> report(
            Crowd crowd, List<Failover> failovers, Map<Outcome, Integer> outcomes, Verifier verifier) {
        List<AnswerTimes> everybody =
                crowd.everybody().stream().map(Client::answers).toList();
        long firstKillNanos =
                failovers.isEmpty() ? System.nanoTime() : failovers.getFirst().killedNanos();
        int all = everybody.stream().mapToInt(AnswerTimes::count).sum();
        int before = everybody.stream()
                .mapToInt(answers -> answers.countUntil(firstKillNanos))
                .sum();
        long[] waited = crowd.asking().stream()
                .flatMapToLong(client -> client.answers().waitedUntil(firstKillNanos))
                .sorted()
                .toArray();

        Map<String, Object> report = new LinkedHashMap<>();
        report.put("clients", clients);
        report.put("survived", outcomes.getOrDefault(Outcome.SURVIVED, 0));
        report.put("reset", outcomes.getOrDefault(Outcome.RESET, 0));
        report.put("stuck", outcomes.getOrDefault(Outcome.STUCK, 0));
        report.put("violations", verifier.violations().size());
        report.put("replies_before", before);
        report.put("replies_after", all - before);
        report.put(
                "failover_ms",
                failovers.stream()
                        .map(failover -> millis(failover.firstAnswerAfterNanos(everybody)))
                        .toList());
        report.put(
                "all_back_ms",
                failovers.stream()
                        .map(failover -> millis(failover.lastClientAnsweredAfterNanos(everybody)))
                        .toList());
        report.put("request_p50_ms", millis(Percentiles.of(waited, 50)));
        report.put("request_p99_ms", millis(Percentiles.of(waited, 99)));
        return report;
    }

    private static @Nullable Double millis(OptionalLong nanos) {
        return nanos.isPresent() ? millis(nanos.getAsLong()) : null;
    }

    /** With one digit after the point. */
    private static double millis(long nanos) {
        return Math.round(nanos / 100_000.0) / 10.0;
    }
}
