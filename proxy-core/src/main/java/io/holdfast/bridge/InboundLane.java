package io.holdfast.bridge;

import io.holdfast.measure.Counter;
import io.holdfast.port.FrameBurst;
import io.holdfast.port.FramePort;
import io.holdfast.port.FrameSink;
import io.holdfast.port.PortException;
import io.holdfast.wall.BufferWall;
import java.lang.foreign.MemorySegment;

/**
 * What the network sends to one NIC of the guest: handed on at once, never waiting for outbound frames, and not at all
 * while the wall is CLOSED or SEALED (INV-9: a frame must not wait in the tap for a guest that is restored later).
 */
final class InboundLane implements FrameSink {

    private final FramePort uplink;
    private final FrameBurst delivering;
    private final BufferWall wall;
    private final FrameTap tap;
    private final Thread thread;

    final InputMirror mirror;

    final Counter deliveredFrames = new Counter();
    final Counter shutOutFrames = new Counter();
    /** Beside the lane; whoever injects counts them, one at a time. */
    final Counter injectedFrames = new Counter();

    InboundLane(FramePort uplink, FramePort guestPort, BufferWall wall, LaneFailure onFailure) {
        this.uplink = uplink;
        this.delivering = guestPort.newBurst();
        this.wall = wall;
        this.mirror = new InputMirror(uplink.interfaceName(), uplink.prefixBytes());
        this.tap = new FrameTap(uplink.interfaceName(), uplink.prefixBytes());
        this.thread = LaneThread.of("inbound-" + uplink.interfaceName(), this::deliverUntilStopped, onFailure);
    }

    void start() {
        thread.start();
    }

    private void deliverUntilStopped() throws PortException {
        uplink.capture(this);
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

    void stop() throws InterruptedException {
        uplink.stopCapture();
        thread.join(LaneThread.JOIN_MILLIS);
    }
}
