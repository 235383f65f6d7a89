package io.holdfast.frame;

import java.lang.foreign.MemorySegment;

/**
 * A view of a frame that carries one whole TCP segment, over IPv4 or IPv6, with none, one or two VLAN tags. What belongs to
 * a fragmented packet, and what cannot be understood to the end, is none. See {@link EthernetFrame} for the manners of views.
 *
 * <p>Addresses are shown as pairs of longs, IPv4 addresses as IPv4-mapped ones (RFC 4291, section 2.5.5.2).
 */
public final class TcpFrame {

    private static final long IPV4_MAPPED = 0xffff_0000_0000L;

    private final EthernetFrame ethernet = new EthernetFrame();
    private final Ipv4Packet ipv4 = new Ipv4Packet();
    private final Ipv6Packet ipv6 = new Ipv6Packet();
    private final TcpSegment segment = new TcpSegment();
    private final TcpOptions options = new TcpOptions();
    private boolean overIpv6;

    /** Looks at a frame; false if it is not one of these. */
    public boolean wrap(MemorySegment memory, long offsetBytes, int lengthBytes) {
        if (!ethernet.wrap(memory, offsetBytes, lengthBytes)) {
            return false;
        }
        overIpv6 = ethernet.etherType() == EtherType.IPV6;
        boolean isSegment = switch (ethernet.etherType()) {
            case EtherType.IPV4 ->
                ipv4.wrap(memory, ethernet.payloadOffset(), ethernet.payloadLength())
                        && !ipv4.isFragment()
                        && ipv4.protocol() == IpProtocol.TCP
                        && segment.wrap(memory, ipv4.payloadOffset(), ipv4.payloadLength());
            case EtherType.IPV6 ->
                ipv6.wrap(memory, ethernet.payloadOffset(), ethernet.payloadLength())
                        && !ipv6.isFragment()
                        && ipv6.protocol() == IpProtocol.TCP
                        && segment.wrap(memory, ipv6.payloadOffset(), ipv6.payloadLength());
            default -> false;
        };
        return isSegment && options.wrap(memory, segment);
    }

    public EthernetFrame ethernet() {
        return ethernet;
    }

    public TcpSegment segment() {
        return segment;
    }

    public TcpOptions options() {
        return options;
    }

    public boolean isOverIpv6() {
        return overIpv6;
    }

    /** The upper half of the source address. */
    public long sourceHigh() {
        return overIpv6 ? ipv6.sourceHigh() : 0;
    }

    /** The lower half of the source address. */
    public long sourceLow() {
        return overIpv6 ? ipv6.sourceLow() : mapped(ipv4.source());
    }

    /** The upper half of the destination address. */
    public long destinationHigh() {
        return overIpv6 ? ipv6.destinationHigh() : 0;
    }

    /** The lower half of the destination address. */
    public long destinationLow() {
        return overIpv6 ? ipv6.destinationLow() : mapped(ipv4.destination());
    }

    static long mapped(int address) {
        return IPV4_MAPPED | Integer.toUnsignedLong(address);
    }
}
