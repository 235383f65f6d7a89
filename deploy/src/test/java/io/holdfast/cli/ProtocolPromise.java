package io.holdfast.cli;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.holdfast.cli.SchemaCompatibility.Direction;
import java.util.LinkedHashSet;
import java.util.Map;
import java.util.Set;
import java.util.function.Consumer;

/**
 * What is promised while the number of the protocol, or the format of {@code /status.json}, stays the same: the section
 * Compatibility of {@code control-protocol.md}, as far as schemas show it. That a field means what it meant, they do not show.
 */
final class ProtocolPromise {

    private static final String LINES = "lines.json";
    private static final String STATUS_PAGE = "status-page.json";
    private static final String OUTPUT = "output.json";

    private final SchemaForms promised;
    private final SchemaForms present;
    private final SchemaCompatibility requests;
    private final SchemaCompatibility answers;
    private final Set<String> breaches = new LinkedHashSet<>();

    private ProtocolPromise(Map<String, JsonNode> promised, Map<String, JsonNode> present) {
        this.promised = new SchemaForms(promised);
        this.present = new SchemaForms(present);
        requests = new SchemaCompatibility(Direction.REQUEST, this.promised, this.present);
        answers = new SchemaCompatibility(Direction.ANSWER, this.promised, this.present);
    }

    /**
     * A sentence for each promise that is broken, with file, definition and JSON path; where a number was raised, what is to
     * be done instead.
     *
     * @param promised schemas by their files' names
     * @param present the same of what is to be published
     * @throws IllegalArgumentException if a schema cannot be compared
     */
    static Set<String> breaches(Map<String, JsonNode> promised, Map<String, JsonNode> present) {
        ProtocolPromise promise = new ProtocolPromise(promised, present);
        if (promise.hasNumber("protocol", LINES, "/$defs/greeting/properties/holdfast/properties/protocol/const")) {
            promise.compareLines();
            promise.compareOutput();
        }
        if (promise.hasNumber("format", STATUS_PAGE, "/properties/format/const")) {
            promise.compareStatusPage();
        }
        return promise.breaches;
    }

    private boolean hasNumber(String name, String file, String pointer) {
        JsonNode before = promised.at(file, pointer);
        JsonNode now = present.at(file, pointer);
        boolean same = before.isInt() && before.equals(now);
        if (!same) {
            breaches.add(
                    "%s: `%s` is %s, and promised-schemas are those of %s: copy all of deploy/schemas there, and say in CHANGELOG.md what a client has to change"
                            .formatted(file, name, now, before));
        }
        return same;
    }

    private void compareLines() {
        compareChoices(LINES, line -> compareDefinition(LINES, line, line.equals("request") ? requests : answers));
        compareChoices("proxy.json", command -> compareCommand("proxy.json", command));
        compareChoices("agent.json", command -> compareCommand("agent.json", command));
        compareChoices("events.json", event -> compareDefinition("events.json", event, answers));
    }

    private void compareStatusPage() {
        breaches.addAll(answers.compare(STATUS_PAGE + " $", promised.at(STATUS_PAGE, ""), present.at(STATUS_PAGE, "")));
    }

    private void compareOutput() {
        promised.at(OUTPUT, "/$defs").fieldNames().forEachRemaining(command -> {
            if (present.at(OUTPUT, "/$defs").has(command)) {
                compareDefinition(OUTPUT, command, answers);
            } else {
                breachGone(OUTPUT, command);
            }
        });
    }

    private void compareChoices(String file, Consumer<String> comparison) {
        Set<String> choices = choices(present, file);
        for (String name : choices(promised, file)) {
            if (choices.contains(name)) {
                comparison.accept(name);
            } else {
                breachGone(file, name);
            }
        }
    }

    /** An exchange is a request but for what it returns. */
    private void compareCommand(String file, String command) {
        JsonNode before = definition(promised, file, command);
        JsonNode now = definition(present, file, command);
        breaches.addAll(requests.compare(file + " " + command + " $", requestOf(before), requestOf(now)));
        breaches.addAll(answers.compare(
                file + " " + command + " $.return",
                before.path("properties").path("return"),
                now.path("properties").path("return")));
    }

    private void compareDefinition(String file, String name, SchemaCompatibility compatibility) {
        breaches.addAll(compatibility.compare(
                file + " " + name + " $", definition(promised, file, name), definition(present, file, name)));
    }

    private void breachGone(String file, String name) {
        breaches.add("%s %s is gone".formatted(file, name));
    }

    private static JsonNode requestOf(JsonNode exchange) {
        ObjectNode request = exchange.deepCopy();
        request.withObjectProperty("properties").remove("return");
        return request;
    }

    private static JsonNode definition(SchemaForms schemas, String file, String name) {
        return schemas.at(file, "/$defs").path(name);
    }

    /** The names of the definitions that a file consists of, without those that they share. */
    private static Set<String> choices(SchemaForms schemas, String file) {
        Set<String> names = new LinkedHashSet<>();
        for (JsonNode choice : schemas.at(file, "/oneOf")) {
            String reference = choice.path("$ref").asText();
            names.add(reference.substring(reference.lastIndexOf('/') + 1));
        }
        return names;
    }
}
