package io.holdfast.reverse;

import java.lang.foreign.MemorySegment;

/**
 * Where frames go. Each call takes a whole frame, with the port's prefix directly before it; the memory is the caller's
 * again when the call returns, unless it is that of the frame that is being handled.
 */
public interface Outlet {

    /** Gives the guest a frame; false if it has no room for one now. */
    boolean toGuest(int nic, MemorySegment memory, long offsetBytes, int lengthBytes);

    /**
     * Lets a frame leave at once. The client's ledger knows all of it, or it says nothing that a restored guest could
     * contradict.
     */
    void toClient(int nic, MemorySegment memory, long offsetBytes, int lengthBytes);

    /** Stamps a frame with the open epoch, and leaves it to the wall (INV-1). */
    void hold(int nic, MemorySegment memory, long offsetBytes, int lengthBytes);
}
