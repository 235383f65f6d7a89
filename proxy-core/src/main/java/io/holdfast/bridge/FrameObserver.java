package io.holdfast.bridge;

import java.lang.foreign.MemorySegment;

/** Learns from the guest's frames without touching them. Called on the capture thread; must be quick and not throw. */
@FunctionalInterface
public interface FrameObserver {

    /** One whole frame that the guest sent on the NIC with that number; valid only during the call. */
    void onOutboundFrame(int nic, MemorySegment memory, long offsetBytes, int lengthBytes);
}
