package io.holdfast.reverse;

import org.jspecify.annotations.Nullable;

/**
 * Where a connection's guest side was when epochs were closed: at the newest one that is confirmed, and at all after it.
 *
 * <p>A ring of numbers rather than of objects: with many connections each frame may be the first of its epoch on its own, and
 * nothing per frame may become garbage. It grows when more epochs wait for their confirmation than ever before.
 */
final class Marks {

    /** The confirmed one, one on its way, and the new one; a power of two. */
    private static final int FIRST_CAPACITY = 4;

    private static final int FIELDS = 5;
    private static final int EPOCH = 0;
    private static final int GUEST_END = 1;
    private static final int GUEST_ACK = 2;
    private static final int GUEST_EDGE = 3;
    private static final int TIMESTAMPS = 4;
    private static final int NONE = -1;

    private long[] numbers = new long[FIRST_CAPACITY * FIELDS];
    private int oldest;
    private int count;

    /** Adds one of an epoch after all others. */
    void add(long epoch, long guestEnd, long guestAck, long guestEdge, int guestTimestamp, int clientTimestamp) {
        if (count == capacity()) {
            grow();
        }
        int place = place(count++);
        numbers[place + EPOCH] = epoch;
        numbers[place + GUEST_END] = guestEnd;
        numbers[place + GUEST_ACK] = guestAck;
        numbers[place + GUEST_EDGE] = guestEdge;
        numbers[place + TIMESTAMPS] = (long) guestTimestamp << 32 | Integer.toUnsignedLong(clientTimestamp);
    }

    /** Keeps the newest one that is not newer than the epoch, and all newer ones. */
    void forgetBefore(long epoch) {
        while (count > 1 && numbers[place(1) + EPOCH] <= epoch) {
            oldest = (oldest + 1) & (capacity() - 1);
            count--;
        }
    }

    /** The newest one that is not newer than the epoch; null if there is none. */
    @Nullable
    Mark at(long epoch) {
        int place = find(epoch);
        return place == NONE
                ? null
                : new Mark(
                        numbers[place + EPOCH],
                        numbers[place + GUEST_END],
                        numbers[place + GUEST_ACK],
                        numbers[place + GUEST_EDGE],
                        (int) (numbers[place + TIMESTAMPS] >>> 32),
                        (int) numbers[place + TIMESTAMPS]);
    }

    /** Of that one, {@link Mark#guestEnd}; 0 if there is none. */
    long guestEndAt(long epoch) {
        return numberAt(epoch, GUEST_END);
    }

    /** Of that one, {@link Mark#guestAck}; 0 if there is none. */
    long guestAckAt(long epoch) {
        return numberAt(epoch, GUEST_ACK);
    }

    private long numberAt(long epoch, int field) {
        int place = find(epoch);
        return place == NONE ? 0 : numbers[place + field];
    }

    private int find(long epoch) {
        for (int mark = count - 1; mark >= 0; mark--) {
            if (numbers[place(mark) + EPOCH] <= epoch) {
                return place(mark);
            }
        }
        return NONE;
    }

    private void grow() {
        long[] grown = new long[2 * numbers.length];
        for (int mark = 0; mark < count; mark++) {
            System.arraycopy(numbers, place(mark), grown, mark * FIELDS, FIELDS);
        }
        numbers = grown;
        oldest = 0;
    }

    private int capacity() {
        return numbers.length / FIELDS;
    }

    /** Where the numbers of a mark are, counted from the oldest. */
    private int place(int mark) {
        return ((oldest + mark) & (capacity() - 1)) * FIELDS;
    }

    /** Reads something of all that the next mark needs; see {@link Foresight}. */
    long touch() {
        return numbers[place(0)] + numbers[place(count & (capacity() - 1))];
    }
}
