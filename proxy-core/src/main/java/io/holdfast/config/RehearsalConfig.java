package io.holdfast.config;

import java.time.Duration;
import java.util.List;

/**
 * Rehearsals of a promotion.
 *
 * @param every interval of those that begin by themselves; zero for none
 * @param timeLimit for one of them, from its beginning to its end
 * @param answerLimit for the restored guest to answer, and then for the check to end
 * @param check a command that looks whether the restored guest does its work; empty for none
 */
public record RehearsalConfig(Duration every, Duration timeLimit, Duration answerLimit, List<String> check) {

    public RehearsalConfig {
        check = List.copyOf(check);
    }
}
