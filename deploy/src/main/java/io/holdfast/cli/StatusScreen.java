package io.holdfast.cli;

import com.fasterxml.jackson.databind.JsonNode;
import io.holdfast.config.HoldfastConfig;
import java.util.StringJoiner;
import picocli.CommandLine.Help.Ansi;

/** Draws a host's status for people. */
final class StatusScreen {

    private static final long KIB = 1024;
    private static final double MILLIS_PER_SECOND = 1_000;

    private final Ansi ansi;
    private final StringJoiner lines = new StringJoiner(System.lineSeparator());

    StatusScreen(Ansi ansi) {
        this.ansi = ansi;
    }

    String draw(HoldfastConfig config, JsonNode status) {
        lines.add("guest %s on host %s".formatted(config.guest(), config.host()));
        drawProxy(status.path("proxy"));
        if (status.has("standby")) {
            drawStandby(status.path("standby"), status.path("proxy"));
        }
        drawAgent(status.path("agent"));
        return lines.toString();
    }

    private void drawProxy(JsonNode proxy) {
        if (proxy.has("error")) {
            line("proxy", styled("red", proxy.path("error").asText()));
            return;
        }
        String state = proxy.path("state").asText();
        line("wall", styled(style(state), state) + "  " + proxy.path("because").asText());
        switch (proxy.path("mode").asText()) {
            case "off" -> line("", styled("red", "MODE off: nothing is held"));
            case "reverse" -> line("", "mode reverse: only what cannot be reconciled is held");
            default -> {}
        }
        for (JsonNode problem : proxy.path("unsafe")) {
            line("", styled("red", "UNSAFE: " + problem.asText()));
        }
        line(
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
        line(
                "epoch",
                "%d open, %d committed"
                        .formatted(
                                proxy.path("epoch").asLong(),
                                proxy.path("frontier").asLong()));
        line(
                "held",
                "%d frames, %s of %s, the oldest for %.1f ms"
                        .formatted(
                                proxy.path("held_frames").asLong(),
                                bytes(proxy.path("held_bytes").asLong()),
                                bytes(proxy.path("limit_bytes").asLong()),
                                proxy.path("oldest_held_ms").asDouble()));
        line(
                "latency",
                "held p50 %.1f ms, p99 %.1f ms; from commit to wire p50 %.0f us"
                        .formatted(
                                proxy.path("hold_p50_ms").asDouble(),
                                proxy.path("hold_p99_ms").asDouble(),
                                proxy.path("commit_to_wire_p50_us").asDouble()));
        line("frames", counters(proxy.path("counters")));
        if (proxy.has("reverse")) {
            drawReverse(proxy.path("reverse"));
        }
        proxy.path("nics").forEach(this::drawNic);
        proxy.path("announcements")
                .forEach(series -> line(
                        "announce",
                        "%s %s, %d rounds of %d frames%s"
                                .formatted(
                                        series.path("nic").asText(),
                                        series.path("state").asText(),
                                        series.path("rounds").asLong(),
                                        series.path("frames_per_round").asLong(),
                                        series.path("disputed").asBoolean()
                                                ? "; " + styled("red", "silent because of a conflict")
                                                : "")));
        proxy.path("conflicts").forEach(this::drawConflict);
    }

    private void drawConflict(JsonNode conflict) {
        StringJoiner tags = new StringJoiner(",", ", VLAN ", "").setEmptyValue("");
        conflict.path("vlan").forEach(tag -> tags.add(tag.asText()));
        boolean inDoubt = conflict.path("standing").asText().equals("in_doubt");
        line(
                "conflict",
                styled(
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
    private void drawStandby(JsonNode standby, JsonNode proxy) {
        if (standby.has("error")) {
            line("standby", styled("red", standby.path("error").asText()));
            return;
        }
        String state = standby.path("state").asText();
        boolean hasWall = standby.path("incarnation").equals(proxy.path("incarnation"));
        line(
                "standby",
                hasWall
                        ? "has the wall: the uplink was taken from the other host"
                        : styled(style(state), state) + "  "
                                + standby.path("because").asText());
    }

    private void drawReverse(JsonNode reverse) {
        line(
                "reverse",
                "%s, %d connections, input log %s; since the start %d reconciled, %d reset, %d not whole, %d forgotten"
                        .formatted(
                                reverse.path("phase").asText(),
                                reverse.path("flows").asLong(),
                                bytes(reverse.path("log_bytes").asLong()),
                                reverse.path("reconciled_flows").asLong(),
                                reverse.path("diverged_flows").asLong(),
                                reverse.path("incomplete_flows").asLong(),
                                reverse.path("forgotten_flows").asLong()));
        long recording = reverse.path("expired_admissions").asLong()
                + reverse.path("unordered_requests").asLong();
        long replaying = reverse.path("expired_gates").asLong();
        if (recording + replaying > 0) {
            line(
                    "",
                    styled(
                            "yellow",
                            "order uncertain %d times when recording, %d times when replaying"
                                    .formatted(recording, replaying)));
        }
    }

    private void drawNic(JsonNode nic) {
        line(nic.path("nic").asText(), "%s, %s".formatted(port(nic.path("guest_port")), port(nic.path("uplink"))));
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

    private static String counters(JsonNode counters) {
        StringJoiner words = new StringJoiner(", ");
        counters.properties()
                .forEach(counter -> words.add(counter.getKey().replace('_', ' ') + " "
                        + counter.getValue().asLong()));
        return words.toString();
    }

    /** The agent's fields as they come: what matters differs between a primary and a backup. */
    private void drawAgent(JsonNode agent) {
        if (agent.has("error")) {
            line("agent", styled("red", agent.path("error").asText()));
            return;
        }
        agent.properties().forEach(field -> {
            if (field.getValue().isValueNode()) {
                line(
                        "agent",
                        field.getKey().replace('_', ' ') + ": "
                                + field.getValue().asText());
            }
        });
    }

    private void line(String name, String text) {
        lines.add("  %-9s %s".formatted(name, text));
    }

    private static String style(String state) {
        return switch (state) {
            case "PROTECTED" -> "green";
            case "ARMING", "ALONE" -> "yellow";
            case "SUSPENDED", "SEALED" -> "red";
            default -> "bold";
        };
    }

    /** Text from elsewhere is not markup, so only the style is. */
    private String styled(String style, String text) {
        Ansi.IStyle[] styles = Ansi.Style.parse(style);
        return ansi.enabled() ? Ansi.Style.on(styles) + text + Ansi.Style.off(styles) : text;
    }

    private static String bytes(long bytes) {
        if (bytes < KIB) {
            return bytes + " B";
        }
        return bytes < KIB * KIB ? bytes / KIB + " KiB" : bytes / KIB / KIB + " MiB";
    }
}
