package io.holdfast.agent.engine;

import io.holdfast.frame.EtherType;
import io.holdfast.frame.NetworkOrder;
import io.holdfast.frame.UnfinishedChecksum;
import io.holdfast.frame.VlanTag;
import io.holdfast.port.FramePort;
import io.holdfast.port.FrameSink;
import io.holdfast.port.PacketSocketPort;
import io.holdfast.port.PortException;
import io.holdfast.testkit.VethPair;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.List;

/**
 * An interface whose frames have a VLAN's tag on another one, for kernels that were built without 802.1Q. Offloads stay on: what
 * is left to a device is left to it with the tag as well.
 */
final class VlanInterface implements AutoCloseable {

    private static final int PREFIX_BYTES = UnfinishedChecksum.PREFIX_BYTES;
    private static final int MAX_FRAME_BYTES = 1 << 17;
    private static final int MAC_ADDRESSES_BYTES = 12;
    private static final int GSO_TYPE = 1;
    private static final int HEADER_LENGTH = 2;
    private static final int CHECKSUM_START = 6;
    private static final int ID_BITS = 0xfff;
    /** As of the machine, not of the network. */
    private static final ValueLayout.OfShort NATIVE_SHORT = ValueLayout.JAVA_SHORT_UNALIGNED;

    private final int id;
    private final PacketSocketPort untagged;
    private final PacketSocketPort tagged;
    private final List<Thread> threads;

    /** Creates the interface {@code name} in the calling thread's network namespace; {@code trunk} exists and is up. */
    VlanInterface(String name, String trunk, int id) throws PortException {
        this.id = id;
        String inner = "v-" + name;
        VethPair.create(inner, name);
        untagged = PacketSocketPort.open(inner);
        tagged = PacketSocketPort.open(trunk);
        MemorySegment out = Arena.ofAuto().allocate(MAX_FRAME_BYTES, 8);
        MemorySegment in = Arena.ofAuto().allocate(MAX_FRAME_BYTES, 8);
        threads = List.of(
                carry(
                        untagged,
                        (memory, offsetBytes, lengthBytes, atNanos) -> tag(memory, offsetBytes, lengthBytes, out)),
                carry(
                        tagged,
                        (memory, offsetBytes, lengthBytes, atNanos) -> untag(memory, offsetBytes, lengthBytes, in)));
    }

    private static Thread carry(FramePort from, FrameSink sink) {
        return Thread.ofPlatform().daemon().start(() -> {
            try {
                from.capture(sink);
            } catch (PortException e) {
                throw new IllegalStateException(e);
            }
        });
    }

    private void tag(MemorySegment memory, long offsetBytes, int lengthBytes, MemorySegment scratch) {
        long tag = PREFIX_BYTES + MAC_ADDRESSES_BYTES;
        MemorySegment.copy(memory, offsetBytes - PREFIX_BYTES, scratch, 0, tag);
        NetworkOrder.putShort(scratch, tag, EtherType.VLAN);
        NetworkOrder.putShort(scratch, tag + 2, id);
        MemorySegment.copy(
                memory,
                offsetBytes + MAC_ADDRESSES_BYTES,
                scratch,
                tag + VlanTag.BYTES,
                lengthBytes - MAC_ADDRESSES_BYTES);
        moveOffloads(scratch, VlanTag.BYTES);
        tagged.send(scratch, PREFIX_BYTES, lengthBytes + VlanTag.BYTES);
    }

    private void untag(MemorySegment memory, long offsetBytes, int lengthBytes, MemorySegment scratch) {
        long tag = offsetBytes + MAC_ADDRESSES_BYTES;
        if (NetworkOrder.getShort(memory, tag) != EtherType.VLAN
                || (NetworkOrder.getShort(memory, tag + 2) & ID_BITS) != id) {
            return;
        }
        long start = PREFIX_BYTES + MAC_ADDRESSES_BYTES;
        MemorySegment.copy(memory, offsetBytes - PREFIX_BYTES, scratch, 0, start);
        MemorySegment.copy(
                memory, tag + VlanTag.BYTES, scratch, start, lengthBytes - MAC_ADDRESSES_BYTES - VlanTag.BYTES);
        moveOffloads(scratch, -VlanTag.BYTES);
        untagged.send(scratch, PREFIX_BYTES, lengthBytes - VlanTag.BYTES);
    }

    /** What is left to a device is given by its place in the frame. */
    private static void moveOffloads(MemorySegment prefix, int bytes) {
        boolean unfinished = UnfinishedChecksum.isIn(prefix, PREFIX_BYTES);
        if (unfinished) {
            move(prefix, CHECKSUM_START, bytes);
        }
        if (unfinished || NetworkOrder.getByte(prefix, GSO_TYPE) != 0) {
            move(prefix, HEADER_LENGTH, bytes);
        }
    }

    private static void move(MemorySegment prefix, int field, int bytes) {
        prefix.set(NATIVE_SHORT, field, (short) (prefix.get(NATIVE_SHORT, field) + bytes));
    }

    @Override
    public void close() throws InterruptedException {
        untagged.stopCapture();
        tagged.stopCapture();
        for (Thread thread : threads) {
            thread.join();
        }
        untagged.close();
        tagged.close();
    }
}
