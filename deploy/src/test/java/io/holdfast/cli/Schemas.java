package io.holdfast.cli;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.json.JsonMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import com.networknt.schema.JsonSchemaFactory;
import com.networknt.schema.SchemaLocation;
import com.networknt.schema.SpecVersion;
import io.holdfast.control.ControlEvent;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.temporal.ChronoField;
import java.util.HashMap;
import java.util.LinkedHashSet;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import java.util.stream.Stream;

/**
 * The published schemas, made strict: a field that they do not describe is an error here, though whoever reads answers has to
 * put up with it. So nothing is said for long that is not described.
 */
public final class Schemas {

    private static final JsonMapper JSON = new JsonMapper();
    static final Path DIRECTORY = Path.of("schemas");
    private static final String NAMES = "https://holdfast.invalid/schemas/";
    private static final Map<String, JsonNode> DOCUMENTS = read(DIRECTORY);
    private static final JsonSchemaFactory FACTORY = JsonSchemaFactory.getInstance(
            SpecVersion.VersionFlag.V202012, factory -> factory.schemaLoaders(loaders -> loaders.schemas(strict())));

    private Schemas() {}

    /**
     * Asserts that a command that was carried out, and its answer, are as described.
     *
     * @param role {@code proxy} or {@code agent}
     */
    public static void assertExchange(String role, String command, JsonNode arguments, JsonNode answer) {
        ObjectNode exchange = JSON.createObjectNode().put("execute", command);
        exchange.set("arguments", arguments);
        exchange.set("return", answer);
        assertFits(role + ".json", command, exchange);
    }

    /** Asserts that an event has the data that is described. */
    public static void assertEvent(ControlEvent event) {
        ObjectNode line = JSON.createObjectNode().put("event", event.name());
        line.set("data", event.data());
        line.putObject("timestamp")
                .put("seconds", event.at().getEpochSecond())
                .put("microseconds", event.at().get(ChronoField.MICRO_OF_SECOND));
        assertFits("events.json", event.name(), line);
    }

    /** Asserts that the class of an error is among those that are named. */
    public static void assertErrorClass(String errorClass) {
        assertThat(values("lines.json", "/$defs/errorClass/examples")).contains(errorClass);
    }

    /** Asserts that what {@code holdfast COMMAND --json} has printed, one object or one a line, is as described. */
    public static void assertOutput(String command, String printed) {
        try {
            for (String line : printed.lines().toList()) {
                assertFits("output.json", command, JSON.readTree(line));
            }
        } catch (IOException e) {
            throw new UncheckedIOException(command + " has printed what is not JSON: " + printed, e);
        }
    }

    /** Asserts that something fits a definition in a file, or the file itself if the name is empty. */
    public static void assertFits(String file, String definition, JsonNode instance) {
        String place = definition.isEmpty() ? "" : "#/$defs/" + definition.replace(" ", "%20");
        assertThat(FACTORY.getSchema(SchemaLocation.of(NAMES + file + place)).validate(instance))
                .as("%s%s of %s", file, place, instance)
                .isEmpty();
    }

    /** What a file describes, but for what those descriptions share. */
    public static Set<String> described(String file) {
        Set<String> names = new LinkedHashSet<>();
        document(file)
                .path("oneOf")
                .forEach(choice -> names.add(choice.path("$ref").asText().replace("#/$defs/", "")));
        return names;
    }

    /** The texts of a list somewhere in a file. */
    public static Set<String> values(String file, String pointer) {
        Set<String> values = new LinkedHashSet<>();
        document(file).at(pointer).forEach(value -> values.add(value.asText()));
        return values;
    }

    private static JsonNode document(String file) {
        return Objects.requireNonNull(DOCUMENTS.get(file), file);
    }

    /** The schemas in a directory, by their files' names. */
    static Map<String, JsonNode> read(Path directory) {
        try (Stream<Path> files = Files.list(directory)) {
            Map<String, JsonNode> documents = new HashMap<>();
            for (Path file : files.toList()) {
                documents.put(file.getFileName().toString(), JSON.readTree(file.toFile()));
            }
            return documents;
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private static Map<String, String> strict() {
        Map<String, String> byName = new HashMap<>();
        DOCUMENTS.forEach((file, document) -> {
            JsonNode copy = document.deepCopy();
            close(copy);
            byName.put(NAMES + file, copy.toString());
        });
        return byName;
    }

    /** What is composed of parts has a type, and the parts have none, so that each object is closed once, as a whole. */
    private static void close(JsonNode schema) {
        if (schema instanceof ObjectNode object
                && object.path("type").asText().equals("object")
                && !object.has("additionalProperties")) {
            object.put("unevaluatedProperties", false);
        }
        schema.forEach(Schemas::close);
    }
}
