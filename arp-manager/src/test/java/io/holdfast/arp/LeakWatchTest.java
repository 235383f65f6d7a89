package io.holdfast.arp;

import static io.holdfast.arp.Announcements.GUEST_MAC;
import static io.holdfast.arp.Announcements.IPV4;
import static io.holdfast.arp.Announcements.IPV6;
import static io.holdfast.arp.Announcements.nic;
import static io.holdfast.arp.Announcements.station;
import static io.holdfast.testkit.FrameBuilder.ethernet;
import static io.holdfast.testkit.FrameBuilder.neighborAdvertisement;
import static io.holdfast.testkit.FrameBuilder.neighborSolicitation;
import static io.holdfast.testkit.FrameBuilder.segment;
import static io.holdfast.testkit.FrameBuilder.udp;
import static org.assertj.core.api.Assertions.assertThat;

import io.holdfast.arp.LeakWatch.Leak;
import io.holdfast.frame.MacAddress;
import io.holdfast.frame.VlanTag;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.Test;

/** INV-9. */
class LeakWatchTest {

    private static final String HOST_MAC = "02:00:00:00:00:0b";
    private static final String BROADCAST = "ff:ff:ff:ff:ff:ff";
    private static final String NOBODY = "00:00:00:00:00:00";
    private static final String UNSPECIFIED_IPV6 = "::";
    private static final String NEIGHBOR = "10.0.0.9";
    private static final String NEIGHBOR_IPV6 = "2001:db8::9";
    private static final int SOLICITED = 0x40;
    private static final int UDP = 17;
    private static final int ICMPV6 = 58;
    private static final VlanTag VLAN_10 = new VlanTag(0x8100, 10);
    private static final byte[] NOTHING = {};

    private final AtomicBoolean shut = new AtomicBoolean(true);
    private final AtomicInteger told = new AtomicInteger();
    private final AddressBook book = new AddressBook(List.of("net0", "net1"));
    private final LeakWatch watch = new LeakWatch(book, shut::get, () -> 77, told::incrementAndGet);

    LeakWatchTest() {
        book.adopt(new GuestAddresses(1, List.of(nic(station(false)))));
    }

    @Test
    void shouldNoticeTheGuestsMac() {
        hear(ethernet(BROADCAST, GUEST_MAC).payload(0x88b5, new byte[46]));
        assertThat(watch.leaks()).containsExactly(leak(ConflictKind.MAC, GUEST_MAC, GUEST_MAC));
    }

    @Test
    void shouldNoticeAnArpAnswerForTheGuest() {
        hear(ethernet(BROADCAST, HOST_MAC).arp(2, HOST_MAC, IPV4, GUEST_MAC, NEIGHBOR));
        assertThat(watch.leaks()).containsExactly(leak(ConflictKind.IPV4, IPV4, HOST_MAC));
    }

    @Test
    void shouldNoticeAPacketFromTheGuestsIpv4() {
        hear(ethernet(BROADCAST, HOST_MAC).ipv4(IPV4, NEIGHBOR, 64, UDP, udp(1, 2, NOTHING)));
        assertThat(watch.leaks()).containsExactly(leak(ConflictKind.IPV4, IPV4, HOST_MAC));
    }

    @Test
    void shouldNoticeAPacketFromTheGuestsIpv6() {
        hear(ethernet(BROADCAST, HOST_MAC).ipv6(IPV6, NEIGHBOR_IPV6, 64, UDP, udp(1, 2, NOTHING)));
        assertThat(watch.leaks()).containsExactly(leak(ConflictKind.IPV6, IPV6, HOST_MAC));
    }

    /** It advertises without the Override flag. */
    @Test
    void shouldNoticeAProxyForNeighborsThatAnswersForTheGuest() {
        hear(ethernet(BROADCAST, HOST_MAC)
                .ipv6(NEIGHBOR_IPV6, "ff02::1", 255, ICMPV6, neighborAdvertisement(SOLICITED, IPV6)));
        assertThat(watch.leaks()).containsExactly(leak(ConflictKind.IPV6, IPV6, HOST_MAC));
    }

    @Test
    void shouldNotTakeItsOwnProbesForALeak() {
        hear(ethernet(BROADCAST, HOST_MAC).arp(1, HOST_MAC, "0.0.0.0", NOBODY, IPV4));
        hear(ethernet(BROADCAST, HOST_MAC)
                .ipv6(UNSPECIFIED_IPV6, "ff02::1:ff00:5", 255, ICMPV6, neighborSolicitation(IPV6)));
        assertThat(watch.leaks()).isEmpty();
    }

    @Test
    void shouldNotMindWhatTheHostSaysAsItself() {
        hear(ethernet(GUEST_MAC, HOST_MAC).ipv4(NEIGHBOR, IPV4, 64, UDP, udp(1, 2, NOTHING)));
        hear(ethernet(BROADCAST, HOST_MAC).arp(1, HOST_MAC, NEIGHBOR, NOBODY, IPV4));
        assertThat(watch.leaks()).isEmpty();
    }

    @Test
    void shouldNotMindAnAddressOnAVlanWhereTheGuestDoesNotHaveIt() {
        hear(ethernet(BROADCAST, HOST_MAC).tag(0x8100, 10).arp(2, HOST_MAC, IPV4, GUEST_MAC, NEIGHBOR));
        assertThat(watch.leaks()).isEmpty();
    }

    @Test
    void shouldNameTheVlanOfALeak() {
        book.adopt(new GuestAddresses(1, List.of(nic(station(false, VLAN_10)))));
        hear(ethernet(BROADCAST, HOST_MAC).tag(0x8100, 10).arp(2, HOST_MAC, IPV4, GUEST_MAC, NEIGHBOR));
        assertThat(watch.leaks())
                .singleElement()
                .satisfies(leak -> assertThat(leak.tags()).containsExactly(VLAN_10));
    }

    @Test
    void shouldNotMindWhatIsSaidWhileTheWallIsOpen() {
        shut.set(false);
        hear(ethernet(BROADCAST, GUEST_MAC).payload(0x88b5, new byte[46]));
        assertThat(told).hasValue(0);
    }

    @Test
    void shouldCountAndTellEachFrame() {
        hear(ethernet(BROADCAST, GUEST_MAC).payload(0x88b5, new byte[46]));
        hear(ethernet(BROADCAST, GUEST_MAC).payload(0x88b5, new byte[46]));
        assertThat(watch.count("net0")).isEqualTo(told.get()).isEqualTo(2);
    }

    @Test
    void shouldMindNothingOnANicWhereTheGuestHasShownNoAddress() {
        byte[] frame = ethernet(BROADCAST, GUEST_MAC).payload(0x88b5, new byte[46]);
        watch.ear("net1").onFrame(segment(frame), 0, frame.length);
        assertThat(watch.leaks()).isEmpty();
    }

    @Test
    void shouldNotThrowWhateverItHears() {
        long seed = System.nanoTime();
        Random random = new Random(seed);
        byte[] whole = ethernet(BROADCAST, HOST_MAC)
                .ipv6(NEIGHBOR_IPV6, "ff02::1", 255, ICMPV6, neighborAdvertisement(SOLICITED, IPV6));
        for (int i = 0; i < 20_000; i++) {
            byte[] broken = Arrays.copyOf(whole, random.nextInt(whole.length + 1));
            for (int flips = random.nextInt(8); flips > 0 && broken.length > 0; flips--) {
                broken[random.nextInt(broken.length)] = (byte) random.nextInt();
            }
            try {
                hear(broken);
            } catch (RuntimeException e) {
                throw new AssertionError("seed " + seed + ", frame " + i, e);
            }
        }
    }

    private static Leak leak(ConflictKind kind, String address, String source) {
        return new Leak("net0", kind, address, MacAddress.parse(source), List.of(), 1, 77);
    }

    private void hear(byte[] frame) {
        watch.ear("net0").onFrame(segment(frame), 0, frame.length);
    }
}
