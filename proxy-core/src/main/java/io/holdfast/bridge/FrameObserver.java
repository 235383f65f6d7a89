package io.holdfast.bridge;

import java.lang.foreign.MemorySegment;

/** Learns from frames without touching them. Called on the capture threads; must be quick and not throw. */
@FunctionalInterface
public interface FrameObserver {

    /** One whole frame that the guest sent on the NIC with that number; valid only during the call. */
    void onOutboundFrame(int nic, MemorySegment memory, long offsetBytes, int lengthBytes);

    /**
     * One whole frame that came in on the uplink of the NIC with that number, whatever the state of the wall, before the guest
     * has it; valid only during the call. Does nothing by default.
     */
    default void onInboundFrame(int nic, MemorySegment memory, long offsetBytes, int lengthBytes) {}
}
