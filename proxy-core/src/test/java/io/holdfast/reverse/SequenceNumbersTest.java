package io.holdfast.reverse;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.SplittableRandom;
import org.junit.jupiter.api.Test;

/** */
class SequenceNumbersTest {

    private static final long REACH = 1L << 31;

    @Test
    void shouldGoOnBehindTheLargestNumber() {
        long first = SequenceNumbers.first(-1);
        assertThat(SequenceNumbers.unwrap(first, 0)).isEqualTo(first + 1);
        assertThat(SequenceNumbers.unwrap(first + 1, -1)).isEqualTo(first);
    }

    @Test
    void shouldHaveNoNegativePositionBeforeTheFirst() {
        assertThat(SequenceNumbers.unwrap(SequenceNumbers.first(0), -1)).isPositive();
    }

    @Test
    void shouldFindEveryPositionThatIsNear() {
        SplittableRandom random = new SplittableRandom(ReverseKit.seed());
        for (int i = 0; i < 100_000; i++) {
            long near = random.nextLong(REACH, 1L << 50);
            long position = near + random.nextLong(-REACH, REACH);
            assertThat(SequenceNumbers.unwrap(near, (int) position)).isEqualTo(position);
        }
    }

    @Test
    void shouldTakeTheTimestampAfterTheTurnForTheLaterOne() {
        assertThat(SequenceNumbers.later(-1, 0)).isZero();
        assertThat(SequenceNumbers.later(0, -1)).isZero();
        assertThat(SequenceNumbers.later(Integer.MAX_VALUE, Integer.MIN_VALUE)).isEqualTo(Integer.MIN_VALUE);
    }
}
