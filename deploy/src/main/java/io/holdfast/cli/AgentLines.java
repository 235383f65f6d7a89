package io.holdfast.cli;

import com.fasterxml.jackson.databind.JsonNode;
import java.util.StringJoiner;

/** What an agent says of itself, for people: what matters to its role, and what is out of the ordinary. */
final class AgentLines {

    private static final double MILLIS_PER_SECOND = 1_000;

    private final ScreenLines screen;

    AgentLines(ScreenLines screen) {
        this.screen = screen;
    }

    void draw(JsonNode agent) {
        if (agent.has("error")) {
            screen.line("agent", screen.styled("red", text(agent, "error")));
            return;
        }
        String role = text(agent, "role");
        switch (role) {
            case "primary" -> drawPrimary(agent);
            case "backup" -> drawBackup(agent);
            default -> drawRole(agent, role);
        }
        drawArbiter(agent);
        drawPast(agent);
    }

    private void drawRole(JsonNode agent, String role) {
        String wall = text(agent, "wall");
        screen.line(
                "agent",
                "%s, term %d/%s/%s%s"
                        .formatted(
                                role,
                                number(agent, "term"),
                                text(agent, "claim"),
                                text(agent, "owner"),
                                wall.equals("local") ? "" : "; wall: " + wall));
    }

    // ---- the primary ----

    private void drawPrimary(JsonNode agent) {
        drawRole(
                agent,
                "primary, " + (isSet(agent, "guest_found") ? "guest found" : screen.styled("red", "no guest found")));
        drawPeer(agent, whatTheBackupMay(agent));
        drawIfAny("red", "refused", text(agent, "refused_because"));
        if (isSet(agent, "guest_waits_for_room")) {
            screen.line(
                    "guest",
                    screen.styled("red", "waits for room: the wall is full, and no checkpoint makes room in it"));
        }
        drawIfAny("bold", "switch", text(agent, "switchover"));
        screen.line(
                "shipped",
                "%d checkpoints, %s, %d failed, %d not confirmed; changed memory found by %s"
                        .formatted(
                                number(agent, "checkpoints"),
                                ScreenLines.bytes(number(agent, "shipped_bytes")),
                                number(agent, "failed_checkpoints"),
                                number(agent, "epochs_in_flight"),
                                orDash(text(agent, "dirty_pages_by"))));
        screen.line(
                "pauses",
                "p50 %.1f ms, p99 %.1f ms, %s in all; confirmed after p50 %.1f ms"
                        .formatted(
                                agent.path("pause_p50_ms").asDouble(),
                                agent.path("pause_p99_ms").asDouble(),
                                ScreenLines.time(agent.path("paused_ms").asDouble()),
                                agent.path("confirm_p50_ms").asDouble()));
    }

    private String whatTheBackupMay(JsonNode agent) {
        if (isSet(agent, "protected")) {
            return screen.styled("green", "it may take over");
        }
        boolean connected = isConnected(agent);
        if (isSet(agent, "armed")) {
            return connected
                    ? screen.styled("yellow", "it has no checkpoint yet since it came")
                    : screen.styled("red", "it was armed, and may have taken over");
        }
        return screen.styled("yellow", connected ? "it may not take over yet" : "nobody may take over");
    }

    // ---- the backup ----

    private void drawBackup(JsonNode agent) {
        drawRole(agent, "backup");
        drawPeer(agent, "");
        drawIfAny("red", "refuses", text(agent, "refuses_because"));
        String ability = isSet(agent, "may_promote")
                ? screen.styled("green", "may take over, from checkpoint " + number(agent, "confirmed_epoch"))
                : screen.styled("yellow", "may not take over: " + text(agent, "missing_for_promotion"));
        screen.line("takeover", ability);
        drawIfAny("red", "silence", text(agent, "silence_broken_by"));
        StringJoiner hypervisor = new StringJoiner(", ");
        hypervisor.add(isSet(agent, "standby_ready") ? "waits" : screen.styled("yellow", "not ready"));
        addIfAny(hypervisor, "%d spares wait", number(agent, "spares_waiting"));
        addIfAny(hypervisor, "attempt %d to restore", number(agent, "restore_attempt"));
        screen.line("qemu", hypervisor.toString());
        screen.line(
                "kept",
                "%d frames of clients, %s, for the restored guest"
                        .formatted(number(agent, "kept_frames"), ScreenLines.bytes(number(agent, "kept_bytes"))));
        screen.line("rehearsal", rehearsal(agent.path("rehearsal")));
    }

    private static String rehearsal(JsonNode rehearsal) {
        String step = text(rehearsal, "step");
        if (!step.isEmpty()) {
            return "under way: " + step;
        }
        if (!rehearsal.has("outcome")) {
            return "none since the agent was started";
        }
        return "%s, %s ago, in %s%s"
                .formatted(
                        text(rehearsal, "outcome"),
                        ScreenLines.time(rehearsal.path("age_seconds").asDouble() * MILLIS_PER_SECOND),
                        ScreenLines.time(rehearsal.path("total_ms").asDouble()),
                        text(rehearsal, "reason").isEmpty() ? "" : ": " + text(rehearsal, "reason"));
    }

    // ---- both ----

    private void drawPeer(JsonNode agent, String ability) {
        StringJoiner words = new StringJoiner("; ");
        String heard = agent.has("last_contact_ms")
                ? ", heard %s ago"
                        .formatted(
                                ScreenLines.time(agent.path("last_contact_ms").asDouble()))
                : "";
        words.add((isConnected(agent) ? "connected" : screen.styled("red", "absent")) + heard);
        if (!ability.isEmpty()) {
            words.add(ability);
        }
        screen.line("peer", words.toString());
    }

    private void drawArbiter(JsonNode agent) {
        StringJoiner words = new StringJoiner("; ");
        String kind = text(agent, "arbiter");
        if (!kind.isEmpty() && !kind.equals("none")) {
            words.add(kind);
        }
        if (isSet(agent, "fence")) {
            words.add("a fence");
        }
        double leaseSeconds = agent.path("lease_left_seconds").asDouble();
        if (leaseSeconds > 0) {
            words.add("lease left %.1f s".formatted(leaseSeconds));
        }
        if (!text(agent, "waits_for").isEmpty()) {
            words.add(screen.styled("red", "waits for " + text(agent, "waits_for")));
        }
        drawIfAny("bold", "arbiter", words.toString());
    }

    private void drawPast(JsonNode agent) {
        if (number(agent, "failovers") > 0) {
            screen.line(
                    "failovers",
                    "%d here since the agent was started; the last, noticed by %s, took %s"
                            .formatted(
                                    number(agent, "failovers"),
                                    orDash(text(agent, "detected_by")),
                                    ScreenLines.time(agent.path("promotion_ms").asDouble())));
        }
        if (number(agent, "switchovers") > 0) {
            screen.line(
                    "switched",
                    "%d times from here since the agent was started; the guest stood still for %s"
                            .formatted(
                                    number(agent, "switchovers"),
                                    ScreenLines.time(agent.path("switchover_ms").asDouble())));
        }
    }

    private void drawIfAny(String style, String name, String text) {
        if (!text.isEmpty()) {
            screen.line(name, screen.styled(style, text));
        }
    }

    private static void addIfAny(StringJoiner words, String format, long number) {
        if (number > 0) {
            words.add(format.formatted(number));
        }
    }

    private static String orDash(String text) {
        return text.isEmpty() ? "-" : text;
    }

    private static String text(JsonNode object, String field) {
        return object.path(field).asText();
    }

    private static long number(JsonNode object, String field) {
        return object.path(field).asLong();
    }

    private static boolean isConnected(JsonNode agent) {
        return text(agent, "peer").equals("connected");
    }

    private static boolean isSet(JsonNode object, String field) {
        return object.path(field).asBoolean();
    }
}
