package io.holdfast.reverse;

import static org.assertj.core.api.Assertions.assertThat;

import java.lang.foreign.MemorySegment;
import java.util.Arrays;
import java.util.SplittableRandom;
import org.junit.jupiter.api.Test;

class RunningHashTest {

    private static final int RUNS = 20_000;
    private static final int WORD_BYTES = 8;

    private final SplittableRandom random = new SplittableRandom(ReverseKit.seed());

    @Test
    void shouldNotDependOnWhereThePiecesEnd() {
        for (int run = 0; run < RUNS; run++) {
            byte[] bytes = randomBytes(random.nextInt(300));
            RunningHash hash = new RunningHash(7);
            for (int at = 0; at < bytes.length; ) {
                int piece = random.nextInt(Math.min(20, bytes.length - at) + 1);
                hash.absorb(MemorySegment.ofArray(bytes), at, piece);
                at += piece;
            }
            assertThat(hash.value()).isEqualTo(hash(7, bytes));
        }
    }

    @Test
    void shouldNoticeEveryChangeOfOneWord() {
        for (int run = 0; run < RUNS; run++) {
            byte[] bytes = randomBytes(1 + random.nextInt(256));
            byte[] changed = bytes.clone();
            int word = random.nextInt(bytes.length) / WORD_BYTES * WORD_BYTES;
            changed[random.nextInt(word, Math.min(word + WORD_BYTES, bytes.length))] ^= (byte) random.nextInt(1, 256);
            assertThat(hash(7, changed)).isNotEqualTo(hash(7, bytes));
        }
    }

    @Test
    void shouldNoticeWordsThatHaveChangedPlaces() {
        byte[] bytes = randomBytes(2 * WORD_BYTES);
        byte[] changed = new byte[bytes.length];
        System.arraycopy(bytes, 0, changed, WORD_BYTES, WORD_BYTES);
        System.arraycopy(bytes, WORD_BYTES, changed, 0, WORD_BYTES);
        assertThat(hash(7, changed)).isNotEqualTo(hash(7, bytes));
    }

    /** Leading zeroes of an unfinished word change nothing in it. */
    @Test
    void shouldCountTheBytes() {
        long[] values = new long[4 * WORD_BYTES];
        Arrays.setAll(values, length -> hash(7, new byte[length]));
        assertThat(values).doesNotHaveDuplicates();
    }

    @Test
    void shouldDependOnTheSeed() {
        byte[] bytes = randomBytes(20);
        assertThat(hash(8, bytes)).isNotEqualTo(hash(7, bytes));
    }

    @Test
    void shouldTellTheValueBeforeMoreFollows() {
        byte[] bytes = randomBytes(20);
        RunningHash hash = new RunningHash(7);
        hash.absorb(MemorySegment.ofArray(bytes), 0, 11);
        assertThat(hash.value()).isEqualTo(hash(7, Arrays.copyOf(bytes, 11)));
        hash.absorb(MemorySegment.ofArray(bytes), 11, 9);
        assertThat(hash.value()).isEqualTo(hash(7, bytes));
    }

    @Test
    void shouldBeginAnew() {
        RunningHash hash = new RunningHash(7);
        hash.absorb(MemorySegment.ofArray(randomBytes(13)), 0, 13);
        hash.begin();
        assertThat(hash.value()).isEqualTo(hash(7, new byte[0]));
    }

    private static long hash(long seed, byte[] bytes) {
        RunningHash hash = new RunningHash(seed);
        hash.absorb(MemorySegment.ofArray(bytes), 0, bytes.length);
        return hash.value();
    }

    private byte[] randomBytes(int length) {
        byte[] bytes = new byte[length];
        random.nextBytes(bytes);
        return bytes;
    }
}
