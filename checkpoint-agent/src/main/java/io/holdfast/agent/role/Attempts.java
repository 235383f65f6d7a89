package io.holdfast.agent.role;

/**
 * Decides when a question that got no answer, or not the one that was needed, is asked again, or a step that has failed is tried
 * again: soon, then after twice the time, and so on up to a limit. Never while an answer, or the outcome, is still awaited.
 *
 * <p>Not thread-safe. Times are monotonic.
 */
final class Attempts {

    private static final long FIRST_WAIT_NANOS = 100_000_000L;
    private static final long LONGEST_WAIT_NANOS = 2_000_000_000L;

    private boolean awaited;
    private boolean failed;
    private long dueNanos;
    private long waitNanos = FIRST_WAIT_NANOS;

    /** Another question, or another step, from that time on. */
    void begin(long fromNanos) {
        awaited = false;
        failed = false;
        dueNanos = fromNanos;
        waitNanos = FIRST_WAIT_NANOS;
    }

    boolean isDue(long nowNanos) {
        return !awaited && nowNanos - dueNanos >= 0;
    }

    void onAsked() {
        awaited = true;
    }

    /** It has been answered; the same may be asked again at that time. */
    void onAnswered(long nextNanos) {
        begin(nextNanos);
    }

    void onFailed(long nowNanos) {
        awaited = false;
        failed = true;
        dueNanos = nowNanos + waitNanos;
        waitNanos = Math.min(2 * waitNanos, LONGEST_WAIT_NANOS);
    }

    /** Whatever the wait is, there is no more time than this. */
    void notAfter(long latestNanos) {
        if (dueNanos - latestNanos > 0) {
            dueNanos = latestNanos;
        }
    }

    /** Whether the newest attempt has failed. */
    boolean hasFailed() {
        return failed;
    }

    /** Whether an answer is awaited. */
    boolean isAwaited() {
        return awaited;
    }
}
