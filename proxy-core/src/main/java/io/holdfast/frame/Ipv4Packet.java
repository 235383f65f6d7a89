package io.holdfast.frame;

import java.lang.foreign.MemorySegment;

/** A view of an IPv4 packet (RFC 791). See {@link EthernetFrame} for the manners of views. */
public final class Ipv4Packet {

    public static final int MIN_HEADER_BYTES = 20;

    private static final int TOTAL_LENGTH = 2;
    private static final int FRAGMENTATION = 6;
    private static final int TIME_TO_LIVE = 8;
    private static final int PROTOCOL = 9;
    private static final int SOURCE = 12;
    private static final int DESTINATION = 16;

    private static final int MORE_FRAGMENTS = 0x2000;
    private static final int FRAGMENT_OFFSET_MASK = 0x1fff;

    private MemorySegment memory = MemorySegment.NULL;
    private long offsetBytes;
    private int headerBytes;
    private int totalBytes;

    /** Looks at an Ethernet payload; false if it is not IPv4 or is shorter than its header claims. */
    public boolean wrap(MemorySegment memory, long offsetBytes, int lengthBytes) {
        return wrap(memory, offsetBytes, lengthBytes, false);
    }

    /** Looks at what may be the beginning only of a packet, its whole header at least; what is missing is no payload. */
    boolean wrapQuote(MemorySegment memory, long offsetBytes, int lengthBytes) {
        return wrap(memory, offsetBytes, lengthBytes, true);
    }

    private boolean wrap(MemorySegment memory, long offsetBytes, int lengthBytes, boolean quoted) {
        this.memory = MemorySegment.NULL;
        if (!NetworkOrder.holds(memory, offsetBytes, lengthBytes, MIN_HEADER_BYTES)) {
            return false;
        }
        int first = NetworkOrder.getByte(memory, offsetBytes);
        int header = (first & 0xf) * 4;
        int claimed = NetworkOrder.getShort(memory, offsetBytes + TOTAL_LENGTH);
        int total = quoted ? Math.min(claimed, lengthBytes) : claimed;
        if (first >>> 4 != 4 || header < MIN_HEADER_BYTES || total < header || total > lengthBytes) {
            return false;
        }
        this.memory = memory;
        this.offsetBytes = offsetBytes;
        this.headerBytes = header;
        this.totalBytes = total;
        return true;
    }

    /** Whether it is any part of a fragmented packet, the first one included. */
    public boolean isFragment() {
        return (NetworkOrder.getShort(memory, offsetBytes + FRAGMENTATION) & (MORE_FRAGMENTS | FRAGMENT_OFFSET_MASK))
                != 0;
    }

    public int timeToLive() {
        return NetworkOrder.getByte(memory, offsetBytes + TIME_TO_LIVE);
    }

    /** See {@link IpProtocol}. */
    public int protocol() {
        return NetworkOrder.getByte(memory, offsetBytes + PROTOCOL);
    }

    public int source() {
        return NetworkOrder.getInt(memory, offsetBytes + SOURCE);
    }

    public int destination() {
        return NetworkOrder.getInt(memory, offsetBytes + DESTINATION);
    }

    public int headerLength() {
        return headerBytes;
    }

    /** Where the payload begins, in the wrapped memory. */
    public long payloadOffset() {
        return offsetBytes + headerBytes;
    }

    /** The payload without Ethernet padding. */
    public int payloadLength() {
        return totalBytes - headerBytes;
    }
}
