package io.holdfast.arp;

import static io.holdfast.testkit.FrameBuilder.ethernet;
import static io.holdfast.testkit.FrameBuilder.neighborAdvertisement;
import static io.holdfast.testkit.FrameBuilder.neighborSolicitation;
import static io.holdfast.testkit.FrameBuilder.routerAdvertisement;
import static io.holdfast.testkit.FrameBuilder.segment;
import static io.holdfast.testkit.FrameBuilder.tcp;
import static io.holdfast.testkit.FrameBuilder.udp;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;

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

class AddressBookTest {

    private static final String GUEST = "52:54:00:12:34:56";
    private static final String PEER = "52:54:00:00:00:02";
    private static final byte[] NOTHING = {};

    private final AddressBook book = new AddressBook(List.of("net0", "net1"));

    @Test
    void shouldKnowNothingBeforeTheGuestSpeaks() {
        assertThat(book.snapshot()).isEqualTo(GuestAddresses.NONE);
        see(new byte[10]);
        assertThat(book.snapshot()).isEqualTo(GuestAddresses.NONE);
    }

    @Test
    void shouldLearnTheMacFromAnyFrame() {
        see(frame().payload(0x88cc, new byte[46]));
        assertThat(station().mac()).isEqualTo(MacAddress.parse(GUEST));
        assertThat(station().tags()).isEmpty();
        assertThat(station().ipv4()).isEmpty();
        assertThat(book.snapshot().version()).isOne();
    }

    @Test
    void shouldTellOnceOfEachNewSnapshot() {
        List<Long> versions = new ArrayList<>();
        book.onChange(() -> versions.add(book.snapshot().version()));
        see(frame().arp(1, GUEST, "10.0.0.5", "00:00:00:00:00:00", "10.0.0.1"));
        see(frame().arp(1, GUEST, "10.0.0.5", "00:00:00:00:00:00", "10.0.0.1"));
        assertThat(versions).as("a station, and its address").containsExactly(1L, 2L);
        book.adopt(new GuestAddresses(7, List.of()));
        assertThat(versions).containsExactly(1L, 2L, 8L);
    }

    @Test
    void shouldNotLearnAMacThatNobodyCanHave() {
        see(ethernet(PEER, "00:00:00:00:00:00").payload(0x88cc, new byte[46]));
        see(ethernet(PEER, "01:00:5e:00:00:01").payload(0x88cc, new byte[46]));
        assertThat(book.snapshot()).isEqualTo(GuestAddresses.NONE);
    }

    @Test
    void shouldLearnIpv4FromTheSenderOfArp() {
        see(frame().arp(1, GUEST, "10.0.0.5", "00:00:00:00:00:00", "10.0.0.1"));
        see(frame().arp(2, GUEST, "10.0.0.6", PEER, "10.0.0.1"));
        assertThat(station().ipv4()).containsExactly("10.0.0.5", "10.0.0.6");
    }

    @Test
    void shouldNotLearnFromAnArpProbeOrFromAnothersArp() {
        see(frame().arp(1, GUEST, "0.0.0.0", "00:00:00:00:00:00", "10.0.0.5"));
        see(frame().arp(1, PEER, "10.0.0.7", "00:00:00:00:00:00", "10.0.0.5"));
        assertThat(station().ipv4()).isEmpty();
    }

    @Test
    void shouldLearnIpv4FromTheSourceOfPackets() {
        see(frame().ipv4("0.0.0.0", "255.255.255.255", 64, 17, udp(68, 67, NOTHING)));
        see(frame().ipv4("10.0.0.5", "10.0.0.1", 64, 6, tcp(80, 4000, 0x12, NOTHING)));
        see(frame().ipv4("10.0.0.6", "10.0.0.1", 255, 1, new byte[8]));
        see(frame().ipv4("127.0.0.1", "10.0.0.1", 64, 1, new byte[8]));
        see(frame().ipv4("224.0.0.5", "10.0.0.1", 64, 1, new byte[8]));
        assertThat(station().ipv4()).containsExactly("10.0.0.5", "10.0.0.6");
    }

    @Test
    void shouldNotTakeAForwardedPacketForTheGuestsOwn() {
        see(frame().ipv4("192.0.2.9", "10.0.0.1", 63, 17, udp(1, 2, NOTHING)));
        see(frame().ipv6("2001:db8::9", "2001:db8::1", 127, 17, udp(1, 2, NOTHING)));
        assertThat(station().ipv4()).isEmpty();
        assertThat(station().ipv6()).isEmpty();
    }

    @Test
    void shouldLearnIpv6FromNeighborDiscoveryAndFromPackets() {
        see(frame().ipv6("::", "ff02::1:ff00:7", 255, 58, neighborSolicitation("2001:db8::7")));
        assertThat(station().ipv6()).as("while still checking for a duplicate").isEmpty();
        see(frame().ipv6("fe80::5", "ff02::1:ff00:1", 255, 58, neighborSolicitation("fe80::1")));
        see(frame().ipv6("fe80::5", "fe80::1", 255, 58, neighborAdvertisement(0x60, "2001:db8::5")));
        see(frame().ipv6("2001:db8::6", "2001:db8::1", 64, 6, tcp(80, 4000, 0x12, NOTHING)));
        see(frame().ipv6("fe80::8", "ff02::16", 1, 58, new byte[8]));
        assertThat(station().ipv6()).containsExactly("fe80::5", "2001:db8::5", "2001:db8::6", "fe80::8");
        assertThat(station().router()).isFalse();
    }

    @Test
    void shouldLearnWhetherTheGuestIsARouter() {
        see(frame().ipv6("fe80::5", "fe80::1", 255, 58, neighborAdvertisement(0xe0, "fe80::5")));
        assertThat(station().router()).isTrue();
        see(frame().ipv6("fe80::5", "fe80::1", 255, 58, neighborAdvertisement(0x60, "fe80::5")));
        assertThat(station().router()).isFalse();
        see(frame().ipv6("fe80::5", "ff02::1", 255, 58, routerAdvertisement(0)));
        assertThat(station().router()).isFalse();
        see(frame().ipv6("fe80::5", "ff02::1", 255, 58, routerAdvertisement(1800)));
        assertThat(station().router()).isTrue();
        see(frame().ipv6("fe80::5", "ff02::1", 255, 58, routerAdvertisement(0)));
        assertThat(station().router())
                .as("no default router, but still a router")
                .isTrue();
    }

    @Test
    void shouldIgnoreNeighborDiscoveryThatARouterHasForwarded() {
        see(frame().ipv6("2001:db8::5", "2001:db8::1", 254, 58, neighborAdvertisement(0xe0, "2001:db8::5")));
        assertThat(station().ipv6()).isEmpty();
        assertThat(station().router()).isFalse();
    }

    @Test
    void shouldKeepVlansApart() {
        see(frame().arp(1, GUEST, "10.0.0.5", PEER, "10.0.0.1"));
        see(frame().tag(0x8100, 0xa00a).arp(1, GUEST, "10.0.10.5", PEER, "10.0.10.1"));
        see(frame().tag(0x88a8, 100).tag(0x8100, 10).arp(1, GUEST, "10.0.110.5", PEER, "10.0.110.1"));
        see(frame().tag(0x8100, 0).arp(1, GUEST, "10.0.0.6", PEER, "10.0.0.1"));
        see(frame().tag(0x8100, 4095).arp(1, GUEST, "10.0.0.7", PEER, "10.0.0.1"));
        assertThat(stations())
                .extracting(GuestAddresses.Station::tags)
                .containsExactly(
                        List.of(),
                        List.of(new VlanTag(0x8100, 10)),
                        List.of(new VlanTag(0x88a8, 100), new VlanTag(0x8100, 10)));
        assertThat(stations())
                .extracting(GuestAddresses.Station::ipv4)
                .containsExactly(List.of("10.0.0.5", "10.0.0.6"), List.of("10.0.10.5"), List.of("10.0.110.5"));
    }

    @Test
    void shouldKeepNicsApart() {
        see(frame().arp(1, GUEST, "10.0.0.5", PEER, "10.0.0.1"));
        byte[] other = frame().arp(1, GUEST, "10.0.1.5", PEER, "10.0.1.1");
        book.learner("net1").onFrame(segment(other), 0, other.length);
        assertThat(book.snapshot().nics()).extracting(GuestAddresses.Nic::name).containsExactly("net0", "net1");
        assertThat(book.snapshot().nics().get(1).stations().getFirst().ipv4()).containsExactly("10.0.1.5");
        assertThatIllegalArgumentException()
                .isThrownBy(() -> book.learner("net2"))
                .withMessageContaining("net0, net1");
    }

    @Test
    void shouldGrowItsVersionWithEachChangeAndOnlyThen() {
        byte[] first = frame().arp(1, GUEST, "10.0.0.5", PEER, "10.0.0.1");
        see(first);
        GuestAddresses before = book.snapshot();
        assertThat(before.version()).isEqualTo(2);
        see(first);
        assertThat(book.snapshot()).isSameAs(before);
        see(frame().arp(1, GUEST, "10.0.0.6", PEER, "10.0.0.1"));
        assertThat(book.snapshot().version()).isEqualTo(3);
        assertThat(before.nics().getFirst().stations().getFirst().ipv4())
                .as("a snapshot stays")
                .containsExactly("10.0.0.5");
    }

    @Test
    void shouldCountWhatItHasNoRoomFor() {
        for (int i = 0; i < GuestAddresses.MAX_ADDRESSES_PER_NIC; i++) {
            see(frame().arp(1, GUEST, "10.0.1." + i, PEER, "10.0.0.1"));
        }
        long version = book.snapshot().version();
        assertThat(book.refusedSightings("net0")).isZero();
        see(frame().arp(1, GUEST, "10.0.2.1", PEER, "10.0.0.1"));
        see(frame().ipv6("2001:db8::6", "2001:db8::1", 64, 6, tcp(80, 4000, 0x12, NOTHING)));
        see(frame().arp(1, GUEST, "10.0.1.1", PEER, "10.0.0.1"));
        assertThat(book.refusedSightings("net0")).isEqualTo(2);
        for (int i = 1; i < GuestAddresses.MAX_STATIONS_PER_NIC; i++) {
            see(ethernet(PEER, "52:54:00:00:01:%02x".formatted(i)).payload(0x88cc, new byte[46]));
        }
        see(ethernet(PEER, "52:54:00:00:02:00").payload(0x88cc, new byte[46]));
        assertThat(book.refusedSightings("net0")).isEqualTo(3);
        assertThat(book.refusedSightings("net1")).isZero();
        assertThat(stations()).hasSize(GuestAddresses.MAX_STATIONS_PER_NIC);
        assertThat(book.snapshot().version()).isEqualTo(version + GuestAddresses.MAX_STATIONS_PER_NIC - 1);
    }

    @Test
    void shouldGoOnWithWhatTheOtherHostKnew() {
        see(frame().arp(1, GUEST, "10.0.0.5", PEER, "10.0.0.1"));
        see(frame().tag(0x88a8, 100).tag(0x8100, 10).arp(1, GUEST, "10.0.10.5", PEER, "10.0.10.1"));
        see(frame().ipv6("fe80::5", "fe80::1", 255, 58, neighborAdvertisement(0xe0, "fe80::5")));
        GuestAddresses shipped = GuestAddresses.fromJson(book.snapshot().toJson());
        AddressBook backup = new AddressBook(List.of("net0", "net1"));
        backup.adopt(shipped);
        assertThat(backup.snapshot().nics()).isEqualTo(shipped.nics());
        assertThat(backup.snapshot().version()).isGreaterThan(shipped.version());
        GuestAddresses adopted = backup.snapshot();
        byte[] known = frame().arp(1, GUEST, "10.0.0.5", PEER, "10.0.0.1");
        backup.learner("net0").onFrame(segment(known), 0, known.length);
        assertThat(backup.snapshot()).as("nothing new").isSameAs(adopted);
    }

    @Test
    void shouldAdoptNothingOfAGuestThatIsNotThisOne() {
        see(frame().arp(1, GUEST, "10.0.0.5", PEER, "10.0.0.1"));
        AddressBook other = new AddressBook(List.of("eth0"));
        assertThatIllegalArgumentException()
                .isThrownBy(() -> other.adopt(book.snapshot()))
                .withMessageContaining("net0");
        assertThat(other.snapshot()).isEqualTo(GuestAddresses.NONE);
    }

    @Test
    void shouldSurviveAnyDamagedFrame() {
        long seed = Long.getLong("holdfast.seed", System.nanoTime());
        System.out.println("AddressBookTest seed " + seed);
        Random random = new Random(seed);
        List<byte[]> samples = List.of(
                frame().arp(1, GUEST, "10.0.0.5", PEER, "10.0.0.1"),
                frame().tag(0x8100, 10).ipv4("10.0.0.5", "10.0.0.1", 64, 17, udp(1, 2, NOTHING)),
                frame().ipv6("fe80::5", "fe80::1", 255, 58, neighborAdvertisement(0xe0, "fe80::5")));
        for (int round = 0; round < 20_000; round++) {
            byte[] damaged = samples.get(random.nextInt(samples.size())).clone();
            for (int damage = random.nextInt(5); damage > 0; damage--) {
                damaged[random.nextInt(damaged.length)] = (byte) random.nextInt(256);
            }
            see(Arrays.copyOf(damaged, random.nextInt(damaged.length + 1)));
            if (round % 500 == 0) {
                assertThat(GuestAddresses.fromJson(book.snapshot().toJson())).isEqualTo(book.snapshot());
                book.adopt(GuestAddresses.NONE);
            }
        }
    }

    @Test
    void shouldAllocateNothingForWhatItKnowsOrHasNoRoomFor() {
        List<MemorySegment> frames = List.of(
                segment(frame().ipv4("10.0.0.5", "10.0.0.1", 64, 6, tcp(80, 4000, 0x10, NOTHING))),
                segment(frame().tag(0x8100, 10).arp(1, GUEST, "10.0.10.5", PEER, "10.0.10.1")),
                segment(frame().ipv6("fe80::5", "fe80::1", 255, 58, neighborAdvertisement(0xe0, "fe80::5"))));
        for (int i = 0; i < 2 * GuestAddresses.MAX_ADDRESSES_PER_NIC; i++) {
            see(frame().arp(1, GUEST, "10.1.1." + i, PEER, "10.0.0.1"));
        }
        AddressBook.Learner learner = book.learner("net0");
        assertThat(Allocation.bytesPerCall(() -> {
                    for (int i = 0; i < 3; i++) {
                        MemorySegment frame = frames.get(i);
                        learner.onFrame(frame, 0, (int) frame.byteSize());
                    }
                }))
                .isLessThan(0.5);
        assertThat(book.refusedSightings("net0")).isGreaterThan(1000);
    }

    private static FrameBuilder frame() {
        return ethernet(PEER, GUEST);
    }

    private void see(byte[] frame) {
        book.learner("net0").onFrame(segment(frame), 0, frame.length);
    }

    private List<GuestAddresses.Station> stations() {
        return book.snapshot().nics().getFirst().stations();
    }

    private GuestAddresses.Station station() {
        assertThat(stations()).hasSize(1);
        return stations().getFirst();
    }
}
