package io.holdfast.port;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteOrder;

/**
 * Memory for the frames that one {@code recvmmsg} takes, each with its {@code struct virtio_net_hdr} in front.
 *
 * <p>The kernel hands a VLAN tag beside the frame. So header and MAC addresses are received apart from the rest, with room
 * for a tag in between; where there is none, they move up:
 *
 * <pre>
 *   as received    | virtio_net_hdr 10 | MAC addresses 12 | gap 4 | the rest ...
 *   tagged         | virtio_net_hdr    | MAC addresses    | tag   | the rest ...
 *   untagged         gap | virtio_net_hdr | MAC addresses         | the rest ...
 * </pre>
 *
 * <p><b>Threads.</b> One.
 */
final class ReceiveBatch {

    /** The length of {@code struct virtio_net_hdr} (linux/virtio_net.h). */
    static final int VIRTIO_NET_HEADER_BYTES = 10;

    private static final int FRAMES = 64;
    /** Less than a processor keeps near: what is copied out soon should not have to come back from far. */
    private static final int NEAR_BYTES = 512 << 10;

    private static final int FEWEST_FRAMES = 4;
    private static final int TAG_BYTES = 4;
    private static final int MAC_ADDRESSES_BYTES = 12;
    private static final int HEAD_BYTES = VIRTIO_NET_HEADER_BYTES + MAC_ADDRESSES_BYTES;
    private static final int REST_OFFSET = HEAD_BYTES + TAG_BYTES;
    private static final int SLOT_BYTES = 68 << 10;
    private static final int REST_BYTES = SLOT_BYTES - REST_OFFSET;

    private static final int MMSGHDR_BYTES = 64;
    private static final int MSG_IOV = 16;
    private static final int MSG_IOVLEN = 24;
    private static final int MSG_CONTROL = 32;
    private static final int MSG_CONTROLLEN = 40;
    private static final int MSG_FLAGS = 48;
    private static final int MSG_LEN = 56;
    private static final int IOVEC_BYTES = 16;
    private static final int CONTROL_BYTES = 128;
    private static final int MSG_TRUNC = 0x20;

    private static final int CMSG_LEVEL = 8;
    private static final int CMSG_TYPE = 12;
    private static final int CMSG_DATA = 16;
    private static final int SOL_SOCKET = 1;
    private static final int SCM_TIMESTAMPNS = 35;
    private static final int SOL_PACKET = 263;
    private static final int PACKET_AUXDATA = 8;
    private static final int AUX_STATUS = 0;
    private static final int AUX_VLAN_TCI = 16;
    private static final int AUX_VLAN_TPID = 18;
    private static final int TP_STATUS_VLAN_VALID = 1 << 4;
    private static final int TP_STATUS_VLAN_TPID_VALID = 1 << 6;
    private static final short ETHER_TYPE_VLAN = (short) 0x8100;

    private static final int VNET_FLAGS = 0;
    private static final int VNET_GSO_TYPE = 1;
    private static final int VNET_HDR_LEN = 2;
    private static final int VNET_CSUM_START = 6;
    private static final int NEEDS_CSUM = 1;

    private static final ValueLayout.OfShort NATIVE_SHORT = ValueLayout.JAVA_SHORT_UNALIGNED;
    private static final ValueLayout.OfShort NETWORK_SHORT =
            ValueLayout.JAVA_SHORT_UNALIGNED.withOrder(ByteOrder.BIG_ENDIAN);

    private final MemorySegment slots;
    private final MemorySegment messages;
    private final MemorySegment controls;
    private int length;
    private int wantedFrames = FRAMES;
    private long offsetBytes;
    private int lengthBytes;
    private long epochNanos;
    private boolean tagged;
    private short tagProtocol;
    private short tagControl;

    ReceiveBatch(Arena arena) {
        slots = arena.allocate((long) FRAMES * SLOT_BYTES, 64);
        messages = arena.allocate((long) FRAMES * MMSGHDR_BYTES, 64);
        controls = arena.allocate((long) FRAMES * CONTROL_BYTES, 64);
        MemorySegment vectors = arena.allocate(2L * FRAMES * IOVEC_BYTES, 64);
        for (int i = 0; i < FRAMES; i++) {
            long slot = slots.address() + (long) i * SLOT_BYTES;
            long vector = 2L * i * IOVEC_BYTES;
            vectors.set(ValueLayout.JAVA_LONG, vector, slot);
            vectors.set(ValueLayout.JAVA_LONG, vector + 8, HEAD_BYTES);
            vectors.set(ValueLayout.JAVA_LONG, vector + 16, slot + REST_OFFSET);
            vectors.set(ValueLayout.JAVA_LONG, vector + 24, REST_BYTES);
            long message = (long) i * MMSGHDR_BYTES;
            messages.set(ValueLayout.JAVA_LONG, message + MSG_IOV, vectors.address() + vector);
            messages.set(ValueLayout.JAVA_LONG, message + MSG_IOVLEN, 2);
            messages.set(ValueLayout.JAVA_LONG, message + MSG_CONTROL, controls.address() + (long) i * CONTROL_BYTES);
            messages.set(ValueLayout.JAVA_LONG, message + MSG_CONTROLLEN, CONTROL_BYTES);
        }
    }

    /** Waits for a frame, for a while; how many have come, or the negative of errno. */
    int receive(PacketSocket socket) {
        long lastBytes = 0;
        for (int i = 0; i < length; i++) {
            long message = (long) i * MMSGHDR_BYTES;
            lastBytes += messages.get(ValueLayout.JAVA_INT, message + MSG_LEN);
            // The kernel has written how much it used.
            messages.set(ValueLayout.JAVA_LONG, message + MSG_CONTROLLEN, CONTROL_BYTES);
        }
        if (length > 0) {
            wantedFrames = Math.clamp(NEAR_BYTES / Math.max(1, lastBytes / length), FEWEST_FRAMES, FRAMES);
        }
        int received = socket.receive(messages, wantedFrames);
        length = Math.max(0, received);
        return received;
    }

    /**
     * Makes the frame of that number, from 0, the one that {@link #offsetBytes}, {@link #lengthBytes} and {@link
     * #epochNanos} speak of.
     *
     * @return whether it is whole
     */
    boolean select(int frame) {
        long message = (long) frame * MMSGHDR_BYTES;
        long slot = (long) frame * SLOT_BYTES;
        readControl((long) frame * CONTROL_BYTES, messages.get(ValueLayout.JAVA_LONG, message + MSG_CONTROLLEN));
        int received = messages.get(ValueLayout.JAVA_INT, message + MSG_LEN);
        boolean whole = (messages.get(ValueLayout.JAVA_INT, message + MSG_FLAGS) & MSG_TRUNC) == 0
                && received >= HEAD_BYTES + 2;
        lengthBytes = received - VIRTIO_NET_HEADER_BYTES;
        if (tagged) {
            slots.set(NETWORK_SHORT, slot + HEAD_BYTES, tagProtocol);
            slots.set(NETWORK_SHORT, slot + HEAD_BYTES + 2, tagControl);
            moveOffloadsUp(slot);
            lengthBytes += TAG_BYTES;
            offsetBytes = slot + VIRTIO_NET_HEADER_BYTES;
        } else {
            MemorySegment.copy(slots, slot, slots, slot + TAG_BYTES, HEAD_BYTES);
            offsetBytes = slot + TAG_BYTES + VIRTIO_NET_HEADER_BYTES;
        }
        return whole;
    }

    /** What the kernel left to a device is given by its place in the frame, which has become longer in front of it. */
    private void moveOffloadsUp(long slot) {
        boolean unfinished = (slots.get(ValueLayout.JAVA_BYTE, slot + VNET_FLAGS) & NEEDS_CSUM) != 0;
        if (unfinished) {
            addTagTo(slot + VNET_CSUM_START);
        }
        if (unfinished || slots.get(ValueLayout.JAVA_BYTE, slot + VNET_GSO_TYPE) != 0) {
            addTagTo(slot + VNET_HDR_LEN);
        }
    }

    private void addTagTo(long offset) {
        slots.set(NATIVE_SHORT, offset, (short) (slots.get(NATIVE_SHORT, offset) + TAG_BYTES));
    }

    /** The kernel's notes on a frame: its tag, and when it came. */
    private void readControl(long begin, long usedBytes) {
        tagged = false;
        epochNanos = 0;
        long end = begin + usedBytes;
        for (long note = begin; note + CMSG_DATA <= end; ) {
            long noteBytes = controls.get(ValueLayout.JAVA_LONG, note);
            if (noteBytes < CMSG_DATA) {
                return;
            }
            int level = controls.get(ValueLayout.JAVA_INT, note + CMSG_LEVEL);
            int type = controls.get(ValueLayout.JAVA_INT, note + CMSG_TYPE);
            long data = note + CMSG_DATA;
            if (level == SOL_PACKET && type == PACKET_AUXDATA) {
                readTag(data);
            } else if (level == SOL_SOCKET && type == SCM_TIMESTAMPNS) {
                epochNanos = controls.get(ValueLayout.JAVA_LONG, data) * 1_000_000_000L
                        + controls.get(ValueLayout.JAVA_LONG, data + 8);
            }
            note += (noteBytes + 7) & ~7;
        }
    }

    private void readTag(long data) {
        int status = controls.get(ValueLayout.JAVA_INT, data + AUX_STATUS);
        tagged = (status & TP_STATUS_VLAN_VALID) != 0;
        tagControl = controls.get(ValueLayout.JAVA_SHORT, data + AUX_VLAN_TCI);
        tagProtocol = (status & TP_STATUS_VLAN_TPID_VALID) != 0
                ? controls.get(ValueLayout.JAVA_SHORT, data + AUX_VLAN_TPID)
                : ETHER_TYPE_VLAN;
    }

    /** Where the frames are. */
    MemorySegment memory() {
        return slots;
    }

    /** Where the selected frame begins; its {@code struct virtio_net_hdr} stands directly before. */
    long offsetBytes() {
        return offsetBytes;
    }

    int lengthBytes() {
        return lengthBytes;
    }

    /** When the kernel took it, nanoseconds since 1970; 0 if it did not say. */
    long epochNanos() {
        return epochNanos;
    }
}
