package io.holdfast.frame;

import java.lang.foreign.MemorySegment;
import java.util.Collection;

/**
 * Tells which frames of the guest need not be held, by the operator's rules (INV-3).
 *
 * <p>Whatever the rules say, a TCP segment, a fragment and anything that cannot be understood to the end is never exempt.
 *
 * <p>{@link #isExempt} allocates nothing. A filter is confined to one thread: every lane compiles its own.
 */
public final class ExemptionFilter {

    private final int[] etherTypes;
    private final ExemptionRule.OfProtocol[] protocols;

    private final EthernetFrame ethernet = new EthernetFrame();
    private final Ipv4Packet ipv4 = new Ipv4Packet();
    private final Ipv6Packet ipv6 = new Ipv6Packet();
    private final UdpDatagram udp = new UdpDatagram();

    private ExemptionFilter(Collection<ExemptionRule> rules) {
        etherTypes = rules.stream()
                .filter(ExemptionRule.OfEtherType.class::isInstance)
                .mapToInt(rule -> ((ExemptionRule.OfEtherType) rule).etherType())
                .toArray();
        protocols = rules.stream()
                .filter(ExemptionRule.OfProtocol.class::isInstance)
                .toArray(ExemptionRule.OfProtocol[]::new);
    }

    /** A filter that exempts what any of the rules matches; nothing, if there are none. */
    public static ExemptionFilter compile(Collection<ExemptionRule> rules) {
        return new ExemptionFilter(rules);
    }

    /** Whether this frame may leave at once. */
    public boolean isExempt(MemorySegment memory, long offsetBytes, int lengthBytes) {
        if (etherTypes.length + protocols.length == 0 || !ethernet.wrap(memory, offsetBytes, lengthBytes)) {
            return false;
        }
        return switch (ethernet.etherType()) {
            case EtherType.IPV4 -> isIpv4Exempt(memory);
            case EtherType.IPV6 -> isIpv6Exempt(memory);
            default -> isEtherTypeExempt(ethernet.etherType());
        };
    }

    private boolean isEtherTypeExempt(int etherType) {
        for (int exempt : etherTypes) {
            if (exempt == etherType) {
                return true;
            }
        }
        return false;
    }

    private boolean isIpv4Exempt(MemorySegment memory) {
        if (!ipv4.wrap(memory, ethernet.payloadOffset(), ethernet.payloadLength())
                || ipv4.isFragment()
                || ipv4.protocol() == IpProtocol.TCP) {
            return false;
        }
        int protocol = ipv4.protocol();
        for (ExemptionRule.OfProtocol rule : protocols) {
            IpPrefix destination = rule.destination();
            if (rule.protocol() == protocol
                    && (destination == null || destination.containsIpv4(ipv4.destination()))
                    && isPortExempt(rule, memory, ipv4.payloadOffset(), ipv4.payloadLength())) {
                return true;
            }
        }
        return false;
    }

    private boolean isIpv6Exempt(MemorySegment memory) {
        if (!ipv6.wrap(memory, ethernet.payloadOffset(), ethernet.payloadLength())
                || ipv6.isFragment()
                || ipv6.protocol() == Ipv6Packet.UNKNOWN
                || ipv6.protocol() == IpProtocol.TCP) {
            return false;
        }
        int protocol = ipv6.protocol();
        for (ExemptionRule.OfProtocol rule : protocols) {
            IpPrefix destination = rule.destination();
            if (rule.protocol() == protocol
                    && (destination == null || destination.containsIpv6(ipv6.destinationHigh(), ipv6.destinationLow()))
                    && isPortExempt(rule, memory, ipv6.payloadOffset(), ipv6.payloadLength())) {
                return true;
            }
        }
        return false;
    }

    private boolean isPortExempt(
            ExemptionRule.OfProtocol rule, MemorySegment memory, long offsetBytes, int lengthBytes) {
        if (rule.port() == ExemptionRule.ANY_PORT) {
            return true;
        }
        return udp.wrap(memory, offsetBytes, lengthBytes)
                && (udp.sourcePort() == rule.port() || udp.destinationPort() == rule.port());
    }
}
