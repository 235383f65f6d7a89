package io.holdfast.port;

import java.lang.foreign.MemorySegment;

/**
 * Frames that one thread sends together, in order: one system call for many, where the port can.
 *
 * <p><b>Threads.</b> One.
 */
public interface FrameBurst {

    /** The most frames that wait for {@link #flush}; {@link #isFull} says so. */
    int CAPACITY_FRAMES = 64;

    /** Adds a captured frame, which must stay unchanged until {@link #flush}. Otherwise as {@link FramePort#send}. */
    void add(MemorySegment memory, long offsetBytes, int lengthBytes);

    /** Whether {@link #flush} is due before another frame is added. */
    boolean isFull();

    /** Sends what was added, if there is anything. Frames that the kernel refuses are counted as send errors. */
    void flush();

    /** Forgets what was added, unless it has left already. */
    void drop();
}
