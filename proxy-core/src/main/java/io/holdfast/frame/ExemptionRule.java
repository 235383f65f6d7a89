package io.holdfast.frame;

import java.util.Locale;
import org.jspecify.annotations.Nullable;

/**
 * One class of frames that the operator exempts from being held (INV-3).
 *
 * <p>A rule that could match a TCP segment or a fragment cannot be made: one pure ACK that is released early loses data
 * for good. Refused as well is whatever carries whole packets of other kinds inside, because a TCP segment may be among
 * them; tunnels over UDP cannot be told from other datagrams and are left to the operator's judgment.
 */
public sealed interface ExemptionRule {

    /** Stands for every port. */
    int ANY_PORT = -1;

    /**
     * Every frame of an Ethernet type, in whatever VLAN.
     *
     * @param etherType not IP and not an encapsulation
     */
    record OfEtherType(int etherType) implements ExemptionRule {
        public OfEtherType {
            String name = "ethertype 0x%04x".formatted(etherType);
            if (etherType < EtherType.MIN || etherType > 0xffff) {
                throw new IllegalArgumentException(name + " is not within 0x0600..0xffff");
            }
            if (etherType == EtherType.IPV4 || etherType == EtherType.IPV6) {
                throw new IllegalArgumentException(
                        name
                                + " would exempt TCP and fragments, which must always be held; name a protocol instead, such as udp");
            }
            if (carriesOtherFrames(etherType)) {
                throw new IllegalArgumentException(
                        name + " carries other packets, TCP among them, which must always be held");
            }
        }
    }

    /**
     * Every unfragmented packet of an IP protocol, in whatever VLAN.
     *
     * @param protocol see {@link IpProtocol}; not TCP and not an encapsulation
     * @param port the source or the destination port must be this one; only for UDP, otherwise {@link #ANY_PORT}
     * @param destination where the packet must go; null for anywhere
     */
    record OfProtocol(int protocol, int port, @Nullable IpPrefix destination) implements ExemptionRule {
        public OfProtocol {
            if (protocol < 0 || protocol > 255) {
                throw new IllegalArgumentException("protocol " + protocol + " is not within 0..255");
            }
            if (protocol == IpProtocol.TCP) {
                throw new IllegalArgumentException("TCP must always be held; it cannot be exempted");
            }
            if (protocol == IpProtocol.FRAGMENT) {
                throw new IllegalArgumentException("fragments must always be held; they cannot be exempted");
            }
            if (IpProtocol.isExtensionHeader(protocol) || carriesOtherPackets(protocol)) {
                throw new IllegalArgumentException(
                        "protocol " + protocol + " carries other packets, TCP among them, which must always be held");
            }
            if (port != ANY_PORT) {
                if (protocol != IpProtocol.UDP) {
                    throw new IllegalArgumentException("a port can be exempted only with protocol udp");
                }
                if (port < 1 || port > 0xffff) {
                    throw new IllegalArgumentException("port " + port + " is not within 1..65535");
                }
            }
        }
    }

    /**
     * The rule that somebody has written as a set of optional conditions.
     *
     * @param etherType alone, or null
     * @param protocol a name ({@code udp}, {@code icmp}, {@code icmpv6}, {@code igmp}, {@code sctp}, {@code vrrp}) or a number
     * @param port only with protocol udp
     * @param prefix of the destination, such as {@code 10.0.0.0/8}; only with a protocol
     * @throws IllegalArgumentException if this is no rule, or one that would exempt TCP or fragments; the message says why
     */
    static ExemptionRule of(
            @Nullable Integer etherType, @Nullable String protocol, @Nullable Integer port, @Nullable String prefix) {
        if (etherType != null) {
            if (protocol != null || port != null || prefix != null) {
                throw new IllegalArgumentException(
                        "an exemption by ethertype takes no protocol, port or prefix; write two exemptions");
            }
            return new OfEtherType(etherType);
        }
        if (protocol == null) {
            throw new IllegalArgumentException(
                    port == null && prefix == null
                            ? "an exemption needs an ethertype or a protocol"
                            : "an exemption by port or prefix alone would exempt TCP, which must always be held;"
                                    + " name a protocol, such as udp");
        }
        return new OfProtocol(
                protocolNumber(protocol),
                port == null ? ANY_PORT : port,
                prefix == null ? null : IpPrefix.parse(prefix));
    }

    private static int protocolNumber(String text) {
        return switch (text.toLowerCase(Locale.ROOT)) {
            case "icmp" -> IpProtocol.ICMP;
            case "igmp" -> 2;
            case "tcp" -> IpProtocol.TCP;
            case "udp" -> IpProtocol.UDP;
            case "icmpv6" -> IpProtocol.ICMPV6;
            case "vrrp" -> 112;
            case "sctp" -> 132;
            default -> {
                try {
                    yield Integer.parseInt(text);
                } catch (NumberFormatException e) {
                    throw new IllegalArgumentException(
                            "'" + text + "' is not a protocol; write udp, icmp, icmpv6, igmp, sctp, vrrp or a number",
                            e);
                }
            }
        };
    }

    private static boolean carriesOtherFrames(int etherType) {
        return EtherType.isVlan(etherType)
                || switch (etherType) {
                    case 0x22f3, // TRILL
                            0x4305, // B.A.T.M.A.N. advanced
                            0x6558, // transparent Ethernet bridging
                            0x876b, // compressed TCP/IP
                            0x880b, // PPP
                            0x8847, // MPLS
                            0x8848, // MPLS with an upstream label
                            0x8864, // PPPoE session
                            0x88e5, // MACsec
                            0x88e7, // provider backbone bridging
                            0x893f, // IEEE 802.1BR
                            0x894f // network service header
                    -> true;
                    default -> false;
                };
    }

    private static boolean carriesOtherPackets(int protocol) {
        return switch (protocol) {
            case 4, // IPv4
                    41, // IPv6
                    47, // GRE
                    50, // ESP
                    55, // minimal encapsulation
                    94, // IPIP
                    97, // EtherIP
                    98, // ENCAP
                    108, // IPComp
                    115, // L2TP
                    137, // MPLS
                    143 // Ethernet
            -> true;
            default -> false;
        };
    }
}
