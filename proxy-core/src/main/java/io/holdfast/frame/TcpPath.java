package io.holdfast.frame;

/**
 * What the headers of all segments have in common that one end of a connection sends to the other.
 *
 * @param sourceMac in the form of {@link MacAddress#value()}
 * @param destinationMac in the form of {@link MacAddress#value()}
 * @param tagCount how many VLAN tags there are, 0 to {@value EthernetFrame#MAX_TAGS}
 * @param outerTag protocol and id as on the wire, priority bits zero; without meaning if there is none
 * @param innerTag the same for the second one
 * @param ipv6 whether the addresses are those of IPv6; else IPv4-mapped, as {@link TcpFrame} shows them
 * @param sourceHigh upper half of the source address
 * @param sourceLow lower half of the source address
 * @param destinationHigh upper half of the destination address
 * @param destinationLow lower half of the destination address
 * @param sourcePort 0 to 65535
 * @param destinationPort 0 to 65535
 */
public record TcpPath(
        long sourceMac,
        long destinationMac,
        int tagCount,
        int outerTag,
        int innerTag,
        boolean ipv6,
        long sourceHigh,
        long sourceLow,
        long destinationHigh,
        long destinationLow,
        int sourcePort,
        int destinationPort) {

    /** The path on which a segment came. */
    public static TcpPath of(TcpFrame frame) {
        EthernetFrame ethernet = frame.ethernet();
        return new TcpPath(
                ethernet.source(),
                ethernet.destination(),
                ethernet.tagCount(),
                tag(ethernet, 0),
                tag(ethernet, 1),
                frame.isOverIpv6(),
                frame.sourceHigh(),
                frame.sourceLow(),
                frame.destinationHigh(),
                frame.destinationLow(),
                frame.segment().sourcePort(),
                frame.segment().destinationPort());
    }

    /** A tag's protocol and id as on the wire, priority bits zero; 0 if there is no such tag. */
    public static int tag(EthernetFrame ethernet, int index) {
        return index < ethernet.tagCount() ? ethernet.tagProtocol(index) << 16 | ethernet.vlanId(index) : 0;
    }

    /** The way back. */
    public TcpPath reversed() {
        return new TcpPath(
                destinationMac,
                sourceMac,
                tagCount,
                outerTag,
                innerTag,
                ipv6,
                destinationHigh,
                destinationLow,
                sourceHigh,
                sourceLow,
                destinationPort,
                sourcePort);
    }
}
