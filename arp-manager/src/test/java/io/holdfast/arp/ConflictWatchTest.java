package io.holdfast.arp;

import static io.holdfast.testkit.FrameBuilder.ethernet;
import static io.holdfast.testkit.FrameBuilder.hex;
import static io.holdfast.testkit.FrameBuilder.join;
import static io.holdfast.testkit.FrameBuilder.neighborAdvertisement;
import static io.holdfast.testkit.FrameBuilder.neighborSolicitation;
import static io.holdfast.testkit.FrameBuilder.segment;
import static io.holdfast.testkit.FrameBuilder.tcp;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;
import static org.assertj.core.api.Assertions.tuple;

import io.holdfast.arp.Ownership.Standing;
import io.holdfast.frame.MacAddress;
import io.holdfast.frame.VlanTag;
import io.holdfast.testkit.Allocation;
import io.holdfast.testkit.FrameBuilder;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.Test;

/** INV-10, with the clock stepped by hand. */
class ConflictWatchTest {

    private static final String GUEST = "52:54:00:12:34:56";
    private static final String OTHER_NIC = "52:54:00:12:34:57";
    private static final String STRANGER = "52:54:00:99:99:99";
    private static final String BROADCAST = "ff:ff:ff:ff:ff:ff";
    private static final String NOBODY = "00:00:00:00:00:00";
    private static final String IPV4 = "10.0.0.5";
    private static final String IPV6 = "2001:db8::5";
    private static final int OVERRIDE = 0x20;
    private static final int SOLICITED = 0x40;
    private static final VlanTag VLAN_10 = new VlanTag(0x8100, 10);
    private static final byte[] NOTHING = {};

    private final AddressBook book = new AddressBook(List.of("net0", "net1"));
    private Standing standing = Standing.OWNER;
    private long nowNanos = Long.MAX_VALUE - 5;
    private int news;
    private final ConflictWatch watch = new ConflictWatch(book, nic -> standing, () -> nowNanos, () -> news++);

    ConflictWatchTest() {
        book.adopt(new GuestAddresses(
                1,
                List.of(
                        new GuestAddresses.Nic("net0", List.of(guest(), guest(VLAN_10))),
                        new GuestAddresses.Nic("net1", List.of(station(OTHER_NIC, List.of("10.0.1.5")))))));
    }

    // ---- MAC

    @Test
    void shouldNoticeAFrameFromElsewhereWithTheGuestsMac() {
        see(ethernet(BROADCAST, GUEST).payload(0x88cc, new byte[46]));
        assertThat(only()).isEqualTo(conflict(ConflictKind.MAC, GUEST, GUEST));
    }

    @Test
    void shouldNotNoticeTheGuestsMacOnAVlanWhereTheGuestIsNot() {
        see(ethernet(BROADCAST, GUEST).tag(0x8100, 11).payload(0x88cc, new byte[46]));
        see(ethernet(BROADCAST, GUEST).tag(0x88a8, 10).payload(0x88cc, new byte[46]));
        assertThat(watch.conflicts()).isEmpty();
        see(ethernet(BROADCAST, GUEST).tag(0x8100, 0xe00a).payload(0x88cc, new byte[46]));
        assertThat(only().vlans()).as("whatever the priority").containsExactly(VLAN_10);
    }

    @Test
    void shouldNotTakeFramesToTheGuestOrBetweenOthersForAConflict() {
        see(ethernet(GUEST, STRANGER).ipv4("10.0.0.9", IPV4, 64, 6, tcp(1, 2, 0x10, NOTHING)));
        see(ethernet(BROADCAST, STRANGER).arp(1, STRANGER, "10.0.0.9", NOBODY, IPV4));
        see(ethernet(GUEST, STRANGER).ipv6("2001:db8::9", IPV6, 64, 6, tcp(1, 2, 0x10, NOTHING)));
        see(ethernet(BROADCAST, OTHER_NIC).payload(0x88cc, new byte[46]));
        assertThat(watch.conflicts()).isEmpty();
    }

    /** A bond's second NIC hears what its first one sends, from the switch. */
    @Test
    void shouldNotTakeAGuestThatHasOneMacOnTwoNicsForSomebodyElse() {
        book.adopt(new GuestAddresses(
                1,
                List.of(
                        new GuestAddresses.Nic("net0", List.of(guest())),
                        new GuestAddresses.Nic("net1", List.of(guest())))));
        see(ethernet(BROADCAST, GUEST).payload(0x88cc, new byte[46]));
        assertThat(watch.conflicts()).isEmpty();
    }

    @Test
    void shouldLetRoutersShareTheirVirtualMac() {
        for (String virtual : List.of("00:00:5e:00:01:07", "00:00:5e:00:02:07")) {
            adopt(station(virtual, List.of()));
            see(ethernet(BROADCAST, virtual).payload(0x88cc, new byte[46]));
            assertThat(watch.conflicts()).isEmpty();
        }
        adopt(station("00:00:5e:00:03:07", List.of()));
        see(ethernet(BROADCAST, "00:00:5e:00:03:07").payload(0x88cc, new byte[46]));
        assertThat(watch.conflicts()).hasSize(1);
    }

    // ---- IPv4

    @Test
    void shouldNoticeArpOfEveryKindWithTheGuestsAddressAndAnothersMac() {
        see(ethernet(BROADCAST, STRANGER).arp(1, STRANGER, IPV4, NOBODY, IPV4));
        assertThat(only()).isEqualTo(conflict(ConflictKind.IPV4, IPV4, STRANGER));
        see(ethernet(BROADCAST, STRANGER).arp(2, STRANGER, IPV4, STRANGER, IPV4));
        see(ethernet(BROADCAST, STRANGER).arp(1, STRANGER, IPV4, NOBODY, "10.0.0.1"));
        see(ethernet(GUEST, STRANGER).arp(2, STRANGER, IPV4, GUEST, "10.0.0.1"));
        assertThat(only().count()).isEqualTo(4);
    }

    @Test
    void shouldNotTakeAProbeForAClaim() {
        see(ethernet(BROADCAST, STRANGER).arp(1, STRANGER, "0.0.0.0", NOBODY, IPV4));
        see(ethernet(BROADCAST, STRANGER).arp(3, STRANGER, IPV4, NOBODY, IPV4));
        assertThat(watch.conflicts()).isEmpty();
    }

    @Test
    void shouldCompareAddressesOnTheSameVlanOnly() {
        see(ethernet(BROADCAST, STRANGER).tag(0x8100, 11).arp(2, STRANGER, IPV4, STRANGER, IPV4));
        assertThat(watch.conflicts()).isEmpty();
        see(ethernet(BROADCAST, STRANGER).tag(0x8100, 10).arp(2, STRANGER, IPV4, STRANGER, IPV4));
        assertThat(only().vlans()).containsExactly(VLAN_10);
        see(ethernet(BROADCAST, STRANGER).tag(0x8100, 0).arp(2, STRANGER, IPV4, STRANGER, IPV4));
        assertThat(watch.conflicts()).as("VLAN 0 is only a priority").hasSize(2);
    }

    /** Linux answers for all its addresses on all its NICs. */
    @Test
    void shouldNotTakeTheGuestsOtherNicForSomebodyElse() {
        see(ethernet(BROADCAST, OTHER_NIC).arp(2, OTHER_NIC, IPV4, OTHER_NIC, IPV4));
        see(advertisement(OVERRIDE, IPV6, OTHER_NIC));
        assertThat(watch.conflicts()).isEmpty();
    }

    // ---- IPv6

    @Test
    void shouldNoticeAnAdvertisementOfTheGuestsAddressAtAnothersMac() {
        see(advertisement(OVERRIDE, IPV6, STRANGER));
        assertThat(only()).isEqualTo(conflict(ConflictKind.IPV6, IPV6, STRANGER));
        see(advertisement(OVERRIDE | SOLICITED, IPV6, STRANGER));
        assertThat(only().count()).isEqualTo(2);
    }

    @Test
    void shouldNotBelieveWhatARouterHasForwarded() {
        see(advertisement(254, OVERRIDE, IPV6, option(STRANGER)));
        assertThat(watch.conflicts()).isEmpty();
    }

    /** RFC 4861, sections 7.2.7 and 7.2.8. */
    @Test
    void shouldNotTakeAnycastForAClaim() {
        see(advertisement(SOLICITED, IPV6, STRANGER));
        assertThat(watch.conflicts()).isEmpty();
    }

    @Test
    void shouldFindTheLinkLayerAddressAmongOptions() {
        byte[] nonce = hex("0e01 010203040506");
        see(advertisement(255, OVERRIDE, IPV6, NOTHING));
        see(advertisement(255, OVERRIDE, IPV6, nonce));
        see(advertisement(255, OVERRIDE, IPV6, join(hex("0e00 010203040506"), option(STRANGER))));
        see(advertisement(255, OVERRIDE, IPV6, Arrays.copyOf(option(STRANGER), 7)));
        see(advertisement(255, OVERRIDE, IPV6, hex("0202 525400999999 0000000000000000")));
        assertThat(watch.conflicts()).isEmpty();
        see(advertisement(255, OVERRIDE, IPV6, join(nonce, option(STRANGER))));
        assertThat(only().foreignMac()).isEqualTo(MacAddress.parse(STRANGER));
    }

    @Test
    void shouldIgnoreOtherMessagesAndAddresses() {
        see(advertisement(OVERRIDE, "2001:db8::6", STRANGER));
        see(advertisement(OVERRIDE, IPV6, GUEST));
        see(ethernet(BROADCAST, STRANGER).ipv6(IPV6, "ff02::1", 255, 58, neighborSolicitation(IPV6)));
        see(ethernet(BROADCAST, STRANGER).ipv6(IPV6, "ff02::1", 255, 17, new byte[32]));
        assertThat(watch.conflicts()).isEmpty();
    }

    // ---- whose the guest is

    /** The primary is out there. */
    @Test
    void shouldFindNothingWrongWhereTheGuestIsNot() {
        standing = Standing.NOT_OWNER;
        seeClaim(STRANGER);
        see(ethernet(BROADCAST, GUEST).payload(0x88cc, new byte[46]));
        assertThat(watch.conflicts()).isEmpty();
        assertThat(watch.count("net0", ConflictKind.IPV4)).isZero();
        assertThat(news).isZero();
    }

    @Test
    void shouldMarkWhatItSeesInDoubtAndDisputeNothing() {
        standing = Standing.IN_DOUBT;
        seeClaim(STRANGER);
        assertThat(only().inDoubt()).isTrue();
        assertThat(watch.isDisputed("net0")).isFalse();
        standing = Standing.OWNER;
        assertThat(watch.ownership().standing("net0")).isEqualTo(Standing.OWNER);
        seeClaim(STRANGER);
        assertThat(only().inDoubt()).as("it goes on").isFalse();
        assertThat(watch.isDisputed("net0")).isTrue();
        assertThat(news).isEqualTo(2);
        standing = Standing.IN_DOUBT;
        seeClaim(STRANGER);
        assertThat(only().inDoubt()).isFalse();
        assertThat(news).isEqualTo(2);
    }

    @Test
    void shouldPutTheAnnouncementsOfThatNicAloneInDoubt() {
        seeClaim(STRANGER);
        Ownership announcing = watch.ownership();
        assertThat(announcing.standing("net0")).isEqualTo(Standing.IN_DOUBT);
        assertThat(announcing.standing("net1")).isEqualTo(Standing.OWNER);
        standing = Standing.NOT_OWNER;
        assertThat(announcing.standing("net0")).isEqualTo(Standing.NOT_OWNER);
    }

    @Test
    void shouldForgetWithTheTerm() {
        seeClaim(STRANGER);
        watch.forgetAll();
        assertThat(watch.conflicts()).isEmpty();
        assertThat(watch.isDisputed("net0")).isFalse();
        assertThat(watch.count("net0", ConflictKind.IPV4)).isOne();
        seeClaim(STRANGER);
        assertThat(watch.isDisputed("net0")).isTrue();
    }

    // ---- resolving

    @Test
    void shouldEndADisputeWhenToldSoAndBeginAnotherOneWhenSeenAgain() {
        seeClaim(STRANGER);
        assertThat(watch.resolve(nowNanos)).isZero();
        assertThat(watch.isDisputed("net0")).isFalse();
        assertThat(watch.conflicts()).isEmpty();
        seeClaim(STRANGER);
        assertThat(watch.isDisputed("net0")).isTrue();
        assertThat(only().count()).isOne();
        assertThat(news).isEqualTo(2);
    }

    @Test
    void shouldResolveFourTimesAMinuteAndNoMore() {
        for (int i = 0; i < 4; i++) {
            seeClaim(STRANGER);
            assertThat(watch.resolve(nowNanos)).isZero();
            nowNanos += seconds(5);
        }
        assertThat(watch.resolve(nowNanos)).as("nothing to resolve").isZero();
        seeClaim(STRANGER);
        assertThat(watch.resolve(nowNanos)).isEqualTo(seconds(40));
        assertThat(watch.isDisputed("net0"))
                .as("refused, so nothing has changed")
                .isTrue();
        nowNanos += seconds(40) - 1;
        assertThat(watch.resolve(nowNanos)).isOne();
        nowNanos++;
        assertThat(watch.resolve(nowNanos)).isZero();
        seeClaim(STRANGER);
        assertThat(watch.resolve(nowNanos)).isEqualTo(seconds(5));
    }

    @Test
    void shouldLimitNicsThatAreInDisputeOnly() {
        for (int i = 0; i < 4; i++) {
            seeClaim(STRANGER);
            assertThat(watch.resolve(nowNanos)).isZero();
        }
        see("net1", ethernet(BROADCAST, STRANGER).arp(2, STRANGER, "10.0.1.5", STRANGER, "10.0.1.5"));
        assertThat(watch.isDisputed("net1")).isTrue();
        assertThat(watch.resolve(nowNanos)).isZero();
    }

    // ---- what is kept

    @Test
    void shouldCountAndTimeEachConflict() {
        seeClaim(STRANGER);
        long firstNanos = nowNanos;
        nowNanos += 7;
        seeClaim(STRANGER);
        seeClaim("52:54:00:99:99:98");
        assertThat(watch.conflicts())
                .extracting(Conflict::count, Conflict::firstNanos, Conflict::lastNanos)
                .containsExactly(tuple(2L, firstNanos, nowNanos), tuple(1L, nowNanos, nowNanos));
        assertThat(watch.count("net0", ConflictKind.IPV4)).isEqualTo(3);
        assertThat(watch.count("net0", ConflictKind.MAC)).isZero();
        assertThat(watch.count("net1", ConflictKind.IPV4)).isZero();
    }

    @Test
    void shouldKeepSixteenConflictsAndOnlyCountTheRest() {
        for (int i = 0; i < 100; i++) {
            seeClaim("52:54:00:99:00:%02x".formatted(i));
        }
        assertThat(watch.conflicts()).hasSize(ConflictWatch.MAX_CONFLICTS_PER_NIC);
        assertThat(watch.count("net0", ConflictKind.IPV4)).isEqualTo(100);
        assertThat(news).isEqualTo(16);
    }

    /** Or a flood while in doubt would keep the owner's announcements from being stopped. */
    @Test
    void shouldKeepWhatConcernsTheOwnerInPlaceOfWhatWasInDoubt() {
        standing = Standing.IN_DOUBT;
        for (int i = 0; i < 20; i++) {
            seeClaim("52:54:00:99:00:%02x".formatted(i));
        }
        standing = Standing.OWNER;
        seeClaim(STRANGER);
        assertThat(watch.isDisputed("net0")).isTrue();
        assertThat(watch.conflicts())
                .hasSize(ConflictWatch.MAX_CONFLICTS_PER_NIC)
                .filteredOn(conflict -> !conflict.inDoubt())
                .singleElement()
                .extracting(Conflict::foreignMac)
                .isEqualTo(MacAddress.parse(STRANGER));
    }

    @Test
    void shouldFollowTheBook() {
        see(ethernet(BROADCAST, STRANGER).arp(2, STRANGER, "10.0.0.6", STRANGER, "10.0.0.6"));
        assertThat(watch.conflicts()).isEmpty();
        byte[] learned = ethernet(BROADCAST, GUEST).arp(2, GUEST, "10.0.0.6", GUEST, "10.0.0.6");
        book.learner("net0").onFrame(segment(learned), 0, learned.length);
        see(ethernet(BROADCAST, STRANGER).arp(2, STRANGER, "10.0.0.6", STRANGER, "10.0.0.6"));
        assertThat(only().address()).isEqualTo("10.0.0.6");
        book.adopt(GuestAddresses.NONE);
        see(ethernet(BROADCAST, GUEST).payload(0x88cc, new byte[46]));
        assertThat(watch.conflicts()).hasSize(1);
    }

    @Test
    void shouldKnowNoNicButThoseOfTheBook() {
        assertThatIllegalArgumentException()
                .isThrownBy(() -> watch.guard("net7"))
                .withMessageContaining("net0, net1");
        assertThat(watch.nics()).containsExactly("net0", "net1");
    }

    // ---- cost

    @Test
    void shouldAllocateNothingForFramesWhetherInConflictOrNot() {
        List<MemorySegment> frames = new ArrayList<>();
        for (byte[] frame : List.of(
                ethernet(GUEST, STRANGER).ipv4("10.0.0.9", IPV4, 64, 6, tcp(1, 2, 0x10, NOTHING)),
                ethernet(GUEST, STRANGER).ipv6("2001:db8::9", IPV6, 64, 6, tcp(1, 2, 0x10, NOTHING)),
                ethernet(BROADCAST, STRANGER).arp(1, STRANGER, "10.0.0.9", NOBODY, IPV4),
                ethernet(BROADCAST, STRANGER).arp(2, STRANGER, IPV4, STRANGER, IPV4),
                ethernet(BROADCAST, GUEST).tag(0x8100, 10).payload(0x88cc, new byte[46]),
                advertisement(OVERRIDE, IPV6, STRANGER))) {
            frames.add(segment(frame));
        }
        ConflictWatch.Guard guard = watch.guard("net0");
        double bytes = Allocation.bytesPerCall(() -> {
            for (int i = 0; i < frames.size(); i++) {
                guard.onFrame(frames.get(i), 0, (int) frames.get(i).byteSize());
            }
        });
        assertThat(bytes).isLessThan(1);
        assertThat(watch.conflicts()).hasSize(3);
    }

    /** Seeded. */
    @Test
    void shouldNotThrowWhateverComes() {
        long seed = System.nanoTime();
        Random random = new Random(seed);
        List<byte[]> seeds = List.of(
                ethernet(BROADCAST, STRANGER).arp(2, STRANGER, IPV4, STRANGER, IPV4),
                ethernet(BROADCAST, GUEST).tag(0x8100, 10).tag(0x8100, 11).payload(0x0800, new byte[46]),
                advertisement(OVERRIDE, IPV6, STRANGER));
        for (int i = 0; i < 200_000; i++) {
            byte[] frame = seeds.get(random.nextInt(seeds.size())).clone();
            for (int changes = random.nextInt(4); changes > 0; changes--) {
                frame[random.nextInt(frame.length)] = (byte) random.nextInt();
            }
            byte[] cut = Arrays.copyOf(frame, random.nextInt(3) == 0 ? random.nextInt(frame.length) : frame.length);
            try {
                see(cut);
            } catch (RuntimeException e) {
                throw new AssertionError("seed " + seed, e);
            }
        }
        assertThat(watch.conflicts()).as("seed %d", seed).isNotEmpty();
    }

    // ---- the stage

    private void see(byte[] frame) {
        see("net0", frame);
    }

    private void see(String nic, byte[] frame) {
        watch.guard(nic).onFrame(segment(frame), 0, frame.length);
    }

    private void seeClaim(String mac) {
        see(ethernet(BROADCAST, mac).arp(2, mac, IPV4, mac, IPV4));
    }

    private Conflict only() {
        assertThat(watch.conflicts()).hasSize(1);
        return watch.conflicts().getFirst();
    }

    private Conflict conflict(ConflictKind kind, String address, String foreignMac) {
        return new Conflict(
                "net0", kind, address, MacAddress.parse(foreignMac), List.of(), false, 1, nowNanos, nowNanos);
    }

    private void adopt(GuestAddresses.Station station) {
        book.adopt(new GuestAddresses(1, List.of(new GuestAddresses.Nic("net0", List.of(station)))));
    }

    private static GuestAddresses.Station guest(VlanTag... tags) {
        return new GuestAddresses.Station(
                MacAddress.parse(GUEST), Arrays.asList(tags), false, List.of(IPV4), List.of(IPV6));
    }

    private static GuestAddresses.Station station(String mac, List<String> ipv4) {
        return new GuestAddresses.Station(MacAddress.parse(mac), List.of(), false, ipv4, List.of());
    }

    private static byte[] advertisement(int flags, String target, String mac) {
        return advertisement(255, flags, target, option(mac));
    }

    private static byte[] advertisement(int hopLimit, int flags, String target, byte[] options) {
        return FrameBuilder.ethernet("33:33:00:00:00:01", STRANGER)
                .ipv6(target, "ff02::1", hopLimit, 58, join(neighborAdvertisement(flags, target), options));
    }

    /** Target link-layer address. */
    private static byte[] option(String mac) {
        return hex("0201" + mac.replace(":", ""));
    }

    private static long seconds(long count) {
        return count * 1_000_000_000;
    }
}
