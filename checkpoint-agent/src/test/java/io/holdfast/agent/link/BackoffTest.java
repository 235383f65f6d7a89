package io.holdfast.agent.link;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.SplittableRandom;
import org.junit.jupiter.api.Test;

class BackoffTest {

    private static final long MS = 1_000_000;

    private final Backoff backoff = new Backoff(20 * MS, 1_000 * MS, new SplittableRandom(1));

    @Test
    void shouldWaitLongerWithEachFailureUpToALimit() {
        long[] upToMillis = {20, 40, 80, 160, 320, 640, 1_000, 1_000, 1_000};
        for (long millis : upToMillis) {
            assertThat(backoff.onFailure(0)).isBetween(millis * MS / 2, millis * MS);
        }
    }

    @Test
    void shouldBeginAnewAfterAConnectionThatLasted() {
        failTimes(10);
        backoff.onUp(0);
        assertThat(backoff.onFailure(1_000 * MS)).isLessThanOrEqualTo(20 * MS);
    }

    @Test
    void shouldNotBeginAnewAfterAConnectionThatEndedAtOnce() {
        failTimes(10);
        backoff.onUp(0);
        assertThat(backoff.onFailure(999 * MS)).isGreaterThanOrEqualTo(500 * MS);
        assertThat(backoff.onFailure(5_000 * MS))
                .as("an attempt that never came up")
                .isGreaterThanOrEqualTo(500 * MS);
    }

    private void failTimes(int times) {
        for (int i = 0; i < times; i++) {
            backoff.onFailure(0);
        }
    }
}
