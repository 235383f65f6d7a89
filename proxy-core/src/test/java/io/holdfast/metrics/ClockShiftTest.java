package io.holdfast.metrics;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.concurrent.atomic.AtomicLong;
import org.junit.jupiter.api.Test;

class ClockShiftTest {

    private final AtomicLong wallMillis = new AtomicLong(1_800_000_000_000L);
    private final AtomicLong monotonicNanos = new AtomicLong(-7_000_000_000L);
    private final ClockShift shift = new ClockShift(wallMillis::get, monotonicNanos::get);

    @Test
    void shouldNotMoveWhileTimePasses() {
        pass(3_600_000);
        assertThat(shift.seconds()).isZero();
    }

    @Test
    void shouldTellHowFarTheClockWasSet() {
        pass(1_000);
        wallMillis.addAndGet(2_500);
        pass(1_000);
        assertThat(shift.seconds()).isEqualTo(2.5);
        wallMillis.addAndGet(-4_000);
        assertThat(shift.seconds()).isEqualTo(-1.5);
    }

    @Test
    void shouldTellHowLongTheHostWasSuspended() {
        wallMillis.addAndGet(90_000);
        assertThat(shift.seconds()).isEqualTo(90);
    }

    private void pass(long millis) {
        wallMillis.addAndGet(millis);
        monotonicNanos.addAndGet(millis * 1_000_000);
    }
}
