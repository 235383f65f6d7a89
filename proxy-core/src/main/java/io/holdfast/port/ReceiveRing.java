package io.holdfast.port;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.lang.invoke.VarHandle;
import java.nio.ByteOrder;

/**
 * Slots that the kernel shares with a packet socket (TPACKET_V2, Documentation/networking/packet_mmap.rst of Linux). The
 * kernel copies a frame into the next free slot as soon as it arrives, in the context of whoever sends it, and then
 * says so in the slot's status; no system call is between the frame and its reader. Until the slot is given back the
 * frame stays where it is.
 *
 * <p>The kernel hands a VLAN tag beside the frame. Where there is one, {@code struct virtio_net_hdr} and MAC addresses
 * move down to make room for it:
 *
 * <pre>
 *   slot       | struct tpacket2_hdr 32 | ... | virtio_net_hdr 10 | MAC addresses 12 | the rest ...
 *   tagged     | struct tpacket2_hdr | virtio_net_hdr | MAC addresses | tag 4        | the rest ...
 * </pre>
 *
 * <p><b>Threads.</b> One.
 */
final class ReceiveRing {

    /** The length of {@code struct virtio_net_hdr} (linux/virtio_net.h). */
    static final int VIRTIO_NET_HEADER_BYTES = 10;

    /** What the kernel allocates at once; slots do not cross the border between two of them. */
    static final int BLOCK_BYTES = 1 << 20;

    /** What a slot has in front of the frame, at most: with an Ethernet header it is 76 (linux/if_packet.h). */
    static final int RECORD_BYTES = 80;

    private static final int STATUS = 0;
    private static final int LENGTH = 4;
    private static final int COPIED_LENGTH = 8;
    private static final int FRAME_OFFSET = 12;
    private static final int SECONDS = 16;
    private static final int NANOSECONDS = 20;
    private static final int VLAN_TCI = 24;
    private static final int VLAN_TPID = 26;

    private static final int TP_STATUS_KERNEL = 0;
    private static final int TP_STATUS_USER = 1;
    private static final int TP_STATUS_VLAN_VALID = 1 << 4;
    private static final int TP_STATUS_VLAN_TPID_VALID = 1 << 6;
    private static final short ETHER_TYPE_VLAN = (short) 0x8100;

    private static final int ETHERNET_HEADER_BYTES = 14;
    private static final int MAC_ADDRESSES_BYTES = 12;
    private static final int TAG_BYTES = 4;

    private static final int VNET_FLAGS = 0;
    private static final int VNET_GSO_TYPE = 1;
    private static final int VNET_HDR_LEN = 2;
    private static final int VNET_CSUM_START = 6;
    private static final int NEEDS_CSUM = 1;

    private static final VarHandle STATUS_OF = ValueLayout.JAVA_INT.varHandle();
    private static final ValueLayout.OfShort NATIVE_SHORT = ValueLayout.JAVA_SHORT_UNALIGNED;
    private static final ValueLayout.OfShort NETWORK_SHORT =
            ValueLayout.JAVA_SHORT_UNALIGNED.withOrder(ByteOrder.BIG_ENDIAN);

    private final MemorySegment memory;
    private final long[] slotOffsets;
    /** The slots between the two are in use; they are numbers from 0 on, without end. */
    private long firstInUse;

    private long next;
    private long offsetBytes;
    private int lengthBytes;
    private long epochNanos;

    /**
     * The ring in memory that the kernel shares.
     *
     * @param memory of whole blocks
     * @param slotBytes as the kernel was told
     */
    ReceiveRing(MemorySegment memory, int slotBytes) {
        this.memory = memory;
        int slotsOfBlock = BLOCK_BYTES / slotBytes;
        slotOffsets = new long[(int) (memory.byteSize() / BLOCK_BYTES) * slotsOfBlock];
        for (int i = 0; i < slotOffsets.length; i++) {
            slotOffsets[i] = (long) (i / slotsOfBlock) * BLOCK_BYTES + (long) (i % slotsOfBlock) * slotBytes;
        }
    }

    /** Whether a frame is there that was not taken. */
    boolean hasNext() {
        return next - firstInUse < slotOffsets.length
                && ((int) STATUS_OF.getAcquire(memory, slot(next) + STATUS) & TP_STATUS_USER) != 0;
    }

    /** When the kernel took the next frame, nanoseconds since 1970. */
    long nextEpochNanos() {
        long slot = slot(next);
        return Integer.toUnsignedLong(memory.get(ValueLayout.JAVA_INT, slot + SECONDS)) * 1_000_000_000L
                + memory.get(ValueLayout.JAVA_INT, slot + NANOSECONDS);
    }

    /**
     * Makes the next frame the one that {@link #offsetBytes}, {@link #lengthBytes} and {@link #epochNanos} speak of.
     *
     * @return whether it is whole
     */
    boolean take() {
        long slot = slot(next);
        epochNanos = nextEpochNanos();
        offsetBytes = slot + Short.toUnsignedInt(memory.get(ValueLayout.JAVA_SHORT, slot + FRAME_OFFSET));
        lengthBytes = memory.get(ValueLayout.JAVA_INT, slot + COPIED_LENGTH);
        boolean whole =
                lengthBytes == memory.get(ValueLayout.JAVA_INT, slot + LENGTH) && lengthBytes >= ETHERNET_HEADER_BYTES;
        int status = memory.get(ValueLayout.JAVA_INT, slot + STATUS);
        if (whole && (status & TP_STATUS_VLAN_VALID) != 0) {
            short protocol = (status & TP_STATUS_VLAN_TPID_VALID) != 0
                    ? memory.get(ValueLayout.JAVA_SHORT, slot + VLAN_TPID)
                    : ETHER_TYPE_VLAN;
            insertTag(protocol, memory.get(ValueLayout.JAVA_SHORT, slot + VLAN_TCI));
        }
        next++;
        return whole;
    }

    private void insertTag(short protocol, short control) {
        long header = offsetBytes - VIRTIO_NET_HEADER_BYTES;
        long place = header - TAG_BYTES;
        MemorySegment.copy(memory, header, memory, place, VIRTIO_NET_HEADER_BYTES + MAC_ADDRESSES_BYTES);
        offsetBytes -= TAG_BYTES;
        lengthBytes += TAG_BYTES;
        memory.set(NETWORK_SHORT, offsetBytes + MAC_ADDRESSES_BYTES, protocol);
        memory.set(NETWORK_SHORT, offsetBytes + MAC_ADDRESSES_BYTES + 2, control);
        moveOffloadsUp(place);
    }

    /** What the kernel left to a device is given by its place in the frame, which has become longer in front of it. */
    private void moveOffloadsUp(long header) {
        boolean unfinished = (memory.get(ValueLayout.JAVA_BYTE, header + VNET_FLAGS) & NEEDS_CSUM) != 0;
        if (unfinished) {
            addTagTo(header + VNET_CSUM_START);
        }
        if (unfinished || memory.get(ValueLayout.JAVA_BYTE, header + VNET_GSO_TYPE) != 0) {
            addTagTo(header + VNET_HDR_LEN);
        }
    }

    private void addTagTo(long offset) {
        memory.set(NATIVE_SHORT, offset, (short) (memory.get(NATIVE_SHORT, offset) + TAG_BYTES));
    }

    /** Lets the kernel have the slots of all frames that were taken. */
    void giveBack() {
        for (; firstInUse < next; firstInUse++) {
            STATUS_OF.setRelease(memory, slot(firstInUse) + STATUS, TP_STATUS_KERNEL);
        }
    }

    private long slot(long number) {
        return slotOffsets[(int) (number % slotOffsets.length)];
    }

    /** Where the frames are. */
    MemorySegment memory() {
        return memory;
    }

    /** Where the taken frame begins; its {@code struct virtio_net_hdr} stands directly before. */
    long offsetBytes() {
        return offsetBytes;
    }

    int lengthBytes() {
        return lengthBytes;
    }

    /** When the kernel took it, nanoseconds since 1970. */
    long epochNanos() {
        return epochNanos;
    }
}
