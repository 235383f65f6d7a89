package io.holdfast.bridge;

import io.holdfast.measure.Counter;
import io.holdfast.port.FrameBurst;
import io.holdfast.port.FramePort;
import io.holdfast.port.FrameSink;
import io.holdfast.wall.BufferWall;
import java.lang.foreign.MemorySegment;
import java.util.List;

/**
 * What the network sends to one NIC of the guest: handed on at once, never waiting for outbound frames, and not at all
 * while the wall is CLOSED or SEALED (INV-9: a frame must not wait in the tap for a guest that is restored later).
 */
final class InboundLane implements FrameSink {

    /** One for each place where the guest may be. */
    private final List<FrameBurst> bursts;

    private final BufferWall wall;
    private final FrameTap tap;
    private FrameBurst delivering;

    final InputMirror mirror;

    final Counter deliveredFrames = new Counter();
    final Counter shutOutFrames = new Counter();
    /** Beside the lane; whoever injects counts them, one at a time. */
    final Counter injectedFrames = new Counter();

    InboundLane(FramePort uplink, List<FramePort> guestPorts, BufferWall wall) {
        this.bursts = guestPorts.stream().map(FramePort::newBurst).toList();
        this.delivering = bursts.getFirst();
        this.wall = wall;
        this.mirror = new InputMirror(uplink.interfaceName(), uplink.prefixBytes());
        this.tap = new FrameTap(uplink.interfaceName(), uplink.prefixBytes());
    }

    /** The guest lives at another place from now on. By whoever gives the lane its frames. */
    void deliverTo(int place) {
        deliver();
        delivering = bursts.get(place);
    }

    @Override
    public void onFrame(MemorySegment memory, long offsetBytes, int lengthBytes, long kernelEpochNanos) {
        if (wall.state().admitsInput()) {
            long stamp = wall.openEpoch();
            tap.copy(FrameFate.DELIVERED, stamp, memory, offsetBytes, lengthBytes, kernelEpochNanos);
            if (delivering.isFull()) {
                deliver();
            }
            delivering.add(memory, offsetBytes, lengthBytes);
            mirror.note(stamp, memory, offsetBytes, lengthBytes);
            deliveredFrames.increment();
        } else {
            tap.copy(FrameFate.SHUT_OUT, wall.openEpoch(), memory, offsetBytes, lengthBytes, kernelEpochNanos);
            shutOutFrames.increment();
        }
    }

    @Override
    public void onBatchEnd() {
        deliver();
    }

    /** The guest first; the frames are still there for whoever wants copies. */
    private void deliver() {
        delivering.flush();
        mirror.copyNoted();
    }

    FrameTap tap() {
        return tap;
    }
}
