package io.holdfast.frame;

import static io.holdfast.testkit.FrameBuilder.ethernet;
import static io.holdfast.testkit.FrameBuilder.hex;
import static io.holdfast.testkit.FrameBuilder.join;
import static io.holdfast.testkit.FrameBuilder.neighborAdvertisement;
import static io.holdfast.testkit.FrameBuilder.neighborSolicitation;
import static io.holdfast.testkit.FrameBuilder.routerAdvertisement;
import static io.holdfast.testkit.FrameBuilder.segment;
import static io.holdfast.testkit.FrameBuilder.tcp;
import static io.holdfast.testkit.FrameBuilder.udp;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.lang.foreign.MemorySegment;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.Test;

class FrameViewsTest {

    private static final String HERE = "52:54:00:00:00:01";
    private static final String THERE = "52:54:00:00:00:02";

    private final EthernetFrame ethernet = new EthernetFrame();
    private final ArpPacket arp = new ArpPacket();
    private final Ipv4Packet ipv4 = new Ipv4Packet();
    private final Ipv6Packet ipv6 = new Ipv6Packet();
    private final NeighborMessage neighbor = new NeighborMessage();
    private final TcpSegment tcp = new TcpSegment();
    private final UdpDatagram udp = new UdpDatagram();

    /** One of each kind; the malformed ones are made from them. */
    private static final List<byte[]> SAMPLES = List.of(
            ethernet(THERE, HERE).arp(1, HERE, "10.0.0.1", "00:00:00:00:00:00", "10.0.0.2"),
            ethernet(THERE, HERE).tag(0x88a8, 100).tag(0x8100, 10).arp(2, HERE, "10.0.0.1", THERE, "10.0.0.2"),
            ethernet(THERE, HERE).ipv4("10.0.0.1", "10.0.0.2", 64, 6, tcp(6379, 40000, 0x18, new byte[5])),
            ethernet(THERE, HERE).tag(0x8100, 10).ipv4("10.0.0.1", "10.0.0.2", 64, 17, udp(53, 40000, new byte[5])),
            ethernet(THERE, HERE).ipv6("fe80::1", "ff02::1", 255, 58, neighborAdvertisement(0xa0, "fe80::1")),
            ethernet(THERE, HERE).ipv6("fe80::1", "ff02::1:ff00:2", 255, 58, neighborSolicitation("fe80::2")),
            ethernet(THERE, HERE).ipv6("fe80::1", "ff02::1", 255, 58, routerAdvertisement(1800)),
            ethernet(THERE, HERE)
                    .ipv6(
                            "2001:db8::1",
                            "2001:db8::2",
                            64,
                            0,
                            join(
                                    hex("3c00 010400000000"),
                                    hex("3300 010400000000"),
                                    hex("0604 0000 00000000 00000000 000000000000000000000000"),
                                    tcp(1, 2, 2, new byte[3]))),
            ethernet(THERE, HERE)
                    .ipv6(
                            "2001:db8::1",
                            "2001:db8::2",
                            64,
                            44,
                            join(hex("1100 0001 00000007"), udp(53, 53, new byte[9]))));

    @Test
    void shouldReadAnUntaggedFrame() {
        byte[] frame = SAMPLES.get(0);
        assertThat(ethernet.wrap(segment(frame), 0, frame.length)).isTrue();
        assertThat(new MacAddress(ethernet.destination())).hasToString(THERE);
        assertThat(new MacAddress(ethernet.source())).hasToString(HERE);
        assertThat(ethernet.etherType()).isEqualTo(EtherType.ARP);
        assertThat(ethernet.tagCount()).isZero();
        assertThat(ethernet.payloadOffset()).isEqualTo(14);
        assertThat(ethernet.payloadLength()).isEqualTo(28);
    }

    @Test
    void shouldReadTwoTagsAndWhatIsBehindThem() {
        byte[] frame = SAMPLES.get(1);
        assertThat(wrapEthernet(frame)).isTrue();
        assertThat(ethernet.tagCount()).isEqualTo(2);
        assertThat(ethernet.tagProtocol(0)).isEqualTo(EtherType.SERVICE_VLAN);
        assertThat(ethernet.vlanId(0)).isEqualTo(100);
        assertThat(ethernet.tagProtocol(1)).isEqualTo(EtherType.VLAN);
        assertThat(ethernet.vlanId(1)).isEqualTo(10);
        assertThat(arp.wrap(segment(frame), ethernet.payloadOffset(), ethernet.payloadLength()))
                .isTrue();
        assertThat(arp.operation()).isEqualTo(ArpPacket.REPLY);
        assertThat(new MacAddress(arp.senderMac())).hasToString(HERE);
        assertThat(arp.senderIpv4()).isEqualTo(0x0a000001);
        assertThat(new MacAddress(arp.targetMac())).hasToString(THERE);
        assertThat(arp.targetIpv4()).isEqualTo(0x0a000002);
        assertThatThrownBy(() -> ethernet.vlanId(2)).isInstanceOf(IndexOutOfBoundsException.class);
    }

    @Test
    void shouldNotSeeThroughAThirdTag() {
        byte[] frame = ethernet(THERE, HERE)
                .tag(0x88a8, 1)
                .tag(0x88a8, 2)
                .tag(0x8100, 3)
                .ipv4("10.0.0.1", "10.0.0.2", 64, 17, udp(1, 2, new byte[0]));
        assertThat(wrapEthernet(frame)).isTrue();
        assertThat(ethernet.etherType()).isEqualTo(EtherType.VLAN);
    }

    @Test
    void shouldLeavePriorityBitsOutOfTheVlan() {
        byte[] frame = ethernet(THERE, HERE).tag(0x8100, 0xe00a).arp(1, HERE, "10.0.0.1", THERE, "10.0.0.2");
        assertThat(wrapEthernet(frame)).isTrue();
        assertThat(ethernet.vlanId(0)).isEqualTo(10);
    }

    @Test
    void shouldReadTcpOverIpv4() {
        byte[] frame = join(SAMPLES.get(2), new byte[7]);
        wrapEthernet(frame);
        assertThat(ipv4.wrap(segment(frame), ethernet.payloadOffset(), ethernet.payloadLength()))
                .isTrue();
        assertThat(ipv4.source()).isEqualTo(0x0a000001);
        assertThat(ipv4.destination()).isEqualTo(0x0a000002);
        assertThat(ipv4.timeToLive()).isEqualTo(64);
        assertThat(ipv4.protocol()).isEqualTo(IpProtocol.TCP);
        assertThat(ipv4.isFragment()).isFalse();
        assertThat(ipv4.headerLength()).isEqualTo(20);
        assertThat(tcp.wrap(segment(frame), ipv4.payloadOffset(), ipv4.payloadLength()))
                .isTrue();
        assertThat(tcp.sourcePort()).isEqualTo(6379);
        assertThat(tcp.destinationPort()).isEqualTo(40000);
        assertThat(tcp.sequence()).isEqualTo(0x01020304);
        assertThat(tcp.acknowledgment()).isEqualTo(0x0a0b0c0d);
        assertThat(tcp.flags()).isEqualTo(0x18);
        assertThat(tcp.headerLength()).isEqualTo(20);
        assertThat(tcp.payloadOffset()).isEqualTo(54);
        assertThat(tcp.payloadLength()).as("without the padding").isEqualTo(5);
    }

    @Test
    void shouldReadUdpPorts() {
        byte[] frame = SAMPLES.get(3);
        wrapEthernet(frame);
        assertThat(ipv4.wrap(segment(frame), ethernet.payloadOffset(), ethernet.payloadLength()))
                .isTrue();
        assertThat(udp.wrap(segment(frame), ipv4.payloadOffset(), ipv4.payloadLength()))
                .isTrue();
        assertThat(udp.sourcePort()).isEqualTo(53);
        assertThat(udp.destinationPort()).isEqualTo(40000);
    }

    @Test
    void shouldKnowEveryPartOfAFragmentedIpv4Packet() {
        for (int fragmentation : new int[] {0x2000, 0x2001, 0x0001, 0x1fff}) {
            assertThat(isIpv4Fragment(fragmentation))
                    .as("0x%04x", fragmentation)
                    .isTrue();
        }
        assertThat(isIpv4Fragment(0)).isFalse();
        assertThat(isIpv4Fragment(0x4000)).as("do not fragment").isFalse();
    }

    @Test
    void shouldReadNeighborDiscovery() {
        wrapNeighbor(SAMPLES.get(4));
        assertThat(neighbor.type()).isEqualTo(NeighborMessage.NEIGHBOR_ADVERTISEMENT);
        assertThat(neighbor.isRouter()).isTrue();
        assertThat(neighbor.isSolicited()).isFalse();
        assertThat(neighbor.isOverride()).isTrue();
        assertThat(neighbor.targetHigh()).isEqualTo(0xfe80L << 48);
        assertThat(neighbor.targetLow()).isEqualTo(1);
        wrapNeighbor(SAMPLES.get(5));
        assertThat(neighbor.type()).isEqualTo(NeighborMessage.NEIGHBOR_SOLICITATION);
        assertThat(neighbor.targetLow()).isEqualTo(2);
        wrapNeighbor(SAMPLES.get(6));
        assertThat(neighbor.type()).isEqualTo(NeighborMessage.ROUTER_ADVERTISEMENT);
        assertThat(neighbor.routerLifetimeSeconds()).isEqualTo(1800);
    }

    @Test
    void shouldFindTheTargetsMacBehindOtherOptionsAndNowhereElse() {
        byte[] plain = neighborAdvertisement(0x20, "fe80::1");
        byte[] nonce = hex("0e01 010203040506");
        byte[] option = hex("0201 525400123456");
        assertThat(targetMac(join(plain, option))).isEqualTo(0x5254_0012_3456L);
        assertThat(targetMac(join(plain, nonce, option, nonce))).isEqualTo(0x5254_0012_3456L);
        for (byte[] options : List.of(
                hex(""),
                nonce,
                hex("0201 5254001234"),
                join(hex("0e00 010203040506"), option),
                join(hex("0e09 010203040506"), option),
                hex("0202 525400123456 0000000000000000"))) {
            assertThat(targetMac(join(plain, options))).isEqualTo(NeighborMessage.NO_MAC);
        }
    }

    private long targetMac(byte[] message) {
        assertThat(neighbor.wrap(segment(message), 0, message.length)).isTrue();
        return neighbor.targetMac();
    }

    @Test
    void shouldTellTheHopLimitOfWhateverIsLongEnough() {
        byte[] frame = SAMPLES.get(4);
        assertThat(Ipv6Packet.hopLimitOf(segment(frame), 14, frame.length - 14)).isEqualTo(255);
        assertThat(Ipv6Packet.hopLimitOf(segment(frame), 14, 39)).isEqualTo(-1);
        assertThat(Ipv6Packet.hopLimitOf(segment(frame), 14, frame.length)).isEqualTo(-1);
    }

    @Test
    void shouldNotTakeOtherIcmpForNeighborDiscovery() {
        assertThat(neighbor.wrap(segment(hex("8000 0000 12340001")), 0, 8))
                .as("an echo request")
                .isFalse();
        byte[] withCode = neighborAdvertisement(0, "fe80::1");
        withCode[1] = 1;
        assertThat(neighbor.wrap(segment(withCode), 0, withCode.length)).isFalse();
    }

    @Test
    void shouldWalkExtensionHeadersToTcp() {
        wrapIpv6(SAMPLES.get(7));
        assertThat(ipv6.protocol()).isEqualTo(IpProtocol.TCP);
        assertThat(ipv6.isFragment()).isFalse();
        assertThat(ipv6.payloadLength()).isEqualTo(23);
        assertThat(ipv6.hopLimit()).isEqualTo(64);
        assertThat(ipv6.sourceLow()).isEqualTo(1);
        assertThat(ipv6.destinationHigh()).isEqualTo(0x2001_0db8_0000_0000L);
        assertThat(tcp.wrap(segment(SAMPLES.get(7)), ipv6.payloadOffset(), ipv6.payloadLength()))
                .isTrue();
        assertThat(tcp.destinationPort()).isEqualTo(2);
    }

    @Test
    void shouldKnowFragmentsOfIpv6() {
        wrapIpv6(SAMPLES.get(8));
        assertThat(ipv6.isFragment()).isTrue();
        assertThat(ipv6.protocol()).as("the first fragment has the headers").isEqualTo(IpProtocol.UDP);
        wrapIpv6(ethernet(THERE, HERE)
                .ipv6("fe80::1", "fe80::2", 64, 44, join(hex("1100 0008 00000007"), new byte[16])));
        assertThat(ipv6.isFragment()).isTrue();
        assertThat(ipv6.protocol()).as("the others do not").isEqualTo(Ipv6Packet.UNKNOWN);
        wrapIpv6(ethernet(THERE, HERE)
                .ipv6("fe80::1", "fe80::2", 64, 44, join(hex("1100 0000 00000007"), udp(1, 2, new byte[0]))));
        assertThat(ipv6.isFragment()).as("an atomic one").isTrue();
        wrapIpv6(ethernet(THERE, HERE).ipv6("fe80::1", "fe80::2", 64, 44, hex("1100")));
        assertThat(ipv6.isFragment()).as("one that is cut off").isTrue();
    }

    @Test
    void shouldGiveUpOnAChainThatIsTooLong() {
        byte[] chain = new byte[8 * (Ipv6Packet.MAX_EXTENSION_HEADERS + 1)];
        for (int i = 0; i < chain.length; i += 8) {
            chain[i] = (byte) IpProtocol.DESTINATION_OPTIONS;
        }
        chain[chain.length - 8] = (byte) IpProtocol.UDP;
        wrapIpv6(ethernet(THERE, HERE).ipv6("fe80::1", "fe80::2", 64, 60, join(chain, udp(1, 2, new byte[0]))));
        assertThat(ipv6.protocol()).isEqualTo(Ipv6Packet.UNKNOWN);
        byte[] shorter = Arrays.copyOfRange(chain, 8, chain.length);
        wrapIpv6(ethernet(THERE, HERE).ipv6("fe80::1", "fe80::2", 64, 60, join(shorter, udp(1, 2, new byte[0]))));
        assertThat(ipv6.protocol()).isEqualTo(IpProtocol.UDP);
    }

    @Test
    void shouldGiveUpOnAnExtensionHeaderThatLeavesThePacket() {
        wrapIpv6(ethernet(THERE, HERE)
                .ipv6("fe80::1", "fe80::2", 64, 60, join(hex("1105 000000000000"), udp(1, 2, new byte[0]))));
        assertThat(ipv6.protocol()).isEqualTo(Ipv6Packet.UNKNOWN);
        assertThat(ipv6.payloadLength()).isZero();
    }

    @Test
    void shouldAnswerFalseForWhatIsNotWhatItClaims() {
        byte[] notVersion4 = ethernet(THERE, HERE).payload(EtherType.IPV4, join(hex("6500 0014"), new byte[16]));
        wrapEthernet(notVersion4);
        assertThat(ipv4.wrap(segment(notVersion4), 14, 20)).isFalse();
        byte[] shortHeader = join(hex("4400 0014"), new byte[16]);
        assertThat(ipv4.wrap(segment(shortHeader), 0, 20)).isFalse();
        byte[] tooLong = join(hex("4500 0015"), new byte[16]);
        assertThat(ipv4.wrap(segment(tooLong), 0, 20)).isFalse();
        byte[] otherHardware = SAMPLES.get(0).clone();
        otherHardware[15] = 6;
        assertThat(arp.wrap(segment(otherHardware), 14, 28)).isFalse();
        byte[] options = tcp(1, 2, 0, new byte[3]);
        options[12] = 0x60;
        assertThat(tcp.wrap(segment(options), 0, options.length)).isFalse();
        byte[] longUdp = udp(1, 2, new byte[0]);
        longUdp[5] = 9;
        assertThat(udp.wrap(segment(longUdp), 0, longUdp.length)).isFalse();
    }

    @Test
    void shouldAnswerFalseForARangeOutsideTheMemory() {
        MemorySegment memory = MemorySegment.ofArray(SAMPLES.get(0));
        assertThat(ethernet.wrap(memory, -1, 20)).isFalse();
        assertThat(ethernet.wrap(memory, 0, -1)).isFalse();
        assertThat(ethernet.wrap(memory, 30, 20)).isFalse();
        assertThat(ethernet.wrap(memory, Long.MAX_VALUE, 20)).isFalse();
        assertThat(ethernet.wrap(memory, 0, Integer.MAX_VALUE)).isFalse();
    }

    @Test
    void shouldNotTellOfTheFrameBeforeAfterAFailedWrap() {
        assertThat(wrapEthernet(SAMPLES.get(0))).isTrue();
        assertThat(wrapEthernet(new byte[13])).isFalse();
        assertThatThrownBy(ethernet::source).isInstanceOf(IndexOutOfBoundsException.class);
    }

    @Test
    void shouldNeverReadOutsideATruncatedFrame() {
        for (byte[] sample : SAMPLES) {
            for (int length = 0; length <= sample.length; length++) {
                readEverything(Arrays.copyOf(sample, length));
            }
        }
    }

    @Test
    void shouldNeverReadOutsideADamagedFrame() {
        long seed = Long.getLong("holdfast.seed", System.nanoTime());
        System.out.println("FrameViewsTest seed " + seed);
        Random random = new Random(seed);
        for (int round = 0; round < 50_000; round++) {
            byte[] frame = SAMPLES.get(random.nextInt(SAMPLES.size())).clone();
            for (int damage = 1 + random.nextInt(4); damage > 0; damage--) {
                frame[12 + random.nextInt(frame.length - 12)] = (byte) random.nextInt(256);
            }
            readEverything(Arrays.copyOf(frame, 12 + random.nextInt(frame.length - 11)));
        }
    }

    /** Follows a frame as far as the views find it valid, and then calls every accessor. */
    private void readEverything(byte[] frame) {
        MemorySegment memory = segment(frame);
        if (!ethernet.wrap(memory, 0, frame.length)) {
            return;
        }
        long at = ethernet.payloadOffset();
        int length = ethernet.payloadLength();
        long sink = ethernet.source() ^ ethernet.destination();
        for (int i = 0; i < ethernet.tagCount(); i++) {
            sink ^= ethernet.vlanId(i) ^ ethernet.tagProtocol(i);
        }
        if (arp.wrap(memory, at, length)) {
            sink ^= arp.operation() ^ arp.senderMac() ^ arp.senderIpv4() ^ arp.targetMac() ^ arp.targetIpv4();
        }
        if (ipv4.wrap(memory, at, length)) {
            sink ^= ipv4.source() ^ ipv4.destination() ^ ipv4.timeToLive() ^ (ipv4.isFragment() ? 1 : 0);
            sink ^= readTransport(memory, ipv4.payloadOffset(), ipv4.payloadLength());
        }
        if (ipv6.wrap(memory, at, length)) {
            sink ^= ipv6.sourceHigh() ^ ipv6.sourceLow() ^ ipv6.destinationHigh() ^ ipv6.destinationLow();
            sink ^= ipv6.hopLimit() ^ ipv6.protocol();
            sink ^= readTransport(memory, ipv6.payloadOffset(), ipv6.payloadLength());
        }
        assertThat(sink).isNotEqualTo(Long.MIN_VALUE);
    }

    private long readTransport(MemorySegment memory, long at, int length) {
        assertThat(length).isNotNegative();
        long sink = 0;
        if (tcp.wrap(memory, at, length)) {
            sink ^= tcp.sourcePort() ^ tcp.destinationPort() ^ tcp.sequence() ^ tcp.acknowledgment() ^ tcp.flags();
            assertThat(tcp.payloadLength()).isNotNegative();
        }
        if (udp.wrap(memory, at, length)) {
            sink ^= udp.sourcePort() ^ udp.destinationPort();
        }
        if (neighbor.wrap(memory, at, length)) {
            sink ^= neighbor.isOverride() || neighbor.isRouter() || neighbor.isSolicited() ? 1 : 0;
            switch (neighbor.type()) {
                case NeighborMessage.ROUTER_ADVERTISEMENT -> sink ^= neighbor.routerLifetimeSeconds();
                case NeighborMessage.ROUTER_SOLICITATION -> {}
                default -> sink ^= neighbor.targetHigh() ^ neighbor.targetLow();
            }
        }
        return sink;
    }

    private boolean wrapEthernet(byte[] frame) {
        return ethernet.wrap(segment(frame), 0, frame.length);
    }

    private boolean isIpv4Fragment(int fragmentation) {
        byte[] frame = ethernet(THERE, HERE).ipv4("10.0.0.1", "10.0.0.2", 64, 17, fragmentation, new byte[8]);
        assertThat(ipv4.wrap(segment(frame), 14, 28)).isTrue();
        return ipv4.isFragment();
    }

    private void wrapIpv6(byte[] frame) {
        assertThat(wrapEthernet(frame)).isTrue();
        assertThat(ipv6.wrap(segment(frame), ethernet.payloadOffset(), ethernet.payloadLength()))
                .isTrue();
    }

    private void wrapNeighbor(byte[] frame) {
        wrapIpv6(frame);
        assertThat(ipv6.protocol()).isEqualTo(IpProtocol.ICMPV6);
        assertThat(neighbor.wrap(segment(frame), ipv6.payloadOffset(), ipv6.payloadLength()))
                .isTrue();
    }
}
