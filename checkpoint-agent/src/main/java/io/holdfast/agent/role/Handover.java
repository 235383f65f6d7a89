package io.holdfast.agent.role;

/** How far a guest is on its way to the backup, by its owner's will. Not thread-safe. */
final class Handover {

    private enum Step {
        NONE,
        LAST_CHECKPOINT,
        DRAINING,
        GIVEN
    }

    private Step step = Step.NONE;
    private String reason = "";
    private String abandonedBecause = "";
    private long pausedNanos;

    void begin(String newReason) {
        step = Step.LAST_CHECKPOINT;
        reason = newReason;
        abandonedBecause = "";
    }

    /** The checkpoint has begun after which the guest does not go on. */
    void onStandsStill(long sinceNanos) {
        pausedNanos = sinceNanos;
    }

    /** The backup has that checkpoint. */
    void onConfirmed() {
        step = Step.DRAINING;
    }

    /** All output has left. */
    void onDrained() {
        step = Step.GIVEN;
    }

    void abandon(String because) {
        step = Step.NONE;
        abandonedBecause = because;
    }

    boolean isUnderWay() {
        return step != Step.NONE;
    }

    boolean isDraining() {
        return step == Step.DRAINING;
    }

    /** Whether the backup may have been told to take over. */
    boolean isGiven() {
        return step == Step.GIVEN;
    }

    String reason() {
        return reason;
    }

    /** Since when the guest stands still; monotonic. */
    long pausedNanos() {
        return pausedNanos;
    }

    /** In words; empty if there is nothing to tell. */
    String progress() {
        return switch (step) {
            case NONE -> abandonedBecause.isEmpty() ? "" : "abandoned: " + abandonedBecause;
            case LAST_CHECKPOINT -> "the last checkpoint is on its way";
            case DRAINING -> "the last output leaves";
            case GIVEN -> "the backup takes over";
        };
    }
}
