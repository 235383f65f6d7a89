package io.holdfast.cli;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import com.fasterxml.jackson.databind.json.JsonMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.holdfast.audit.AuditEvent;
import io.holdfast.audit.AuditLog;
import io.holdfast.config.HoldfastConfig;
import io.holdfast.control.ControlServer;
import io.holdfast.wall.Term;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.time.Duration;
import java.time.InstantSource;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.List;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Proxy and agent are control sockets that tell what the test has them tell. */
class EventsCommandTest {

    private static final Duration LIMIT = Duration.ofSeconds(20);
    private static final JsonMapper JSON = new JsonMapper();
    private static final Term TERM = new Term(2, Term.Claim.ALONE, "a");

    @TempDir
    Path directory;

    private Path file;
    private HoldfastConfig config;
    private final StringWriter out = new StringWriter();
    private @Nullable Thread following;

    @BeforeEach
    void writeConfig() throws Exception {
        file = Files.writeString(directory.resolve("redis.yaml"), """
                guest: redis
                host: a
                runtime-directory: %1$s/run
                state-directory: %1$s/state
                proxy:
                  nics: [{guest-port: tap0, uplink: up0}]
                """.formatted(directory));
        config = HoldfastConfig.read(file);
    }

    @AfterEach
    void interrupt() throws Exception {
        if (following != null) {
            following.interrupt();
            following.join(LIMIT);
        }
    }

    @Test
    void shouldBeginWithTheNewestEntriesOfTheAuditLog() {
        decide(AuditEvent.PROMOTED, "promoted long ago");
        decide(AuditEvent.ALONE, "host b is dead");
        assertThat(run("--last", "1")).isEqualTo(ExitCode.OK);
        assertThat(printed()).singleElement().asString().contains("alone", "term 2/alone/a", "host b is dead");
    }

    @Test
    void shouldShowDecisionsAndTheEventsOfBothSockets() throws Exception {
        try (ControlServer proxy = listen("proxy", config.proxySocket());
                ControlServer agent = listen("agent", config.agentSocket())) {
            follow();
            awaitPrinted("proxy", "connected");
            awaitPrinted("agent", "connected");
            proxy.broadcast("WALL_STATE", JSON.createObjectNode());
            decide(AuditEvent.ALONE, "host b is dead");
            agent.broadcast("ANY_NEWS", JSON.createObjectNode());
            awaitPrinted("proxy", "WALL_STATE");
            awaitPrinted("agent", "alone");
            awaitPrinted("agent", "ANY_NEWS");
        }
        assertPrintedAsPromised();
    }

    @Test
    void shouldShowAChangeOfTheWallOnceAsTheAuditLogHasIt() throws Exception {
        try (ControlServer proxy = listen("proxy", config.proxySocket())) {
            follow();
            awaitPrinted("proxy", "connected");
            decide(AuditEvent.WALL, "wall CLOSED -> ARMING, term 2/alone/a: owned");
            proxy.broadcast("WALL_STATE", change("CLOSED", "ARMING"));
            proxy.broadcast("WALL_STATE", change("ARMING", "PROTECTED"));
            awaitPrinted("proxy", "WALL_STATE");
        }
        assertThat(events())
                .filteredOn(event -> event.matches("wall|WALL_STATE"))
                .as("what the log does not have, as that of another host's wall, is shown all the same")
                .containsExactly("wall", "WALL_STATE");
    }

    private static ObjectNode change(String from, String to) {
        return JSON.createObjectNode().put("from", from).put("to", to).put("because", "test");
    }

    @Test
    void shouldSayThatAProcessHasEndedAndListenToTheNextOne() throws Exception {
        try (ControlServer proxy = listen("proxy", config.proxySocket())) {
            follow();
            awaitPrinted("proxy", "connected");
        }
        awaitPrinted("proxy", "disconnected");
        try (ControlServer next = listen("proxy", config.proxySocket())) {
            await().atMost(LIMIT).until(() -> Collections.frequency(events(), "connected") == 2);
            next.broadcast("WALL_STATE", JSON.createObjectNode());
            awaitPrinted("proxy", "WALL_STATE");
        }
    }

    @Test
    void shouldShowWhatHappenedUntilItsTimeIsOver() throws Exception {
        try (ControlServer proxy = listen("proxy", config.proxySocket())) {
            assertThat(run("--for", "1", "--json")).isEqualTo(ExitCode.OK);
        }
        assertThat(events()).contains("connected");
    }

    @Test
    void shouldGoOnWithTheNextAuditLogWhenTheFirstWasMovedAway() throws Exception {
        decide(AuditEvent.PROMOTED, "in the first");
        AuditTail tail = new AuditTail(AuditLog.fileIn(config.stateDirectory()));
        assertThat(tail.newLines()).hasSize(1);
        Files.move(AuditLog.fileIn(config.stateDirectory()), directory.resolve("audit.1"));
        assertThat(tail.newLines()).isEmpty();
        decide(AuditEvent.ALONE, "in the next");
        assertThat(tail.newLines()).singleElement().asString().contains("in the next");
    }

    @Test
    void shouldWaitForTheRestOfAnEntry() throws Exception {
        Path log = directory.resolve("audit");
        AuditTail tail = new AuditTail(log);
        Files.writeString(log, "{\"ev");
        assertThat(tail.newLines()).isEmpty();
        Files.writeString(log, "ent\":1}\n", StandardOpenOption.APPEND);
        assertThat(tail.newLines()).containsExactly("{\"event\":1}");
    }

    @Test
    void shouldRefuseToFollowForNoTime() {
        assertThat(run("--for", "0")).isEqualTo(ExitCode.USAGE);
    }

    private void decide(AuditEvent event, String reason) {
        try (AuditLog log = new AuditLog(config.stateDirectory(), "agent", "a", "redis", InstantSource.system())) {
            log.note(event, TERM, reason);
        }
    }

    private static ControlServer listen(String role, Path socket) throws Exception {
        return ControlServer.builder(socket, role, "test").start();
    }

    /** As a person does who will interrupt it. */
    private void follow() {
        following = Thread.ofPlatform().start(() -> run("--follow", "--json"));
    }

    private void awaitPrinted(String by, String event) {
        String part = "\"by\":\"%s\",\"event\":\"%s\"".formatted(by, event);
        await().atMost(LIMIT).until(() -> out.toString().contains(part));
    }

    private List<String> printed() {
        return out.toString().lines().toList();
    }

    private List<String> events() throws Exception {
        List<String> events = new ArrayList<>();
        for (String line : printed()) {
            events.add(JSON.readTree(line).path("event").asText());
        }
        return events;
    }

    private void assertPrintedAsPromised() {
        Schemas.assertOutput("events", out.toString());
    }

    private int run(String... options) {
        String[] line = Stream.concat(Stream.of("events", "--config", file.toString()), Arrays.stream(options))
                .toArray(String[]::new);
        return Holdfast.commandLine()
                .setOut(new PrintWriter(out, true))
                .setErr(new PrintWriter(new StringWriter(), true))
                .execute(line);
    }
}
