package io.holdfast.bridge;

import io.holdfast.port.FrameSink;
import java.lang.foreign.MemorySegment;

/** Shows what comes from the network to an observer, before the lane has it: as it came, each frame once, in every state. */
record ObservedUplink(int nic, FrameObserver observer, FrameSink lane) implements FrameSink {

    @Override
    public void onFrame(MemorySegment memory, long offsetBytes, int lengthBytes, long kernelEpochNanos) {
        observer.onInboundFrame(nic, memory, offsetBytes, lengthBytes);
        lane.onFrame(memory, offsetBytes, lengthBytes, kernelEpochNanos);
    }

    @Override
    public void onBatchEnd() {
        lane.onBatchEnd();
    }
}
