package io.holdfast.arp;

import static io.holdfast.arp.Announcements.GUEST_MAC;
import static io.holdfast.arp.Announcements.IPV4;
import static io.holdfast.arp.Announcements.IPV6;
import static io.holdfast.arp.Announcements.LINK_LOCAL;
import static io.holdfast.arp.Announcements.nic;
import static io.holdfast.arp.Announcements.only;
import static io.holdfast.arp.Announcements.station;
import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;
import static org.hamcrest.Matchers.notNullValue;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.holdfast.frame.VlanTag;
import io.holdfast.testkit.InNetworkNamespace;
import io.holdfast.testkit.Shell;
import io.holdfast.testkit.VethPair;
import java.lang.foreign.ValueLayout;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.stream.Collectors;
import org.junit.jupiter.api.Test;
import org.pcap4j.core.BpfProgram;
import org.pcap4j.core.NotOpenException;
import org.pcap4j.core.PcapHandle;
import org.pcap4j.core.PcapNativeException;

/**
 * The judges are a kernel's neighbour table and a kernel bridge's forwarding table. They are in the namespace of the test,
 * at the far ends of veth pairs; the near ends have no addresses and only carry what is sent there.
 */
@InNetworkNamespace
class AnnounceOnTheWireTest {

    private static final String OLD_MAC = "52:54:00:99:99:99";
    private static final VlanTag VLAN_10 = new VlanTag(0x8100, 10);
    private static final Duration SOON = Duration.ofSeconds(2);

    @Test
    void shouldChangeANeighborsMindWithEachFormAlone() throws PcapNativeException {
        VethPair.create("near0", "far0");
        makeNeighbor("far0");
        List<AnnounceFrame> frames = AnnounceFrames.build(nic(station(false)));
        try (PcapSender sender = new PcapSender("near0")) {
            for (AnnounceForm form : List.of(AnnounceForm.GARP_REQUEST, AnnounceForm.GARP_REPLY)) {
                teach("far0", IPV4, OLD_MAC);
                only(form, frames).forEach(sender::send);
                await(form.label()).atMost(SOON).until(() -> macOf("far0", IPV4).equals(GUEST_MAC));
                assertThat(macOf("far0", IPV6)).isEqualTo(OLD_MAC);
            }
            only(AnnounceForm.NA, frames).forEach(sender::send);
            await("na").atMost(SOON).until(() -> macOf("far0", IPV6).equals(GUEST_MAC));
            await("na, link-local")
                    .atMost(SOON)
                    .until(() -> macOf("far0", LINK_LOCAL).equals(GUEST_MAC));
        }
    }

    @Test
    void shouldSpeakOnAVlanOnlyToThatVlan() throws PcapNativeException, NotOpenException {
        VethPair.create("near0", "far0");
        makeNeighbor("far0");
        List<AnnounceFrame> frames = AnnounceFrames.build(nic(station(false, VLAN_10)));
        try (PcapSender sender = new PcapSender("near0");
                PcapHandle capture =
                        new PcapHandle.Builder("far0").immediateMode(true).build()) {
            capture.setFilter("vlan 10", BpfProgram.BpfCompileMode.OPTIMIZE);
            capture.setBlockingMode(PcapHandle.BlockingMode.NONBLOCKING);
            frames.forEach(sender::send);
            for (AnnounceFrame frame : frames) {
                byte[] captured =
                        await(frame.form().label()).atMost(SOON).until(capture::getNextRawPacket, notNullValue());
                assertThat(captured).isEqualTo(frame.memory().toArray(ValueLayout.JAVA_BYTE));
            }
        }
        for (String address : List.of(IPV4, IPV6, LINK_LOCAL)) {
            assertThat(macOf("far0", address)).as("nothing was said untagged").isEqualTo(OLD_MAC);
        }
    }

    @Test
    void shouldBeARouterOnlyIfTheGuestIsOne() throws PcapNativeException {
        VethPair.create("near0", "far0");
        makeNeighbor("far0");
        try (PcapSender sender = new PcapSender("near0")) {
            AnnounceFrames.build(nic(station(true))).forEach(sender::send);
            await().atMost(SOON).until(() -> macOf("far0", IPV6).equals(GUEST_MAC));
            assertThat(neighbor("far0", IPV6).has("router")).isTrue();
            AnnounceFrames.build(nic(station(false))).forEach(sender::send);
            await().atMost(SOON).until(() -> !neighbor("far0", IPV6).has("router"));
        }
    }

    @Test
    void shouldMoveTheGuestToAnotherPortOfABridge() throws PcapNativeException {
        makeBridge();
        List<AnnounceFrame> frames = AnnounceFrames.build(nic(station(false)));
        try (PcapSender hostA = new PcapSender("host-a");
                PcapSender hostB = new PcapSender("host-b")) {
            frames.forEach(hostA::send);
            await().atMost(SOON).until(() -> portOfGuest().equals("port-a"));
            only(AnnounceForm.RARP, frames).forEach(hostB::send);
            await("RARP alone").atMost(SOON).until(() -> portOfGuest().equals("port-b"));
        }
    }

    /** What the dead host had still under way may arrive after the first announcements. */
    @Test
    void shouldHaveTheLastWordAgainstStragglersOfTheOldHost() throws PcapNativeException {
        makeBridge();
        List<AnnounceFrame> straggler = only(AnnounceForm.RARP, AnnounceFrames.build(nic(station(false))));
        try (PcapSender hostA = new PcapSender("host-a");
                PcapSender hostB = new PcapSender("host-b");
                AnnouncerThread announcer = new AnnouncerThread(new Announcer(
                        AnnounceSchedule.DEFAULT, 500, nic -> Ownership.Standing.OWNER, Map.of("net0", hostB)))) {
            announcer.start(nic(station(false)));
            await().atMost(SOON).until(() -> portOfGuest().equals("port-b"));
            await("what is over with the next round")
                    .pollInterval(Duration.ofMillis(5))
                    .atMost(SOON)
                    .until(() -> {
                        straggler.forEach(hostA::send);
                        return portOfGuest().equals("port-a");
                    });
            await().atMost(SOON).until(() -> portOfGuest().equals("port-b"));
        }
    }

    @Test
    void shouldFallSilentInMidScheduleWhenOwnershipIsLost() throws PcapNativeException, InterruptedException {
        VethPair.create("near0", "far0");
        AtomicBoolean owner = new AtomicBoolean(true);
        try (PcapSender sender = new PcapSender("near0");
                AnnouncerThread announcer = new AnnouncerThread(new Announcer(
                        AnnounceSchedule.DEFAULT,
                        500,
                        nic -> owner.get() ? Ownership.Standing.OWNER : Ownership.Standing.NOT_OWNER,
                        Map.of("net0", sender)))) {
            assertThat(receivedFrames("far0")).as("before the start").isZero();
            announcer.start(nic(station(false)));
            await().atMost(SOON).until(() -> receivedFrames("far0") >= 10);
            owner.set(false);
            await().atMost(SOON).until(() -> announcer.status().getFirst().state() == SeriesState.NOT_OWNER);
            long atLoss = receivedFrames("far0");
            Thread.sleep(700); // two more rounds would have been due
            assertThat(receivedFrames("far0")).isEqualTo(atLoss).isLessThan(9L * 5);
        }
    }

    /** A host that has just talked to the guest on its old MAC address. */
    private static void makeNeighbor(String device) {
        Shell.run("ip", "address", "add", "10.0.0.1/24", "dev", device, "noprefixroute");
        Shell.run("ip", "address", "add", "2001:db8::1/64", "dev", device, "nodad", "noprefixroute");
        for (String address : List.of(IPV4, IPV6, LINK_LOCAL)) {
            teach(device, address, OLD_MAC);
        }
    }

    private static void teach(String device, String address, String mac) {
        Shell.run("ip", "neighbor", "replace", address, "lladdr", mac, "dev", device, "nud", "reachable");
    }

    private static String macOf(String device, String address) {
        return neighbor(device, address).path("lladdr").asText();
    }

    private static JsonNode neighbor(String device, String address) {
        return json("ip", "-json", "neighbor", "show", "to", address, "dev", device)
                .path(0);
    }

    /** A switch with two ports, and a host at each. */
    private static void makeBridge() {
        VethPair.create("host-a", "port-a");
        VethPair.create("host-b", "port-b");
        Shell.run("ip", "link", "add", "switch0", "type", "bridge");
        Shell.run("ip", "link", "set", "switch0", "addrgenmode", "none", "up");
        Shell.run("ip", "link", "set", "port-a", "master", "switch0");
        Shell.run("ip", "link", "set", "port-b", "master", "switch0");
    }

    /** Where the bridge believes the guest to be. */
    private static String portOfGuest() {
        return json("bridge", "-json", "fdb", "show", "br", "switch0")
                .valueStream()
                .filter(entry -> entry.path("mac").asText().equals(GUEST_MAC))
                .map(entry -> entry.path("ifname").asText())
                .collect(Collectors.joining(" and "));
    }

    private static long receivedFrames(String device) {
        return json("ip", "-json", "-stats", "link", "show", "dev", device)
                .path(0)
                .path("stats64")
                .path("rx")
                .path("packets")
                .asLong();
    }

    private static JsonNode json(String... command) {
        try {
            return new ObjectMapper().readTree(Shell.run(command));
        } catch (JsonProcessingException e) {
            throw new IllegalStateException(e);
        }
    }
}
