package io.holdfast.cli;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.MissingNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.util.Comparator;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Locale;
import java.util.Set;
import java.util.TreeSet;
import java.util.function.BiPredicate;
import java.util.function.Predicate;
import java.util.regex.Pattern;
import java.util.stream.Stream;

/**
 * Whether a client that keeps to a promised schema gets along with the present one. What it sends must be right still: a schema
 * of requests may only grow wider. What it gets must be what it knows: a schema of answers may only grow narrower. Both may gain
 * fields. The words in {@code examples} are those that programs look for: they stay, and may become more.
 *
 * <p>What a schema does not describe is not said, as {@link Schemas} sees to: a field of an answer that is gone never comes
 * again, and an argument that is gone is refused. A client that could do without a field takes it to be absent for the reason
 * that it knows, so fields stay whether or not they are required.
 */
final class SchemaCompatibility {

    /** Who says what a schema describes. */
    enum Direction {
        /** A client. */
        REQUEST,
        /** A proxy, an agent or the command line. */
        ANSWER
    }

    private static final Set<String> NAMES_OF_TEXTS = Set.of("because", "reason", "desc");
    private static final Set<String> TYPES_OF_TEXTS = Set.of("string", "array");
    private static final Pattern FOR_PEOPLE = Pattern.compile("\\bfor people\\b", Pattern.CASE_INSENSITIVE);

    private final Direction direction;
    private final SchemaForms promised;
    private final SchemaForms present;

    SchemaCompatibility(Direction direction, SchemaForms promised, SchemaForms present) {
        this.direction = direction;
        this.promised = promised;
        this.present = present;
    }

    /**
     * A sentence for each promise that is broken.
     *
     * @param path of the value that the schemas describe, as a JSON path
     */
    Set<String> compare(String path, JsonNode promisedSchema, JsonNode presentSchema) {
        List<ObjectNode> forms = present.of(presentSchema);
        List<List<Set<String>>> breachesByPromise = promised.of(promisedSchema).stream()
                .map(promise -> forms.stream()
                        .map(form -> new Comparison(path, promise, form).breaches())
                        .toList())
                .toList();
        Set<String> breaches = new LinkedHashSet<>();
        // In an answer, too: what one of its forms requires is promised for the occasion on which that form comes.
        breachesByPromise.forEach(ofForms -> breaches.addAll(fewest(ofForms.stream())));
        if (isAnswer()) {
            for (int form = 0; form < forms.size(); form++) {
                int index = form;
                breaches.addAll(fewest(breachesByPromise.stream().map(ofForms -> ofForms.get(index))));
            }
        }
        return breaches;
    }

    private static Set<String> fewest(Stream<Set<String>> choices) {
        return choices.min(Comparator.comparingInt(Set::size)).orElseThrow();
    }

    /** Texts for people in answers are no contract, and words for programs are no such texts, whatever their field's name is. */
    private boolean isForPeople(String name, JsonNode promisedField) {
        Predicate<ObjectNode> text = form -> !form.has("enum")
                && !types(form).isEmpty()
                && TYPES_OF_TEXTS.containsAll(types(form))
                && (NAMES_OF_TEXTS.contains(name)
                        || FOR_PEOPLE.matcher(form.path("description").asText()).find());
        return isAnswer() && promised.of(promisedField).stream().allMatch(text);
    }

    /** The types of a form, or those of its words if it names none; empty: any. */
    private static Set<String> types(ObjectNode form) {
        Set<String> types = new TreeSet<>();
        JsonNode type = form.path("type");
        if (type.isTextual()) {
            types.add(type.asText());
        } else if (type.isArray()) {
            type.forEach(one -> types.add(one.asText()));
        } else {
            form.path("enum").forEach(word -> types.add(typeOf(word)));
        }
        return types;
    }

    private static String typeOf(JsonNode word) {
        return word.isIntegralNumber() ? "integer" : word.getNodeType().name().toLowerCase(Locale.ROOT);
    }

    /** What a form says of a field; missing if it does not describe it. */
    private static JsonNode field(ObjectNode form, String name) {
        JsonNode field = form.path("properties").path(name);
        return field.isMissingNode() ? otherFields(form) : field;
    }

    private static JsonNode otherFields(ObjectNode form) {
        JsonNode others = form.path("additionalProperties");
        return others.isObject() || others.asBoolean() ? others : MissingNode.getInstance();
    }

    /** One promised form beside a present one. */
    private final class Comparison {

        private final String path;
        private final ObjectNode promise;
        private final ObjectNode form;
        /** Whatever fits this one has to fit {@link #wide}. */
        private final ObjectNode narrow;

        private final ObjectNode wide;
        private final Set<String> breaches = new LinkedHashSet<>();

        Comparison(String path, ObjectNode promise, ObjectNode form) {
            this.path = path;
            this.promise = promise;
            this.form = form;
            narrow = isAnswer() ? form : promise;
            wide = isAnswer() ? promise : form;
        }

        Set<String> breaches() {
            compareTypes();
            compareWords();
            for (String keyword : SchemaForms.AT_LEAST) {
                compareKeyword(keyword, (number, limit) -> number.decimalValue().compareTo(limit.decimalValue()) >= 0);
            }
            for (String keyword : SchemaForms.AT_MOST) {
                compareKeyword(keyword, (number, limit) -> number.decimalValue().compareTo(limit.decimalValue()) <= 0);
            }
            // Nobody can tell which of two patterns is the wider one.
            for (String keyword : List.of("pattern", "format", SchemaForms.EXCLUSIVE)) {
                compareKeyword(keyword, JsonNode::equals);
            }
            compareNested("items", "[*]");
            compareNested("propertyNames", ".~");
            compareFields();
            compareRequired();
            return breaches;
        }

        private void compareTypes() {
            Set<String> admitted = types(wide);
            Predicate<String> admissible =
                    type -> admitted.contains(type) || (type.equals("integer") && admitted.contains("number"));
            boolean anyTypeFits = types(narrow).isEmpty();
            if (!admitted.isEmpty() && (anyTypeFits || !types(narrow).stream().allMatch(admissible))) {
                breach(": the type was " + names(types(promise)) + " and is " + names(types(form)));
            }
        }

        private void compareWords() {
            if (wide.has("enum") && !narrow.has("enum")) {
                String words = wide.path("enum").toString();
                breach(isAnswer() ? ": other than " + words + " may come now" : ": only " + words + " is taken now");
            } else if (wide.has("enum")) {
                for (JsonNode word : lacking(narrow.path("enum"), wide.path("enum"))) {
                    breach(": " + word + (isAnswer() ? " may come now, and could not" : " is not taken any more"));
                }
            }
            for (JsonNode word : lacking(promise.path("examples"), form.path("examples"))) {
                breach(": the word " + word + " is gone");
            }
        }

        private void compareKeyword(String keyword, BiPredicate<JsonNode, JsonNode> isAsNarrow) {
            if (wide.has(keyword)
                    && !(narrow.has(keyword) && isAsNarrow.test(narrow.path(keyword), wide.path(keyword)))) {
                breach(": " + keyword + " was " + orNone(promise.path(keyword)) + " and is "
                        + orNone(form.path(keyword)));
            }
        }

        private void compareNested(String keyword, String step) {
            if (promise.has(keyword) || form.has(keyword)) {
                breaches.addAll(compare(path + step, promise.path(keyword), form.path(keyword)));
            }
        }

        private void compareFields() {
            Set<String> names = new LinkedHashSet<>();
            promise.path("properties").fieldNames().forEachRemaining(names::add);
            form.path("properties").fieldNames().forEachRemaining(names::add);
            for (String name : names) {
                if (!isForPeople(name, field(promise, name))) {
                    compareField("." + name, field(promise, name), field(form, name));
                }
            }
            compareField(".*", otherFields(promise), otherFields(form));
        }

        private void compareField(String step, JsonNode promisedField, JsonNode presentField) {
            if (!promisedField.isMissingNode() && presentField.isMissingNode()) {
                breach(step + " is gone");
            } else if (!promisedField.isMissingNode()) {
                breaches.addAll(compare(path + step, promisedField, presentField));
            }
        }

        private void compareRequired() {
            Set<JsonNode> missing = lacking(wide.path("required"), narrow.path("required"));
            wide.path("dependentRequired").properties().forEach(entry -> {
                if (!field(narrow, entry.getKey()).isMissingNode()) {
                    Set<JsonNode> dependents = lacking(entry.getValue(), narrow.path("required"));
                    dependents.removeAll(SchemaForms.elements(
                            narrow.path("dependentRequired").path(entry.getKey())));
                    missing.addAll(dependents);
                }
            });
            for (JsonNode required : missing) {
                String name = required.asText();
                boolean gone = !field(promise, name).isMissingNode()
                        && field(form, name).isMissingNode();
                if (!gone && !isForPeople(name, field(promise, name))) {
                    breach("." + name + (isAnswer() ? " may be absent now, and could not" : " is required now"));
                }
            }
        }

        private void breach(String how) {
            breaches.add(path + how);
        }
    }

    private boolean isAnswer() {
        return direction == Direction.ANSWER;
    }

    private static Set<JsonNode> lacking(JsonNode some, JsonNode others) {
        Set<JsonNode> lacking = SchemaForms.elements(some);
        lacking.removeAll(SchemaForms.elements(others));
        return lacking;
    }

    private static String names(Set<String> types) {
        return types.isEmpty() ? "any" : String.join(" or ", types);
    }

    private static String orNone(JsonNode value) {
        return value.isMissingNode() ? "none" : value.toString();
    }
}
