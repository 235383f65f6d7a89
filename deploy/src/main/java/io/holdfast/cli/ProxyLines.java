package io.holdfast.cli;

import com.fasterxml.jackson.databind.JsonNode;
import java.util.List;
import java.util.StringJoiner;

/** What a proxy says of itself, for people. */
final class ProxyLines {

    private static final double MILLIS_PER_SECOND = 1_000;

    private final ScreenLines screen;

    ProxyLines(ScreenLines screen) {
        this.screen = screen;
    }

    void draw(JsonNode proxy) {
        if (proxy.has("error")) {
            screen.line("proxy", screen.styled("red", proxy.path("error").asText()));
            return;
        }
        String state = proxy.path("state").asText();
        screen.line(
                "wall",
                screen.styled(style(state), state) + "  "
                        + proxy.path("because").asText());
        switch (proxy.path("mode").asText()) {
            case "off" -> screen.line("", screen.styled("red", "MODE off: nothing is held"));
            case "reverse" -> screen.line("", "mode reverse: only what cannot be reconciled is held");
            default -> {}
        }
        for (JsonNode problem : proxy.path("unsafe")) {
            screen.line("", screen.styled("red", "UNSAFE: " + problem.asText()));
        }
        screen.line(
                "term",
                "%d, %s of host %s; incarnation %s%s"
                        .formatted(
                                proxy.path("term").asLong(),
                                proxy.path("claim").asText(),
                                proxy.path("owner").asText().isEmpty()
                                        ? "-"
                                        : proxy.path("owner").asText(),
                                proxy.path("incarnation").asText(),
                                proxy.path("owned").asBoolean() ? "" : "; no engine"));
        screen.line(
                "epoch",
                "%d open, %d committed"
                        .formatted(
                                proxy.path("epoch").asLong(),
                                proxy.path("frontier").asLong()));
        screen.line(
                "held",
                "%d frames, %s of %s, the oldest for %.1f ms"
                        .formatted(
                                proxy.path("held_frames").asLong(),
                                ScreenLines.bytes(proxy.path("held_bytes").asLong()),
                                ScreenLines.bytes(proxy.path("limit_bytes").asLong()),
                                proxy.path("oldest_held_ms").asDouble()));
        screen.line(
                "latency",
                "held p50 %.1f ms, p99 %.1f ms; from commit to wire p50 %.0f us"
                        .formatted(
                                proxy.path("hold_p50_ms").asDouble(),
                                proxy.path("hold_p99_ms").asDouble(),
                                proxy.path("commit_to_wire_p50_us").asDouble()));
        screen.list("frames", counters(proxy.path("counters")));
        if (proxy.has("reverse")) {
            drawReverse(proxy.path("reverse"));
        }
        proxy.path("nics").forEach(this::drawNic);
        proxy.path("announcements")
                .forEach(series -> screen.line(
                        "announce",
                        "%s %s, %d rounds of %d frames%s"
                                .formatted(
                                        series.path("nic").asText(),
                                        series.path("state").asText(),
                                        series.path("rounds").asLong(),
                                        series.path("frames_per_round").asLong(),
                                        series.path("disputed").asBoolean()
                                                ? "; " + screen.styled("red", "silent because of a conflict")
                                                : "")));
        proxy.path("conflicts").forEach(this::drawConflict);
    }

    private void drawConflict(JsonNode conflict) {
        StringJoiner tags = new StringJoiner(",", ", VLAN ", "").setEmptyValue("");
        conflict.path("vlan").forEach(tag -> tags.add(tag.asText()));
        boolean inDoubt = conflict.path("standing").asText().equals("in_doubt");
        screen.line(
                "conflict",
                screen.styled(
                        inDoubt ? "yellow" : "red",
                        "%s%s: %s %s is used by %s, %d times, the last %.1f s ago%s"
                                .formatted(
                                        conflict.path("nic").asText(),
                                        tags,
                                        conflict.path("kind").asText(),
                                        conflict.path("address").asText(),
                                        conflict.path("foreign_mac").asText(),
                                        conflict.path("count").asLong(),
                                        conflict.path("last_seen_ms").asDouble() / MILLIS_PER_SECOND,
                                        inDoubt ? "; the guest may be there" : "")));
    }

    /** The proxy of this host, which has the wall only after the other host's death. */
    void drawStandby(JsonNode standby, JsonNode proxy) {
        if (standby.has("error")) {
            screen.line("standby", screen.styled("red", standby.path("error").asText()));
            return;
        }
        String state = standby.path("state").asText();
        boolean hasWall = standby.path("incarnation").equals(proxy.path("incarnation"));
        screen.line(
                "standby",
                hasWall
                        ? "has the wall: the uplink was taken from the other host"
                        : screen.styled(style(state), state) + "  "
                                + standby.path("because").asText());
    }

    private void drawReverse(JsonNode reverse) {
        screen.line(
                "reverse",
                "%s, %d connections, input log %s; since the start %d reconciled, %d reset, %d not whole, %d forgotten"
                        .formatted(
                                reverse.path("phase").asText(),
                                reverse.path("flows").asLong(),
                                ScreenLines.bytes(reverse.path("log_bytes").asLong()),
                                reverse.path("reconciled_flows").asLong(),
                                reverse.path("diverged_flows").asLong(),
                                reverse.path("incomplete_flows").asLong(),
                                reverse.path("forgotten_flows").asLong()));
        long recording = reverse.path("expired_admissions").asLong()
                + reverse.path("unordered_requests").asLong();
        long replaying = reverse.path("expired_gates").asLong();
        if (recording + replaying > 0) {
            screen.line(
                    "",
                    screen.styled(
                            "yellow",
                            "order uncertain %d times when recording, %d times when replaying"
                                    .formatted(recording, replaying)));
        }
    }

    private void drawNic(JsonNode nic) {
        screen.line(
                nic.path("nic").asText(), "%s, %s".formatted(port(nic.path("guest_port")), port(nic.path("uplink"))));
    }

    private static String port(JsonNode port) {
        return "%s: %d in, %d out, %d lost"
                .formatted(
                        port.path("interface").asText(),
                        port.path("captured").asLong(),
                        port.path("sent").asLong(),
                        port.path("kernel_dropped").asLong()
                                + port.path("truncated").asLong()
                                + port.path("send_errors").asLong());
    }

    private static List<String> counters(JsonNode counters) {
        return counters.properties().stream()
                .map(counter -> counter.getKey().replace('_', ' ') + " "
                        + counter.getValue().asLong())
                .toList();
    }

    private static String style(String state) {
        return switch (state) {
            case "PROTECTED" -> "green";
            case "ARMING", "ALONE" -> "yellow";
            case "SUSPENDED", "SEALED" -> "red";
            default -> "bold";
        };
    }
}
