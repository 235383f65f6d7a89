package io.holdfast.arp;

import io.holdfast.frame.EthernetFrame;
import io.holdfast.frame.MacAddress;
import io.holdfast.frame.NetworkOrder;
import io.holdfast.frame.VlanTag;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.List;

/**
 * A frame that has its Ethernet header, and wants its payload.
 *
 * @param memory the whole frame, off-heap, zero behind the header, and padded to the shortest one that Ethernet allows
 * @param payloadOffset where the payload begins
 */
record FrameDraft(MemorySegment memory, int payloadOffset) {

    /** With the VLAN tags named, outermost first. */
    static FrameDraft of(long destinationMac, long sourceMac, List<VlanTag> tags, int etherType, int payloadBytes) {
        int headerBytes = EthernetFrame.HEADER_BYTES + tags.size() * VlanTag.BYTES;
        MemorySegment memory = Arena.ofAuto().allocate(Math.max(headerBytes + payloadBytes, EthernetFrame.MIN_BYTES));
        NetworkOrder.putMac(memory, 0, destinationMac);
        NetworkOrder.putMac(memory, MacAddress.BYTES, sourceMac);
        int at = 2 * MacAddress.BYTES;
        for (VlanTag tag : tags) {
            NetworkOrder.putShort(memory, at, tag.protocol());
            NetworkOrder.putShort(memory, at + 2, tag.id());
            at += VlanTag.BYTES;
        }
        NetworkOrder.putShort(memory, at, etherType);
        return new FrameDraft(memory, headerBytes);
    }
}
