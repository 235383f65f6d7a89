package io.holdfast.reverse;

/**
 * How the numbering of one connection is translated, in a form that outlives the proxy. Addresses are pairs of longs, IPv4
 * addresses as IPv4-mapped ones.
 *
 * @param nic of the guest, from 0 on
 * @param tags both VLAN tags, protocol and id as on the wire, the outer one in the upper half; 0 without
 * @param ports the client's in the upper half, the guest's in the lower one
 * @param sequenceOffset the client's numbering minus the guest's, of the bytes that the guest sends
 * @param timestampOffset the same of the guest's clock
 */
public record KeptTranslation(
        int nic,
        long tags,
        long clientHigh,
        long clientLow,
        long guestHigh,
        long guestLow,
        int ports,
        int sequenceOffset,
        int timestampOffset) {}
