package io.holdfast.cli.page;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.holdfast.audit.AuditTail;
import io.holdfast.config.ProxyMode;
import io.holdfast.http.Answer;
import io.holdfast.http.Resource;
import io.holdfast.measure.NanoHistogram;
import io.holdfast.wall.WallState;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.time.InstantSource;
import java.util.HashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.ScheduledThreadPoolExecutor;
import java.util.concurrent.TimeUnit;
import java.util.function.Supplier;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The status page and what it shows: {@code /}, {@code /status.json} and the page's parts. {@code control-protocol.md} documents
 * {@code /status.json}.
 *
 * <p>One look each second, whether anybody watches or not: so there is a past to show, and a hundred open pages cost what one
 * costs. The agent is asked beside that, because it may not answer; then its newest answer is shown with its age.
 *
 * <p><b>Threads.</b> Two of its own. Requests are answered from the newest look, and wait for nothing.
 */
public final class StatusPage implements AutoCloseable {

    private static final Logger LOG = LoggerFactory.getLogger(StatusPage.class);

    /** Of the document; raised when a field changes its meaning or goes. */
    private static final int FORMAT = 1;

    private static final long INTERVAL_MILLIS = 1_000;
    private static final int MOST_EVENTS = 20;
    private static final double NANOS_PER_MILLI = 1e6;
    private static final long CLOSE_LIMIT_SECONDS = 5;

    /**
     * What was seen at once.
     *
     * @param takenNanos when
     */
    private record Look(JsonNode proxy, AgentWord agent, List<ObjectNode> events, String at, long takenNanos) {}

    private final Supplier<ObjectNode> proxyStatus;
    private final Optional<AgentWatch> agent;
    private final RecentHold recentHold;
    private final RecentPause recentPause = new RecentPause();
    private final AuditTail audit;
    private final InstantSource wallClock;
    private final History history = new History();
    private final Map<String, Resource> assets;
    private final ScheduledThreadPoolExecutor threads;
    private volatile Look newest;

    /**
     * A page that looks for the first time, and then each second once it was {@linkplain #start started}.
     *
     * @param proxyStatus the proxy's answer to {@code status}; asked on a thread of the page's
     * @param holdNanos how long frames were held, for each NIC
     * @param agentSocket of the agent on this host; empty if another engine drives the wall
     * @param stateDirectory where the audit log is
     * @throws IOException if the distribution lacks a part of the page
     */
    public StatusPage(
            Supplier<ObjectNode> proxyStatus,
            List<NanoHistogram> holdNanos,
            Optional<Path> agentSocket,
            Path stateDirectory,
            InstantSource wallClock)
            throws IOException {
        this.proxyStatus = proxyStatus;
        this.agent = agentSocket.map(AgentWatch::new);
        this.recentHold = new RecentHold(holdNanos);
        this.audit = new AuditTail(stateDirectory, MOST_EVENTS);
        this.wallClock = wallClock;
        this.assets = Assets.read();
        this.threads = new ScheduledThreadPoolExecutor(2, task -> {
            Thread thread = new Thread(task, "status-page");
            thread.setDaemon(true);
            return thread;
        });
        this.newest = look();
    }

    /** Begins to look. */
    // What fails is logged, and never ends a series.
    @SuppressWarnings("FutureReturnValueIgnored")
    public void start() {
        threads.scheduleAtFixedRate(
                () -> quietly(this::takeSample), INTERVAL_MILLIS, INTERVAL_MILLIS, TimeUnit.MILLISECONDS);
        agent.ifPresent(watch ->
                threads.scheduleWithFixedDelay(() -> quietly(watch::ask), 0, INTERVAL_MILLIS, TimeUnit.MILLISECONDS));
    }

    /** By their paths. */
    public Map<String, Resource> resources() {
        Map<String, Resource> all = new HashMap<>(assets);
        all.put("/status.json", accept -> Answer.current("application/json", bytes(document(newest))));
        return all;
    }

    /** Looks no more. Idempotent. */
    @Override
    public void close() {
        threads.shutdownNow();
        try {
            if (!threads.awaitTermination(CLOSE_LIMIT_SECONDS, TimeUnit.SECONDS)) {
                LOG.warn("the status page still waits for the agent");
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
        agent.ifPresent(AgentWatch::close);
    }

    private static void quietly(Runnable work) {
        try {
            work.run();
        } catch (RuntimeException e) {
            LOG.error("the status page is not up to date", e);
        }
    }

    private void takeSample() {
        Look look = look();
        recentHold.look();
        history.add(new Sample(
                wallClock.instant().getEpochSecond(),
                recentHold.quantileMillis(0.5),
                recentHold.quantileMillis(0.99),
                recentPause.nextMillis(look.agent().status()),
                look.proxy().path("held_bytes").asLong()));
        newest = look;
    }

    private Look look() {
        return new Look(
                proxyStatus.get(),
                agent.map(AgentWatch::word).orElseGet(AgentWord::nobody),
                audit.newest(),
                wallClock.instant().toString(),
                System.nanoTime());
    }

    private ObjectNode document(Look look) {
        long nowNanos = System.nanoTime();
        JsonNode proxy = look.proxy();
        ObjectNode document = JsonNodeFactory.instance
                .objectNode()
                .put("format", FORMAT)
                .put("at", look.at())
                .put("taken_ms_ago", millis(nowNanos - look.takenNanos()));
        Headline headline = Headline.of(
                WallState.valueOf(proxy.path("state").asText()),
                ProxyMode.valueOf(proxy.path("mode").asText().toUpperCase(Locale.ROOT)),
                look.agent().status());
        document.putObject("headline")
                .put("state", headline.state().name())
                .put("standing", headline.standing().name().toLowerCase(Locale.ROOT))
                .put("sentence", headline.sentence())
                .put("because", proxy.path("because").asText());
        Warnings.of(proxy, look.agent(), nowNanos).forEach(document.putArray("warnings")::add);
        document.set("proxy", proxy);
        writeAgent(look.agent(), nowNanos, document.putObject("agent"));
        document.putArray("events").addAll(look.events());
        history.writeTo(document.putObject("history"));
        return document;
    }

    private void writeAgent(AgentWord word, long nowNanos, ObjectNode object) {
        object.put("configured", agent.isPresent())
                .put("answers", word.hasEverAnswered() && !word.isInTrouble())
                .put("trouble", word.trouble());
        if (word.hasEverAnswered()) {
            object.put("answered_ms_ago", millis(nowNanos - word.answeredNanos()));
            object.set("status", word.status());
        }
    }

    private static double millis(long nanos) {
        return Math.round(nanos / NANOS_PER_MILLI);
    }

    private static byte[] bytes(ObjectNode document) {
        return document.toString().getBytes(StandardCharsets.UTF_8);
    }
}
