package io.holdfast.agent;

/**
 * How far a proxy's monotonic clock is ahead of this process's; it may be another host's. A reading is late by what its way
 * took, so that each one says too little, and leases end earlier, never later. The latest few are kept: one that came on a busy
 * moment must not end all leases before they begin, and clocks drift.
 *
 * <p><b>Threads.</b> One.
 */
final class ClockOffset {

    private static final int READINGS = 8;

    private final long[] offsets = new long[READINGS];
    private int readings;

    /**
     * Takes one more reading.
     *
     * @param theirNanos what the proxy's clock said before {@code nowNanos}
     */
    void read(long theirNanos, long nowNanos) {
        offsets[readings % READINGS] = theirNanos - nowNanos;
        readings++;
    }

    /** The proxy's time at a moment of this process's; never later than it is. */
    long theirs(long ownNanos) {
        if (readings == 0) {
            throw new IllegalStateException("no clock was read");
        }
        long best = offsets[0];
        for (int i = 1; i < Math.min(readings, READINGS); i++) {
            best = Math.max(best, offsets[i]);
        }
        return ownNanos + best;
    }
}
