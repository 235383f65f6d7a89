package io.holdfast.reverse;

/** In which order a restored guest gets what clients had sent. Never before all output that had been recorded ahead of it. */
public enum ReplayOrder {
    /** As it arrived. Fast; right where connections do not depend on each other. */
    GATED,
    /** As it arrived, and each only after the one before it has been answered, if it ever was. */
    SERIAL,
    /**
     * The same, but where an answer was wrong in an attempt before, a request goes ahead that was on its way at the same time:
     * the guest may have served them in that order ({@link Repair}).
     */
    REPAIRED;

    /** Whether each waits for the answer to the one before. */
    boolean isSerial() {
        return this != GATED;
    }
}
