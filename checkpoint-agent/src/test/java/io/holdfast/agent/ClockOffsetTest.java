package io.holdfast.agent;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import org.junit.jupiter.api.Test;

class ClockOffsetTest {

    private static final long AHEAD_NANOS = 1_000_000;

    private final ClockOffset offset = new ClockOffset();
    private long nowNanos = -500;

    @Test
    void shouldTranslateToTheOtherClock() {
        read(0);
        assertThat(offset.theirs(70)).isEqualTo(70 + AHEAD_NANOS);
    }

    /** A lease that ends too early costs a wait, one that ends too late an output that nobody knows of. */
    @Test
    void shouldRatherSayTooLittle() {
        read(300);
        assertThat(offset.theirs(0)).isEqualTo(AHEAD_NANOS - 300);
    }

    @Test
    void shouldForgetThatOneReadingWasLate() {
        read(300);
        read(5);
        read(200);
        assertThat(offset.theirs(0)).isEqualTo(AHEAD_NANOS - 5);
    }

    @Test
    void shouldFollowAClockThatDrifts() {
        read(0);
        for (int i = 0; i < 8; i++) {
            read(400);
        }
        assertThat(offset.theirs(0)).isEqualTo(AHEAD_NANOS - 400);
    }

    @Test
    void shouldKnowNothingBeforeTheFirstReading() {
        assertThatThrownBy(() -> offset.theirs(0)).isInstanceOf(IllegalStateException.class);
    }

    private void read(long lateNanos) {
        nowNanos += 1_000;
        offset.read(nowNanos + AHEAD_NANOS - lateNanos, nowNanos);
    }
}
