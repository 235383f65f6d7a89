package io.holdfast.arp;

import java.lang.foreign.MemorySegment;

/** Where announcements go. Called by the announcer's thread; a port that others send to as well must be shared safely. */
@FunctionalInterface
public interface FrameSender {

    /**
     * Sends one frame, without waiting for the wire.
     *
     * @return false if it was refused
     */
    boolean send(MemorySegment memory, long offsetBytes, int lengthBytes);
}
