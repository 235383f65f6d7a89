package io.holdfast.reverse;

import io.holdfast.memory.MappedMemory;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;

/**
 * All that clients send, in the order in which it arrives, and between it how far the guest's answers had come. The
 * guest is fed from here: in ordinary life at once, after a failover once more from the beginning. A frame that has to wait
 * for its turn stands where it arrived, and the place at which the guest got it has a record of its own.
 *
 * <p>Positions count bytes since the log was made and never wrap; the place in memory is the position modulo the capacity. A
 * record that would cross the end of memory is preceded by padding up to the end.
 *
 * <pre>
 *   length (4) | kind (1) | nic (1) | turn (1) | - (1) | flow (8) | begin (8) | end (8) | epoch (8) | later (8)
 *   following (8) | arrival (8) | prefix and frame (length)
 * </pre>
 *
 * <p><b>Threads.</b> One. Nothing allocates.
 */
final class InputLog implements AutoCloseable {

    /** A segment of a connection that has a ledger: its bytes are at [begin, end) of the client. */
    static final int SEGMENT = 1;

    /** A segment of a connection that the wall holds: its client sends it again unless a confirmed checkpoint has it. */
    static final int HELD = 6;

    /** Any other frame. */
    static final int OTHER = 2;

    /** No frame: the guest's bytes up to end had been released here. */
    static final int OUTPUT = 3;

    /** No frame: the guest got here what had been waiting. */
    static final int GIVEN = 4;

    /** Any other frame that the guest gets once, and not again after a failover. */
    static final int ONCE = 5;

    /** What {@link #append} says when there is no room. */
    static final long FULL = -1;

    /** No position. */
    static final long NONE = -1;

    private static final int PADDING = 0;
    private static final int ALIGNMENT_BYTES = 8;
    private static final int HEADER_BYTES = 64;
    private static final int LENGTH = 0;
    private static final int KIND = 4;
    private static final int NIC = 5;
    private static final int TURN = 6;
    private static final int FLOW = 8;
    private static final int BEGIN = 16;
    private static final int END = 24;
    private static final int EPOCH = 32;
    private static final int LATER = 40;
    private static final int FOLLOWING = 48;
    private static final int ARRIVAL = 56;

    /** Values of the turn: at its place, not yet, elsewhere or never. */
    private static final byte AT_ONCE = 0;

    private static final byte WAITING = 1;
    private static final byte ELSEWHERE = 2;

    private final Arena arena = Arena.ofShared();
    private final MemorySegment memory;
    private final long capacityBytes;
    private final int prefixBytes;

    private long head;
    private long tail;
    private long last = FULL;

    /**
     * An empty log.
     *
     * @param capacityBytes a power of two from 4 KiB on
     * @param prefixBytes what the port puts in front of each frame; it is kept as well
     */
    InputLog(long capacityBytes, int prefixBytes) {
        if (capacityBytes < 4096 || Long.bitCount(capacityBytes) != 1) {
            throw new IllegalArgumentException("not a power of two from 4 KiB on: " + capacityBytes);
        }
        this.capacityBytes = capacityBytes;
        this.prefixBytes = prefixBytes;
        this.memory = MappedMemory.allocate(arena, capacityBytes);
    }

    /**
     * Adds a frame.
     *
     * @return its position, or {@link #FULL}, and nothing is changed
     */
    long append(
            int kind,
            int nic,
            long flow,
            long begin,
            long end,
            long epoch,
            MemorySegment source,
            long offsetBytes,
            int lengthBytes) {
        long position = reserve(kind, nic, flow, begin, end, epoch, prefixBytes + lengthBytes);
        if (position != FULL) {
            MemorySegment.copy(
                    source,
                    offsetBytes - prefixBytes,
                    memory,
                    place(position) + HEADER_BYTES,
                    (long) prefixBytes + lengthBytes);
        }
        return position;
    }

    /**
     * Adds that output was released; joined with the last record where that says the same of fewer bytes.
     *
     * @param digest of what the block has so far in which it ends
     */
    boolean appendOutput(long flow, long end, long digest, long epoch) {
        if (last != FULL && last >= head && kind(last) == OUTPUT && flow(last) == flow && epoch(last) == epoch) {
            memory.set(ValueLayout.JAVA_LONG, place(last) + END, end);
            memory.set(ValueLayout.JAVA_LONG, place(last) + BEGIN, digest);
            return true;
        }
        return reserve(OUTPUT, 0, flow, digest, end, epoch, 0) != FULL;
    }

    /** Whether a frame can be added. */
    boolean hasRoomFor(int lengthBytes) {
        return fits(recordBytes(prefixBytes + lengthBytes));
    }

    private boolean fits(long recordBytes) {
        return tail + paddingBefore(recordBytes) + recordBytes - head <= capacityBytes;
    }

    private long paddingBefore(long recordBytes) {
        long room = capacityBytes - place(tail);
        return room < recordBytes ? room : 0;
    }

    private long reserve(int kind, int nic, long flow, long begin, long end, long epoch, int lengthBytes) {
        long recordBytes = recordBytes(lengthBytes);
        if (!fits(recordBytes)) {
            return FULL;
        }
        long paddingBytes = paddingBefore(recordBytes);
        if (paddingBytes > 0) {
            memory.set(ValueLayout.JAVA_BYTE, place(tail) + KIND, (byte) PADDING);
            boolean empty = head == tail;
            tail += paddingBytes;
            head = empty ? tail : head;
        }
        long at = place(tail);
        memory.set(ValueLayout.JAVA_INT, at + LENGTH, lengthBytes);
        memory.set(ValueLayout.JAVA_BYTE, at + KIND, (byte) kind);
        memory.set(ValueLayout.JAVA_BYTE, at + NIC, (byte) nic);
        memory.set(ValueLayout.JAVA_BYTE, at + TURN, AT_ONCE);
        memory.set(ValueLayout.JAVA_LONG, at + FLOW, flow);
        memory.set(ValueLayout.JAVA_LONG, at + BEGIN, begin);
        memory.set(ValueLayout.JAVA_LONG, at + END, end);
        memory.set(ValueLayout.JAVA_LONG, at + EPOCH, epoch);
        memory.set(ValueLayout.JAVA_LONG, at + FOLLOWING, NONE);
        memory.set(ValueLayout.JAVA_LONG, at + ARRIVAL, NONE);
        last = tail;
        tail += recordBytes;
        return last;
    }

    // ---- reading; positions are those of records, from head on, below tail ----

    /** The oldest record. */
    long head() {
        return head;
    }

    /** Where the next record will be. */
    long tail() {
        return tail;
    }

    /** The record after one, or where the next one will be; see {@link #recordFrom}. */
    long next(long position) {
        return recordFrom(position + recordBytes(memory.get(ValueLayout.JAVA_INT, place(position) + LENGTH)));
    }

    /** The first record from a position on, which was the end of the log when it was taken down. */
    long recordFrom(long position) {
        boolean padded = position < tail && memory.get(ValueLayout.JAVA_BYTE, place(position) + KIND) == PADDING;
        return padded ? position + capacityBytes - place(position) : position;
    }

    int kind(long position) {
        return memory.get(ValueLayout.JAVA_BYTE, place(position) + KIND);
    }

    int nic(long position) {
        return memory.get(ValueLayout.JAVA_BYTE, place(position) + NIC);
    }

    /** The frame that the guest got at the place of a record; {@link #NONE} if it got none there, or if it is forgotten. */
    long inputAt(long position) {
        return switch (kind(position)) {
            case OUTPUT -> NONE;
            case GIVEN -> begin(position) >= head ? begin(position) : NONE;
            default -> turn(position) == AT_ONCE ? position : NONE;
        };
    }

    /** Whether the record belongs to a connection that has, or had, a ledger. */
    boolean isOfFlow(long position) {
        return switch (kind(position)) {
            case SEGMENT, OUTPUT, GIVEN -> true;
            default -> false;
        };
    }

    long flow(long position) {
        return memory.get(ValueLayout.JAVA_LONG, place(position) + FLOW);
    }

    long begin(long position) {
        return memory.get(ValueLayout.JAVA_LONG, place(position) + BEGIN);
    }

    /** Of an output: what {@link ReleasedBytes#openDigest} said there; {@link BlockHash#UNKNOWN} if bytes were missing. */
    long digest(long position) {
        return begin(position);
    }

    /**
     * Where it is noted what the guest had said on the same connection after it got the frame at a place, and before it got
     * the next one; {@link #NONE} if nothing is, in the log up to {@code end}.
     */
    long answerTo(long position, long end) {
        long flow = flow(position);
        for (long later = next(position); later < end; later = next(later)) {
            if (flow(later) != flow || !isOfFlow(later)) {
                continue;
            }
            if (kind(later) == OUTPUT) {
                return later;
            }
            if (inputAt(later) != NONE) {
                return NONE;
            }
        }
        return NONE;
    }

    long end(long position) {
        return memory.get(ValueLayout.JAVA_LONG, place(position) + END);
    }

    long epoch(long position) {
        return memory.get(ValueLayout.JAVA_LONG, place(position) + EPOCH);
    }

    // ---- segments on their way to the guest; see Arrivals ----

    /** The next one of the same connection. */
    void follow(long position, long following) {
        memory.set(ValueLayout.JAVA_LONG, place(position) + FOLLOWING, following);
    }

    /** That one; {@link #NONE} if there was none. */
    long following(long position) {
        return memory.get(ValueLayout.JAVA_LONG, place(position) + FOLLOWING);
    }

    /** The guest has acknowledged it, in an epoch; {@link #NONE} if not. */
    void arrive(long position, long epoch) {
        memory.set(ValueLayout.JAVA_LONG, place(position) + ARRIVAL, epoch);
    }

    /** In which epoch; {@link #NONE} if that was not noted. */
    long arrival(long position) {
        return memory.get(ValueLayout.JAVA_LONG, place(position) + ARRIVAL);
    }

    // ---- frames that wait for their turn ----

    /** The guest does not get a frame yet. The next one of the same connection that waits may be tied to it. */
    void defer(long position) {
        memory.set(ValueLayout.JAVA_BYTE, place(position) + TURN, WAITING);
        memory.set(ValueLayout.JAVA_LONG, place(position) + LATER, NONE);
    }

    boolean isWaiting(long position) {
        return turn(position) == WAITING;
    }

    void tie(long position, long later) {
        memory.set(ValueLayout.JAVA_LONG, place(position) + LATER, later);
    }

    /** What was tied to a frame that waits; {@link #NONE} if nothing was. */
    long later(long position) {
        return memory.get(ValueLayout.JAVA_LONG, place(position) + LATER);
    }

    /**
     * The guest gets here a frame that has waited.
     *
     * @return false if there is no room to note it: the frame then stands at the place of its arrival
     */
    boolean give(long position, long epoch) {
        boolean noted = reserve(GIVEN, 0, flow(position), position, end(position), epoch, 0) != FULL;
        memory.set(ValueLayout.JAVA_LONG, place(position) + EPOCH, epoch); // No checkpoint before that has it.
        memory.set(ValueLayout.JAVA_BYTE, place(position) + TURN, noted ? ELSEWHERE : AT_ONCE);
        return noted;
    }

    /** The guest will never get a frame that has waited. */
    void drop(long position) {
        memory.set(ValueLayout.JAVA_BYTE, place(position) + TURN, ELSEWHERE);
    }

    private byte turn(long position) {
        return memory.get(ValueLayout.JAVA_BYTE, place(position) + TURN);
    }

    MemorySegment memory() {
        return memory;
    }

    /** Where the frame begins; its prefix is directly before. */
    long frameOffset(long position) {
        return place(position) + HEADER_BYTES + prefixBytes;
    }

    /** The frame's length without its prefix. */
    int frameBytes(long position) {
        return memory.get(ValueLayout.JAVA_INT, place(position) + LENGTH) - prefixBytes;
    }

    /** Forgets all records before one. */
    void truncateBefore(long position) {
        head = position;
    }

    long usedBytes() {
        return tail - head;
    }

    long capacityBytes() {
        return capacityBytes;
    }

    @Override
    public void close() {
        arena.close();
    }

    private long place(long position) {
        return position & (capacityBytes - 1);
    }

    private static long recordBytes(int lengthBytes) {
        return (long) HEADER_BYTES + lengthBytes + (-lengthBytes & (ALIGNMENT_BYTES - 1));
    }
}
