package io.holdfast.arp;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;

import io.holdfast.testkit.Allocation;
import java.util.Random;
import org.junit.jupiter.api.Test;

/** With the clock stepped by hand. */
class TokenBucketTest {

    /** Such that it overflows soon. */
    private static final long START_NANOS = Long.MAX_VALUE - 1_000;

    private static final long SECOND_NANOS = 1_000_000_000;

    @Test
    void shouldLetABurstThroughAndThenOneByOne() {
        TokenBucket bucket = new TokenBucket(500);
        assertThat(takeAll(bucket, START_NANOS)).as("what fits in 100 ms").isEqualTo(50);
        assertThat(bucket.nanosUntilToken(START_NANOS)).isEqualTo(2_000_000);
        assertThat(bucket.tryTake(at(1_999_999))).isFalse();
        assertThat(bucket.nanosUntilToken(at(1_999_999))).isOne();
        assertThat(takeAll(bucket, at(2_000_000))).isOne();
        assertThat(takeAll(bucket, at(12_500_000))).isEqualTo(5);
        assertThat(bucket.nanosUntilToken(at(12_500_000)))
                .as("the half token is not lost")
                .isEqualTo(1_500_000);
    }

    @Test
    void shouldLetABurstOf32ThroughHoweverSlowItIs() {
        assertThat(takeAll(new TokenBucket(1), START_NANOS)).isEqualTo(32);
        assertThat(takeAll(new TokenBucket(320), START_NANOS)).isEqualTo(32);
        assertThat(takeAll(new TokenBucket(330), START_NANOS)).isEqualTo(33);
        assertThat(takeAll(new TokenBucket(1_000_000), START_NANOS)).isEqualTo(100_000);
    }

    @Test
    void shouldNotSaveMoreThanOneBurst() {
        TokenBucket bucket = new TokenBucket(500);
        takeAll(bucket, START_NANOS);
        assertThat(takeAll(bucket, at(99_999_999))).isEqualTo(49);
        assertThat(takeAll(bucket, at(1_000 * SECOND_NANOS))).isEqualTo(50);
        assertThat(takeAll(bucket, at(Long.MAX_VALUE))).isEqualTo(50);
    }

    @Test
    void shouldGetNothingOutOfATimeThatGoesBack() {
        TokenBucket bucket = new TokenBucket(500);
        takeAll(bucket, START_NANOS);
        assertThat(takeAll(bucket, at(-SECOND_NANOS))).isZero();
        assertThat(takeAll(bucket, at(1_999_999))).isZero();
        assertThat(takeAll(bucket, at(2_000_000))).isOne();
    }

    /** Seeded. */
    @Test
    void shouldNeverBeFasterThanItsRateAndHardlySlower() {
        long seed = System.nanoTime();
        Random random = new Random(seed);
        for (int round = 0; round < 200; round++) {
            int rate = 1 + random.nextInt(100_000);
            TokenBucket bucket = new TokenBucket(rate);
            long burst = Math.max(32, rate / 10);
            long nowNanos = random.nextLong();
            long beginNanos = nowNanos;
            long taken = takeAll(bucket, nowNanos);
            assertThat(taken).as("seed %d", seed).isEqualTo(burst);
            // Within which the bucket does not run over, of which nearly one token is left.
            long fewNanos = (burst - 1) * SECOND_NANOS / rate;
            for (int step = 0; step < 100; step++) {
                nowNanos += random.nextLong(fewNanos);
                taken += takeAll(bucket, nowNanos);
                double due = burst + (double) (nowNanos - beginNanos) * rate / SECOND_NANOS;
                assertThat((double) taken)
                        .as("seed %d, rate %d", seed, rate)
                        .isLessThanOrEqualTo(due)
                        .isGreaterThan(due * 0.999 - 2);
            }
        }
    }

    @Test
    void shouldRefuseARateThatIsNone() {
        for (int rate : new int[] {0, -1, 1_000_001}) {
            assertThatIllegalArgumentException()
                    .isThrownBy(() -> new TokenBucket(rate))
                    .withMessageContaining(Integer.toString(rate));
        }
    }

    @Test
    void shouldNotAllocate() {
        TokenBucket bucket = new TokenBucket(500);
        assertThat(Allocation.bytesPerCall(() -> bucket.tryTake(System.nanoTime())))
                .isLessThan(1);
    }

    private static long at(long passedNanos) {
        return START_NANOS + passedNanos;
    }

    private static int takeAll(TokenBucket bucket, long nowNanos) {
        int taken = 0;
        while (bucket.tryTake(nowNanos)) {
            taken++;
        }
        return taken;
    }
}
