package io.holdfast.cli;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.json.JsonMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.holdfast.audit.AuditEvent;
import io.holdfast.control.ControlEvent;
import java.time.DateTimeException;
import java.time.Duration;
import java.time.Instant;
import java.time.temporal.ChronoUnit;
import java.util.List;
import java.util.Optional;
import java.util.StringJoiner;

/**
 * Something that happened in proxy or agent: an entry of the audit log, an event of a control socket, or that a socket has come
 * or gone.
 *
 * @param at when, on the host's clock
 * @param by {@code proxy}, {@code standby}, {@code agent} or {@code doctor}
 * @param event a lower-case word of the audit log, or an upper-case one of the control protocol
 * @param data what is told of it
 */
record Happening(Instant at, String by, String event, ObjectNode data) {

    private static final JsonMapper JSON = new JsonMapper();

    /** Between the two times of one change; the clock is read for each. */
    private static final Duration SAME_CHANGE = Duration.ofSeconds(1);

    /** An entry of the audit log; empty if the line is not a whole one. */
    static Optional<Happening> ofAudit(String line) {
        try {
            if (JSON.readTree(line) instanceof ObjectNode entry) {
                Instant at = Instant.parse(entry.path("at").asText());
                String by = entry.path("by").asText();
                String event = entry.path("event").asText();
                return Optional.of(new Happening(at, by, event, entry.remove(List.of("at", "by", "event"))));
            }
            return Optional.empty();
        } catch (JsonProcessingException | DateTimeException e) {
            return Optional.empty();
        }
    }

    static Happening of(String by, ControlEvent event) {
        return new Happening(event.at(), by, event.name(), event.data());
    }

    /**
     * Whether this entry of the audit log has what an event tells, and more: a proxy writes every change of its wall there, and
     * tells it to its subscribers ({@code WALL_STATE}).
     */
    boolean includes(Happening other) {
        return event.equals(AuditEvent.WALL.word())
                && other.event.equals("WALL_STATE")
                && Duration.between(at, other.at).abs().compareTo(SAME_CHANGE) < 0
                && data.path("reason")
                        .asText()
                        .startsWith("wall %s -> %s,"
                                .formatted(
                                        other.data.path("from").asText(),
                                        other.data.path("to").asText()));
    }

    /** One line for programs. */
    String toJson() {
        ObjectNode line =
                JSON.createObjectNode().put("at", at.toString()).put("by", by).put("event", event);
        line.set("data", data);
        return line.toString();
    }

    /** One line for people. */
    String forPeople() {
        return "%s  %-7s  %-17s  %s".formatted(at.truncatedTo(ChronoUnit.MILLIS), by, event, text());
    }

    private String text() {
        if (data.has("owner") && data.has("reason")) {
            return "term %d/%s/%s  %s"
                    .formatted(
                            data.path("term").asLong(),
                            data.path("claim").asText(),
                            data.path("owner").asText(),
                            data.path("reason").asText());
        }
        StringJoiner words = new StringJoiner(", ");
        data.properties().forEach(field -> words.add(field.getKey().replace('_', ' ') + " " + text(field.getValue())));
        return words.toString();
    }

    private static String text(JsonNode value) {
        return value.isTextual() ? value.textValue() : value.toString();
    }
}
