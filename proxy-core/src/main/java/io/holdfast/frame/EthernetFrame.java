package io.holdfast.frame;

import java.lang.foreign.MemorySegment;

/**
 * A view of an Ethernet frame with none, one or two VLAN tags, from the destination address on and without FCS.
 *
 * <p>This and the other views of the package are flyweights: {@link #wrap} moves them, nothing allocates, and they are
 * confined to one thread. {@code wrap} looks at every length before it reads, answers false for what is too short or
 * contradicts itself, and never throws for what is in the frame. After false the accessors are not to be used; they throw
 * {@link IndexOutOfBoundsException} rather than tell of the frame before.
 */
public final class EthernetFrame {

    /** Two addresses and a type. */
    public static final int HEADER_BYTES = 14;

    /** Shorter frames are padded to this by whoever builds them (IEEE 802.3, without the FCS). */
    public static final int MIN_BYTES = 60;

    /** Deeper stacks are shown with the third tag's protocol as their {@link #etherType}. */
    public static final int MAX_TAGS = 2;

    private static final int SOURCE = 6;
    private static final int TYPE = 12;
    private static final int VLAN_ID_MASK = 0xfff;

    private MemorySegment memory = MemorySegment.NULL;
    private long offsetBytes;
    private int lengthBytes;
    private int tags;
    private int etherType;

    /** Looks at a frame; false if it is not one. */
    public boolean wrap(MemorySegment memory, long offsetBytes, int lengthBytes) {
        this.memory = MemorySegment.NULL;
        if (!NetworkOrder.holds(memory, offsetBytes, lengthBytes, HEADER_BYTES)) {
            return false;
        }
        int type = NetworkOrder.getShort(memory, offsetBytes + TYPE);
        int count = 0;
        while (count < MAX_TAGS && EtherType.isVlan(type)) {
            count++;
            if (lengthBytes < HEADER_BYTES + count * VlanTag.BYTES) {
                return false;
            }
            type = NetworkOrder.getShort(memory, offsetBytes + TYPE + (long) count * VlanTag.BYTES);
        }
        this.memory = memory;
        this.offsetBytes = offsetBytes;
        this.lengthBytes = lengthBytes;
        this.tags = count;
        this.etherType = type;
        return true;
    }

    /** In the form of {@link MacAddress#value()}. */
    public long destination() {
        return NetworkOrder.getMac(memory, offsetBytes);
    }

    /** In the form of {@link MacAddress#value()}. */
    public long source() {
        return NetworkOrder.getMac(memory, offsetBytes + SOURCE);
    }

    /** How many VLAN tags it has, 0 to {@value #MAX_TAGS}. */
    public int tagCount() {
        return tags;
    }

    /** The tag's protocol identifier; index 0 is the outermost. */
    public int tagProtocol(int index) {
        return NetworkOrder.getShort(memory, tagOffset(index));
    }

    /** The tag's VLAN, 0 (priority only) to 4095 (reserved); index 0 is the outermost. */
    public int vlanId(int index) {
        return NetworkOrder.getShort(memory, tagOffset(index) + 2) & VLAN_ID_MASK;
    }

    /** What follows the tags; below {@link EtherType#MIN} a length. */
    public int etherType() {
        return etherType;
    }

    /** Where the payload begins, in the wrapped memory. */
    public long payloadOffset() {
        return offsetBytes + HEADER_BYTES + (long) tags * VlanTag.BYTES;
    }

    /** All bytes after the header, padding included. */
    public int payloadLength() {
        return lengthBytes - HEADER_BYTES - tags * VlanTag.BYTES;
    }

    private long tagOffset(int index) {
        if (index < 0 || index >= tags) {
            throw new IndexOutOfBoundsException("tag " + index + " of " + tags);
        }
        return offsetBytes + TYPE + (long) index * VlanTag.BYTES;
    }
}
