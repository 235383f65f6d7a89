package io.holdfast.frame;

import java.lang.foreign.MemorySegment;

/**
 * Writes whole frames with a TCP segment, for one who speaks in the place of an end. Checksums are finished. Nothing here
 * allocates.
 */
public final class SegmentWriter {

    /** No frame without payload is longer, and none with payload has more in front of it. */
    public static final int MAX_BYTES = 128;

    private static final int HOPS = 64;
    private static final int DONT_FRAGMENT = 0x4000;
    private static final int CHECKSUM = 16;

    /** NOP, NOP, kind 8, length 10: what RFC 7323, appendix A, recommends. */
    private static final int TIMESTAMPS_OPTION = 0x0101_080a;

    private static final int TIMESTAMPS_BYTES = 12;

    private SegmentWriter() {}

    /**
     * Writes a segment without timestamps and without payload.
     *
     * @param window as on the wire, 0 to 65535
     * @return the frame's length
     */
    public static int write(
            MemorySegment memory,
            long offsetBytes,
            TcpPath path,
            int sequence,
            int acknowledgment,
            int flags,
            int window) {
        return write(memory, offsetBytes, path, sequence, acknowledgment, flags, window, 0, 0);
    }

    /** Writes a segment with payload, which already stands at {@link #payloadOffset}; otherwise like the first form. */
    public static int writePayload(
            MemorySegment memory,
            long offsetBytes,
            TcpPath path,
            int sequence,
            int acknowledgment,
            int flags,
            int window,
            int payloadBytes) {
        return write(memory, offsetBytes, path, sequence, acknowledgment, flags, window, 0, payloadBytes);
    }

    /** Writes a segment with timestamps; otherwise like the first form. */
    public static int writeTimestamped(
            MemorySegment memory,
            long offsetBytes,
            TcpPath path,
            int sequence,
            int acknowledgment,
            int flags,
            int window,
            int timestampValue,
            int timestampEcho) {
        return writeTimestampedPayload(
                memory, offsetBytes, path, sequence, acknowledgment, flags, window, timestampValue, timestampEcho, 0);
    }

    /** Writes a segment with timestamps, and payload that already stands at {@link #payloadOffset}. */
    public static int writeTimestampedPayload(
            MemorySegment memory,
            long offsetBytes,
            TcpPath path,
            int sequence,
            int acknowledgment,
            int flags,
            int window,
            int timestampValue,
            int timestampEcho,
            int payloadBytes) {
        long options = payloadOffset(offsetBytes, path, false);
        NetworkOrder.putInt(memory, options, TIMESTAMPS_OPTION);
        NetworkOrder.putInt(memory, options + 4, timestampValue);
        NetworkOrder.putInt(memory, options + 8, timestampEcho);
        return write(
                memory, offsetBytes, path, sequence, acknowledgment, flags, window, TIMESTAMPS_BYTES, payloadBytes);
    }

    /** Where the payload of a frame at an offset stands. */
    public static long payloadOffset(long offsetBytes, TcpPath path, boolean timestamps) {
        return ipOffset(offsetBytes, path)
                + (path.ipv6() ? Ipv6Packet.HEADER_BYTES : Ipv4Packet.MIN_HEADER_BYTES)
                + TcpSegment.MIN_HEADER_BYTES
                + (timestamps ? TIMESTAMPS_BYTES : 0);
    }

    private static int write(
            MemorySegment memory,
            long offsetBytes,
            TcpPath path,
            int sequence,
            int acknowledgment,
            int flags,
            int window,
            int optionBytes,
            int payloadBytes) {
        int headerBytes = TcpSegment.MIN_HEADER_BYTES + optionBytes;
        int segmentBytes = headerBytes + payloadBytes;
        long segmentOffset = writeHeaders(memory, offsetBytes, path, segmentBytes);
        NetworkOrder.putShort(memory, segmentOffset, path.sourcePort());
        NetworkOrder.putShort(memory, segmentOffset + 2, path.destinationPort());
        NetworkOrder.putInt(memory, segmentOffset + 4, sequence);
        NetworkOrder.putInt(memory, segmentOffset + 8, acknowledgment);
        NetworkOrder.putByte(memory, segmentOffset + 12, (headerBytes / 4) << 4);
        NetworkOrder.putByte(memory, segmentOffset + 13, flags);
        NetworkOrder.putShort(memory, segmentOffset + 14, window);
        NetworkOrder.putInt(memory, segmentOffset + CHECKSUM, 0);
        long sum = Checksums.sum(memory, segmentOffset, segmentBytes) + pseudoHeader(path, segmentBytes);
        NetworkOrder.putShort(memory, segmentOffset + CHECKSUM, Checksums.finish(sum));
        int lengthBytes = (int) (segmentOffset - offsetBytes) + segmentBytes;
        if (lengthBytes >= EthernetFrame.MIN_BYTES) {
            return lengthBytes;
        }
        memory.asSlice(offsetBytes + lengthBytes, EthernetFrame.MIN_BYTES - lengthBytes)
                .fill((byte) 0);
        return EthernetFrame.MIN_BYTES;
    }

    private static long ipOffset(long offsetBytes, TcpPath path) {
        return offsetBytes + EthernetFrame.HEADER_BYTES + (long) path.tagCount() * VlanTag.BYTES;
    }

    /** Ethernet, tags and IP; where the segment begins. */
    private static long writeHeaders(MemorySegment memory, long offsetBytes, TcpPath path, int segmentBytes) {
        NetworkOrder.putMac(memory, offsetBytes, path.destinationMac());
        NetworkOrder.putMac(memory, offsetBytes + 6, path.sourceMac());
        if (path.tagCount() > 0) {
            NetworkOrder.putInt(memory, offsetBytes + 12, path.outerTag());
        }
        if (path.tagCount() > 1) {
            NetworkOrder.putInt(memory, offsetBytes + 12 + VlanTag.BYTES, path.innerTag());
        }
        long ipOffset = ipOffset(offsetBytes, path);
        NetworkOrder.putShort(memory, ipOffset - 2, path.ipv6() ? EtherType.IPV6 : EtherType.IPV4);
        if (path.ipv6()) {
            Ipv6Packet.write(
                    memory,
                    ipOffset,
                    segmentBytes,
                    IpProtocol.TCP,
                    HOPS,
                    path.sourceHigh(),
                    path.sourceLow(),
                    path.destinationHigh(),
                    path.destinationLow());
            return ipOffset + Ipv6Packet.HEADER_BYTES;
        }
        NetworkOrder.putShort(memory, ipOffset, 0x4500);
        NetworkOrder.putShort(memory, ipOffset + 2, Ipv4Packet.MIN_HEADER_BYTES + segmentBytes);
        NetworkOrder.putShort(memory, ipOffset + 4, 0);
        NetworkOrder.putShort(memory, ipOffset + 6, DONT_FRAGMENT);
        NetworkOrder.putByte(memory, ipOffset + 8, HOPS);
        NetworkOrder.putByte(memory, ipOffset + 9, IpProtocol.TCP);
        NetworkOrder.putShort(memory, ipOffset + 10, 0);
        NetworkOrder.putInt(memory, ipOffset + 12, (int) path.sourceLow());
        NetworkOrder.putInt(memory, ipOffset + 16, (int) path.destinationLow());
        long sum = Checksums.sum(memory, ipOffset, Ipv4Packet.MIN_HEADER_BYTES);
        NetworkOrder.putShort(memory, ipOffset + 10, Checksums.finish(sum));
        return ipOffset + Ipv4Packet.MIN_HEADER_BYTES;
    }

    private static long pseudoHeader(TcpPath path, int segmentBytes) {
        if (!path.ipv6()) {
            return Checksums.pseudoHeaderIpv4(
                    (int) path.sourceLow(), (int) path.destinationLow(), IpProtocol.TCP, segmentBytes);
        }
        return halves(path.sourceHigh())
                + halves(path.sourceLow())
                + halves(path.destinationHigh())
                + halves(path.destinationLow())
                + IpProtocol.TCP
                + segmentBytes;
    }

    private static long halves(long word) {
        return (word >>> 32) + (word & 0xffff_ffffL);
    }
}
