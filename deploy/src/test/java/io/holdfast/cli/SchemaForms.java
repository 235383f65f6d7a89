package io.holdfast.cli;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.util.ArrayList;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.stream.Collectors;
import java.util.stream.Stream;

/**
 * Schema files that refer to each other, and the forms that a value may have according to one of their schemas. A form is a
 * schema in which references are followed, parts are put together and choices are made: it has none of {@code $ref},
 * {@code allOf}, {@code anyOf}, {@code oneOf} and {@code const}. A value fits the schema if it fits one of its forms.
 *
 * <p>A keyword that is not known here is an error wherever it stands, so that nobody relies on one that is not compared.
 */
final class SchemaForms {

    /** Keywords with a number; the greater it is, the less fits. */
    static final Set<String> AT_LEAST = Set.of("minimum", "minLength", "minItems");

    /** Keywords with a number; the lesser it is, the less fits. */
    static final Set<String> AT_MOST = Set.of("maximum", "maxItems");

    /** True in a form that is one of several which exclude each other. */
    static final String EXCLUSIVE = "oneOf";

    private static final Set<String> SCHEMA = Set.of("items", "propertyNames", "additionalProperties");
    private static final Set<String> SCHEMAS_IN_LIST = Set.of("allOf", "anyOf", "oneOf");
    private static final Set<String> SCHEMAS_BY_NAME = Set.of("properties", "$defs");
    private static final Set<String> ANNOTATIONS = Set.of("$schema", "$id", "title", "description");
    private static final Set<String> COMPARED =
            Set.of("$ref", "type", "const", "enum", "pattern", "format", "required", "dependentRequired", "examples");
    private static final Set<String> KNOWN = Stream.of(AT_LEAST, AT_MOST, ANNOTATIONS, COMPARED)
            .flatMap(Set::stream)
            .collect(Collectors.toUnmodifiableSet());
    private static final JsonNodeFactory NODES = JsonNodeFactory.instance;

    private final Map<String, JsonNode> documents = new TreeMap<>();

    /**
     * @param documents by their files' names
     * @throws IllegalArgumentException if there is a keyword that is not known
     */
    SchemaForms(Map<String, JsonNode> documents) {
        documents.forEach((file, document) -> {
            checkKeywords(file, document);
            JsonNode copy = document.deepCopy();
            qualifyReferences(file, copy);
            this.documents.put(file, copy);
        });
    }

    /** What a pointer points at in a file; missing where there is no such file or nothing is there. */
    JsonNode at(String file, String pointer) {
        JsonNode document = documents.get(file);
        return document == null ? NODES.missingNode() : document.at(pointer);
    }

    /**
     * The forms of a schema; anything fits a missing one.
     *
     * @throws IllegalArgumentException if a reference leads nowhere, or parts say what cannot be put together
     */
    List<ObjectNode> of(JsonNode schema) {
        ObjectNode own = NODES.objectNode();
        schema.properties().forEach(field -> own.set(field.getKey(), field.getValue()));
        own.remove(SCHEMAS_IN_LIST);
        own.remove("$ref");
        if (own.has("const")) {
            own.putArray("enum").add(own.remove("const"));
        }
        List<ObjectNode> forms = List.of(own);
        if (schema.has("$ref")) {
            forms = together(forms, of(resolve(schema.path("$ref").asText())));
        }
        for (JsonNode part : schema.path("allOf")) {
            forms = together(forms, of(part));
        }
        if (schema.has("anyOf")) {
            forms = together(forms, choices(schema.path("anyOf")));
        }
        if (schema.has("oneOf")) {
            List<ObjectNode> choices = choices(schema.path("oneOf"));
            choices.forEach(choice -> choice.put(EXCLUSIVE, true));
            forms = together(forms, choices);
        }
        return forms;
    }

    private JsonNode resolve(String reference) {
        int end = reference.indexOf('#');
        JsonNode schema = at(reference.substring(0, end), reference.substring(end + 1));
        if (schema.isMissingNode()) {
            throw new IllegalArgumentException(reference + " leads nowhere");
        }
        return schema;
    }

    private List<ObjectNode> choices(JsonNode schemas) {
        List<ObjectNode> choices = new ArrayList<>();
        schemas.forEach(schema -> choices.addAll(of(schema)));
        return choices;
    }

    private static List<ObjectNode> together(List<ObjectNode> some, List<ObjectNode> others) {
        return some.stream()
                .flatMap(form -> others.stream().map(other -> merge(form, other)))
                .toList();
    }

    private static ObjectNode merge(ObjectNode form, ObjectNode other) {
        // It would speak of the properties beside it only, and no longer does when others have joined them.
        if (form.has("additionalProperties") || other.has("additionalProperties")) {
            throw new IllegalArgumentException("additionalProperties in a part of a schema: " + form + " and " + other);
        }
        ObjectNode merged = other.deepCopy();
        form.properties().forEach(field -> {
            JsonNode there = merged.get(field.getKey());
            merged.set(
                    field.getKey(), there == null ? field.getValue() : merge(field.getKey(), field.getValue(), there));
        });
        return merged;
    }

    private static JsonNode merge(String keyword, JsonNode here, JsonNode there) {
        if (here.equals(there) || keyword.equals("description")) {
            return here;
        }
        return switch (keyword) {
            case "required" -> NODES.arrayNode().addAll(elements(here)).addAll(elements(there));
            case "enum" -> {
                Set<JsonNode> common = elements(here);
                common.retainAll(elements(there));
                yield NODES.arrayNode().addAll(common);
            }
            case "properties" -> mergeProperties(here, there);
            default ->
                throw new IllegalArgumentException(
                        keyword + " of " + here + " and " + there + " cannot be put together");
        };
    }

    private static ObjectNode mergeProperties(JsonNode here, JsonNode there) {
        ObjectNode merged = there.deepCopy();
        here.properties().forEach(field -> {
            JsonNode other = merged.get(field.getKey());
            if (other == null) {
                merged.set(field.getKey(), field.getValue());
            } else {
                merged.putObject(field.getKey())
                        .putArray("allOf")
                        .add(field.getValue())
                        .add(other);
            }
        });
        return merged;
    }

    /** The elements of a list, in its order; none of a missing one. */
    static Set<JsonNode> elements(JsonNode list) {
        Set<JsonNode> elements = new LinkedHashSet<>();
        list.forEach(elements::add);
        return elements;
    }

    private static void checkKeywords(String path, JsonNode schema) {
        if (!schema.isObject() && !(schema.isBoolean() && path.endsWith("/additionalProperties"))) {
            throw new IllegalArgumentException(path + " is no object");
        }
        schema.properties().forEach(field -> {
            String keyword = field.getKey();
            String below = path + "/" + keyword;
            if (SCHEMA.contains(keyword)) {
                checkKeywords(below, field.getValue());
            } else if (SCHEMAS_IN_LIST.contains(keyword)) {
                field.getValue().forEach(part -> checkKeywords(below, part));
            } else if (SCHEMAS_BY_NAME.contains(keyword)) {
                field.getValue()
                        .properties()
                        .forEach(named -> checkKeywords(below + "/" + named.getKey(), named.getValue()));
            } else if (!KNOWN.contains(keyword)) {
                throw new IllegalArgumentException(below
                        + ": nobody compares this keyword; teach SchemaForms and SchemaCompatibility what it promises");
            }
        });
    }

    private static void qualifyReferences(String file, JsonNode schema) {
        if (schema instanceof ObjectNode object && object.path("$ref").asText().startsWith("#")) {
            object.put("$ref", file + object.path("$ref").asText());
        }
        schema.forEach(part -> qualifyReferences(file, part));
    }
}
