package io.holdfast.cli.page;

import com.fasterxml.jackson.databind.JsonNode;
import java.util.ArrayList;
import java.util.List;

/** What else somebody has to know, in plain words, from the two statuses. */
final class Warnings {

    private static final double MILLIS_PER_SECOND = 1_000;

    private Warnings() {}

    /**
     * One sentence for each trouble; none if there is none.
     *
     * @param proxy its status
     * @param agent what is known of the agent
     */
    static List<String> of(JsonNode proxy, AgentWord agent, long nowNanos) {
        List<String> warnings = new ArrayList<>();
        if (agent.isInTrouble()) {
            warnings.add("The agent does not answer (" + agent.trouble() + ")."
                    + (agent.hasEverAnswered()
                            ? " What is shown of it is %.0f s old.".formatted((nowNanos - agent.answeredNanos()) / 1e9)
                            : ""));
        }
        for (JsonNode problem : proxy.path("unsafe")) {
            warnings.add("UNSAFE, by --force-unsafe: " + problem.asText());
        }
        for (JsonNode conflict : proxy.path("conflicts")) {
            warnings.add("Somebody else uses the guest's address %s on %s: %s, %.0f s ago."
                    .formatted(
                            conflict.path("address").asText(),
                            conflict.path("nic").asText(),
                            conflict.path("foreign_mac").asText(),
                            conflict.path("last_seen_ms").asDouble() / MILLIS_PER_SECOND));
        }
        long dropped = proxy.path("counters").path("dropped_at_limit").asLong();
        if (dropped > 0) {
            warnings.add(dropped + " frames found the wall full and were dropped since the proxy started.");
        }
        addFromAgent(agent.status(), warnings);
        return warnings;
    }

    private static void addFromAgent(JsonNode agent, List<String> warnings) {
        if (agent.path("guest_waits_for_room").asBoolean()) {
            warnings.add("The guest is paused until there is room in the wall.");
        }
        addReason(agent, "waits_for", "It waits for this: ", warnings);
        addReason(agent, "refused_because", "The other host refuses: ", warnings);
        addReason(agent, "refuses_because", "This host refuses the other one, and cannot take over: ", warnings);
        addReason(agent, "silence_broken_by", "Something spoke behind the wall of this backup: ", warnings);
    }

    private static void addReason(JsonNode agent, String field, String words, List<String> warnings) {
        String reason = agent.path(field).asText();
        if (!reason.isEmpty()) {
            warnings.add(words + reason);
        }
    }
}
