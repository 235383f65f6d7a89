package io.holdfast.reverse;

import static io.holdfast.reverse.ReleasedBytes.BLOCK_BYTES;
import static org.assertj.core.api.Assertions.assertThat;

import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.SplittableRandom;
import org.junit.jupiter.api.Test;

/** R-2, INV-12. */
class ComparisonTest {

    private static final int RUNS = 3_000;

    private final SplittableRandom random = new SplittableRandom(ReverseKit.seed());
    private final long first = SequenceNumbers.first(-random.nextInt(2_000));
    private final ReleasedBytes released = new ReleasedBytes(new DigestBudget(1_000), ReverseKit.HASH);

    @Test
    void shouldFindTheSameBytesEqualWhereverSegmentsBeginAndEnd() {
        for (int run = 0; run < RUNS; run++) {
            byte[] bytes = randomBytes();
            long barrier = release(bytes);
            Comparison comparison = compare(bytes, barrier);
            assertThat(comparison.isDifferent()).isFalse();
            assertThat(comparison.equalThrough()).isEqualTo(released.end());
            assertThat(comparison.absorbedThrough()).isEqualTo(released.end());
        }
    }

    @Test
    void shouldFindTheFirstDifferenceAtAnyPosition() {
        for (int run = 0; run < RUNS; run++) {
            byte[] bytes = randomBytes();
            long barrier = release(bytes);
            int from = (int) (barrier - first);
            if (from == bytes.length) {
                continue;
            }
            int at = random.nextInt(from, bytes.length);
            bytes[at] ^= (byte) random.nextInt(1, 256);
            Comparison comparison = compare(bytes, barrier);
            assertThat(comparison.isDifferent()).isTrue();
            assertThat(first + at - comparison.equalThrough()).isBetween(0L, BLOCK_BYTES - 1L);
        }
    }

    /** A client's segment may be the first on its connection since the commit. */
    @Test
    void shouldNotMindThatEarlierBlocksAreForgottenMeanwhile() {
        byte[] bytes = new byte[2 * BLOCK_BYTES + 10];
        random.nextBytes(bytes);
        released.beginAt(first);
        append(bytes, 0, BLOCK_BYTES);
        append(bytes, BLOCK_BYTES, BLOCK_BYTES + 10);
        Comparison comparison = new Comparison(released, first + BLOCK_BYTES);
        absorb(comparison, bytes, BLOCK_BYTES, 5);
        released.forgetThrough(first + BLOCK_BYTES);
        absorb(comparison, bytes, BLOCK_BYTES + 5, BLOCK_BYTES + 5);
        assertThat(comparison.isDifferent()).isFalse();
        assertThat(comparison.equalThrough()).isEqualTo(released.end());
    }

    @Test
    void shouldKnowAnAnswerBeforeItsBlockIsWhole() {
        byte[] bytes = {1, 2, 3, 4, 5};
        released.beginAt(first);
        append(bytes, 0, 3);
        long digest = released.openDigest();
        append(bytes, 3, 2);
        Comparison comparison = new Comparison(released, first);
        comparison.expect(first + 3, digest);
        absorb(comparison, bytes, 0, 4);
        assertThat(comparison.isDifferent()).isFalse();
        assertThat(comparison.equalThrough()).isEqualTo(first + 3);
        absorb(comparison, bytes, 4, 1);
        assertThat(comparison.equalThrough()).isEqualTo(first + 5);
    }

    @Test
    void shouldFindAWrongAnswerBeforeItsBlockIsWhole() {
        released.beginAt(first);
        append(new byte[] {1, 2, 3, 4, 5}, 0, 3);
        long digest = released.openDigest();
        append(new byte[] {1, 2, 3, 4, 5}, 3, 2);
        Comparison comparison = new Comparison(released, first);
        comparison.expect(first + 3, digest);
        absorb(comparison, new byte[] {1, 2, 7}, 0, 3);
        assertThat(comparison.isDifferent()).isTrue();
    }

    /** The answer ends with its block, and what is left of it has nothing to compare. */
    @Test
    void shouldKnowAnAnswerThatEndsWithItsBlock() {
        byte[] bytes = new byte[BLOCK_BYTES];
        released.beginAt(first);
        append(bytes, 0, BLOCK_BYTES);
        Comparison comparison = new Comparison(released, first);
        comparison.expect(first + BLOCK_BYTES, released.openDigest());
        absorb(comparison, bytes, 0, BLOCK_BYTES);
        assertThat(comparison.isDifferent()).isFalse();
        assertThat(comparison.equalThrough()).isEqualTo(first + BLOCK_BYTES);
    }

    @Test
    void shouldTakeNothingForEqualBeforeItsBlockIsWhole() {
        byte[] bytes = new byte[BLOCK_BYTES + 10];
        released.beginAt(first);
        append(bytes, 0, bytes.length);
        Comparison comparison = new Comparison(released, first);
        absorb(comparison, bytes, 0, BLOCK_BYTES - 1);
        assertThat(comparison.absorbedThrough()).isEqualTo(first + BLOCK_BYTES - 1);
        assertThat(comparison.equalThrough()).isEqualTo(first);
        absorb(comparison, bytes, BLOCK_BYTES - 1, 10);
        assertThat(comparison.equalThrough()).isEqualTo(first + BLOCK_BYTES);
        absorb(comparison, bytes, BLOCK_BYTES + 9, 1);
        assertThat(comparison.equalThrough()).isEqualTo(released.end());
    }

    @Test
    void shouldAcceptAnythingThatNoClientHas() {
        byte[] bytes = new byte[3 * BLOCK_BYTES];
        random.nextBytes(bytes);
        releaseWithGap(bytes, 100, 600);
        byte[] others = bytes.clone();
        Arrays.fill(others, 100, 600, (byte) 7);
        Comparison comparison = new Comparison(released, first);
        absorb(comparison, others, 0, others.length);
        assertThat(comparison.isDifferent()).isFalse();
        assertThat(comparison.equalThrough()).isEqualTo(released.end());
    }

    @Test
    void shouldFindADifferenceBehindAGapOfItsBlock() {
        byte[] bytes = new byte[BLOCK_BYTES];
        random.nextBytes(bytes);
        releaseWithGap(bytes, 100, 200);
        bytes[200] ^= 1;
        Comparison comparison = new Comparison(released, first);
        absorb(comparison, bytes, 0, bytes.length);
        assertThat(comparison.isDifferent()).isTrue();
    }

    /** an earlier attempt's guest has filled a gap, and its client has seen that. */
    @Test
    void shouldHoldAFurtherAttemptToWhatHasLeftInAnEarlierOne() {
        byte[] bytes = new byte[BLOCK_BYTES];
        random.nextBytes(bytes);
        releaseWithGap(bytes, 100, 200);
        Comparison earlier = new Comparison(released, first);
        absorb(earlier, bytes, 0, bytes.length);
        earlier.leave(first + 90, MemorySegment.ofArray(bytes), 90, 50);
        bytes[139] ^= 1;
        Comparison further = new Comparison(released, first);
        absorb(further, bytes, 0, bytes.length);
        assertThat(further.isDifferent()).isTrue();
        bytes[139] ^= 1;
        bytes[140] ^= 1;
        further = new Comparison(released, first);
        absorb(further, bytes, 0, bytes.length);
        assertThat(further.isDifferent()).isFalse();
    }

    /** part of a block may leave as soon as an answer that ends within it is known to be right. */
    @Test
    void shouldCountWhatLeavesOfTheBlockThatIsBeingLookedAt() {
        byte[] bytes = new byte[BLOCK_BYTES];
        random.nextBytes(bytes);
        releaseWithGap(bytes, 100, 120);
        Comparison comparison = new Comparison(released, first);
        absorb(comparison, bytes, 0, 150);
        comparison.leave(first + 90, MemorySegment.ofArray(bytes), 90, 60);
        absorb(comparison, bytes, 150, BLOCK_BYTES - 150);
        assertThat(comparison.isDifferent()).isFalse();
        assertThat(comparison.equalThrough()).isEqualTo(released.end());
    }

    /** a further attempt's guest could say something else there. */
    @Test
    void shouldGiveUpWhereThereIsNoRoomToRememberWhatLeaves() {
        byte[] bytes = new byte[4 * Gaps.LIMIT];
        released.beginAt(first);
        for (int at = 3; at < bytes.length; at += 4) {
            assertThat(released.put(first + at, MemorySegment.ofArray(bytes), at, 1))
                    .isTrue();
        }
        Comparison comparison = new Comparison(released, first);
        absorb(comparison, bytes, 0, bytes.length);
        assertThat(comparison.isDifferent()).isFalse();
        comparison.leave(first + 1, MemorySegment.ofArray(bytes), 1, 1);
        assertThat(comparison.isDifferent()).isTrue();
    }

    private void releaseWithGap(byte[] bytes, int from, int to) {
        released.beginAt(first);
        append(bytes, 0, from);
        assertThat(released.put(first + to, MemorySegment.ofArray(bytes), to, bytes.length - to))
                .isTrue();
    }

    /** Of what is forgotten nothing is known: it counts as another. */
    @Test
    void shouldTakeNothingForEqualThatBeginsBeforeWhatIsKept() {
        byte[] bytes = new byte[2 * BLOCK_BYTES];
        released.beginAt(first + BLOCK_BYTES);
        append(bytes, BLOCK_BYTES, BLOCK_BYTES);
        Comparison comparison = new Comparison(released, first);
        absorb(comparison, bytes, 0, 2 * BLOCK_BYTES);
        assertThat(comparison.isDifferent()).isTrue();
        assertThat(comparison.equalThrough()).isEqualTo(first);
    }

    @Test
    void shouldNotLookAtWhatTheClientWasNotSent() {
        byte[] bytes = new byte[20];
        released.beginAt(first);
        append(bytes, 0, 10);
        Arrays.fill(bytes, 10, 20, (byte) 1);
        Comparison comparison = new Comparison(released, first);
        absorb(comparison, bytes, 0, 20);
        assertThat(comparison.isDifferent()).isFalse();
        assertThat(comparison.absorbedThrough()).isEqualTo(first + 10);
    }

    @Test
    void shouldLookNoFurtherThanTheDifference() {
        byte[] bytes = new byte[2 * BLOCK_BYTES];
        released.beginAt(first);
        append(bytes, 0, bytes.length);
        bytes[3] = 1;
        Comparison comparison = new Comparison(released, first);
        absorb(comparison, bytes, 0, bytes.length);
        assertThat(comparison.absorbedThrough()).isEqualTo(first + BLOCK_BYTES);
        assertThat(comparison.equalThrough()).isEqualTo(first);
    }

    @Test
    void shouldHaveNothingToCompareWhereTheCheckpointHasMoreThanWasReleased() {
        released.beginAt(first);
        append(new byte[5], 0, 5);
        Comparison comparison = new Comparison(released, first + 6);
        absorb(comparison, new byte[10], 0, 10);
        assertThat(comparison.isDifferent()).isFalse();
        assertThat(comparison.equalThrough()).isEqualTo(first + 6);
    }

    /** In pieces, with some barriers between; the checkpoint of one of them is the newest. */
    private long release(byte[] bytes) {
        released.beginAt(first);
        List<Long> barriers = new ArrayList<>(List.of(first));
        for (int at = 0; at < bytes.length; ) {
            int piece = 1 + random.nextInt(Math.min(700, bytes.length - at));
            append(bytes, at, piece);
            at += piece;
            if (random.nextInt(4) == 0) {
                released.cut();
                barriers.add(first + at);
            }
        }
        long newest = barriers.get(random.nextInt(barriers.size()));
        if (random.nextBoolean()) {
            released.forgetThrough(newest);
        }
        return newest;
    }

    private Comparison compare(byte[] bytes, long barrier) {
        Comparison comparison = new Comparison(released, barrier);
        for (int at = (int) (barrier - first); at < bytes.length; ) {
            int piece = 1 + random.nextInt(Math.min(700, bytes.length - at));
            absorb(comparison, bytes, at, piece);
            at += piece;
        }
        return comparison;
    }

    private void append(byte[] bytes, int at, int length) {
        assertThat(released.put(released.end(), MemorySegment.ofArray(bytes), at, length))
                .isTrue();
    }

    private static void absorb(Comparison comparison, byte[] bytes, int at, int length) {
        comparison.absorb(MemorySegment.ofArray(bytes), at, length);
    }

    private byte[] randomBytes() {
        byte[] bytes = new byte[random.nextInt(3_000)];
        random.nextBytes(bytes);
        return bytes;
    }
}
