package io.holdfast.reverse.model;

import static io.holdfast.reverse.model.Sequence.earlier;
import static io.holdfast.reverse.model.Sequence.isAfter;
import static io.holdfast.reverse.model.Sequence.isBefore;
import static io.holdfast.reverse.model.Sequence.later;

import java.util.Arrays;

/** Parts of the sequence space, ascending, that neither overlap nor touch. All of them lie within one window. */
final class SequenceRanges {

    private static final int INITIAL_RANGES = 4;

    private int[] lefts;
    private int[] rights;
    private int count;

    SequenceRanges() {
        lefts = new int[INITIAL_RANGES];
        rights = new int[INITIAL_RANGES];
    }

    private SequenceRanges(SequenceRanges other) {
        lefts = other.lefts.clone();
        rights = other.rights.clone();
        count = other.count;
    }

    SequenceRanges copy() {
        return new SequenceRanges(this);
    }

    int count() {
        return count;
    }

    int left(int index) {
        return lefts[index];
    }

    int right(int index) {
        return rights[index];
    }

    void add(int left, int right) {
        int first = 0;
        while (first < count && isBefore(rights[first], left)) {
            first++;
        }
        int end = first;
        while (end < count && !isAfter(lefts[end], right)) {
            end++;
        }
        if (first == end) {
            insert(first, left, right);
            return;
        }
        lefts[first] = earlier(lefts[first], left);
        rights[first] = later(rights[end - 1], right);
        remove(first + 1, end);
    }

    /** Forgets what lies before a number. */
    void removeBefore(int sequence) {
        int gone = 0;
        while (gone < count && !isAfter(rights[gone], sequence)) {
            gone++;
        }
        remove(0, gone);
        if (count > 0) {
            lefts[0] = later(lefts[0], sequence);
        }
    }

    void clear() {
        count = 0;
    }

    /** The first number from here on that is in no range. */
    int skip(int sequence) {
        for (int i = 0; i < count && !isAfter(lefts[i], sequence); i++) {
            if (isBefore(sequence, rights[i])) {
                return rights[i];
            }
        }
        return sequence;
    }

    /** The first number from here on that is in a range, at most {@code limit}. */
    int next(int sequence, int limit) {
        for (int i = 0; i < count; i++) {
            if (isAfter(rights[i], sequence)) {
                return earlier(later(lefts[i], sequence), limit);
            }
        }
        return limit;
    }

    /** The index of the range that has a number; -1 if none has. */
    int indexOf(int sequence) {
        for (int i = 0; i < count; i++) {
            if (!isAfter(lefts[i], sequence) && isBefore(sequence, rights[i])) {
                return i;
            }
        }
        return -1;
    }

    /** How many numbers from {@code from} on and before {@code to} are in a range. */
    int sizeWithin(int from, int to) {
        int size = 0;
        for (int i = 0; i < count; i++) {
            size += Math.max(0, earlier(rights[i], to) - later(lefts[i], from));
        }
        return size;
    }

    private void insert(int index, int left, int right) {
        if (count == lefts.length) {
            lefts = Arrays.copyOf(lefts, 2 * count);
            rights = Arrays.copyOf(rights, 2 * count);
        }
        System.arraycopy(lefts, index, lefts, index + 1, count - index);
        System.arraycopy(rights, index, rights, index + 1, count - index);
        lefts[index] = left;
        rights[index] = right;
        count++;
    }

    private void remove(int from, int to) {
        System.arraycopy(lefts, to, lefts, from, count - to);
        System.arraycopy(rights, to, rights, from, count - to);
        count -= to - from;
    }
}
