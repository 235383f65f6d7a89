package io.holdfast.cli.proxy;

import static io.holdfast.testkit.FrameBuilder.ethernet;
import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import com.fasterxml.jackson.databind.JsonNode;
import io.holdfast.config.HoldfastConfig;
import io.holdfast.control.ControlEvent;
import io.holdfast.testkit.InNetworkNamespace;
import java.net.URI;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** INV-9: something speaks behind a wall that is shut. */
@InNetworkNamespace
class BrokenSilenceTest {

    private static final String GUEST_MAC = "52:54:00:00:00:01";
    private static final Duration LIMIT = Duration.ofSeconds(10);
    private static final byte[] FRAME = ethernet("ff:ff:ff:ff:ff:ff", GUEST_MAC).payload(0x88b5, new byte[50]);

    @TempDir
    Path directory;

    @Test
    void shouldTellWhoSpeaksBehindAWallThatNobodyOwnsAndLetNothingOut() throws Exception {
        Cables.plugIn(0);
        try (HoldfastProxy proxy = start();
                Engine engine = subscriber();
                Wire guest = new Wire("guest0");
                Wire net = new Wire("net0")) {
            guest.send(FRAME);
            await().atMost(LIMIT).until(() -> told(engine).size() == 1);
            for (JsonNode breach : List.of(
                    told(engine).getFirst(),
                    engine.status().path("silence_broken").path(0))) {
                assertThat(breach.path("nic").asText()).isEqualTo("net0");
                assertThat(breach.path("frames").asLong()).isOne();
                assertThat(breach.path("last_source").asText()).isEqualTo(GUEST_MAC);
            }
            assertThat(told(engine).getFirst().path("state").asText()).isEqualTo("CLOSED");
            assertThat(scrape())
                    .contains("holdfast_broken_silence_frames_total{guest=\"redis\",host=\"a\",nic=\"net0\",} 1.0");
            net.assertStaysAt(0);
        }
    }

    @Test
    void shouldTellOfWhatGoesOnNoMoreThanOncePerSecond() throws Exception {
        Cables.plugIn(0);
        try (HoldfastProxy proxy = start();
                Engine engine = subscriber();
                Wire guest = new Wire("guest0")) {
            long beganNanos = System.nanoTime();
            for (int i = 0; i < 60; i++) {
                guest.send(FRAME);
                Thread.sleep(20);
            }
            await().atMost(LIMIT)
                    .until(() -> !told(engine).isEmpty()
                            && told(engine).getLast().path("frames").asLong() == 60);
            long passedSeconds =
                    Duration.ofNanos(System.nanoTime() - beganNanos).toSeconds();
            assertThat(told(engine)).hasSizeLessThanOrEqualTo((int) passedSeconds + 1);
        }
    }

    @Test
    void shouldNotMindWhatTheGuestOfAnOwnedWallSays() throws Exception {
        Cables.plugIn(0);
        try (HoldfastProxy proxy = start();
                Engine engine = subscriber();
                Wire guest = new Wire("guest0")) {
            engine.hello(1);
            guest.send(FRAME);
            await().atMost(LIMIT)
                    .until(() -> engine.status().path("held_frames").asLong() == 1);
            assertThat(engine.status().path("silence_broken")).isEmpty();
        }
    }

    private HoldfastProxy start() throws Exception {
        return HoldfastProxy.start(HoldfastConfig.read(Cables.writeConfig(directory)), false, "test");
    }

    private Engine subscriber() throws Exception {
        Engine engine = new Engine(directory.resolve("run/proxy.sock"));
        engine.execute("subscribe", "{}");
        return engine;
    }

    private static List<JsonNode> told(Engine engine) {
        return engine.events().stream()
                .filter(event -> event.name().equals("SILENCE_BROKEN"))
                .<JsonNode>map(ControlEvent::data)
                .toList();
    }

    private static String scrape() throws Exception {
        try (var in = URI.create("http://127.0.0.1:9601/metrics").toURL().openStream()) {
            return new String(in.readAllBytes(), StandardCharsets.UTF_8);
        }
    }
}
