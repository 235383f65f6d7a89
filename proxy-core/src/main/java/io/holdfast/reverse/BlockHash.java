package io.holdfast.reverse;

import io.holdfast.frame.NetworkOrder;
import java.lang.foreign.MemorySegment;
import java.util.SplittableRandom;

/**
 * A hash of a block whose bytes come in any order and in pieces of any length, because each of them adds to a sum: that of all
 * words of four bytes, each times the secret key of its place, modulo the prime 2^61 - 1. Whoever does not know the keys cannot
 * find two blocks of the same length that agree with a probability above 2^-61 (multilinear hashing: Carter and Wegman,
 * Universal Classes of Hash Functions, 1979). Nobody is told the keys or a sum.
 *
 * <p>Immutable.
 */
final class BlockHash {

    /** Of a block without bytes. */
    static final long NOTHING = 0;

    /** No digest is that; for bytes of which some are missing. */
    static final long UNKNOWN = -1;

    private static final int PRIME_BITS = 61;
    private static final long PRIME = (1L << PRIME_BITS) - 1;
    private static final int WORD_BYTES = 4;
    /** Shifts, because a place is never negative, which the compiler does not know. */
    private static final int WORD_SHIFT = 2;

    private static final long WORD = 0xffff_ffffL;
    private static final int STEP_BYTES = 4 * WORD_BYTES;

    private final long[] keys;

    /** @param seed drawn at random for each life of the proxy */
    BlockHash(long seed, int blockBytes) {
        SplittableRandom random = new SplittableRandom(seed);
        keys = random.longs((blockBytes + WORD_BYTES - 1) / WORD_BYTES, 0, PRIME)
                .toArray();
    }

    /**
     * Adds bytes to what a block has.
     *
     * @param sum of the bytes so far
     * @param place of the first one in its block, from 0
     * @return the sum with these
     */
    long add(long sum, int place, MemorySegment memory, long offsetBytes, int addedBytes) {
        long added = sum;
        long origin = offsetBytes - place;
        int at = place;
        int end = place + addedBytes;
        while (at < end && (at & (WORD_BYTES - 1)) != 0) {
            added = reduced(added + byteAt(at, memory, origin + at++));
        }
        for (; end - at >= STEP_BYTES; at += STEP_BYTES) {
            int word = at >>> WORD_SHIFT;
            added = reduced(added + pair(word, memory, origin + at) + pair(word + 2, memory, origin + at + Long.BYTES));
        }
        for (; end - at >= WORD_BYTES; at += WORD_BYTES) {
            added = reduced(added + times(NetworkOrder.getInt(memory, origin + at) & WORD, keys[at >>> WORD_SHIFT]));
        }
        while (at < end) {
            added = reduced(added + byteAt(at, memory, origin + at++));
        }
        return added >= PRIME ? added - PRIME : added;
    }

    private long pair(int word, MemorySegment memory, long offsetBytes) {
        long two = NetworkOrder.getLong(memory, offsetBytes);
        return times(two >>> Integer.SIZE, keys[word]) + times(two & WORD, keys[word + 1]);
    }

    private long byteAt(int place, MemorySegment memory, long offsetBytes) {
        int shift = Byte.SIZE * (WORD_BYTES - 1 - (place & (WORD_BYTES - 1)));
        return times((long) NetworkOrder.getByte(memory, offsetBytes) << shift, keys[place >>> WORD_SHIFT]);
    }

    /** Less than 2^61 + 2^32, and the same as the product modulo the prime. */
    private static long times(long word, long key) {
        long low = word * key;
        long high = Math.multiplyHigh(word, key);
        return (low & PRIME) + ((high << (Long.SIZE - PRIME_BITS)) | (low >>> PRIME_BITS));
    }

    private static long reduced(long sum) {
        return (sum & PRIME) + (sum >>> PRIME_BITS);
    }
}
