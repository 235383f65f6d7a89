package io.holdfast.arp;

import io.holdfast.frame.MacAddress;
import io.holdfast.frame.VlanTag;
import java.util.List;

/**
 * Somebody who uses an address that was probed.
 *
 * @param nic where the answer came in
 * @param address the guest's address that was asked for, as text
 * @param mac who uses it
 * @param vlans the VLAN tags, outermost first
 */
public record ProbeAnswer(String nic, String address, MacAddress mac, List<VlanTag> vlans) {

    public ProbeAnswer {
        vlans = List.copyOf(vlans);
    }
}
