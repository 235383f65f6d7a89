package io.holdfast.cli.page;

import com.fasterxml.jackson.databind.JsonNode;

/** How long the guest stood still at a checkpoint, on average, between two answers of the agent. Not thread-safe. */
final class RecentPause {

    private long answeredNanos;
    private long checkpoints = Long.MAX_VALUE;
    private double pausedMillis;

    /** Between the answer before and this one; NaN if there is no new one, or no checkpoint was taken between them. */
    double nextMillis(AgentWord word) {
        if (word.isInTrouble() || !word.hasEverAnswered() || word.answeredNanos() == answeredNanos) {
            return Double.NaN;
        }
        JsonNode status = word.status();
        long newCheckpoints = status.path("checkpoints").asLong() - checkpoints;
        double newPausedMillis = status.path("paused_ms").asDouble() - pausedMillis;
        answeredNanos = word.answeredNanos();
        checkpoints = status.path("checkpoints").asLong();
        pausedMillis = status.path("paused_ms").asDouble();
        // An agent that has been restarted counts from zero.
        return newCheckpoints > 0 && newPausedMillis >= 0 ? newPausedMillis / newCheckpoints : Double.NaN;
    }
}
