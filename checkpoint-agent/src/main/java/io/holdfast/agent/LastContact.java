package io.holdfast.agent;

import java.util.OptionalLong;

/** When the other host was last heard; it outlives connections and roles. One thread writes, any may read. */
final class LastContact {

    private volatile OptionalLong heardNanos = OptionalLong.empty();

    /** Bytes came at that time; an earlier one than is known changes nothing. */
    void onHeard(long atNanos) {
        OptionalLong known = heardNanos;
        if (known.isEmpty() || atNanos - known.getAsLong() > 0) {
            heardNanos = OptionalLong.of(atNanos);
        }
    }

    /** How long ago that was; empty if it was not heard since the start. */
    OptionalLong ageNanos(long nowNanos) {
        OptionalLong known = heardNanos;
        return known.isEmpty() ? known : OptionalLong.of(Math.max(0, nowNanos - known.getAsLong()));
    }
}
