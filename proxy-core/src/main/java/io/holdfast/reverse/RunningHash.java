package io.holdfast.reverse;

import io.holdfast.frame.NetworkOrder;
import java.lang.foreign.MemorySegment;

/**
 * A hash over bytes that come in pieces of any length. Each word of eight bytes goes through a step that is one to one in the
 * word and in what was before, so that two blocks that differ in a single word never agree; others agree by chance, once in
 * 2^64. The seed is drawn at random for each life of the proxy: nobody can prepare bytes that agree.
 */
final class RunningHash {

    private static final long MULTIPLIER = 0x9e37_79b9_7f4a_7c15L;
    private static final int WORD_BYTES = 8;

    private final long seed;
    private long state;
    private long word;
    private int wordBytes;
    private int lengthBytes;

    RunningHash(long seed) {
        this.seed = seed;
        begin();
    }

    /** Forgets all bytes. */
    void begin() {
        state = seed;
        word = 0;
        wordBytes = 0;
        lengthBytes = 0;
    }

    void absorb(MemorySegment memory, long offsetBytes, int addedBytes) {
        long at = offsetBytes;
        long end = offsetBytes + addedBytes;
        while (wordBytes != 0 && at < end) {
            absorbByte(NetworkOrder.getByte(memory, at++));
        }
        for (; end - at >= WORD_BYTES; at += WORD_BYTES) {
            state = mixed(state, NetworkOrder.getLong(memory, at));
        }
        while (at < end) {
            absorbByte(NetworkOrder.getByte(memory, at++));
        }
        lengthBytes += addedBytes;
    }

    private void absorbByte(int value) {
        word = word << 8 | value;
        if (++wordBytes == WORD_BYTES) {
            state = mixed(state, word);
            word = 0;
            wordBytes = 0;
        }
    }

    /** Of all bytes so far; more may follow. */
    long value() {
        return mixed(mixed(state, word), lengthBytes);
    }

    private static long mixed(long state, long word) {
        long product = (state ^ word) * MULTIPLIER;
        return product ^ product >>> 32;
    }
}
