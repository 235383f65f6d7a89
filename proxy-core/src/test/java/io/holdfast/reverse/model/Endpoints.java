package io.holdfast.reverse.model;

import io.holdfast.frame.MacAddress;

/**
 * Who sends a segment to whom.
 *
 * @param sourceMac in the form of {@link MacAddress#value()}
 * @param destinationMac in the form of {@link MacAddress#value()}
 * @param vlanId {@link #NO_VLAN} if the frame has no tag
 * @param sourceHigh the upper half of an IPv6 address; 0 with IPv4
 * @param sourceLow the lower half, or the IPv4 address as an unsigned number
 * @param destinationHigh like the source's
 * @param destinationLow like the source's
 */
public record Endpoints(
        long sourceMac,
        long destinationMac,
        int vlanId,
        boolean ipv6,
        long sourceHigh,
        long sourceLow,
        long destinationHigh,
        long destinationLow,
        int sourcePort,
        int destinationPort) {

    public static final int NO_VLAN = -1;

    /** Over IPv4, without a VLAN. */
    public static Endpoints ipv4(
            long sourceMac, long destinationMac, int source, int destination, int sourcePort, int destinationPort) {
        return new Endpoints(
                sourceMac,
                destinationMac,
                NO_VLAN,
                false,
                0,
                Integer.toUnsignedLong(source),
                0,
                Integer.toUnsignedLong(destination),
                sourcePort,
                destinationPort);
    }

    /** Over IPv6, without a VLAN. */
    public static Endpoints ipv6(
            long sourceMac,
            long destinationMac,
            long sourceHigh,
            long sourceLow,
            long destinationHigh,
            long destinationLow,
            int sourcePort,
            int destinationPort) {
        return new Endpoints(
                sourceMac,
                destinationMac,
                NO_VLAN,
                true,
                sourceHigh,
                sourceLow,
                destinationHigh,
                destinationLow,
                sourcePort,
                destinationPort);
    }

    /** The same in another VLAN, {@link #NO_VLAN} for none. */
    public Endpoints inVlan(int id) {
        return new Endpoints(
                sourceMac,
                destinationMac,
                id,
                ipv6,
                sourceHigh,
                sourceLow,
                destinationHigh,
                destinationLow,
                sourcePort,
                destinationPort);
    }

    /** Those of an answer. */
    public Endpoints reversed() {
        return new Endpoints(
                destinationMac,
                sourceMac,
                vlanId,
                ipv6,
                destinationHigh,
                destinationLow,
                sourceHigh,
                sourceLow,
                destinationPort,
                sourcePort);
    }
}
