package io.holdfast.agent;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.holdfast.control.ControlServer;
import java.io.IOException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.CopyOnWriteArrayList;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The proxy is a control socket that answers the command, or does not. */
class OldOwnerProbeTest {

    private static final ObjectMapper JSON = new ObjectMapper();
    private static final Duration LIMIT = Duration.ofSeconds(10);
    private static final Duration TIME = Duration.ofSeconds(1);
    private static final String ADDRESSES = "{\"version\": 1}";
    private static final String SILENCE = "silence";

    private final Path socket;
    private final Conductor conductor = new Conductor("test", error -> {});
    private final List<String> outcomes = new CopyOnWriteArrayList<>();
    private final List<JsonNode> asked = new CopyOnWriteArrayList<>();
    private final OldOwnerProbe probe = new OldOwnerProbe(conductor, TIME, () -> outcomes.add(SILENCE), outcomes::add);

    OldOwnerProbeTest(@TempDir Path directory) {
        socket = directory.resolve("proxy.sock");
    }

    @AfterEach
    void end() {
        conductor.close();
    }

    @Test
    void shouldNameWhoHasAnsweredAndWhere() throws Exception {
        try (ControlServer proxy = proxy(3)) {
            ask(ADDRESSES);
            await().atMost(LIMIT).until(() -> asked.size() == 1);
            assertThat(asked.getFirst().path("time_ms").asLong()).isEqualTo(1_000);
            ObjectNode ended = JSON.createObjectNode().put("probe", 7);
            ended.putObject("old_owner")
                    .put("nic", "net0")
                    .put("address", "10.0.0.5")
                    .put("mac", "52:54:00:12:34:56")
                    .putArray("vlan")
                    .add("0x8100:10");
            proxy.broadcast("PROBE_ENDED", ended);
            await().atMost(LIMIT).until(() -> !outcomes.isEmpty());
            assertThat(outcomes)
                    .containsExactly("52:54:00:12:34:56 answers for 10.0.0.5 on net0, VLAN [\"0x8100:10\"]");
        }
    }

    @Test
    void shouldTakeAnEndWithoutAnOldOwnerForSilence() throws Exception {
        try (ControlServer proxy = proxy(3)) {
            ask(ADDRESSES);
            await().atMost(LIMIT).until(() -> asked.size() == 1);
            proxy.broadcast("PROBE_ENDED", JSON.createObjectNode().put("probe", 7));
            await().atMost(LIMIT).until(() -> outcomes.equals(List.of(SILENCE)));
        }
    }

    /** A promotion must not wait for it. */
    @Test
    void shouldTakeAProxyThatNeverSaysWhatCameOfItForSilence() throws Exception {
        try (ControlServer proxy = proxy(3)) {
            ask(ADDRESSES);
            await().atMost(LIMIT).until(() -> outcomes.equals(List.of(SILENCE)));
            assertThat(asked).hasSize(1);
        }
    }

    @Test
    void shouldTakeAProxyThatDoesNotKnowTheCommandForSilence() throws Exception {
        try (ControlServer proxy =
                ControlServer.builder(socket, "proxy", "test").start()) {
            ask(ADDRESSES);
            await().atMost(LIMIT).until(() -> outcomes.equals(List.of(SILENCE)));
        }
    }

    @Test
    void shouldTakeAProxyThatIsGoneForSilence() {
        probe.ask(null, ADDRESSES);
        assertThat(outcomes).containsExactly(SILENCE);
    }

    @Test
    void shouldTakeAProxyThatGoesMeanwhileForSilenceOnce() throws Exception {
        try (ControlServer proxy = proxy(3)) {
            ask(ADDRESSES);
            await().atMost(LIMIT).until(() -> asked.size() == 1);
            conductor.post(probe::onWallGone);
            conductor.post(probe::onWallGone);
            await().atMost(LIMIT).until(() -> outcomes.size() == 1);
            await().during(TIME.plusMillis(500)).atMost(LIMIT).until(() -> outcomes.equals(List.of(SILENCE)));
        }
    }

    @Test
    void shouldNotWaitWhereThereIsNoAddressToAskFor() throws Exception {
        try (ControlServer proxy = proxy(0)) {
            ask("");
            await().atMost(LIMIT).until(() -> outcomes.equals(List.of(SILENCE)));
            assertThat(asked).isEmpty();
        }
    }

    private ControlServer proxy(int frames) throws IOException {
        return ControlServer.builder(socket, "proxy", "test")
                .command("addresses", "takes them", (arguments, session) -> JSON.createObjectNode())
                .command("probe", "says that it asks", (arguments, session) -> {
                    asked.add(arguments);
                    return JSON.createObjectNode().put("probe", 7).put("frames", frames);
                })
                .start();
    }

    /** On the conductor, to which the connection's events come as well. */
    private void ask(String addresses) {
        WallLink.PressureListener listener = new WallLink.PressureListener() {
            @Override
            public void onProbeEnded(long number, Optional<String> oldOwner) {
                probe.onProbeEnded(number, oldOwner);
            }
        };
        WallLink.Connector connector =
                new WallLink.Connector(socket, conductor, wall -> probe.ask(wall, addresses), listener, () -> {});
        conductor.post(connector::start);
    }
}
