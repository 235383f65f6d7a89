package io.holdfast.reverse;

import static io.holdfast.reverse.ReleasedBytes.BLOCK_BYTES;
import static org.assertj.core.api.Assertions.assertThat;

import java.lang.foreign.MemorySegment;
import java.util.SplittableRandom;
import org.junit.jupiter.api.Test;

/** */
class ReleasedBytesTest {

    private static final long FIRST = SequenceNumbers.first(-100);

    private final DigestBudget budget = new DigestBudget(1_000);
    private final ReleasedBytes released = new ReleasedBytes(budget, ReverseKit.HASH);

    @Test
    void shouldKeepADigestForEachBlockAndForWhatTheLastOneHas() {
        released.beginAt(FIRST);
        append(2 * BLOCK_BYTES + 10);
        assertThat(released.blocks()).isEqualTo(2);
        assertThat(released.end()).isEqualTo(FIRST + 2 * BLOCK_BYTES + 10);
        assertThat(released.blockEnd(0)).isEqualTo(FIRST + BLOCK_BYTES);
        assertThat(released.blockEnd(1)).isEqualTo(FIRST + 2 * BLOCK_BYTES);
        assertThat(released.blockEnd(2)).isEqualTo(FIRST + 2 * BLOCK_BYTES + 10);
        assertThat(released.digest(2)).isEqualTo(digest(10));
    }

    @Test
    void shouldEndABlockAtABarrier() {
        released.beginAt(FIRST);
        append(10);
        assertThat(released.cut()).isTrue();
        append(BLOCK_BYTES);
        assertThat(released.blockEnd(0)).isEqualTo(FIRST + 10);
        assertThat(released.blockEnd(1)).isEqualTo(FIRST + 10 + BLOCK_BYTES);
        assertThat(released.digest(1)).isEqualTo(digest(BLOCK_BYTES));
    }

    @Test
    void shouldUseNothingForABarrierWithoutNewBytes() {
        released.beginAt(FIRST);
        append(BLOCK_BYTES);
        released.cut();
        released.cut();
        assertThat(released.blocks()).isEqualTo(1);
    }

    @Test
    void shouldFindTheBlockThatHasAPosition() {
        released.beginAt(FIRST);
        append(BLOCK_BYTES + 1);
        assertThat(released.blockAt(FIRST)).isZero();
        assertThat(released.blockAt(FIRST + BLOCK_BYTES - 1)).isZero();
        assertThat(released.blockAt(FIRST + BLOCK_BYTES)).isEqualTo(1);
        assertThat(released.blockAt(FIRST + BLOCK_BYTES + 1)).isEqualTo(2);
    }

    @Test
    void shouldForgetOnlyBlocksThatEndAtOrBeforeThePosition() {
        released.beginAt(FIRST);
        append(3 * BLOCK_BYTES);
        released.forgetThrough(FIRST + 2 * BLOCK_BYTES - 1);
        assertThat(released.blocks()).isEqualTo(2);
        assertThat(released.blockEnd(1)).isEqualTo(FIRST + 2 * BLOCK_BYTES);
        released.forgetThrough(FIRST + 2 * BLOCK_BYTES);
        assertThat(released.blocks()).isEqualTo(1);
        assertThat(budget.usedBlocks()).isEqualTo(1);
    }

    @Test
    void shouldGiveEverythingBackWhenItBeginsAnew() {
        released.beginAt(FIRST);
        append(3 * BLOCK_BYTES + 1);
        released.beginAt(FIRST + 10_000);
        assertThat(budget.usedBlocks()).isZero();
        assertThat(released.blocks()).isZero();
        assertThat(released.end()).isEqualTo(FIRST + 10_000);
    }

    /** Gaps of any size, filled in any pieces and any order: as if all had come in a row. */
    @Test
    void shouldHaveTheSameDigestsInWhateverOrderTheBytesCame() {
        SplittableRandom random = new SplittableRandom(ReverseKit.seed());
        for (int run = 0; run < 500; run++) {
            byte[] bytes = new byte[1 + random.nextInt(5 * BLOCK_BYTES)];
            random.nextBytes(bytes);
            released.beginAt(FIRST);
            ReleasedBytes inARow = new ReleasedBytes(budget, ReverseKit.HASH);
            inARow.beginAt(FIRST);
            inARow.put(FIRST, MemorySegment.ofArray(bytes), 0, bytes.length);
            for (int piece = 0; piece < 12; piece++) {
                int at = random.nextInt(bytes.length);
                put(bytes, at, Math.min(bytes.length, at + random.nextInt(BLOCK_BYTES)));
            }
            put(bytes, 0, bytes.length);
            assertThat(released.hasGaps()).isFalse();
            for (long block = 0; block <= inARow.blocks(); block++) {
                long later = released.blockAt(FIRST) + block;
                assertThat(released.blockEnd(later)).isEqualTo(inARow.blockEnd(block));
                assertThat(released.digest(later)).isEqualTo(inARow.digest(block));
            }
            inARow.beginAt(FIRST);
        }
    }

    @Test
    void shouldKnowWhatIsMissing() {
        byte[] bytes = new byte[100];
        released.beginAt(FIRST);
        put(bytes, 0, 10);
        put(bytes, 20, 30);
        assertThat(released.isMissing(FIRST + 9)).isFalse();
        assertThat(released.isMissing(FIRST + 10)).isTrue();
        assertThat(released.runEnd(FIRST)).isEqualTo(FIRST + 10);
        assertThat(released.runEnd(FIRST + 10)).isEqualTo(FIRST + 20);
        assertThat(released.runEnd(FIRST + 20)).isEqualTo(Long.MAX_VALUE);
        put(bytes, 5, 25);
        assertThat(released.hasGaps()).isFalse();
    }

    /** Its bytes are part of the checkpoint. */
    @Test
    void shouldForgetAGapTogetherWithItsBlock() {
        byte[] bytes = new byte[10];
        released.beginAt(FIRST);
        put(bytes, 5, 10);
        released.cut();
        released.forgetThrough(FIRST + 10);
        assertThat(released.hasGaps()).isFalse();
    }

    @Test
    void shouldSayWhenThereIsNoRoomForAGap() {
        byte[] bytes = new byte[3 * Gaps.LIMIT];
        released.beginAt(FIRST);
        for (int gap = 0; gap < Gaps.LIMIT; gap++) {
            put(bytes, 2 * gap + 1, 2 * gap + 2);
        }
        int next = 2 * Gaps.LIMIT + 1;
        assertThat(released.put(FIRST + next, MemorySegment.ofArray(bytes), next, 1))
                .isFalse();
    }

    private void put(byte[] bytes, int from, int to) {
        assertThat(released.put(FIRST + from, MemorySegment.ofArray(bytes), from, to - from))
                .isTrue();
    }

    @Test
    void shouldSayWhenThereIsNoRoomForABlock() {
        ReleasedBytes poor = new ReleasedBytes(new DigestBudget(1), ReverseKit.HASH);
        byte[] bytes = new byte[2 * BLOCK_BYTES];
        assertThat(poor.put(0, MemorySegment.ofArray(bytes), 0, 2 * BLOCK_BYTES - 1))
                .isTrue();
        assertThat(poor.put(2 * BLOCK_BYTES - 1, MemorySegment.ofArray(bytes), 0, 1))
                .isFalse();
    }

    @Test
    void shouldSayWhenThereIsNoRoomForACut() {
        ReleasedBytes poor = new ReleasedBytes(new DigestBudget(0), ReverseKit.HASH);
        assertThat(poor.cut()).isTrue();
        poor.put(0, MemorySegment.ofArray(new byte[1]), 0, 1);
        assertThat(poor.cut()).isFalse();
    }

    @Test
    void shouldTakeOneBudgetForAll() {
        ReleasedBytes other = new ReleasedBytes(budget, ReverseKit.HASH);
        append(999 * BLOCK_BYTES);
        assertThat(other.put(0, MemorySegment.ofArray(new byte[1_000]), 0, BLOCK_BYTES))
                .isTrue();
        assertThat(other.put(BLOCK_BYTES, MemorySegment.ofArray(new byte[1_000]), 0, BLOCK_BYTES))
                .isFalse();
    }

    /** The ring of digests grows and shrinks, and goes round at every length. */
    @Test
    void shouldKeepTheNewestBlocksHoweverManyThereAre() {
        SplittableRandom random = new SplittableRandom(ReverseKit.seed());
        released.beginAt(FIRST);
        long forgotten = 0;
        long appended = 0;
        for (int step = 0; step < 5_000; step++) {
            boolean growing = step / 500 % 2 == 0;
            int added = random.nextInt(growing ? 8 : 2);
            for (int i = 0; i < added && appended - forgotten < 900; i++) {
                append(block(appended++));
            }
            forgotten += random.nextLong(Math.min(growing ? 3 : 8, appended - forgotten + 1));
            released.forgetThrough(FIRST + forgotten * BLOCK_BYTES);
            assertThat(released.blocks()).isEqualTo((int) (appended - forgotten));
            assertThat(budget.usedBlocks()).isEqualTo(appended - forgotten);
            for (int i = 0; i < released.blocks(); i += 1 + random.nextInt(100)) {
                assertThat(released.blockEnd(forgotten + i)).isEqualTo(FIRST + (forgotten + i + 1) * BLOCK_BYTES);
                assertThat(released.digest(forgotten + i)).isEqualTo(digest(block(forgotten + i)));
            }
        }
    }

    private void append(int bytes) {
        append(new byte[bytes]);
    }

    private void append(byte[] bytes) {
        assertThat(released.put(released.end(), MemorySegment.ofArray(bytes), 0, bytes.length))
                .isTrue();
    }

    private static byte[] block(long number) {
        byte[] block = new byte[BLOCK_BYTES];
        new SplittableRandom(number).nextBytes(block);
        return block;
    }

    private static long digest(int zeroes) {
        return digest(new byte[zeroes]);
    }

    private static long digest(byte[] bytes) {
        return ReverseKit.HASH.add(BlockHash.NOTHING, 0, MemorySegment.ofArray(bytes), 0, bytes.length);
    }
}
