package io.holdfast.metrics;

import java.util.function.LongSupplier;

/**
 * How far the host's wall clock has moved against the monotonic one since the start. What adjusts a clock by making it run
 * faster or slower moves both, so this changes only when the clock is set, and when the host was suspended, in which time the
 * monotonic clock stands still.
 *
 * <p>Holdfast decides nothing by the wall clock; people and certificates do.
 */
final class ClockShift {

    private static final double NANOS_PER_SECOND = 1e9;
    private static final long NANOS_PER_MILLI = 1_000_000;

    private final LongSupplier wallMillis;
    private final LongSupplier monotonicNanos;
    private final long offsetAtStartNanos;

    ClockShift() {
        this(System::currentTimeMillis, System::nanoTime);
    }

    ClockShift(LongSupplier wallMillis, LongSupplier monotonicNanos) {
        this.wallMillis = wallMillis;
        this.monotonicNanos = monotonicNanos;
        this.offsetAtStartNanos = offsetNanos();
    }

    /** Positive if the clock was set forward, or the host was suspended. Any thread. */
    double seconds() {
        return (offsetNanos() - offsetAtStartNanos) / NANOS_PER_SECOND;
    }

    private long offsetNanos() {
        return wallMillis.getAsLong() * NANOS_PER_MILLI - monotonicNanos.getAsLong();
    }
}
