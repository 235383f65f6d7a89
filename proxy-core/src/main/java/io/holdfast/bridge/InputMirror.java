package io.holdfast.bridge;

import io.holdfast.frame.FrameRing;
import io.holdfast.measure.Counter;
import io.holdfast.port.FrameBurst;
import java.lang.foreign.MemorySegment;
import java.util.concurrent.locks.LockSupport;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Copies of what clients send to one NIC of the guest, for somebody who takes them to the backup. The guest gets its frames
 * first, whole bursts of them, and nothing waits for a copy. While nobody takes copies none are made, and no memory is in
 * use.
 *
 * <p>Of one epoch {@value #EPOCH_BYTES} bytes are copied, and what comes later in it is not, so that a flood costs neither
 * the lane nor the link more than that. The first ones are worth most: TCP takes nothing out of what came after a gap.
 * What finds the ring full, because the reader is slow, is not copied either. Both are counted: such a client sends again by
 * its own timer, as it would without copies.
 *
 * <p>A copy has the stamp of the epoch that was open before the guest got the frame. If it got it in the next one, whoever
 * keeps the copies has to keep them for one epoch longer.
 *
 * <p><b>Threads.</b> {@link #note} and {@link #copyNoted} are the inbound lane's; counters anybody's; the rest is one reader's
 * at a time.
 */
public final class InputMirror {

    /** Which frames are copied; the lane's thread asks. */
    @FunctionalInterface
    public interface Filter {

        boolean takes(MemorySegment memory, long offsetBytes, int lengthBytes);
    }

    /** Takes a copy. */
    public interface Sink<E extends Exception> {

        /** The prefix, then the frame; valid only during the call. */
        void onFrame(long stamp, MemorySegment memory, long offsetBytes, int lengthBytes) throws E;
    }

    static final int EPOCH_BYTES = 1 << 20;

    /** All copies of an epoch find room in it, even if every frame is of the shortest kind. */
    private static final long RING_BYTES = 2 << 20;

    private static final long DETACH_LIMIT_NANOS = 1_000_000_000L;
    private static final Logger log = LoggerFactory.getLogger(InputMirror.class);

    private final FrameTap tap;
    private final Counter overBudgetFrames = new Counter();

    private volatile @Nullable Filter filter;
    private volatile @Nullable Thread reader;

    // The lane's: frames that the guest gets first.
    private final MemorySegment[] notedMemory = new MemorySegment[FrameBurst.CAPACITY_FRAMES];
    private final long[] notedOffsetBytes = new long[FrameBurst.CAPACITY_FRAMES];
    private final int[] notedLengthBytes = new int[FrameBurst.CAPACITY_FRAMES];
    private final long[] notedStamp = new long[FrameBurst.CAPACITY_FRAMES];
    private int notedFrames;
    private long budgetStamp = FrameRing.EMPTY;
    private int budgetBytes;

    // The reader's.
    private @Nullable FrameRing ring;

    InputMirror(String interfaceName, int prefixBytes) {
        this.tap = new FrameTap(interfaceName, prefixBytes);
    }

    // ---- the lane ----

    /** Remembers a frame that the guest gets. It has to stay where it is until {@link #copyNoted}. */
    void note(long stamp, MemorySegment memory, long offsetBytes, int lengthBytes) {
        Filter wanted = filter;
        if (wanted == null || !wanted.takes(memory, offsetBytes, lengthBytes)) {
            return;
        }
        if (stamp != budgetStamp) {
            budgetStamp = stamp;
            budgetBytes = EPOCH_BYTES;
        }
        if (lengthBytes > budgetBytes) {
            overBudgetFrames.increment();
            return;
        }
        budgetBytes -= lengthBytes;
        if (notedFrames == notedMemory.length) {
            copyNoted(); // A port that sends each frame at once has sent these.
        }
        notedMemory[notedFrames] = memory;
        notedOffsetBytes[notedFrames] = offsetBytes;
        notedLengthBytes[notedFrames] = lengthBytes;
        notedStamp[notedFrames] = stamp;
        notedFrames++;
    }

    /** The guest has got the frames. */
    void copyNoted() {
        if (notedFrames == 0) {
            return;
        }
        for (int i = 0; i < notedFrames; i++) {
            tap.copy(FrameFate.DELIVERED, notedStamp[i], notedMemory[i], notedOffsetBytes[i], notedLengthBytes[i], 0);
        }
        notedFrames = 0;
        LockSupport.unpark(reader);
    }

    // ---- the reader ----

    /** The calling thread takes copies from now on; it is woken when there are some. */
    public void open(Filter wanted) {
        FrameRing opened = new FrameRing(RING_BYTES);
        ring = opened;
        reader = Thread.currentThread();
        tap.attach(opened);
        filter = wanted;
    }

    /** No copies are made any more, and those that nobody has taken are gone. */
    public void close() {
        filter = null;
        reader = null;
        FrameRing closed = ring;
        ring = null;
        if (closed == null) {
            return;
        }
        if (tap.detach(DETACH_LIMIT_NANOS)) {
            closed.close();
        } else {
            log.error("the lane of {} hangs; its memory is left to the end of the process", tap.interfaceName());
        }
    }

    /** Hands out all copies that are there; whether there was one. */
    public <E extends Exception> boolean drainTo(Sink<E> sink) throws E {
        FrameRing opened = ring;
        if (opened == null) {
            return false;
        }
        boolean any = false;
        try {
            for (long stamp = opened.headStamp(); stamp != FrameRing.EMPTY; stamp = opened.headStamp()) {
                any = true;
                sink.onFrame(stamp, opened.memory(), opened.headOffsetBytes(), opened.headLengthBytes());
                opened.take();
            }
        } finally {
            opened.freeTaken();
        }
        return any;
    }

    /** How many bytes in front of each frame belong to the port. */
    public int prefixBytes() {
        return tap.prefixBytes();
    }

    /** Frames that were copied, since the start. */
    long copiedFrames() {
        return tap.copiedFrames();
    }

    /** Frames that were to be copied and were not, since the start. */
    long missedFrames() {
        return overBudgetFrames.value() + tap.missedFrames();
    }
}
