package io.holdfast.reverse;

/** In which order a restored guest gets what clients had sent. Never before all output that had been recorded ahead of it. */
public enum ReplayOrder {
    /** As it arrived. Fast; right where connections do not depend on each other. */
    GATED,
    /** As it arrived, and each only after the one before it has been answered, if it ever was. */
    SERIAL
}
