package io.holdfast.reverse;

import java.util.Arrays;

/**
 * What is missing of a stream of bytes: some ranges, in order of position. Bounded, because each is looked at again with every
 * segment until it is filled.
 */
final class Gaps {

    static final int LIMIT = 512;

    private static final int FIRST_CAPACITY = 8;

    private long[] begins = new long[FIRST_CAPACITY];
    private long[] ends = new long[FIRST_CAPACITY];
    private int count;

    int count() {
        return count;
    }

    long begin(int gap) {
        return begins[gap];
    }

    long end(int gap) {
        return ends[gap];
    }

    void clear() {
        count = 0;
    }

    /** Adds one behind all others; false if there is no room. */
    boolean add(long begin, long end) {
        return insert(count, begin, end);
    }

    /** A part of one gap has come; false if there is no room for what it leaves. Gaps behind it may get other numbers. */
    boolean fill(int gap, long begin, long end) {
        long gapEnd = ends[gap];
        ends[gap] = begin;
        boolean room = end == gapEnd || insert(gap + 1, end, gapEnd);
        if (begins[gap] == begin) {
            remove(gap);
        }
        return room;
    }

    /** Nobody asks any more for what lies before a position. */
    void forgetThrough(long position) {
        while (count > 0 && ends[0] <= position) {
            remove(0);
        }
        if (count > 0) {
            begins[0] = Math.max(begins[0], position);
        }
    }

    boolean has(long position) {
        for (int gap = 0; gap < count && begins[gap] <= position; gap++) {
            if (position < ends[gap]) {
                return true;
            }
        }
        return false;
    }

    /** Where the bytes from a position on cease to be all missing or all there; {@link Long#MAX_VALUE} if nowhere. */
    long runEnd(long position) {
        for (int gap = 0; gap < count; gap++) {
            if (position < begins[gap]) {
                return begins[gap];
            }
            if (position < ends[gap]) {
                return ends[gap];
            }
        }
        return Long.MAX_VALUE;
    }

    private boolean insert(int gap, long begin, long end) {
        if (count == LIMIT) {
            return false;
        }
        if (count == begins.length) {
            begins = Arrays.copyOf(begins, 2 * count);
            ends = Arrays.copyOf(ends, 2 * count);
        }
        System.arraycopy(begins, gap, begins, gap + 1, count - gap);
        System.arraycopy(ends, gap, ends, gap + 1, count - gap);
        begins[gap] = begin;
        ends[gap] = end;
        count++;
        return true;
    }

    private void remove(int gap) {
        count--;
        System.arraycopy(begins, gap + 1, begins, gap, count - gap);
        System.arraycopy(ends, gap + 1, ends, gap, count - gap);
    }
}
