package io.holdfast.cli;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.nio.file.Path;
import java.util.Iterator;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import java.util.TreeMap;
import java.util.function.Predicate;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Whether the published schemas keep what those in {@code promised-schemas} promise, and whether a breach would be noticed. */
class ProtocolPromiseTest {

    private static final Map<String, JsonNode> PROMISED = Schemas.read(Path.of("src/test/promised-schemas"));
    private static final Map<String, JsonNode> PUBLISHED = Schemas.read(Schemas.DIRECTORY);

    private final Map<String, JsonNode> changed = new TreeMap<>();

    @BeforeEach
    void copyPromise() {
        PROMISED.forEach((file, document) -> changed.put(file, document.deepCopy()));
    }

    @Test
    void shouldBeKeptByThePublishedSchemas() {
        assertThat(ProtocolPromise.breaches(PROMISED, PUBLISHED))
                .as("what breaks the promise (control-protocol.md, Compatibility); undo it, or raise the number")
                .isEmpty();
    }

    @Test
    void shouldHaveAllThatAReleasePublishes() {
        assertThat(Version.number())
                .as("the number of a version whose schemas are not copied to promised-schemas")
                .matches(version -> version.endsWith("-SNAPSHOT") || PROMISED.equals(PUBLISHED));
    }

    @Test
    void shouldSayWhatToDoInsteadWhenTheProtocolIsRaised() {
        object("lines.json", "/$defs/greeting/properties/holdfast/properties/protocol")
                .put("const", 2);
        remove("events.json", "WALL_STATE");
        object("output.json", "/$defs").remove("switchover");
        assertThat(breaches())
                .containsExactly("lines.json: `protocol` is 2, and promised-schemas are those of 1: copy all of"
                        + " deploy/schemas there, and say in CHANGELOG.md what a client has to change");
    }

    @Test
    void shouldSayWhatToDoInsteadWhenTheFormatOfTheStatusIsRaised() {
        object("status-page.json", "/properties/format").put("const", 2);
        object("status-page.json", "").remove("required");
        assertThat(breaches())
                .containsExactly("status-page.json: `format` is 2, and promised-schemas are those of 1: copy all of"
                        + " deploy/schemas there, and say in CHANGELOG.md what a client has to change");
    }

    @Test
    void shouldHoldTheProtocolToItsPromiseWhenOnlyTheFormatIsRaised() {
        object("status-page.json", "/properties/format").put("const", 2);
        remove("events.json", "WALL_STATE");
        assertThat(breaches()).hasSize(2).contains("events.json WALL_STATE is gone");
    }

    @ParameterizedTest
    @CsvSource({"proxy.json, barrier", "agent.json, checkpoint", "events.json, PORT_FAILED", "lines.json, error"})
    void shouldNoticeThatACommandAnEventOrALineIsGone(String file, String name) {
        remove(file, name);
        assertThat(breaches()).containsExactly(file + " " + name + " is gone");
    }

    @Test
    void shouldNoticeThatACommandPrintsNothingForProgramsAnyMore() {
        object("output.json", "/$defs").remove("switchover");
        assertThat(breaches()).containsExactly("output.json switchover is gone");
    }

    @Test
    void shouldNoticeThatAnErrorClassIsGone() {
        removeElement(list("lines.json", "/$defs/errorClass/examples"), "StaleTerm");
        assertThat(breaches()).containsExactly("lines.json error $.error.class: the word \"StaleTerm\" is gone");
    }

    @Test
    void shouldNoticeThatACommandNeedsArguments() {
        list("proxy.json", "/$defs/status/required").add("arguments");
        assertThat(breaches()).containsExactly("proxy.json status $.arguments is required now");
    }

    @Test
    void shouldTakeAnArgumentForARequest() {
        list("agent.json", "/$defs/promote/properties/arguments/required").add("force");
        assertThat(breaches()).containsExactly("agent.json promote $.arguments.force is required now");
    }

    @Test
    void shouldTakeWhatACommandReturnsForAnAnswer() {
        removeElement(list("proxy.json", "/$defs/barrier/properties/return/required"), "drained");
        assertThat(breaches())
                .containsExactlyInAnyOrder(
                        "proxy.json barrier $.return.drained may be absent now, and could not",
                        "output.json barrier $.drained may be absent now, and could not");
    }

    @Test
    void shouldAllowThatACommandReturnsLessThanItMight() {
        object("proxy.json", "/$defs/barrier/properties/return/properties/bytes")
                .put("maximum", 1_000_000);
        assertThat(breaches()).isEmpty();
    }

    @Test
    void shouldTakeWhatAClientSendsForARequest() {
        list("lines.json", "/$defs/request/required").add("id");
        assertThat(breaches()).containsExactly("lines.json request $.id is required now");
    }

    @Test
    void shouldFindWhatFilesShareWhereverItIsUsed() {
        list("types.json", "/$defs/claim/enum").add("arbiter");
        assertThat(breaches())
                .allMatch(breach -> breach.endsWith(": \"arbiter\" may come now, and could not"))
                .anyMatch(breach -> breach.startsWith("proxy.json hello $.return.claim"))
                .anyMatch(breach -> breach.startsWith("agent.json status $.return.claim"))
                .anyMatch(breach -> breach.startsWith("status-page.json $.proxy.claim"))
                .noneMatch(breach -> breach.contains("$.arguments"));
    }

    @Test
    void shouldNoticeWhatIsRequiredOnlyOfOneRole() {
        removeElement(list("agent.json", "/$defs/agentStatus/oneOf/1/required"), "may_promote");
        assertThat(breaches()).contains("agent.json status $.return.may_promote may be absent now, and could not");
    }

    @Test
    void shouldAllowThatCommandsArgumentsEventsErrorClassesAndFieldsAreAdded() {
        add("proxy.json", "measure", object("proxy.json", "/$defs/status").deepCopy());
        object("proxy.json", "/$defs/hello/properties/arguments/properties").putObject("place_of_arbiter");
        add(
                "events.json",
                "WALL_FULL",
                object("events.json", "/$defs/WALL_STATE").deepCopy());
        list("lines.json", "/$defs/errorClass/examples").add("WallFull");
        object("status-page.json", "/properties/headline/properties").putObject("since");
        list("status-page.json", "/properties/headline/required").add("since");
        assertThat(breaches()).isEmpty();
    }

    private Set<String> breaches() {
        return ProtocolPromise.breaches(PROMISED, changed);
    }

    private ObjectNode object(String file, String pointer) {
        return (ObjectNode) Objects.requireNonNull(changed.get(file), file).at(pointer);
    }

    private ArrayNode list(String file, String pointer) {
        return (ArrayNode) Objects.requireNonNull(changed.get(file), file).at(pointer);
    }

    private void add(String file, String name, ObjectNode definition) {
        object(file, "/$defs").set(name, definition);
        list(file, "/oneOf").addObject().put("$ref", "#/$defs/" + name);
    }

    /** As one would: the definition may be in use elsewhere, so that it stays. */
    private void remove(String file, String name) {
        removeIf(list(file, "/oneOf"), choice -> choice.path("$ref").asText().endsWith("/" + name));
    }

    private static void removeElement(JsonNode list, String text) {
        removeIf(list, element -> element.asText().equals(text));
    }

    private static void removeIf(JsonNode list, Predicate<JsonNode> condition) {
        Iterator<JsonNode> elements = list.elements();
        while (elements.hasNext()) {
            if (condition.test(elements.next())) {
                elements.remove();
            }
        }
    }
}
