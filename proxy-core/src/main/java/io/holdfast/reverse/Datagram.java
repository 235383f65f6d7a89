package io.holdfast.reverse;

import io.holdfast.frame.EtherType;
import io.holdfast.frame.EthernetFrame;
import io.holdfast.frame.IpPrefix;
import io.holdfast.frame.IpProtocol;
import io.holdfast.frame.Ipv4Packet;
import io.holdfast.frame.Ipv6Packet;
import io.holdfast.frame.NetworkOrder;
import io.holdfast.frame.UdpDatagram;
import java.lang.foreign.MemorySegment;
import org.jspecify.annotations.Nullable;

/** A view of a frame that carries a whole UDP datagram, or an echo request or reply of ICMP (RFC 792, RFC 4443). */
final class Datagram {

    private static final int IPV4_ADDRESSES = 12;
    private static final int IPV4_ADDRESSES_BYTES = 8;
    private static final int IPV6_ADDRESSES = 8;
    private static final int IPV6_ADDRESSES_BYTES = 32;
    private static final int UDP_PORTS_BYTES = 4;
    private static final int ICMP_TYPE_BYTES = 2;
    private static final int ICMP_BODY = 4;
    private static final int ICMP_HEADER_BYTES = 8;
    private static final int ECHO_REPLY = 0;
    private static final int ECHO_REQUEST = 8;
    private static final int ECHO_REQUEST_V6 = 128;
    private static final int ECHO_REPLY_V6 = 129;

    private final EthernetFrame ethernet = new EthernetFrame();
    private final Ipv4Packet ipv4 = new Ipv4Packet();
    private final Ipv6Packet ipv6 = new Ipv6Packet();
    private final UdpDatagram udp = new UdpDatagram();

    private MemorySegment memory = MemorySegment.NULL;
    private long frameOffset;
    private boolean overIpv6;
    private int protocol;
    private long offsetBytes;
    private int lengthBytes;

    /** Looks at a frame; false if it is not one of these. */
    boolean wrap(MemorySegment frame, long frameOffset, int frameBytes) {
        if (!ethernet.wrap(frame, frameOffset, frameBytes)) {
            return false;
        }
        this.memory = frame;
        this.frameOffset = frameOffset;
        overIpv6 = ethernet.etherType() == EtherType.IPV6;
        boolean whole = switch (ethernet.etherType()) {
            case EtherType.IPV4 -> wrapIpv4();
            case EtherType.IPV6 -> wrapIpv6();
            default -> false;
        };
        return whole && (protocol == IpProtocol.UDP ? udp.wrap(memory, offsetBytes, lengthBytes) : isEcho());
    }

    private boolean wrapIpv4() {
        if (!ipv4.wrap(memory, ethernet.payloadOffset(), ethernet.payloadLength()) || ipv4.isFragment()) {
            return false;
        }
        protocol = ipv4.protocol();
        offsetBytes = ipv4.payloadOffset();
        lengthBytes = ipv4.payloadLength();
        return protocol == IpProtocol.UDP || protocol == IpProtocol.ICMP;
    }

    private boolean wrapIpv6() {
        if (!ipv6.wrap(memory, ethernet.payloadOffset(), ethernet.payloadLength()) || ipv6.isFragment()) {
            return false;
        }
        protocol = ipv6.protocol();
        offsetBytes = ipv6.payloadOffset();
        lengthBytes = ipv6.payloadLength();
        return protocol == IpProtocol.UDP || protocol == IpProtocol.ICMPV6;
    }

    private boolean isEcho() {
        return lengthBytes >= ICMP_HEADER_BYTES && (isEchoRequest() || isEchoReply());
    }

    private boolean isEchoRequest() {
        return type() == (overIpv6 ? ECHO_REQUEST_V6 : ECHO_REQUEST);
    }

    private boolean isEchoReply() {
        return type() == (overIpv6 ? ECHO_REPLY_V6 : ECHO_REPLY);
    }

    private int type() {
        return NetworkOrder.getByte(memory, offsetBytes);
    }

    /** Whether a client asks by it for what a rule lets go. */
    boolean isRequestFor(DatagramRule rule) {
        return protocol == rule.protocol().number()
                && (protocol == IpProtocol.UDP ? udp.destinationPort() == rule.guestPort() : isEchoRequest())
                && isSourceIn(rule.clients());
    }

    /** Whether the guest says by it what a rule lets go. */
    boolean isReplyBy(DatagramRule rule) {
        return protocol == rule.protocol().number()
                && (protocol == IpProtocol.UDP ? udp.sourcePort() == rule.guestPort() : isEchoReply())
                && isDestinationIn(rule.clients());
    }

    private boolean isSourceIn(@Nullable IpPrefix prefix) {
        if (prefix == null) {
            return true;
        }
        return overIpv6 ? prefix.containsIpv6(ipv6.sourceHigh(), ipv6.sourceLow()) : prefix.containsIpv4(ipv4.source());
    }

    private boolean isDestinationIn(@Nullable IpPrefix prefix) {
        if (prefix == null) {
            return true;
        }
        return overIpv6
                ? prefix.containsIpv6(ipv6.destinationHigh(), ipv6.destinationLow())
                : prefix.containsIpv4(ipv4.destination());
    }

    /** Adds all by which its receiver tells it from others: not checksums, nor what IP numbers anew each time. */
    void absorbInto(RunningHash hash) {
        long ip = ethernet.payloadOffset();
        hash.absorb(memory, frameOffset, (int) (ip - frameOffset));
        hash.absorb(
                memory,
                ip + (overIpv6 ? IPV6_ADDRESSES : IPV4_ADDRESSES),
                overIpv6 ? IPV6_ADDRESSES_BYTES : IPV4_ADDRESSES_BYTES);
        if (protocol == IpProtocol.UDP) {
            hash.absorb(memory, offsetBytes, UDP_PORTS_BYTES);
            hash.absorb(memory, offsetBytes + UdpDatagram.HEADER_BYTES, lengthBytes - UdpDatagram.HEADER_BYTES);
        } else {
            hash.absorb(memory, offsetBytes, ICMP_TYPE_BYTES);
            hash.absorb(memory, offsetBytes + ICMP_BODY, lengthBytes - ICMP_BODY);
        }
    }
}
