package io.holdfast.frame;

import java.lang.foreign.MemorySegment;

/**
 * A view of a frame by which the network tells the sender of a TCP segment what became of it: unreachable, too big, too old or
 * faulty (RFC 792, RFC 4443). It quotes the segment from its IP header on, often only its first 8 bytes. What quotes a fragment,
 * or fewer bytes, is none. See {@link EthernetFrame} for the manners of views.
 */
public final class IcmpQuote {

    private static final int DESTINATION_UNREACHABLE = 3;
    private static final int TIME_EXCEEDED = 11;
    private static final int PARAMETER_PROBLEM = 12;
    private static final int FIRST_ERROR_V6 = 1;
    private static final int LAST_ERROR_V6 = 4;

    private static final int CHECKSUM = 2;
    private static final int HEADER_BYTES = 8;

    private static final int DESTINATION_PORT = 2;
    private static final int SEQUENCE = 4;
    private static final int LEAST_BYTES = 8;
    private static final int TCP_CHECKSUM = 16;

    private final EthernetFrame ethernet = new EthernetFrame();
    private final Ipv4Packet ipv4 = new Ipv4Packet();
    private final Ipv6Packet ipv6 = new Ipv6Packet();

    private MemorySegment memory = MemorySegment.NULL;
    private boolean overIpv6;
    private long icmpOffset;
    private long segmentOffset;
    private int segmentBytes;

    /** Looks at a frame; false if it is not one of these. */
    public boolean wrap(MemorySegment frame, long offsetBytes, int lengthBytes) {
        memory = MemorySegment.NULL;
        if (!ethernet.wrap(frame, offsetBytes, lengthBytes)) {
            return false;
        }
        overIpv6 = ethernet.etherType() == EtherType.IPV6;
        boolean quotes = switch (ethernet.etherType()) {
            case EtherType.IPV4 -> wrapIpv4(frame);
            case EtherType.IPV6 -> wrapIpv6(frame);
            default -> false;
        };
        if (!quotes || segmentBytes < LEAST_BYTES) {
            return false;
        }
        memory = frame;
        return true;
    }

    private boolean wrapIpv4(MemorySegment frame) {
        if (!ipv4.wrap(frame, ethernet.payloadOffset(), ethernet.payloadLength())
                || ipv4.isFragment()
                || ipv4.protocol() != IpProtocol.ICMP) {
            return false;
        }
        icmpOffset = ipv4.payloadOffset();
        int quoted = ipv4.payloadLength() - HEADER_BYTES;
        if (!ipv4.wrapQuote(frame, icmpOffset + HEADER_BYTES, quoted)
                || !isError(NetworkOrder.getByte(frame, icmpOffset))) {
            return false;
        }
        segmentOffset = ipv4.payloadOffset();
        segmentBytes = ipv4.payloadLength();
        return !ipv4.isFragment() && ipv4.protocol() == IpProtocol.TCP;
    }

    private boolean wrapIpv6(MemorySegment frame) {
        if (!ipv6.wrap(frame, ethernet.payloadOffset(), ethernet.payloadLength())
                || ipv6.isFragment()
                || ipv6.protocol() != IpProtocol.ICMPV6) {
            return false;
        }
        icmpOffset = ipv6.payloadOffset();
        int quoted = ipv6.payloadLength() - HEADER_BYTES;
        if (!ipv6.wrapQuote(frame, icmpOffset + HEADER_BYTES, quoted)
                || !isError(NetworkOrder.getByte(frame, icmpOffset))) {
            return false;
        }
        segmentOffset = ipv6.payloadOffset();
        segmentBytes = ipv6.payloadLength();
        return !ipv6.isFragment() && ipv6.protocol() == IpProtocol.TCP;
    }

    private boolean isError(int type) {
        return overIpv6
                ? type >= FIRST_ERROR_V6 && type <= LAST_ERROR_V6
                : type == DESTINATION_UNREACHABLE || type == TIME_EXCEEDED || type == PARAMETER_PROBLEM;
    }

    /** Of the frame that tells of it. */
    public EthernetFrame ethernet() {
        return ethernet;
    }

    // ---- the quoted segment; addresses in the form of TcpFrame ----

    /** The upper half of the source address. */
    public long sourceHigh() {
        return overIpv6 ? ipv6.sourceHigh() : 0;
    }

    /** The lower half of the source address. */
    public long sourceLow() {
        return overIpv6 ? ipv6.sourceLow() : TcpFrame.mapped(ipv4.source());
    }

    /** The upper half of the destination address. */
    public long destinationHigh() {
        return overIpv6 ? ipv6.destinationHigh() : 0;
    }

    /** The lower half of the destination address. */
    public long destinationLow() {
        return overIpv6 ? ipv6.destinationLow() : TcpFrame.mapped(ipv4.destination());
    }

    public int sourcePort() {
        return NetworkOrder.getShort(memory, segmentOffset);
    }

    public int destinationPort() {
        return NetworkOrder.getShort(memory, segmentOffset + DESTINATION_PORT);
    }

    /** Modulo 2^32, as on the wire. */
    public int sequence() {
        return NetworkOrder.getInt(memory, segmentOffset + SEQUENCE);
    }

    /** Changes it where it is, and keeps the checksums by increment (RFC 1624), the segment's own if it is quoted as well. */
    public void setSequence(int sequence) {
        int old = sequence();
        NetworkOrder.putInt(memory, segmentOffset + SEQUENCE, sequence);
        int checksum = Checksums.update32(NetworkOrder.getShort(memory, icmpOffset + CHECKSUM), old, sequence);
        if (segmentBytes >= TCP_CHECKSUM + 2) {
            int oldInner = NetworkOrder.getShort(memory, segmentOffset + TCP_CHECKSUM);
            int inner = Checksums.update32(oldInner, old, sequence);
            NetworkOrder.putShort(memory, segmentOffset + TCP_CHECKSUM, inner);
            checksum = Checksums.update16(checksum, oldInner, inner);
        }
        NetworkOrder.putShort(memory, icmpOffset + CHECKSUM, checksum);
    }
}
