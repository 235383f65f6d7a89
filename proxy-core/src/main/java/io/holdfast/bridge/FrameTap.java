package io.holdfast.bridge;

import io.holdfast.frame.FrameRing;
import io.holdfast.measure.Counter;
import java.lang.foreign.MemorySegment;
import java.util.concurrent.locks.LockSupport;
import org.jspecify.annotations.Nullable;

/**
 * Where the frames of one lane can be seen. The lane copies each into a ring while one is attached, and never waits: what
 * finds the ring full is counted as missed, and the frame itself goes its way.
 *
 * <p>A frame that leaves at once is copied before it is sent, and one that waits long before it leaves, so that no answer is
 * in another tap's ring before what it answers is in this one's.
 *
 * <p><b>Threads.</b> {@link #copy} is the lane's; {@link #attach} and {@link #detach} one thread's; counters anybody's.
 */
public final class FrameTap {

    private final String interfaceName;
    private final int prefixBytes;

    private volatile @Nullable FrameRing ring;
    private volatile boolean copying;

    private final Counter copiedFrames = new Counter();
    private final Counter missedFrames = new Counter();

    /** A tap that copies nothing yet. */
    public FrameTap(String interfaceName, int prefixBytes) {
        this.interfaceName = interfaceName;
        this.prefixBytes = prefixBytes;
    }

    /** Where the lane captures. */
    public String interfaceName() {
        return interfaceName;
    }

    /** How many bytes the port puts in front of each frame; they are copied as well. */
    public int prefixBytes() {
        return prefixBytes;
    }

    /** Whether frames are copied now. */
    public boolean isWatched() {
        return ring != null;
    }

    /** Frames that were copied, since the start. */
    public long copiedFrames() {
        return copiedFrames.value();
    }

    /** Frames that found the ring full, since the start. */
    public long missedFrames() {
        return missedFrames.value();
    }

    /**
     * Copies frames from now on: prefix and frame, with the wall's stamp, the time of capture in nanoseconds since 1970 and
     * the tag of its {@link FrameFate}.
     */
    public void attach(FrameRing to) {
        if (ring != null) {
            throw new IllegalStateException("the tap of " + interfaceName + " is in use");
        }
        ring = to;
    }

    /**
     * Copies no more frames.
     *
     * @return whether it is certain that the lane has let go of the ring, so that it may be closed
     */
    public boolean detach(long limitNanos) {
        ring = null;
        long deadlineNanos = System.nanoTime() + limitNanos;
        while (copying) {
            if (System.nanoTime() - deadlineNanos > 0) {
                return false;
            }
            LockSupport.parkNanos(20_000);
        }
        return true;
    }

    /**
     * One frame that the lane has captured.
     *
     * @param kernelEpochNanos 0 if unknown
     */
    public void copy(
            FrameFate fate,
            long stamp,
            MemorySegment memory,
            long offsetBytes,
            int lengthBytes,
            long kernelEpochNanos) {
        if (ring != null) {
            copyWatched(fate, stamp, memory, offsetBytes, lengthBytes, kernelEpochNanos);
        }
    }

    private void copyWatched(
            FrameFate fate,
            long stamp,
            MemorySegment memory,
            long offsetBytes,
            int lengthBytes,
            long kernelEpochNanos) {
        // Before the ring is read again: whoever detaches it afterwards sees that it is in use.
        copying = true;
        FrameRing to = ring;
        if (to != null) {
            long epochNanos = kernelEpochNanos != 0 ? kernelEpochNanos : System.currentTimeMillis() * 1_000_000L;
            if (to.offer(stamp, epochNanos, fate.tag(), memory, offsetBytes - prefixBytes, lengthBytes + prefixBytes)) {
                copiedFrames.increment();
            } else {
                missedFrames.increment();
            }
        }
        copying = false;
    }
}
