package io.holdfast.frame;

import io.holdfast.memory.MappedMemory;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;

/**
 * Frames in the order in which they were captured, in off-heap memory, from one producer to one consumer. A frame is
 * copied in once and handed out in place.
 *
 * <p>Positions count bytes since the ring was made and never wrap; the place in memory is the position modulo the
 * capacity. A record that would cross the end of memory is preceded by padding up to the end.
 *
 * <pre>
 *   record:   length (4) | tag (4) | stamp (8) | capture time (8) | frame (length) | up to a multiple of 8
 *   padding:  PADDING (4) ...                                        | up to the end of memory
 * </pre>
 *
 * <p>Neither {@link #offer} nor the consumer's methods allocate, lock or wait.
 *
 * <p><b>Threads.</b> {@link #offer} is the producer's; {@link #headStamp}, {@link #headOffsetBytes},
 * {@link #headLengthBytes}, {@link #headCaptureNanos}, {@link #headTag}, {@link #take} and {@link #freeTaken} are the
 * consumer's; counters and {@link #isEmpty} may be read by anyone.
 */
public final class FrameRing implements AutoCloseable {

    /** What {@link #headStamp} says when there is no frame. */
    public static final long EMPTY = Long.MIN_VALUE;

    static final int RECORD_ALIGNMENT_BYTES = 8;
    static final int HEADER_BYTES = 24;
    private static final int LENGTH_OFFSET = 0;
    private static final int TAG_OFFSET = 4;
    private static final int STAMP_OFFSET = 8;
    private static final int CAPTURE_NANOS_OFFSET = 16;
    private static final int PADDING = -1;

    private static final VarHandle PRODUCED_BYTES;
    private static final VarHandle CONSUMED_BYTES;

    static {
        try {
            MethodHandles.Lookup lookup = MethodHandles.lookup();
            PRODUCED_BYTES = lookup.findVarHandle(FrameRing.class, "producedBytes", long.class);
            CONSUMED_BYTES = lookup.findVarHandle(FrameRing.class, "consumedBytes", long.class);
        } catch (ReflectiveOperationException e) {
            throw new ExceptionInInitializerError(e);
        }
    }

    private final Arena arena = Arena.ofShared();
    private final MemorySegment memory;
    private final long capacityBytes;
    private final long mask;

    // Written by the producer.
    private long producedBytes;
    private long producedFrames;
    private long producedFrameBytes;
    private long seenConsumedBytes;

    // Written by the consumer: what it has let go of, and how far it has read.
    private long consumedBytes;
    private long consumedFrames;
    private long consumedFrameBytes;
    private long takenBytes;
    private long takenFrames;
    private long takenFrameBytes;

    /**
     * An empty ring.
     *
     * @param capacityBytes room for frames and their records, a power of two from 4 KiB to 1 TiB
     */
    public FrameRing(long capacityBytes) {
        if (capacityBytes < 4096 || capacityBytes > 1L << 40 || Long.bitCount(capacityBytes) != 1) {
            throw new IllegalArgumentException("not a power of two from 4 KiB to 1 TiB: " + capacityBytes);
        }
        this.capacityBytes = capacityBytes;
        this.mask = capacityBytes - 1;
        this.memory = MappedMemory.allocate(arena, capacityBytes);
    }

    /**
     * Takes a copy of a frame in. It is visible to the consumer before the producer reads anything else: who then looks
     * at the frontier and does not see it moved knows that whoever moves it finds the frame.
     *
     * @param stamp any value but {@link #EMPTY}
     * @param captureNanos when it was captured, monotonic
     * @return false, and nothing is changed, if there is no room
     */
    public boolean offer(long stamp, long captureNanos, MemorySegment source, long offsetBytes, int lengthBytes) {
        return offer(stamp, captureNanos, 0, source, offsetBytes, lengthBytes);
    }

    /**
     * As the shorter form.
     *
     * @param tag what else the producer says of the frame; see {@link #headTag}
     */
    public boolean offer(
            long stamp, long captureNanos, int tag, MemorySegment source, long offsetBytes, int lengthBytes) {
        long recordBytes = recordBytes(lengthBytes);
        long position = producedBytes;
        long place = position & mask;
        long paddingBytes = capacityBytes - place < recordBytes ? capacityBytes - place : 0;
        long end = position + paddingBytes + recordBytes;
        if (end - seenConsumedBytes > capacityBytes) {
            seenConsumedBytes = (long) CONSUMED_BYTES.getAcquire(this);
            if (end - seenConsumedBytes > capacityBytes) {
                return false;
            }
        }
        if (paddingBytes > 0) {
            memory.set(ValueLayout.JAVA_INT, place + LENGTH_OFFSET, PADDING);
            place = 0;
        }
        memory.set(ValueLayout.JAVA_INT, place + LENGTH_OFFSET, lengthBytes);
        memory.set(ValueLayout.JAVA_INT, place + TAG_OFFSET, tag);
        memory.set(ValueLayout.JAVA_LONG, place + STAMP_OFFSET, stamp);
        memory.set(ValueLayout.JAVA_LONG, place + CAPTURE_NANOS_OFFSET, captureNanos);
        MemorySegment.copy(source, offsetBytes, memory, place + HEADER_BYTES, lengthBytes);
        producedFrames++;
        producedFrameBytes += lengthBytes;
        PRODUCED_BYTES.setVolatile(this, end);
        return true;
    }

    /** The stamp of the oldest frame that was not taken, or {@link #EMPTY}. */
    public long headStamp() {
        long produced = (long) PRODUCED_BYTES.getAcquire(this);
        if (produced == takenBytes) {
            return EMPTY;
        }
        long place = takenBytes & mask;
        if (memory.get(ValueLayout.JAVA_INT, place + LENGTH_OFFSET) == PADDING) {
            takenBytes += capacityBytes - place;
            place = 0;
        }
        return memory.get(ValueLayout.JAVA_LONG, place + STAMP_OFFSET);
    }

    /** Where all frames are; see {@link #headOffsetBytes}. */
    public MemorySegment memory() {
        return memory;
    }

    /** Where that frame begins. Only after {@link #headStamp} has said that there is one, as the next two. */
    public long headOffsetBytes() {
        return (takenBytes & mask) + HEADER_BYTES;
    }

    /** That frame's length. */
    public int headLengthBytes() {
        return memory.get(ValueLayout.JAVA_INT, (takenBytes & mask) + LENGTH_OFFSET);
    }

    /** When that frame was captured. */
    public long headCaptureNanos() {
        return memory.get(ValueLayout.JAVA_LONG, (takenBytes & mask) + CAPTURE_NANOS_OFFSET);
    }

    /** What the producer said of it; 0 if nothing. */
    public int headTag() {
        return memory.get(ValueLayout.JAVA_INT, (takenBytes & mask) + TAG_OFFSET);
    }

    /** Goes on to the next frame. The one that was the head stays where it is until {@link #freeTaken}. */
    public void take() {
        int lengthBytes = headLengthBytes();
        takenFrames++;
        takenFrameBytes += lengthBytes;
        takenBytes += recordBytes(lengthBytes);
    }

    /** Lets go of all frames that were taken; their memory may be overwritten from now on. */
    public void freeTaken() {
        consumedFrames = takenFrames;
        consumedFrameBytes = takenFrameBytes;
        CONSUMED_BYTES.setRelease(this, takenBytes);
    }

    /** Whether every frame that was offered has been taken and freed. */
    public boolean isEmpty() {
        return (long) CONSUMED_BYTES.getAcquire(this) == (long) PRODUCED_BYTES.getAcquire(this);
    }

    /** Frames that are in the ring; exact for the producer and the consumer, near enough for others. */
    public long heldFrames() {
        long consumed = consumedFrames;
        VarHandle.acquireFence();
        return Math.max(0, producedFrames - consumed);
    }

    /** Bytes of frames that are in the ring, without records' headers; as exact as {@link #heldFrames}. */
    public long heldBytes() {
        long consumed = consumedFrameBytes;
        VarHandle.acquireFence();
        return Math.max(0, producedFrameBytes - consumed);
    }

    /** Bytes of memory in use, headers and padding included: what {@link #capacityBytes} bounds. */
    public long usedBytes() {
        long consumed = (long) CONSUMED_BYTES.getAcquire(this);
        return Math.max(0, (long) PRODUCED_BYTES.getAcquire(this) - consumed);
    }

    public long capacityBytes() {
        return capacityBytes;
    }

    /** Frees the memory. Producer and consumer must have ended. */
    @Override
    public void close() {
        arena.close();
    }

    private static long recordBytes(int lengthBytes) {
        return (long) HEADER_BYTES + lengthBytes + (-lengthBytes & (RECORD_ALIGNMENT_BYTES - 1));
    }
}
