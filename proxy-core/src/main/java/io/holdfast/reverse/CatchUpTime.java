package io.holdfast.reverse;

import java.util.OptionalLong;

/**
 * How long the newest failover took from the first guest that was restored until all connections were decided, for good.
 *
 * <p>Not thread-safe.
 */
final class CatchUpTime {

    private long restoredNanos;
    private OptionalLong takenNanos = OptionalLong.empty();

    void begin(long nowNanos) {
        restoredNanos = nowNanos;
        takenNanos = OptionalLong.empty();
    }

    /** Another attempt: what was decided is not decided any more. */
    void goOn() {
        takenNanos = OptionalLong.empty();
    }

    /** All connections are decided, perhaps since long. */
    void decide(long nowNanos) {
        if (takenNanos.isEmpty()) {
            takenNanos = OptionalLong.of(nowNanos - restoredNanos);
        }
    }

    /** Empty before the first failover and while one is not decided. */
    OptionalLong takenNanos() {
        return takenNanos;
    }
}
