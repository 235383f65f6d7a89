package io.holdfast.bridge;

import org.jspecify.annotations.Nullable;

/**
 * A lock for threads that move frames: whoever waits for it leaves no garbage. The locks of {@code java.util.concurrent} make a
 * node of 32 bytes for each thread that has to wait; a monitor does not, but it cannot be taken with one frame and given back with a
 * later one, as this can.
 *
 * <p><b>Threads.</b> Any. Whoever has it gives it back, and does not take it twice.
 */
final class TurnLock {

    private volatile @Nullable Thread owner;

    /** Waits until it is free, also when interrupted, and takes it. */
    synchronized void lock() {
        boolean interrupted = false;
        while (owner != null) {
            try {
                wait();
            } catch (InterruptedException e) {
                interrupted = true;
            }
        }
        owner = Thread.currentThread();
        if (interrupted) {
            Thread.currentThread().interrupt();
        }
    }

    /** Takes it if it is free. */
    synchronized boolean tryLock() {
        if (owner != null) {
            return false;
        }
        owner = Thread.currentThread();
        return true;
    }

    /**
     * Gives it back.
     *
     * @throws IllegalMonitorStateException if this thread does not have it
     */
    synchronized void unlock() {
        if (!isHeldByCurrentThread()) {
            throw new IllegalMonitorStateException("another thread has it, or none");
        }
        owner = null;
        notify();
    }

    boolean isHeldByCurrentThread() {
        return owner == Thread.currentThread();
    }
}
