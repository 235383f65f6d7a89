package io.holdfast.config;

import java.time.Duration;
import java.util.List;

/**
 * What proves that the primary is gone before a backup takes over.
 *
 * @param command empty if no proof is needed
 * @param timeLimit for one run
 */
public record FenceConfig(List<String> command, Duration timeLimit) {

    public FenceConfig {
        command = List.copyOf(command);
    }

    /** Whether a promotion needs proof. */
    public boolean isRequired() {
        return !command.isEmpty();
    }
}
