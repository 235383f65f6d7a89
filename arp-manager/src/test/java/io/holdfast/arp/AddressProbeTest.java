package io.holdfast.arp;

import static io.holdfast.arp.Announcements.GUEST_MAC;
import static io.holdfast.arp.Announcements.IPV4;
import static io.holdfast.arp.Announcements.IPV6;
import static io.holdfast.arp.Announcements.nic;
import static io.holdfast.arp.Announcements.station;
import static io.holdfast.testkit.FrameBuilder.ethernet;
import static io.holdfast.testkit.FrameBuilder.hex;
import static io.holdfast.testkit.FrameBuilder.join;
import static io.holdfast.testkit.FrameBuilder.neighborAdvertisement;
import static io.holdfast.testkit.FrameBuilder.neighborSolicitation;
import static io.holdfast.testkit.FrameBuilder.segment;
import static java.util.Objects.requireNonNull;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.groups.Tuple.tuple;

import io.holdfast.frame.MacAddress;
import io.holdfast.frame.VlanTag;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.Test;

/** INV-9: who has answered the address probe. */
class AddressProbeTest {

    private static final String HOST_MAC = "02:00:00:00:00:0b";
    private static final String ROUTER_MAC = "52:54:00:99:99:99";
    private static final String ALL_NODES = "33:33:00:00:00:01";
    private static final VlanTag VLAN_10 = new VlanTag(0x8100, 10);
    private static final int UNSOLICITED_OVERRIDE = 0x20;

    private final AtomicInteger told = new AtomicInteger();
    private final AddressProbe probe = probe(nic(station(false)));

    @Test
    void shouldFindAnOldOwnerInAnArpReplyOfTheGuestsOwnMac() {
        hear(reply(GUEST_MAC, IPV4, HOST_MAC));
        assertThat(probe.oldOwner()).hasValue(new ProbeAnswer("net0", IPV4, MacAddress.parse(GUEST_MAC), List.of()));
    }

    @Test
    void shouldFindAnOldOwnerInAnAdvertisementOfTheGuestsOwnMac() {
        hear(advertisement(GUEST_MAC, GUEST_MAC));
        assertThat(probe.oldOwner()).hasValue(new ProbeAnswer("net0", IPV6, MacAddress.parse(GUEST_MAC), List.of()));
    }

    @Test
    void shouldTakeWhoSendsAnAdvertisementWithoutAnAddressForWhoUsesIt() {
        hear(ethernet(ALL_NODES, GUEST_MAC)
                .ipv6(IPV6, "ff02::1", 255, 58, neighborAdvertisement(UNSOLICITED_OVERRIDE, IPV6)));
        assertThat(probe.oldOwner()).isPresent();
    }

    @Test
    void shouldFindAnOldOwnerThatAnswersWithTheMacOfItsOtherNic() {
        GuestAddresses.Station other = new GuestAddresses.Station(
                MacAddress.parse("52:54:00:12:34:57"), List.of(), false, List.of(), List.of());
        AddressProbe ofBoth = new AddressProbe(
                new GuestAddresses(1, List.of(nic(station(false)), new GuestAddresses.Nic("net1", List.of(other)))),
                Map.of("net0", MacAddress.parse(HOST_MAC)),
                () -> {});
        hear(ofBoth, reply("52:54:00:12:34:57", IPV4, HOST_MAC));
        assertThat(ofBoth.oldOwner()).isPresent();
    }

    @Test
    void shouldTellOfAnOldOwnerOnceHoweverOftenItAnswers() {
        hear(reply(GUEST_MAC, IPV4, HOST_MAC));
        hear(advertisement(GUEST_MAC, GUEST_MAC));
        assertThat(told).hasValue(1);
    }

    @Test
    void shouldReportWhoElseAnswersAndNotTakeItForTheOldOwner() {
        hear(reply(ROUTER_MAC, IPV4, HOST_MAC));
        hear(reply(ROUTER_MAC, IPV4, HOST_MAC));
        hear(advertisement(ROUTER_MAC, ROUTER_MAC));
        assertThat(probe.oldOwner()).isEmpty();
        assertThat(probe.others())
                .extracting(ProbeAnswer::address, answer -> answer.mac().toString())
                .containsExactly(tuple(IPV4, ROUTER_MAC), tuple(IPV6, ROUTER_MAC));
    }

    /** Its backup routers have the same one (RFC 9568, section 7.3). */
    @Test
    void shouldNotTakeTheMacOfAVirtualRouterForTheGuests() {
        String virtualMac = "00:00:5e:00:01:07";
        AddressProbe ofRouter = probe(nic(
                new GuestAddresses.Station(MacAddress.parse(virtualMac), List.of(), false, List.of(IPV4), List.of())));
        hear(ofRouter, reply(virtualMac, IPV4, HOST_MAC));
        assertThat(ofRouter.oldOwner()).isEmpty();
        assertThat(ofRouter.others()).hasSize(1);
    }

    /** It may have been under way when its sender died. */
    @Test
    void shouldNotTakeAReplyToSomebodyElseForAnAnswer() {
        hear(reply(GUEST_MAC, IPV4, ROUTER_MAC));
        assertThat(probe.oldOwner()).isEmpty();
    }

    @Test
    void shouldNotTakeAGratuitousRequestForAnAnswer() {
        hear(ethernet("ff:ff:ff:ff:ff:ff", GUEST_MAC).arp(1, GUEST_MAC, IPV4, HOST_MAC, IPV4));
        assertThat(probe.oldOwner()).isEmpty();
    }

    @Test
    void shouldNotTakeASolicitationForAnAnswer() {
        hear(ethernet(ALL_NODES, GUEST_MAC).ipv6(IPV6, "ff02::1", 255, 58, neighborSolicitation(IPV6)));
        assertThat(probe.oldOwner()).isEmpty();
    }

    /** A router has forwarded it (RFC 4861, section 7.1.2). */
    @Test
    void shouldNotTakeAnAdvertisementFromAfarForAnAnswer() {
        hear(ethernet(ALL_NODES, GUEST_MAC)
                .ipv6(IPV6, "ff02::1", 254, 58, neighborAdvertisement(UNSOLICITED_OVERRIDE, IPV6)));
        assertThat(probe.oldOwner()).isEmpty();
    }

    @Test
    void shouldNotTakeAnotherAddressForOneThatWasAskedFor() {
        hear(reply(GUEST_MAC, "10.0.0.6", HOST_MAC));
        assertThat(probe.oldOwner()).isEmpty();
    }

    /** There it may be somebody else's. */
    @Test
    void shouldNotTakeAnAnswerOnAnotherVlanForOne() {
        hear(ethernet(HOST_MAC, GUEST_MAC).tag(0x8100, 11).arp(2, GUEST_MAC, IPV4, HOST_MAC, "0.0.0.0"));
        assertThat(probe.oldOwner()).isEmpty();
    }

    @Test
    void shouldFindAnOldOwnerOnTheVlanWhereItWasAskedFor() {
        AddressProbe onVlan = probe(nic(station(false, VLAN_10)));
        hear(onVlan, ethernet(HOST_MAC, GUEST_MAC).tag(0x8100, 10).arp(2, GUEST_MAC, IPV4, HOST_MAC, "0.0.0.0"));
        assertThat(onVlan.oldOwner())
                .hasValueSatisfying(answer -> assertThat(answer.vlans()).containsExactly(VLAN_10));
    }

    /** The question itself would move the switch's table. */
    @Test
    void shouldRefuseToAskFromTheGuestsOwnMac() {
        assertThatThrownBy(() -> new AddressProbe(
                        new GuestAddresses(1, List.of(nic(station(false)))),
                        Map.of("net0", MacAddress.parse(GUEST_MAC)),
                        () -> {}))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageContaining("guest's own");
    }

    @Test
    void shouldSurviveWhateverIsInAFrame() {
        long seed = new Random().nextLong();
        Random random = new Random(seed);
        List<byte[]> good = List.of(reply(GUEST_MAC, "10.0.0.6", HOST_MAC), advertisement(ROUTER_MAC, ROUTER_MAC));
        for (int i = 0; i < 20_000; i++) {
            byte[] frame =
                    Arrays.copyOf(good.get(i % good.size()), random.nextInt(good.get(i % good.size()).length + 1));
            if (frame.length > 0) {
                frame[random.nextInt(frame.length)] = (byte) random.nextInt();
            }
            try {
                hear(frame);
            } catch (RuntimeException e) {
                throw new AssertionError("seed " + seed + ", frame " + i, e);
            }
        }
    }

    private AddressProbe probe(GuestAddresses.Nic nic) {
        return new AddressProbe(
                new GuestAddresses(1, List.of(nic)), Map.of("net0", MacAddress.parse(HOST_MAC)), told::incrementAndGet);
    }

    private void hear(byte[] frame) {
        hear(probe, frame);
    }

    private static void hear(AddressProbe by, byte[] frame) {
        requireNonNull(by.ear("net0")).onFrame(segment(frame), 0, frame.length);
    }

    private static byte[] reply(String mac, String address, String to) {
        return ethernet(to, mac).arp(2, mac, address, to, "0.0.0.0");
    }

    private static byte[] advertisement(String from, String mac) {
        byte[] message = join(neighborAdvertisement(UNSOLICITED_OVERRIDE, IPV6), hex("0201" + mac.replace(":", "")));
        return ethernet(ALL_NODES, from).ipv6(IPV6, "ff02::1", 255, 58, message);
    }
}
