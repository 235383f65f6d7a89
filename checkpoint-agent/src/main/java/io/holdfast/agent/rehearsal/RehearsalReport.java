package io.holdfast.agent.rehearsal;

import com.fasterxml.jackson.databind.node.ObjectNode;
import io.holdfast.agent.role.RehearsalOutcome;
import java.util.Map;

/**
 * What came of a rehearsal.
 *
 * @param outcome how it ended
 * @param reason why, in words
 * @param epoch of the checkpoint; 0 if it did not come to one
 * @param address at which the guest answered; empty if it did not
 * @param nanosByStep how long each step took that came to its end, but for the last one
 * @param totalNanos from the beginning until nothing was left of it
 */
public record RehearsalReport(
        RehearsalOutcome outcome,
        String reason,
        long epoch,
        String address,
        Map<RehearsalStep, Long> nanosByStep,
        long totalNanos) {

    private static final double NANOS_PER_MILLI = 1e6;

    public RehearsalReport {
        nanosByStep = Map.copyOf(nanosByStep);
    }

    /** Writes it into an object, as commands and status show it. Steps that did not come to their end are left out. */
    public void describeIn(ObjectNode json) {
        json.put("outcome", outcome.word())
                .put("reason", reason)
                .put("epoch", epoch)
                .put("address", address);
        for (RehearsalStep step : RehearsalStep.values()) {
            Long nanos = nanosByStep.get(step);
            if (nanos != null) {
                json.put(step.field() + "_ms", nanos / NANOS_PER_MILLI);
            }
        }
        json.put("total_ms", totalNanos / NANOS_PER_MILLI);
    }
}
