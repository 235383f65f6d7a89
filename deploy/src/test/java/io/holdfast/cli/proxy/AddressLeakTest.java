package io.holdfast.cli.proxy;

import static io.holdfast.testkit.FrameBuilder.ethernet;
import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import com.fasterxml.jackson.databind.JsonNode;
import io.holdfast.config.HoldfastConfig;
import io.holdfast.control.ControlEvent;
import io.holdfast.port.HardwareAddress;
import io.holdfast.testkit.InNetworkNamespace;
import io.holdfast.testkit.Shell;
import java.net.URI;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.Callable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** INV-9: the host itself speaks as the guest on the uplink, though the wall is shut. */
@InNetworkNamespace
class AddressLeakTest {

    private static final String GUEST_MAC = "52:54:00:12:34:56";
    private static final String IPV4 = "10.0.0.5";
    private static final String KNOWN = """
            {"version": 1, "nics": [{"name": "net0", "stations": [
              {"mac": "52:54:00:12:34:56", "tags": [], "router": false, "ipv4": ["10.0.0.5"], "ipv6": []}]}]}""";
    private static final Duration LIMIT = Duration.ofSeconds(10);
    private static final Duration SEVERAL_LOOKS = Duration.ofMillis(600);

    @TempDir
    Path directory;

    @Test
    void shouldTellThatTheHostsOwnStackUsesAStrayAddressOfTheGuests() throws Exception {
        try (HoldfastProxy proxy = start();
                Engine engine = subscriberOfWallWithKnownGuest()) {
            Shell.run("ip", "address", "add", IPV4 + "/24", "dev", "up0");
            tellUntil(() -> !told(engine).isEmpty(), AddressLeakTest::askForNeighbor);
            for (JsonNode leak : List.of(
                    told(engine).getFirst(),
                    engine.status().path("address_leaks").path(0))) {
                assertThat(leak.path("nic").asText()).isEqualTo("net0");
                assertThat(leak.path("kind").asText()).isEqualTo("ipv4");
                assertThat(leak.path("address").asText()).isEqualTo(IPV4);
                assertThat(leak.path("source").asText())
                        .isEqualTo(HardwareAddress.of("up0").toString());
                assertThat(leak.path("frames").asLong()).isPositive();
            }
            assertThat(told(engine).getFirst().path("state").asText()).isEqualTo("CLOSED");
            assertThat(leakedFrames()).isPositive();
        }
    }

    @Test
    void shouldTellThatAnotherProcessUsesTheGuestsMac() throws Exception {
        try (HoldfastProxy proxy = start();
                Engine engine = subscriberOfWallWithKnownGuest();
                Wire process = new Wire("up0")) {
            tellUntil(() -> !told(engine).isEmpty(), () -> process.send(frameOfGuest()));
            assertThat(told(engine).getFirst().path("kind").asText()).isEqualTo("mac");
        }
    }

    @Test
    void shouldNotMindWhatComesFromTheNetwork() throws Exception {
        try (HoldfastProxy proxy = start();
                Engine engine = subscriberOfWallWithKnownGuest();
                Wire net = new Wire("net0")) {
            await().during(SEVERAL_LOOKS).atMost(LIMIT).until(() -> {
                net.send(frameOfGuest());
                return told(engine).isEmpty();
            });
        }
    }

    @Test
    void shouldNotMindTheGuestItselfNorItsAnnouncementsWhenTheWallIsShutAfterwards() throws Exception {
        try (HoldfastProxy proxy = start();
                Engine engine = subscriberOfWallWithKnownGuest();
                Wire guest = new Wire("guest0");
                Wire net = new Wire("net0")) {
            for (int term = 1; term <= 3; term++) {
                engine.hello(term);
                guest.send(frameOfGuest());
                engine.commit(engine.barrier());
                engine.wallCommand("announce");
                engine.execute("seal", "{\"term\": %d, \"reason\": \"a test\"}".formatted(term));
                await().during(SEVERAL_LOOKS)
                        .atMost(LIMIT)
                        .until(() -> told(engine).isEmpty());
            }
            assertThat(net.received()).isNotEmpty();
            assertThat(leakedFrames()).isZero();
        }
    }

    @Test
    void shouldListenAgainWhenTheWallIsShutAgain() throws Exception {
        try (HoldfastProxy proxy = start();
                Engine engine = subscriberOfWallWithKnownGuest();
                Wire process = new Wire("up0")) {
            engine.hello(1);
            engine.execute("seal", "{\"term\": 1, \"reason\": \"a test\"}");
            tellUntil(() -> !told(engine).isEmpty(), () -> process.send(frameOfGuest()));
            assertThat(told(engine).getFirst().path("state").asText()).isEqualTo("SEALED");
        }
    }

    private HoldfastProxy start() throws Exception {
        Cables.plugIn(0);
        return HoldfastProxy.start(HoldfastConfig.read(Cables.writeConfig(directory)), false, "test");
    }

    /** As the agent of a backup tells its proxy what the checkpoints say. */
    private Engine subscriberOfWallWithKnownGuest() throws Exception {
        Engine engine = new Engine(directory.resolve("run/proxy.sock"));
        engine.execute("subscribe", "{}");
        JsonNode status = engine.status();
        engine.execute("addresses", """
                {"incarnation": "%s", "term": %d, "known": %s}""".formatted(
                        status.path("incarnation").asText(), status.path("term").asLong(), KNOWN));
        return engine;
    }

    /** What is said once, before anybody listens, need not be heard. */
    private static void tellUntil(Callable<Boolean> heard, Runnable speaking) {
        await().atMost(LIMIT).until(() -> {
            speaking.run();
            return heard.call();
        });
    }

    /** The kernel asks who has the other address, and says which one it has itself. */
    private static void askForNeighbor() {
        Shell.run("sh", "-c", "ping -q -c 1 -W 0.1 -I 10.0.0.5 10.0.0.9 || true");
    }

    private static byte[] frameOfGuest() {
        return ethernet("ff:ff:ff:ff:ff:ff", GUEST_MAC).payload(0x88b5, new byte[50]);
    }

    private static List<JsonNode> told(Engine engine) {
        return engine.events().stream()
                .filter(event -> event.name().equals("ADDRESS_LEAK"))
                .<JsonNode>map(ControlEvent::data)
                .toList();
    }

    private static double leakedFrames() throws Exception {
        try (var in = URI.create("http://127.0.0.1:9601/metrics").toURL().openStream()) {
            return new String(in.readAllBytes(), StandardCharsets.UTF_8)
                    .lines()
                    .filter(line -> line.startsWith("holdfast_address_leak_frames_total{"))
                    .mapToDouble(line -> Double.parseDouble(line.substring(line.indexOf(' ') + 1)))
                    .sum();
        }
    }
}
