package io.holdfast.agent.role;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;

class AttemptsTest {

    private static final long MILLI = 1_000_000;

    private final Attempts attempts = new Attempts();

    @Test
    void shouldNotAskBeforeItsTime() {
        attempts.begin(10);
        assertThat(attempts.isDue(9)).isFalse();
        assertThat(attempts.isDue(10)).isTrue();
    }

    @Test
    void shouldNotAskWhileAnAnswerIsAwaited() {
        attempts.begin(10);
        attempts.onAsked();
        assertThat(attempts.isDue(1_000_000 * MILLI)).isFalse();
    }

    @Test
    void shouldWaitTwiceAsLongAfterEachFailureUpToALimit() {
        long now = 0;
        long[] waits = new long[8];
        for (int i = 0; i < waits.length; i++) {
            attempts.onFailed(now);
            long failed = now;
            while (!attempts.isDue(now)) {
                now += 100 * MILLI;
            }
            waits[i] = (now - failed) / MILLI;
        }
        assertThat(waits).containsExactly(100, 200, 400, 800, 1_600, 2_000, 2_000, 2_000);
    }

    @Test
    void shouldBeginWithTheShortestWaitAgainAfterAnAnswer() {
        attempts.onFailed(0);
        attempts.onFailed(0);
        attempts.onAnswered(0);
        attempts.onFailed(0);
        assertThat(attempts.isDue(100 * MILLI)).isTrue();
    }

    @Test
    void shouldNotWaitLongerThanThereIsTime() {
        attempts.onFailed(0);
        attempts.notAfter(30);
        assertThat(attempts.isDue(30)).isTrue();
    }
}
