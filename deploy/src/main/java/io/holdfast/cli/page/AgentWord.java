package io.holdfast.cli.page;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.MissingNode;

/**
 * What is known of the agent.
 *
 * @param status its newest answer to {@code status}, however old; missing if it has never answered
 * @param answeredNanos when that came
 * @param trouble why it does not answer now; empty if it does
 */
record AgentWord(JsonNode status, long answeredNanos, String trouble) {

    /** Of an agent that was not asked yet. */
    static AgentWord unasked() {
        return new AgentWord(MissingNode.getInstance(), 0, "it was not asked yet");
    }

    /** Where there is none, because another engine drives the wall. */
    static AgentWord nobody() {
        return new AgentWord(MissingNode.getInstance(), 0, "");
    }

    AgentWord answered(JsonNode newStatus, long nowNanos) {
        return new AgentWord(newStatus, nowNanos, "");
    }

    /** What it said last is not forgotten, but it is old. */
    AgentWord failed(String reason) {
        return new AgentWord(status, answeredNanos, reason);
    }

    boolean isInTrouble() {
        return !trouble.isEmpty();
    }

    boolean hasEverAnswered() {
        return !status.isMissingNode();
    }
}
