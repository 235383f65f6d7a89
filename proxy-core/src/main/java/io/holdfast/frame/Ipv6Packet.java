package io.holdfast.frame;

import java.lang.foreign.MemorySegment;

/**
 * A view of an IPv6 packet (RFC 8200), with its extension headers walked up to a limit. See {@link EthernetFrame} for the
 * manners of views.
 */
public final class Ipv6Packet {

    public static final int HEADER_BYTES = 40;

    /** A chain of more extension headers than this is not followed: {@link #protocol} is then {@link #UNKNOWN}. */
    public static final int MAX_EXTENSION_HEADERS = 8;

    /** The {@link #protocol} of a packet whose chain of headers is broken, too long or elsewhere. */
    public static final int UNKNOWN = -1;

    private static final int PAYLOAD_LENGTH = 4;
    private static final int NEXT_HEADER = 6;
    private static final int HOP_LIMIT = 7;
    private static final int SOURCE = 8;
    private static final int DESTINATION = 24;

    /** Every extension header is at least this long, and its second byte counts in these units (RFC 6564). */
    private static final int EXTENSION_UNIT_BYTES = 8;

    private static final int FRAGMENT_OFFSET_MASK = 0xfff8;

    private MemorySegment memory = MemorySegment.NULL;
    private long offsetBytes;
    private long endOffset;
    private int protocol;
    private long payloadOffset;
    private boolean fragment;

    /**
     * Looks at an Ethernet payload; false if it is not IPv6 or is shorter than its header claims. True says nothing of the
     * extension headers: see {@link #protocol}.
     */
    public boolean wrap(MemorySegment memory, long offsetBytes, int lengthBytes) {
        return wrap(memory, offsetBytes, lengthBytes, false);
    }

    /** Looks at what may be the beginning only of a packet, its whole header at least; what is missing is no payload. */
    boolean wrapQuote(MemorySegment memory, long offsetBytes, int lengthBytes) {
        return wrap(memory, offsetBytes, lengthBytes, true);
    }

    private boolean wrap(MemorySegment memory, long offsetBytes, int lengthBytes, boolean quoted) {
        this.memory = MemorySegment.NULL;
        if (!NetworkOrder.holds(memory, offsetBytes, lengthBytes, HEADER_BYTES)
                || NetworkOrder.getByte(memory, offsetBytes) >>> 4 != 6) {
            return false;
        }
        int claimed = NetworkOrder.getShort(memory, offsetBytes + PAYLOAD_LENGTH);
        int present = lengthBytes - HEADER_BYTES;
        int payload = quoted ? Math.min(claimed, present) : claimed;
        if (payload > present) {
            return false;
        }
        this.memory = memory;
        this.offsetBytes = offsetBytes;
        this.endOffset = offsetBytes + HEADER_BYTES + payload;
        walkExtensionHeaders();
        return true;
    }

    /** The hop limit of what may be a packet, without a closer look; -1 if it is too short for one. */
    public static int hopLimitOf(MemorySegment memory, long offsetBytes, int lengthBytes) {
        return NetworkOrder.holds(memory, offsetBytes, lengthBytes, HEADER_BYTES)
                ? NetworkOrder.getByte(memory, offsetBytes + HOP_LIMIT)
                : -1;
    }

    private void walkExtensionHeaders() {
        int next = NetworkOrder.getByte(memory, offsetBytes + NEXT_HEADER);
        long at = offsetBytes + HEADER_BYTES;
        fragment = false;
        protocol = UNKNOWN;
        payloadOffset = endOffset;
        for (int walked = 0; IpProtocol.isExtensionHeader(next); walked++) {
            if (walked == MAX_EXTENSION_HEADERS || endOffset - at < EXTENSION_UNIT_BYTES) {
                // Said before the header is seen whole: half a fragment header is still one.
                fragment |= next == IpProtocol.FRAGMENT;
                return;
            }
            int following = NetworkOrder.getByte(memory, at);
            int lengthField = NetworkOrder.getByte(memory, at + 1);
            if (next == IpProtocol.FRAGMENT) {
                fragment = true;
                if ((NetworkOrder.getShort(memory, at + 2) & FRAGMENT_OFFSET_MASK) != 0) {
                    // The headers that would follow are in the first fragment, not here.
                    return;
                }
                at += EXTENSION_UNIT_BYTES;
            } else if (next == IpProtocol.AUTHENTICATION) {
                at += (lengthField + 2) * 4L; // RFC 4302, section 2.2
            } else {
                at += (lengthField + 1) * (long) EXTENSION_UNIT_BYTES;
            }
            if (at > endOffset) {
                return;
            }
            next = following;
        }
        protocol = next;
        payloadOffset = at;
    }

    public int hopLimit() {
        return NetworkOrder.getByte(memory, offsetBytes + HOP_LIMIT);
    }

    /** The upper half of the source address. */
    public long sourceHigh() {
        return NetworkOrder.getLong(memory, offsetBytes + SOURCE);
    }

    /** The lower half of the source address. */
    public long sourceLow() {
        return NetworkOrder.getLong(memory, offsetBytes + SOURCE + 8);
    }

    /** The upper half of the destination address. */
    public long destinationHigh() {
        return NetworkOrder.getLong(memory, offsetBytes + DESTINATION);
    }

    /** The lower half of the destination address. */
    public long destinationLow() {
        return NetworkOrder.getLong(memory, offsetBytes + DESTINATION + 8);
    }

    /** Whether a fragment header was met, an atomic one (RFC 6946) included. */
    public boolean isFragment() {
        return fragment;
    }

    /** What follows the extension headers, see {@link IpProtocol}; {@link #UNKNOWN} if that cannot be told. */
    public int protocol() {
        return protocol;
    }

    /** Where what follows the extension headers begins, in the wrapped memory; only if {@link #protocol} is known. */
    public long payloadOffset() {
        return payloadOffset;
    }

    /** What follows the extension headers, without Ethernet padding; 0 if {@link #protocol} is not known. */
    public int payloadLength() {
        return (int) (endOffset - payloadOffset);
    }

    /** Writes a header of {@link #HEADER_BYTES} bytes without extension headers, traffic class and flow label zero. */
    public static void write(
            MemorySegment memory,
            long offsetBytes,
            int payloadBytes,
            int protocol,
            int hopLimit,
            long sourceHigh,
            long sourceLow,
            long destinationHigh,
            long destinationLow) {
        NetworkOrder.putInt(memory, offsetBytes, 6 << 28);
        NetworkOrder.putShort(memory, offsetBytes + PAYLOAD_LENGTH, payloadBytes);
        NetworkOrder.putByte(memory, offsetBytes + NEXT_HEADER, protocol);
        NetworkOrder.putByte(memory, offsetBytes + HOP_LIMIT, hopLimit);
        NetworkOrder.putLong(memory, offsetBytes + SOURCE, sourceHigh);
        NetworkOrder.putLong(memory, offsetBytes + SOURCE + 8, sourceLow);
        NetworkOrder.putLong(memory, offsetBytes + DESTINATION, destinationHigh);
        NetworkOrder.putLong(memory, offsetBytes + DESTINATION + 8, destinationLow);
    }
}
