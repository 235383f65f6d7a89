package io.holdfast.cli.page;

import static org.assertj.core.api.Assertions.assertThat;

import io.holdfast.measure.NanoHistogram;
import java.util.List;
import org.assertj.core.data.Percentage;
import org.junit.jupiter.api.Test;

class RecentHoldTest {

    private static final long MILLI = 1_000_000;
    private static final Percentage A_BUCKET = Percentage.withPercentage(25);

    private final NanoHistogram first = new NanoHistogram();
    private final NanoHistogram second = new NanoHistogram();

    @Test
    void shouldShowABadSecondAfterAGoodDay() {
        for (int i = 0; i < 10_000; i++) {
            first.record(10 * MILLI);
        }
        RecentHold recent = new RecentHold(List.of(first, second));
        second.record(500 * MILLI);
        recent.look();
        assertThat(recent.quantileMillis(0.5)).isCloseTo(500, A_BUCKET);
        first.record(10 * MILLI);
        recent.look();
        assertThat(recent.quantileMillis(0.99)).isCloseTo(10, A_BUCKET);
    }

    @Test
    void shouldKnowNothingOfASecondInWhichNothingLeft() {
        first.record(10 * MILLI);
        RecentHold recent = new RecentHold(List.of(first));
        recent.look();
        assertThat(recent.quantileMillis(0.5)).isNaN();
    }
}
