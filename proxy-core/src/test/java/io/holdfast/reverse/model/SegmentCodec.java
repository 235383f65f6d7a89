package io.holdfast.reverse.model;

import io.holdfast.frame.Checksums;
import io.holdfast.frame.EtherType;
import io.holdfast.frame.EthernetFrame;
import io.holdfast.frame.IpProtocol;
import io.holdfast.frame.Ipv4Packet;
import io.holdfast.frame.Ipv6Packet;
import io.holdfast.frame.NetworkOrder;
import io.holdfast.frame.TcpOptions;
import io.holdfast.frame.TcpSegment;
import io.holdfast.frame.UnfinishedChecksum;
import io.holdfast.frame.VlanTag;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;

/**
 * Writes segments as whole Ethernet frames and reads them back. Every frame has a {@code struct virtio_net_hdr} directly before
 * it, of {@link UnfinishedChecksum#PREFIX_BYTES} bytes.
 *
 * <p>Reading believes nothing: lengths and checksums that a receiver would have thrown away throw an {@link AssertionError}.
 *
 * <p><b>Threads.</b> One.
 */
public final class SegmentCodec {

    private static final int SOURCE_MAC = 6;
    private static final int ETHER_TYPE = 12;

    private static final int IPV4_TOTAL_LENGTH = 2;
    private static final int IPV4_FRAGMENTATION = 6;
    private static final int IPV4_DO_NOT_FRAGMENT = 0x4000;
    private static final int IPV4_TIME_TO_LIVE = 8;
    private static final int IPV4_PROTOCOL = 9;
    private static final int IPV4_CHECKSUM = 10;
    private static final int IPV4_SOURCE = 12;
    private static final int IPV4_DESTINATION = 16;
    private static final int TIME_TO_LIVE = 64;

    private static final int DESTINATION_PORT = 2;
    private static final int SEQUENCE = 4;
    private static final int ACKNOWLEDGMENT = 8;
    private static final int DATA_OFFSET = 12;
    private static final int FLAGS = 13;
    private static final int WINDOW = 14;
    private static final int CHECKSUM = 16;
    private static final int URGENT = 18;

    private static final int NO_OPERATIONS = 0x0101_0000;
    private static final int MSS = 0x0204_0000;
    private static final int WINDOW_SCALE = 0x0103_0300;
    private static final int SACK_PERMITTED = 0x0402_0000;
    private static final int TIMESTAMPS = 0x080a;
    private static final int SACK = 0x0500;

    private static final int NEEDS_CSUM = 1;
    private static final int CSUM_START = 6;
    private static final int CSUM_OFFSET = 8;

    /** As of the machine, not of the network. */
    private static final ValueLayout.OfShort NATIVE_SHORT = ValueLayout.JAVA_SHORT_UNALIGNED;

    private final EthernetFrame ethernet = new EthernetFrame();
    private final Ipv4Packet ipv4 = new Ipv4Packet();
    private final Ipv6Packet ipv6 = new Ipv6Packet();
    private final TcpSegment tcp = new TcpSegment();
    private final TcpOptions options = new TcpOptions();

    /**
     * Writes a frame and the prefix before it.
     *
     * @param frameOffset at least {@link UnfinishedChecksum#PREFIX_BYTES}
     * @param unfinished whether the checksum is left to a device
     * @return the length of the frame
     */
    public int write(Endpoints from, Segment segment, MemorySegment memory, long frameOffset, boolean unfinished) {
        long ipOffset = writeEthernet(from, memory, frameOffset);
        long tcpOffset = ipOffset + (from.ipv6() ? Ipv6Packet.HEADER_BYTES : Ipv4Packet.MIN_HEADER_BYTES);
        long payloadOffset = writeHeader(from, segment, memory, tcpOffset);
        byte[] payload = segment.payload();
        MemorySegment.copy(payload, 0, memory, ValueLayout.JAVA_BYTE, payloadOffset, payload.length);
        int tcpBytes = (int) (payloadOffset - tcpOffset) + payload.length;
        writeIp(from, memory, ipOffset, tcpBytes);

        long prefix = frameOffset - UnfinishedChecksum.PREFIX_BYTES;
        memory.asSlice(prefix, UnfinishedChecksum.PREFIX_BYTES).fill((byte) 0);
        long pseudoHeader = pseudoHeader(from.ipv6(), memory, ipOffset, tcpBytes);
        if (unfinished) {
            NetworkOrder.putByte(memory, prefix, NEEDS_CSUM);
            memory.set(NATIVE_SHORT, prefix + CSUM_START, (short) (tcpOffset - frameOffset));
            memory.set(NATIVE_SHORT, prefix + CSUM_OFFSET, (short) CHECKSUM);
            NetworkOrder.putShort(memory, tcpOffset + CHECKSUM, ~Checksums.finish(pseudoHeader));
        } else {
            long sum = pseudoHeader + Checksums.sum(memory, tcpOffset, tcpBytes);
            NetworkOrder.putShort(memory, tcpOffset + CHECKSUM, Checksums.finish(sum));
        }
        return (int) (tcpOffset - frameOffset) + tcpBytes;
    }

    /**
     * Reads a frame, and believes it only after a look at everything in it that is redundant.
     *
     * @throws AssertionError if a receiver would not have taken it
     */
    public Segment read(MemorySegment memory, long frameOffset, int lengthBytes) {
        wrap(memory, frameOffset, lengthBytes);
        checkIp(memory, lengthBytes);
        checkTcp(memory, frameOffset);
        return segment(memory);
    }

    /**
     * Reads a frame of which only lengths and options are known to be sound: one that was captured where devices have yet to
     * finish checksums.
     *
     * @throws AssertionError if it is not TCP
     */
    public Segment readUnfinished(MemorySegment memory, long frameOffset, int lengthBytes) {
        wrap(memory, frameOffset, lengthBytes);
        return segment(memory);
    }

    private Segment segment(MemorySegment memory) {
        long tcpOffset = tcp.optionsOffset() - TcpSegment.MIN_HEADER_BYTES;
        byte[] payload = new byte[tcp.payloadLength()];
        MemorySegment.copy(memory, ValueLayout.JAVA_BYTE, tcp.payloadOffset(), payload, 0, payload.length);
        Segment.Builder segment = Segment.withFlags(tcp.flags())
                .sequence(tcp.sequence())
                .acknowledgment(tcp.acknowledgment())
                .window(NetworkOrder.getShort(memory, tcpOffset + WINDOW))
                .mss(options.maximumSegmentSize())
                .windowScale(options.windowScale())
                .sackPermitted(options.isSackPermitted())
                .payload(payload);
        if (options.hasTimestamps()) {
            segment.timestamps(options.timestampValue(), options.timestampEcho());
        }
        if (options.sackBlockCount() > 0) {
            int[] sack = new int[2 * options.sackBlockCount()];
            for (int i = 0; i < options.sackBlockCount(); i++) {
                sack[2 * i] = options.sackLeft(i);
                sack[2 * i + 1] = options.sackRight(i);
            }
            segment.sack(sack);
        }
        return segment.build();
    }

    /**
     * Who sent a frame to whom.
     *
     * @throws AssertionError if it is not TCP
     */
    public Endpoints endpointsOf(MemorySegment memory, long frameOffset, int lengthBytes) {
        wrap(memory, frameOffset, lengthBytes);
        boolean six = ethernet.etherType() == EtherType.IPV6;
        return new Endpoints(
                ethernet.source(),
                ethernet.destination(),
                ethernet.tagCount() == 0 ? Endpoints.NO_VLAN : ethernet.vlanId(0),
                six,
                six ? ipv6.sourceHigh() : 0,
                six ? ipv6.sourceLow() : Integer.toUnsignedLong(ipv4.source()),
                six ? ipv6.destinationHigh() : 0,
                six ? ipv6.destinationLow() : Integer.toUnsignedLong(ipv4.destination()),
                tcp.sourcePort(),
                tcp.destinationPort());
    }

    private static long writeEthernet(Endpoints from, MemorySegment memory, long at) {
        NetworkOrder.putMac(memory, at, from.destinationMac());
        NetworkOrder.putMac(memory, at + SOURCE_MAC, from.sourceMac());
        long typeOffset = at + ETHER_TYPE;
        if (from.vlanId() != Endpoints.NO_VLAN) {
            NetworkOrder.putShort(memory, typeOffset, EtherType.VLAN);
            NetworkOrder.putShort(memory, typeOffset + 2, from.vlanId());
            typeOffset += VlanTag.BYTES;
        }
        NetworkOrder.putShort(memory, typeOffset, from.ipv6() ? EtherType.IPV6 : EtherType.IPV4);
        return typeOffset + 2;
    }

    private static void writeIp(Endpoints from, MemorySegment memory, long at, int payloadBytes) {
        if (from.ipv6()) {
            Ipv6Packet.write(
                    memory,
                    at,
                    payloadBytes,
                    IpProtocol.TCP,
                    TIME_TO_LIVE,
                    from.sourceHigh(),
                    from.sourceLow(),
                    from.destinationHigh(),
                    from.destinationLow());
            return;
        }
        NetworkOrder.putInt(memory, at, 0x4500_0000);
        NetworkOrder.putShort(memory, at + IPV4_TOTAL_LENGTH, Ipv4Packet.MIN_HEADER_BYTES + payloadBytes);
        NetworkOrder.putInt(memory, at + 4, 0);
        NetworkOrder.putShort(memory, at + IPV4_FRAGMENTATION, IPV4_DO_NOT_FRAGMENT);
        NetworkOrder.putByte(memory, at + IPV4_TIME_TO_LIVE, TIME_TO_LIVE);
        NetworkOrder.putByte(memory, at + IPV4_PROTOCOL, IpProtocol.TCP);
        NetworkOrder.putShort(memory, at + IPV4_CHECKSUM, 0);
        NetworkOrder.putInt(memory, at + IPV4_SOURCE, (int) from.sourceLow());
        NetworkOrder.putInt(memory, at + IPV4_DESTINATION, (int) from.destinationLow());
        int checksum = Checksums.finish(Checksums.sum(memory, at, Ipv4Packet.MIN_HEADER_BYTES));
        NetworkOrder.putShort(memory, at + IPV4_CHECKSUM, checksum);
    }

    /** Writes a header with a checksum of 0; returns where the payload begins. */
    private static long writeHeader(Endpoints from, Segment segment, MemorySegment memory, long at) {
        NetworkOrder.putShort(memory, at, from.sourcePort());
        NetworkOrder.putShort(memory, at + DESTINATION_PORT, from.destinationPort());
        NetworkOrder.putInt(memory, at + SEQUENCE, segment.sequence());
        NetworkOrder.putInt(memory, at + ACKNOWLEDGMENT, segment.acknowledgment());
        NetworkOrder.putByte(memory, at + FLAGS, segment.flags());
        NetworkOrder.putShort(memory, at + WINDOW, segment.window());
        NetworkOrder.putShort(memory, at + CHECKSUM, 0);
        NetworkOrder.putShort(memory, at + URGENT, 0);
        long end = writeOptions(segment, memory, at + TcpSegment.MIN_HEADER_BYTES);
        NetworkOrder.putByte(memory, at + DATA_OFFSET, (int) (end - at) / 4 * 16);
        return end;
    }

    /** In the order and with the padding of Linux (tcp_options_write), so that each begins where a real guest's does. */
    private static long writeOptions(Segment segment, MemorySegment memory, long start) {
        long at = start;
        if (segment.mss() != 0) {
            NetworkOrder.putInt(memory, at, MSS | segment.mss());
            at += 4;
        }
        if (segment.hasTimestamps()) {
            NetworkOrder.putInt(memory, at, (segment.sackPermitted() ? SACK_PERMITTED : NO_OPERATIONS) | TIMESTAMPS);
            NetworkOrder.putInt(memory, at + 4, segment.tsval());
            NetworkOrder.putInt(memory, at + 8, segment.tsecr());
            at += 12;
        } else if (segment.sackPermitted()) {
            NetworkOrder.putInt(memory, at, NO_OPERATIONS | SACK_PERMITTED >>> 16);
            at += 4;
        }
        if (segment.windowScale() != Segment.NO_WINDOW_SCALE) {
            NetworkOrder.putInt(memory, at, WINDOW_SCALE | segment.windowScale());
            at += 4;
        }
        int[] sack = segment.sack();
        if (sack.length > 0) {
            NetworkOrder.putInt(memory, at, NO_OPERATIONS | SACK | (2 + 4 * sack.length));
            at += 4;
            for (int edge : sack) {
                NetworkOrder.putInt(memory, at, edge);
                at += 4;
            }
        }
        return at;
    }

    private void wrap(MemorySegment memory, long frameOffset, int lengthBytes) {
        require(ethernet.wrap(memory, frameOffset, lengthBytes), "no Ethernet frame");
        require(ethernet.tagCount() <= 1, "more than one VLAN tag");
        boolean whole = switch (ethernet.etherType()) {
            case EtherType.IPV4 ->
                ipv4.wrap(memory, ethernet.payloadOffset(), ethernet.payloadLength())
                        && ipv4.protocol() == IpProtocol.TCP
                        && tcp.wrap(memory, ipv4.payloadOffset(), ipv4.payloadLength());
            case EtherType.IPV6 ->
                ipv6.wrap(memory, ethernet.payloadOffset(), ethernet.payloadLength())
                        && ipv6.protocol() == IpProtocol.TCP
                        && tcp.wrap(memory, ipv6.payloadOffset(), ipv6.payloadLength());
            default -> false;
        };
        require(whole, "no whole TCP segment over IPv4 or IPv6");
        require(options.wrap(memory, tcp), "TCP options contradict themselves");
    }

    private void checkIp(MemorySegment memory, int lengthBytes) {
        long at = ethernet.payloadOffset();
        int ipBytes;
        if (ethernet.etherType() == EtherType.IPV4) {
            ipBytes = ipv4.headerLength() + ipv4.payloadLength();
            require(!ipv4.isFragment(), "a fragment");
            require(ipv4.timeToLive() > 0, "time to live is over");
            require(
                    Checksums.isCorrect(Checksums.sum(memory, at, ipv4.headerLength())),
                    "wrong checksum of the IPv4 header");
        } else {
            ipBytes = (int) (ipv6.payloadOffset() - at) + ipv6.payloadLength();
            require(!ipv6.isFragment(), "a fragment");
            require(ipv6.hopLimit() > 0, "hop limit is over");
        }
        require(
                ipBytes == ethernet.payloadLength() || lengthBytes <= EthernetFrame.MIN_BYTES,
                "bytes after the packet that are no padding");
    }

    private void checkTcp(MemorySegment memory, long frameOffset) {
        long tcpOffset = tcp.optionsOffset() - TcpSegment.MIN_HEADER_BYTES;
        int tcpBytes = tcp.headerLength() + tcp.payloadLength();
        long pseudoHeader =
                pseudoHeader(ethernet.etherType() == EtherType.IPV6, memory, ethernet.payloadOffset(), tcpBytes);
        long prefix = frameOffset - UnfinishedChecksum.PREFIX_BYTES;
        if ((NetworkOrder.getByte(memory, prefix) & NEEDS_CSUM) == 0) {
            require(
                    Checksums.isCorrect(pseudoHeader + Checksums.sum(memory, tcpOffset, tcpBytes)),
                    "wrong checksum of the TCP segment");
            return;
        }
        int start = Short.toUnsignedInt(memory.get(NATIVE_SHORT, prefix + CSUM_START));
        int field = Short.toUnsignedInt(memory.get(NATIVE_SHORT, prefix + CSUM_OFFSET));
        require(
                start == tcpOffset - frameOffset && field == CHECKSUM,
                "an unfinished checksum that begins at " + start + " and goes to " + field);
        // The device adds all of the segment; what it then lacks is the pseudo header, and just that must be in the
        // field.
        int unfinished = NetworkOrder.getShort(memory, tcpOffset + CHECKSUM);
        require(
                Checksums.isCorrect(unfinished + (long) Checksums.finish(pseudoHeader)),
                "an unfinished checksum that is not the sum of the pseudo header");
    }

    private static long pseudoHeader(boolean ipv6, MemorySegment memory, long ipOffset, int tcpBytes) {
        return ipv6
                ? Checksums.pseudoHeaderIpv6(memory, ipOffset, IpProtocol.TCP, tcpBytes)
                : Checksums.pseudoHeaderIpv4(
                        NetworkOrder.getInt(memory, ipOffset + IPV4_SOURCE),
                        NetworkOrder.getInt(memory, ipOffset + IPV4_DESTINATION),
                        IpProtocol.TCP,
                        tcpBytes);
    }

    private static void require(boolean holds, String otherwise) {
        if (!holds) {
            throw new AssertionError("a frame that no receiver would take: " + otherwise);
        }
    }
}
