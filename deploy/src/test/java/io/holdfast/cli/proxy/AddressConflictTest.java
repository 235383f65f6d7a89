package io.holdfast.cli.proxy;

import static io.holdfast.cli.proxy.Engine.assertRefused;
import static io.holdfast.testkit.FrameBuilder.ethernet;
import static io.holdfast.testkit.FrameBuilder.hex;
import static io.holdfast.testkit.FrameBuilder.join;
import static io.holdfast.testkit.FrameBuilder.neighborAdvertisement;
import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.holdfast.config.HoldfastConfig;
import io.holdfast.control.ControlEvent;
import io.holdfast.testkit.InNetworkNamespace;
import io.holdfast.testkit.Shell;
import io.holdfast.testkit.VethPair;
import java.net.URI;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.time.Duration;
import java.util.HexFormat;
import java.util.List;
import java.util.concurrent.Callable;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * INV-10: somebody else takes the guest's addresses. The proxy's uplink, a neighbour with a kernel's tables, and a foreign
 * station hang on one switch:
 *
 * <pre>
 *   guest0 === tap0 [proxy] up0 === net0 ─┐
 *                  neighbor0 === port-n ──┼─ switch0
 *                   foreign0 === port-f ──┘
 * </pre>
 */
@InNetworkNamespace
class AddressConflictTest {

    private static final String GUEST_MAC = "52:54:00:00:00:01";
    private static final String FOREIGN_MAC = "52:54:00:99:99:99";
    private static final String BROADCAST = "ff:ff:ff:ff:ff:ff";
    private static final String IPV4 = "10.7.0.10";
    private static final String IPV4_ON_VLAN = "10.8.0.10";
    private static final String IPV6 = "fd07::10";
    private static final Duration LIMIT = Duration.ofSeconds(10);

    private static final String ADDRESSES = """
            {"version": 1, "nics": [{"name": "net0", "stations": [
              {"mac": "%1$s", "tags": [], "router": false, "ipv4": ["10.7.0.10"], "ipv6": ["fd07::10"]},
              {"mac": "%1$s", "tags": ["0x8100:10"], "router": false, "ipv4": ["10.8.0.10"], "ipv6": []}]}]}""".formatted(GUEST_MAC);

    /** Every 50 ms for 20 s, so that silence is soon noticed. */
    private static final String OFTEN = "announce: {schedule: [%s], refresh: 60m}"
            .formatted(IntStream.range(0, 400).mapToObj(i -> i * 50 + "ms").collect(Collectors.joining(", ")));

    @TempDir
    Path directory;

    @Test
    void shouldReportWhoTakesTheGuestsIpv4StopAndTakeItBackWhenToldTo() throws Exception {
        try (HoldfastProxy proxy = start()) {
            takesAddressAndGivesItBack("ipv4", IPV4, () -> macOf(IPV4), claim(IPV4), List.of());
        }
    }

    @Test
    void shouldReportWhoTakesTheGuestsIpv6StopAndTakeItBackWhenToldTo() throws Exception {
        try (HoldfastProxy proxy = start()) {
            takesAddressAndGivesItBack("ipv6", IPV6, () -> macOf(IPV6), claimIpv6(), List.of());
        }
    }

    /** There the judge is what was said last: not every kernel has VLAN devices. */
    @Test
    void shouldReportWhoTakesTheGuestsAddressOnAVlanStopAndTakeItBackWhenToldTo() throws Exception {
        byte[] claim = ethernet(BROADCAST, FOREIGN_MAC)
                .tag(0x8100, 10)
                .arp(1, FOREIGN_MAC, IPV4_ON_VLAN, "00:00:00:00:00:00", IPV4_ON_VLAN);
        try (HoldfastProxy proxy = start();
                Wire neighbor = new Wire("neighbor0")) {
            takesAddressAndGivesItBack(
                    "ipv4", IPV4_ON_VLAN, () -> lastSenderOnVlan(neighbor), claim, List.of("0x8100:10"));
        }
    }

    private void takesAddressAndGivesItBack(
            String kind, String address, Callable<String> believedMac, byte[] claim, List<String> vlan)
            throws Exception {
        try (Wire foreign = new Wire("foreign0");
                Wire fromProxy = new Wire("net0");
                Engine engine = engine()) {
            own(engine);
            engine.wallCommand("announce");
            await().atMost(LIMIT).until(() -> believedMac.call().equals(GUEST_MAC));
            assertThat(conflicts(engine)).isEmpty();

            foreign.send(claim);
            await().atMost(LIMIT).until(() -> !reported(engine).isEmpty());
            for (JsonNode told :
                    List.of(reported(engine).getFirst(), conflicts(engine).path(0))) {
                assertThat(told.path("nic").asText()).isEqualTo("net0");
                assertThat(told.path("kind").asText()).isEqualTo(kind);
                assertThat(told.path("address").asText()).isEqualTo(address);
                assertThat(told.path("foreign_mac").asText()).isEqualTo(FOREIGN_MAC);
                assertThat(told.path("standing").asText()).isEqualTo("owner");
                assertThat(told.path("vlan")).extracting(JsonNode::asText).containsExactlyElementsOf(vlan);
                assertThat(told.path("count").asLong()).isOne();
                assertThat(told.path("last_nanos").asLong())
                        .isEqualTo(told.path("first_nanos").asLong());
            }
            assertThat(scrape())
                    .contains("holdfast_address_conflicts_total{guest=\"redis\",host=\"a\",kind=\"" + kind
                            + "\",nic=\"net0\",} 1.0");
            foreign.send(claim); // The first one may have crossed an announcement.
            await().atMost(LIMIT).until(() -> believedMac.call().equals(FOREIGN_MAC));
            assertThat(series(engine).path("disputed").asBoolean()).isTrue();
            engine.wallCommand("announce");
            assertIsSilent(fromProxy);
            assertThat(believedMac.call()).isEqualTo(FOREIGN_MAC);

            long roundsBefore = series(engine).path("rounds").asLong();
            JsonNode resolved = engine.wallCommand("announce", ", \"resolve\": true");
            assertThat(resolved.path("series").path(0).path("disputed").asBoolean())
                    .isFalse();
            assertThat(resolved.path("series").path(0).path("rounds").asLong())
                    .as("from the beginning")
                    .isLessThan(roundsBefore);
            await().atMost(LIMIT).until(() -> believedMac.call().equals(GUEST_MAC));
            assertThat(conflicts(engine)).isEmpty();
        }
    }

    @Test
    void shouldTellOfAConflictThatGoesOnNoMoreThanOncePerSecond() throws Exception {
        try (HoldfastProxy proxy = start();
                Wire foreign = new Wire("foreign0");
                Engine engine = engine()) {
            own(engine);
            long beginNanos = System.nanoTime();
            for (int i = 0; i < 110; i++) {
                foreign.send(claim(IPV4));
                Thread.sleep(20);
            }
            await().atMost(LIMIT).until(() -> reported(engine).size() >= 3);
            long passedSeconds =
                    Duration.ofNanos(System.nanoTime() - beginNanos).toSeconds();
            List<Long> counts = reported(engine).stream()
                    .map(told -> told.path("count").asLong())
                    .toList();
            assertThat(counts).isSorted().doesNotHaveDuplicates().hasSizeLessThanOrEqualTo((int) passedSeconds + 1);
            await().atMost(LIMIT)
                    .until(() -> reported(engine).getLast().path("count").asLong() == 110);
        }
    }

    @Test
    void shouldTakeAddressesBackFourTimesAMinuteAndNoMore() throws Exception {
        try (HoldfastProxy proxy = start();
                Wire foreign = new Wire("foreign0");
                Wire fromProxy = new Wire("net0");
                Engine engine = engine()) {
            own(engine);
            engine.wallCommand("announce", ", \"resolve\": true");
            for (int i = 0; i < 4; i++) {
                foreign.send(claim(IPV4));
                await().atMost(LIMIT).until(() -> conflicts(engine).size() == 1);
                engine.wallCommand("announce", ", \"resolve\": true");
            }
            foreign.send(claim(IPV4));
            await().atMost(LIMIT).until(() -> conflicts(engine).size() == 1);
            assertRefused("ReannounceLimit", () -> engine.wallCommand("announce", ", \"resolve\": true"));
            assertIsSilent(fromProxy);
            assertThat(conflicts(engine)).hasSize(1);
            assertRefused("BadArgument", () -> engine.wallCommand("announce", ", \"resolve\": true, \"stop\": true"));
            assertRefused(
                    "BadArgument", () -> engine.wallCommand("announce", ", \"resolve\": true, \"dry_run\": true"));
        }
    }

    /** The primary is out there. */
    @Test
    void shouldFindNothingWrongBeforePromotionAndMarkWhatIsInDoubt() throws Exception {
        byte[] primarys = ethernet(BROADCAST, GUEST_MAC).payload(0x88b5, new byte[50]);
        try (HoldfastProxy proxy = start();
                Wire foreign = new Wire("foreign0");
                Engine engine = engine()) {
            engine.execute("subscribe", "{}");
            String named = "\"incarnation\": \"%s\", \"term\": 0"
                    .formatted(engine.status().path("incarnation").asText());
            engine.execute("addresses", "{%s, \"known\": %s}".formatted(named, ADDRESSES));
            foreign.send(primarys);
            assertStaysWithoutConflict(engine, "CLOSED");

            engine.hello(1);
            foreign.send(primarys);
            await().atMost(LIMIT).until(() -> reported(engine).size() == 1);
            assertThat(reported(engine).getFirst().path("standing").asText())
                    .as("ARMING")
                    .isEqualTo("in_doubt");
            assertThat(series(engine).path("disputed").asBoolean()).isFalse();
            engine.wallCommand("open", ", \"reason\": \"test\"");
            foreign.send(primarys);
            await().atMost(LIMIT)
                    .until(() ->
                            conflicts(engine).path(0).path("standing").asText().equals("owner"));
            assertThat(series(engine).path("disputed").asBoolean()).isTrue();

            engine.execute("seal", "{\"reason\": \"test\"}");
            foreign.send(primarys);
            assertStaysWithoutConflict(engine, "SEALED");
            assertThat(series(engine).path("disputed").asBoolean()).isFalse();
        }
    }

    /** INV-10: whoever was in the right then, a new term says who is now. */
    @Test
    void shouldForgetConflictsOfAnEarlierTerm() throws Exception {
        try (HoldfastProxy proxy = start();
                Wire foreign = new Wire("foreign0");
                Engine engine = engine()) {
            own(engine);
            foreign.send(claim(IPV4));
            await().atMost(LIMIT).until(() -> conflicts(engine).size() == 1);
            engine.hello(1);
            assertThat(conflicts(engine)).as("the same term").hasSize(1);
            engine.hello(2);
            assertThat(conflicts(engine)).isEmpty();
        }
    }

    // ---- the stage

    private HoldfastProxy start() throws Exception {
        Cables.plugIn(0);
        VethPair.create("neighbor0", "port-n");
        VethPair.create("foreign0", "port-f");
        Shell.run("ip", "link", "add", "switch0", "type", "bridge", "mcast_snooping", "0");
        Shell.run("ip", "link", "set", "switch0", "addrgenmode", "none", "up");
        for (String port : List.of("net0", "port-n", "port-f")) {
            Shell.run("ip", "link", "set", port, "master", "switch0");
        }
        Shell.run("ip", "address", "add", "10.7.0.1/24", "dev", "neighbor0", "noprefixroute");
        Shell.run("ip", "address", "add", "fd07::1/64", "dev", "neighbor0", "nodad", "noprefixroute");
        teach(IPV4);
        teach(IPV6);
        return HoldfastProxy.start(HoldfastConfig.read(Cables.writeConfig(directory, OFTEN)), false, "test");
    }

    /** Three rounds would be due, and more. */
    private static void assertIsSilent(Wire wire) throws InterruptedException {
        Thread.sleep(100); // for what had been sent before
        wire.assertStaysAt(wire.received().size());
    }

    private static void assertStaysWithoutConflict(Engine engine, String state) {
        await(state)
                .during(Duration.ofMillis(300))
                .atMost(LIMIT)
                .until(() -> conflicts(engine).isEmpty());
    }

    /** It has talked to the guest when that was elsewhere. */
    private static void teach(String address) {
        Shell.run(
                "ip",
                "neighbor",
                "replace",
                address,
                "lladdr",
                "52:54:00:00:00:77",
                "dev",
                "neighbor0",
                "nud",
                "reachable");
    }

    private static String macOf(String address) throws Exception {
        return new ObjectMapper()
                .readTree(Shell.run("ip", "-json", "neighbor", "show", "to", address, "dev", "neighbor0"))
                .path(0)
                .path("lladdr")
                .asText();
    }

    /** The sender's address of the last ARP packet on VLAN 10. */
    private static String lastSenderOnVlan(Wire wire) {
        return wire.received().reversed().stream()
                .map(HexFormat.of()::formatHex)
                .filter(frame -> frame.startsWith("8100000a0806", 24))
                .map(frame ->
                        HexFormat.ofDelimiter(":").formatHex(HexFormat.of().parseHex(frame.substring(52, 64))))
                .findFirst()
                .orElse("");
    }

    private Engine engine() throws Exception {
        return new Engine(directory.resolve("run/proxy.sock"));
    }

    private static void own(Engine engine) throws Exception {
        engine.execute("subscribe", "{}");
        engine.hello(1);
        engine.wallCommand("open", ", \"reason\": \"test\"");
        engine.wallCommand("addresses", ", \"known\": " + ADDRESSES);
    }

    private static JsonNode conflicts(Engine engine) throws Exception {
        return engine.status().path("conflicts");
    }

    private static JsonNode series(Engine engine) throws Exception {
        return engine.status().path("announcements").path(0);
    }

    private static List<JsonNode> reported(Engine engine) {
        return engine.events().stream()
                .filter(event -> event.name().equals("ADDRESS_CONFLICT"))
                .<JsonNode>map(ControlEvent::data)
                .toList();
    }

    private static byte[] claim(String address) {
        return ethernet(BROADCAST, FOREIGN_MAC).arp(1, FOREIGN_MAC, address, "00:00:00:00:00:00", address);
    }

    /** Unsolicited, with Override, and a right checksum, or the neighbour would not believe it. */
    private static byte[] claimIpv6() {
        byte[] message = join(neighborAdvertisement(0x20, IPV6), hex("0201" + FOREIGN_MAC.replace(":", "")));
        byte[] frame = ethernet("33:33:00:00:00:01", FOREIGN_MAC).ipv6(IPV6, "ff02::1", 255, 58, message);
        int sum = 58 + message.length; // of the pseudo-header, RFC 8200, section 8.1
        for (int at = 14 + 8; at < frame.length; at += 2) {
            sum += ((frame[at] & 0xff) << 8) | (frame[at + 1] & 0xff);
        }
        sum = (sum & 0xffff) + (sum >>> 16);
        sum = ~((sum & 0xffff) + (sum >>> 16));
        frame[14 + 40 + 2] = (byte) (sum >>> 8);
        frame[14 + 40 + 3] = (byte) sum;
        return frame;
    }

    private static String scrape() throws Exception {
        try (var in = URI.create("http://127.0.0.1:9601/metrics").toURL().openStream()) {
            return new String(in.readAllBytes(), StandardCharsets.UTF_8);
        }
    }
}
