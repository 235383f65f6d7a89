package io.holdfast.cli.proxy;

import static io.holdfast.cli.proxy.Engine.assertRefused;
import static io.holdfast.testkit.FrameBuilder.ethernet;
import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.holdfast.config.HoldfastConfig;
import io.holdfast.control.ControlEvent;
import io.holdfast.testkit.InNetworkNamespace;
import io.holdfast.testkit.Shell;
import io.holdfast.testkit.VethPair;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Arrays;
import java.util.HexFormat;
import java.util.List;
import java.util.stream.Collectors;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * INV-9: the address probe. The proxy's uplink, the guest's old owner and a router hang on one switch; the old owner and the
 * router have a kernel's stack, which is the judge of whether a probe is one:
 *
 * <pre>
 *   guest0 === tap0 [proxy] up0 === net0 ─┐
 *                       old0 === port-o ──┼─ switch0
 *                    router0 === port-r ──┘
 * </pre>
 */
@InNetworkNamespace
class AddressProbeTest {

    private static final String GUEST_MAC = "52:54:00:00:00:01";
    private static final String BROADCAST = "ff:ff:ff:ff:ff:ff";
    private static final String IPV4 = "10.7.0.10";
    private static final String IPV4_ON_VLAN = "10.8.0.10";
    private static final String IPV6 = "fd07::10";
    private static final Duration LIMIT = Duration.ofSeconds(10);
    private static final int SHORT_MILLIS = 20;

    /** Where an answer is expected, it need not be missed because the machine is busy. */
    private static final int LONG_MILLIS = 1_000;

    private static final String ADDRESSES = """
            {"version": 1, "nics": [{"name": "net0", "stations": [
              {"mac": "%1$s", "tags": [], "router": false, "ipv4": ["10.7.0.10"], "ipv6": ["fd07::10"]},
              {"mac": "%1$s", "tags": ["0x8100:10"], "router": false, "ipv4": ["10.8.0.10"], "ipv6": []}]}]}""".formatted(GUEST_MAC);

    @TempDir
    Path directory;

    @Test
    void shouldFindAnOldOwnerThatHasTheGuestsIpv4() throws Exception {
        try (HoldfastProxy proxy = start();
                Engine engine = owner()) {
            Shell.run("ip", "address", "add", IPV4 + "/24", "dev", "old0");
            assertIsFound(probe(engine, LONG_MILLIS), IPV4);
        }
    }

    @Test
    void shouldFindAnOldOwnerThatHasTheGuestsIpv6() throws Exception {
        try (HoldfastProxy proxy = start();
                Engine engine = owner()) {
            Shell.run("ip", "address", "add", IPV6 + "/64", "dev", "old0", "nodad");
            assertIsFound(probe(engine, LONG_MILLIS), IPV6);
        }
    }

    /** Not every kernel has VLAN devices, so this one answers by hand. */
    @Test
    void shouldFindAnOldOwnerThatHasTheGuestsAddressOnAVlan() throws Exception {
        try (HoldfastProxy proxy = start();
                Engine engine = owner();
                Wire old = new Wire("old0")) {
            JsonNode begun = begin(engine, LONG_MILLIS);
            await().atMost(LIMIT).until(() -> old.received().stream().anyMatch(AddressProbeTest::isProbeOnVlan));
            String host = macOf("up0");
            old.send(ethernet(host, GUEST_MAC).tag(0x8100, 10).arp(2, GUEST_MAC, IPV4_ON_VLAN, host, "0.0.0.0"));
            JsonNode ended = awaitEnd(engine, begun);
            assertIsFound(ended, IPV4_ON_VLAN);
            assertThat(ended.path("old_owner").path("vlan").path(0).asText()).isEqualTo("0x8100:10");
        }
    }

    @Test
    void shouldLeaveTheGuestsMacWhereTheSwitchHasIt() throws Exception {
        try (HoldfastProxy proxy = start();
                Engine engine = owner();
                Wire old = new Wire("old0")) {
            old.send(ethernet(BROADCAST, GUEST_MAC).payload(0x88b5, new byte[50]));
            await().atMost(LIMIT).until(() -> portsOf(GUEST_MAC).equals("port-o"));
            probe(engine, SHORT_MILLIS);
            assertThat(portsOf(macOf("up0"))).as("it was asked").contains("net0");
            assertThat(portsOf(GUEST_MAC)).isEqualTo("port-o");
        }
    }

    /** Proxy ARP and its like for IPv6 (RFC 4389) answer from the router's own MAC. */
    @Test
    void shouldNotTakeARouterThatStandsInForTheGuestForItsOldOwner() throws Exception {
        try (HoldfastProxy proxy = start();
                Engine engine = owner()) {
            Shell.run("ip", "address", "add", "10.7.0.1/24", "dev", "router0");
            Shell.run("ip", "address", "add", "fd07::1/64", "dev", "router0", "nodad");
            for (String setting : List.of(
                    "net.ipv4.ip_forward",
                    "net.ipv6.conf.all.forwarding",
                    "net.ipv4.conf.router0.proxy_arp",
                    "net.ipv6.conf.router0.proxy_ndp")) {
                Shell.run("sysctl", "-w", setting + "=1");
            }
            Shell.run("sysctl", "-w", "net.ipv6.neigh.router0.proxy_delay=0");
            Shell.run("ip", "neighbor", "add", "proxy", IPV4, "dev", "router0");
            Shell.run("ip", "neighbor", "add", "proxy", IPV6, "dev", "router0");
            JsonNode ended = probe(engine, LONG_MILLIS);
            assertThat(ended.has("old_owner")).isFalse();
            assertThat(ended.path("others")).anySatisfy(other -> {
                assertThat(other.path("address").asText()).isEqualTo(IPV6);
                assertThat(other.path("mac").asText()).isEqualTo(macOf("router0"));
            });
        }
    }

    @Test
    void shouldNotTakeAStationThatHasTheGuestsAddressForItsOldOwner() throws Exception {
        try (HoldfastProxy proxy = start();
                Engine engine = owner()) {
            Shell.run("ip", "address", "add", IPV4 + "/24", "dev", "router0");
            JsonNode ended = probe(engine, LONG_MILLIS);
            assertThat(ended.has("old_owner")).isFalse();
            assertThat(ended.path("others").path(0).path("mac").asText()).isEqualTo(macOf("router0"));
        }
    }

    @Test
    void shouldEndWhenItsTimeIsOverAndNobodyHasAnswered() throws Exception {
        try (HoldfastProxy proxy = start();
                Engine engine = owner()) {
            JsonNode ended = probe(engine, SHORT_MILLIS);
            assertThat(ended.has("old_owner")).isFalse();
            assertThat(ended.path("others")).isEmpty();
        }
    }

    /** A commit must not wait for the network. */
    @Test
    void shouldObeyOtherCommandsMeanwhile() throws Exception {
        try (HoldfastProxy proxy = start();
                Engine engine = owner()) {
            JsonNode begun = begin(engine, LONG_MILLIS);
            engine.commit(engine.barrier());
            assertThat(ends(engine, begun)).isEmpty();
            assertThat(engine.status().path("state").asText()).isEqualTo("PROTECTED");
        }
    }

    @Test
    void shouldSayNothingBeforeAnEngineOwnsTheWallNorAfterItIsOpen() throws Exception {
        try (HoldfastProxy proxy = start();
                Engine engine = new Engine(directory.resolve("run/proxy.sock"));
                Wire net = new Wire("router0")) {
            String incarnation = engine.status().path("incarnation").asText();
            assertRefused(
                    "WrongState",
                    () -> engine.execute(
                            "probe", "{\"incarnation\": \"%s\", \"term\": 0, \"time_ms\": 20}".formatted(incarnation)));
            engine.hello(1);
            engine.wallCommand("open", ", \"reason\": \"test\"");
            assertRefused("WrongState", () -> engine.wallCommand("probe", ", \"time_ms\": 20"));
            String host = HexFormat.of().formatHex(HexFormat.ofDelimiter(":").parseHex(macOf("up0")));
            Thread.sleep(100); // for what may be under way
            assertThat(net.received())
                    .noneMatch(frame -> HexFormat.of().formatHex(frame).startsWith(host, 12));
        }
    }

    // ---- the stage

    private HoldfastProxy start() throws Exception {
        Cables.plugIn(0);
        VethPair.create("old0", "port-o");
        VethPair.create("router0", "port-r");
        Shell.run("ip", "link", "set", "old0", "address", GUEST_MAC);
        Shell.run("ip", "link", "add", "switch0", "type", "bridge", "mcast_snooping", "0");
        Shell.run("ip", "link", "set", "switch0", "addrgenmode", "none", "up");
        for (String port : List.of("net0", "port-o", "port-r")) {
            Shell.run("ip", "link", "set", port, "master", "switch0");
        }
        // Each has its own addresses and no others, as if it were another host.
        Shell.run("sysctl", "-w", "net.ipv4.conf.all.arp_ignore=1");
        return HoldfastProxy.start(HoldfastConfig.read(Cables.writeConfig(directory)), false, "test");
    }

    /** Between hello and open, told of the guest's addresses, as a backup's agent does. */
    private Engine owner() throws Exception {
        Engine engine = new Engine(directory.resolve("run/proxy.sock"));
        engine.execute("subscribe", "{}");
        engine.hello(1);
        engine.wallCommand("addresses", ", \"known\": " + ADDRESSES);
        return engine;
    }

    private static JsonNode begin(Engine engine, int millis) throws Exception {
        JsonNode begun = engine.wallCommand("probe", ", \"time_ms\": " + millis);
        assertThat(begun.path("frames").asInt()).isEqualTo(3);
        return begun;
    }

    private static JsonNode probe(Engine engine, int millis) throws Exception {
        return awaitEnd(engine, begin(engine, millis));
    }

    private static JsonNode awaitEnd(Engine engine, JsonNode begun) {
        await().atMost(LIMIT).until(() -> !ends(engine, begun).isEmpty());
        assertThat(ends(engine, begun)).hasSize(1);
        return ends(engine, begun).getFirst();
    }

    private static List<JsonNode> ends(Engine engine, JsonNode begun) {
        return engine.events().stream()
                .filter(event -> event.name().equals("PROBE_ENDED"))
                .<JsonNode>map(ControlEvent::data)
                .filter(data -> data.path("probe").equals(begun.path("probe")))
                .toList();
    }

    private static void assertIsFound(JsonNode ended, String address) {
        JsonNode answer = ended.path("old_owner");
        assertThat(answer.path("nic").asText()).isEqualTo("net0");
        assertThat(answer.path("address").asText()).isEqualTo(address);
        assertThat(answer.path("mac").asText()).isEqualTo(GUEST_MAC);
    }

    private static boolean isProbeOnVlan(byte[] frame) {
        return HexFormat.of().formatHex(Arrays.copyOfRange(frame, 12, 18)).equals("8100000a0806");
    }

    private static String macOf(String device) throws Exception {
        return new ObjectMapper()
                .readTree(Shell.run("ip", "-json", "link", "show", "dev", device))
                .path(0)
                .path("address")
                .asText();
    }

    /** Behind which of its ports the switch believes a station to be; a port's own address is there for ever. */
    private static String portsOf(String mac) throws Exception {
        return new ObjectMapper()
                .readTree(Shell.run("bridge", "-json", "fdb", "show", "br", "switch0"))
                .valueStream()
                .filter(entry -> entry.path("mac").asText().equals(mac))
                .filter(entry -> !entry.path("state").asText().equals("permanent"))
                .map(entry -> entry.path("ifname").asText())
                .collect(Collectors.joining(" and "));
    }
}
