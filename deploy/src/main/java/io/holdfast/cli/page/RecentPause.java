package io.holdfast.cli.page;

import com.fasterxml.jackson.databind.JsonNode;

/** How long the guest stood still at a checkpoint, on average, between two answers of the agent. Not thread-safe. */
final class RecentPause {

    private long checkpoints = Long.MAX_VALUE;
    private double pausedMillis;

    /**
     * Between the answer before and this one.
     *
     * @param status of the agent; missing if it has never answered
     * @return NaN if no checkpoint was taken between them, as between an answer and itself
     */
    double nextMillis(JsonNode status) {
        if (status.isMissingNode()) {
            return Double.NaN;
        }
        long newCheckpoints = status.path("checkpoints").asLong() - checkpoints;
        double newPausedMillis = status.path("paused_ms").asDouble() - pausedMillis;
        checkpoints = status.path("checkpoints").asLong();
        pausedMillis = status.path("paused_ms").asDouble();
        // An agent that has been restarted counts from zero.
        return newCheckpoints > 0 && newPausedMillis >= 0 ? newPausedMillis / newCheckpoints : Double.NaN;
    }
}
