package io.holdfast.agent.role;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;

class FailureDetectorTest {

    private static final long SILENCE = 500;
    private static final long GRACE = 300;
    private static final long LATE = 100;

    private final FailureDetector detector = new FailureDetector(new FailureDetector.Settings(SILENCE, GRACE, LATE));
    private long now = Long.MAX_VALUE - 700; // so that the clock wraps in most tests

    @Test
    void shouldSuspectNobodyBeforeTheFirstConnection() {
        assertThat(isDeadAfter(10 * SILENCE)).isFalse();
    }

    @Test
    void shouldSuspectAPeerThatIsSilentForTooLong() {
        detector.onConnected(now);
        assertThat(isDeadAfter(SILENCE - 1)).isFalse();
        assertThat(isDeadAfter(1)).isTrue();
        assertThat(detector.cause()).isEqualTo("silence");
    }

    @Test
    void shouldTakeAnyByteForLife() {
        detector.onConnected(now);
        isDeadAfter(SILENCE - 1);
        detector.onBytes(now);
        assertThat(isDeadAfter(SILENCE - 1)).isFalse();
    }

    @Test
    void shouldGiveAPeerThatEndedTheConnectionTheGraceAndNoMore() {
        detector.onConnected(now);
        detector.onDisconnected(now);
        assertThat(isDeadAfter(GRACE - 1)).isFalse();
        assertThat(isDeadAfter(1)).isTrue();
        assertThat(detector.cause()).isEqualTo("eof");
    }

    @Test
    void shouldForgetTheGraceWhenThePeerIsBackInTime() {
        detector.onConnected(now);
        detector.onDisconnected(now);
        isDeadAfter(GRACE - 1);
        detector.onConnected(now);
        assertThat(isDeadAfter(SILENCE - 1)).isFalse();
    }

    @Test
    void shouldNotCountTheTimeThatItWasAsleepItself() {
        detector.onConnected(now);
        now += 10 * SILENCE;
        assertThat(detector.isPeerDead(now)).isFalse();
        assertThat(isDeadAfter(SILENCE - 1)).isFalse();
        assertThat(isDeadAfter(1)).isTrue();
    }

    @Test
    void shouldNotForgetItsSleepWhenItIsToldOfOldBytesAgain() {
        detector.onConnected(now);
        long heard = ++now;
        detector.onBytes(heard);
        now += 10 * SILENCE;
        detector.onBytes(heard);
        assertThat(detector.isPeerDead(now)).isFalse();
        detector.onBytes(heard);
        assertThat(isDeadAfter(LATE - 1)).isFalse();
    }

    @Test
    void shouldNotCountTheTimeThatItWasAsleepTowardsTheGrace() {
        detector.onConnected(now);
        detector.onDisconnected(now);
        now += 10 * SILENCE;
        assertThat(detector.isPeerDead(now)).isFalse();
        assertThat(isDeadAfter(GRACE - 1)).isFalse();
        assertThat(isDeadAfter(1)).isTrue();
    }

    @Test
    void shouldGiveUpADeadPeerOnAHostThatIsBusyAgainAndAgain() {
        detector.onConnected(now);
        detector.onDisconnected(now);
        boolean dead = false;
        for (long seen = 0; seen < 2 * GRACE && !dead; seen += LATE) {
            dead = isDeadAfter(LATE);
            now += 2 * LATE;
            dead |= detector.isPeerDead(now);
        }
        assertThat(dead).isTrue();
    }

    @Test
    void shouldLeaveTimeToReadWhatCameWhileItWasAsleep() {
        detector.onConnected(now);
        isDeadAfter(SILENCE - 1);
        now += 10 * SILENCE;
        assertThat(detector.isPeerDead(now)).isFalse();
        assertThat(isDeadAfter(LATE - 1)).isFalse();
        detector.onBytes(now);
        assertThat(isDeadAfter(SILENCE - 1)).isFalse();
    }

    @Test
    void shouldSuspectNobodyAfterItWasStopped() {
        detector.onConnected(now);
        detector.stop();
        assertThat(isDeadAfter(10 * SILENCE)).isFalse();
    }

    /** Lets time pass in small steps, as its owner does. */
    private boolean isDeadAfter(long duration) {
        boolean dead = false;
        for (long passed = 0; passed < duration; passed++) {
            now++;
            dead = detector.isPeerDead(now);
        }
        return dead;
    }
}
