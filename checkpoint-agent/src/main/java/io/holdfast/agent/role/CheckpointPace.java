package io.holdfast.agent.role;

/**
 * Decides when a checkpoint is due: at the interval if nothing waits for it, at once if output does, but not so often that pauses
 * take more of the guest's time than their budget.
 *
 * <p>Not thread-safe. Times are monotonic.
 */
final class CheckpointPace {

    private static final int PAUSES_AVERAGED = 8;

    private final long intervalNanos;
    private final int pauseBudgetPercent;
    private final long retryNanos;

    /** Also if nothing waits. */
    private long nextNanos;
    /** Not before, also if output waits. */
    private long restUntilNanos;

    private boolean outputWaits;
    private boolean asked;
    private long pauseBeganNanos;
    private long typicalPauseNanos;

    /**
     * Before the first checkpoint.
     *
     * @param intervalNanos between the beginnings of two, at most
     * @param pauseBudgetPercent share of the guest's time that they may take from it, 1 to 99
     * @param retryNanos after one that failed
     */
    CheckpointPace(long intervalNanos, int pauseBudgetPercent, long retryNanos) {
        this.intervalNanos = intervalNanos;
        this.pauseBudgetPercent = pauseBudgetPercent;
        this.retryNanos = retryNanos;
    }

    /** One is due now, unless the guest has to rest from the last one. */
    void want(long nowNanos) {
        nextNanos = nowNanos;
    }

    /** One is due now, whatever it costs the guest. */
    void wantAtOnce(long nowNanos) {
        nextNanos = nowNanos;
        restUntilNanos = nowNanos;
    }

    /** Somebody asks for one, whatever it costs the guest; until it begins. */
    void ask() {
        asked = true;
    }

    /** Output of the open epoch waits. */
    void onOutputHeld() {
        outputWaits = true;
    }

    /** The epoch has ended, or its wall: nothing waits in the one that is open now. */
    void onEpochOpened() {
        outputWaits = false;
    }

    void onBegun(long nowNanos) {
        asked = false;
        pauseBeganNanos = nowNanos;
        nextNanos = nowNanos + intervalNanos;
    }

    /** A single long pause must not keep output waiting for long, so the rest follows from what pauses mostly take. */
    void onEnded(long nowNanos) {
        long pauseNanos = nowNanos - pauseBeganNanos;
        typicalPauseNanos = typicalPauseNanos == 0
                ? pauseNanos
                : typicalPauseNanos + (pauseNanos - typicalPauseNanos) / PAUSES_AVERAGED;
        long restNanos = typicalPauseNanos * (100 - pauseBudgetPercent) / pauseBudgetPercent;
        restUntilNanos = nowNanos + Math.min(restNanos, Math.max(intervalNanos, typicalPauseNanos));
    }

    void onFailed(long nowNanos) {
        nextNanos = nowNanos + retryNanos;
        restUntilNanos = nextNanos;
    }

    boolean isDue(long nowNanos) {
        return asked || nowNanos - dueNanos() >= 0;
    }

    /** When the next one is due by time alone. */
    long dueNanos() {
        return outputWaits || restUntilNanos - nextNanos > 0 ? restUntilNanos : nextNanos;
    }

    /** When the newest one began. */
    long pauseBeganNanos() {
        return pauseBeganNanos;
    }
}
