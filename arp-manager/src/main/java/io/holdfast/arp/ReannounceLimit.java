package io.holdfast.arp;

import java.util.concurrent.TimeUnit;

/**
 * How often a conflict may be answered by announcing again. Two that both believe to be right, and each of which takes the
 * addresses back whenever the other one has, would do so for ever (RFC 5227, section 2.4, on defending an address): who has
 * been contradicted so often is to be looked at by people.
 *
 * <p>Times are monotonic and may overflow.
 */
final class ReannounceLimit {

    /** Enough for late frames of a host that has died, and for a human who tries again. */
    static final int MOST = 4;

    static final long WITHIN_NANOS = TimeUnit.MINUTES.toNanos(1);

    private final long[] takenNanos = new long[MOST];
    private long taken;

    /** In how many nanoseconds another one is allowed; 0 if now. */
    long nanosUntilAllowed(long nowNanos) {
        return taken < MOST ? 0 : Math.max(0, WITHIN_NANOS - (nowNanos - takenNanos[oldest()]));
    }

    /** Counts one, in place of the oldest. */
    void take(long nowNanos) {
        takenNanos[oldest()] = nowNanos;
        taken++;
    }

    private int oldest() {
        return (int) (taken % MOST);
    }
}
