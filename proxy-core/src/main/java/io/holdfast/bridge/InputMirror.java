package io.holdfast.bridge;

import io.holdfast.frame.FrameRing;
import io.holdfast.measure.Counter;
import java.lang.foreign.MemorySegment;
import java.util.concurrent.locks.LockSupport;
import org.jspecify.annotations.Nullable;

/**
 * Copies of what clients send to one NIC of the guest, for somebody who takes them to the backup. The frames themselves never
 * wait for it: where there is no room, the copy is dropped and counted.
 *
 * <p>A copy has the stamp of the epoch that was open before the guest got the frame. If it got it in the next one, the backup
 * may drop the copy too early: then the client sends again, as it would without copies.
 *
 * <p><b>Threads.</b> {@link #offer} and {@link #onBatchEnd} are the inbound lane's; the rest is one reader's at a time.
 */
public final class InputMirror {

    /** Takes a copy. */
    public interface Sink<E extends Exception> {

        /** The prefix, then the frame; valid only during the call. */
        void onFrame(long stamp, MemorySegment memory, long offsetBytes, int lengthBytes) throws E;
    }

    private final FrameRing ring;
    private final int prefixBytes;
    private volatile @Nullable Thread reader;
    private boolean offered;

    final Counter copiedFrames = new Counter();
    final Counter droppedFrames = new Counter();

    InputMirror(long capacityBytes, int prefixBytes) {
        this.ring = new FrameRing(capacityBytes);
        this.prefixBytes = prefixBytes;
    }

    void offer(long stamp, MemorySegment memory, long offsetBytes, int lengthBytes) {
        if (reader == null) {
            return;
        }
        if (ring.offer(stamp, 0, memory, offsetBytes - prefixBytes, lengthBytes + prefixBytes)) {
            copiedFrames.increment();
            offered = true;
        } else {
            droppedFrames.increment();
        }
    }

    void onBatchEnd() {
        if (offered) {
            offered = false;
            LockSupport.unpark(reader);
        }
    }

    /** Belongs to the calling thread from now on. What nobody has taken before is old and dropped. */
    public void open() {
        while (ring.headStamp() != FrameRing.EMPTY) {
            ring.take();
        }
        ring.freeTaken();
        reader = Thread.currentThread();
    }

    /** No copies are made any more. */
    public void close() {
        reader = null;
    }

    /** Hands out all copies that are there; whether there was one. */
    public <E extends Exception> boolean drainTo(Sink<E> sink) throws E {
        boolean any = false;
        try {
            for (long stamp = ring.headStamp(); stamp != FrameRing.EMPTY; stamp = ring.headStamp()) {
                any = true;
                sink.onFrame(stamp, ring.memory(), ring.headOffsetBytes(), ring.headLengthBytes());
                ring.take();
            }
        } finally {
            ring.freeTaken();
        }
        return any;
    }

    /** How many bytes in front of each frame belong to the port. */
    public int prefixBytes() {
        return prefixBytes;
    }

    void free() {
        ring.close();
    }
}
