package io.holdfast.arp;

import io.holdfast.frame.MacAddress;
import io.holdfast.frame.VlanTag;
import java.util.List;

/**
 * Somebody on the network uses what is the guest's.
 *
 * @param nic where it was seen
 * @param kind what is used
 * @param address the guest's address that is used, as text
 * @param foreignMac who uses it; the guest's own address if that is what is used
 * @param vlans the VLAN tags, outermost first
 * @param inDoubt whether it was only seen while the guest might have been another host's, which then is who uses it
 * @param count how many frames showed it
 * @param firstNanos when the first one was seen, monotonic
 * @param lastNanos when the last one was seen, monotonic
 */
public record Conflict(
        String nic,
        ConflictKind kind,
        String address,
        MacAddress foreignMac,
        List<VlanTag> vlans,
        boolean inDoubt,
        long count,
        long firstNanos,
        long lastNanos) {

    public Conflict {
        vlans = List.copyOf(vlans);
    }

    /** Whether it is the same one, seen at another time. */
    boolean isSame(Conflict other) {
        return nic.equals(other.nic)
                && kind == other.kind
                && address.equals(other.address)
                && foreignMac.equals(other.foreignMac)
                && vlans.equals(other.vlans);
    }
}
