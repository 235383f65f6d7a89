package io.holdfast.arp;

/**
 * How fast frames may follow each other: as many as fit in {@value #BURST_MILLIS} ms at once, but at least
 * {@value #MIN_BURST}, and then one for each token that time brings. So of frames that asked, no more than one burst and
 * rate times duration get through in any duration. Begins full.
 *
 * <p>Tokens are counted in the nanoseconds that they take to come. All times are of one monotonic clock, which may begin
 * anywhere and overflow.
 *
 * <p><b>Threads.</b> Confined to one.
 */
final class TokenBucket {

    static final int MIN_BURST = 32;
    static final int BURST_MILLIS = 100;

    private static final long SECOND_NANOS = 1_000_000_000;
    private static final int SECOND_MILLIS = 1_000;

    private final long tokenNanos;
    private final long capacityNanos;
    private long creditNanos;

    /** When the credit was reckoned; of no meaning before the first time. */
    private long reckonedNanos;

    private boolean reckoned;

    /** @param framesPerSecond 1 to 1,000,000 */
    TokenBucket(int framesPerSecond) {
        if (framesPerSecond < 1 || framesPerSecond > 1_000_000) {
            throw new IllegalArgumentException(
                    "announcements are sent at 1 to 1000000 frames per second, not " + framesPerSecond);
        }
        this.tokenNanos = Math.ceilDiv(SECOND_NANOS, framesPerSecond); // rounded such that it is never too fast
        long burst = Math.max(MIN_BURST, (long) framesPerSecond * BURST_MILLIS / SECOND_MILLIS);
        this.capacityNanos = burst * tokenNanos;
        this.creditNanos = capacityNanos;
    }

    /** Takes a token if there is one. */
    boolean tryTake(long nowNanos) {
        reckon(nowNanos);
        if (creditNanos < tokenNanos) {
            return false;
        }
        creditNanos -= tokenNanos;
        return true;
    }

    /** In how many nanoseconds there is a token: 0 if now. */
    long nanosUntilToken(long nowNanos) {
        reckon(nowNanos);
        return Math.max(0, tokenNanos - creditNanos);
    }

    private void reckon(long nowNanos) {
        long passedNanos = reckoned ? nowNanos - reckonedNanos : 0;
        creditNanos = passedNanos >= capacityNanos - creditNanos ? capacityNanos : creditNanos + passedNanos;
        reckonedNanos = nowNanos;
        reckoned = true;
    }
}
