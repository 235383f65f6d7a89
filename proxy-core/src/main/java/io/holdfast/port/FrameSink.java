package io.holdfast.port;

import java.lang.foreign.MemorySegment;

/** Takes captured frames, on the port's capture thread. */
@FunctionalInterface
public interface FrameSink {

    /**
     * One whole frame, from the destination MAC address on, without FCS.
     *
     * @param memory holds the frame, unchanged until the next {@link #onBatchEnd} has returned
     * @param offsetBytes where the frame begins; the port's prefix, if it has one, stands directly before
     * @param lengthBytes its length
     * @param kernelEpochNanos when the kernel took it, nanoseconds since 1970 on the wall clock; 0 if unknown
     */
    void onFrame(MemorySegment memory, long offsetBytes, int lengthBytes, long kernelEpochNanos);

    /**
     * No other frame has been received yet: whatever was put off until several are there is due now. The frames that were
     * handed out are overwritten when it has returned.
     */
    default void onBatchEnd() {}
}
