package io.holdfast.cli;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.core.json.JsonReadFeature;
import com.fasterxml.jackson.databind.json.JsonMapper;
import io.holdfast.cli.SchemaCompatibility.Direction;
import java.util.Map;
import java.util.Set;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Each rule of compatibility by itself: first the promised schema, then the present one. */
class SchemaCompatibilityTest {

    private static final JsonMapper JSON =
            JsonMapper.builder().enable(JsonReadFeature.ALLOW_SINGLE_QUOTES).build();

    @ParameterizedTest
    @CsvSource(
            quoteCharacter = '`',
            delimiter = '|',
            value = {
                "{'type': 'integer'} | {'type': 'string'}   | integer | string",
                "{'type': 'integer'} | {'type': 'number'}   | integer | number",
                "{'type': 'integer'} | {}                   | integer | any",
                "{'type': 'number'}  | {'type': ['number', 'null']} | number | null or number",
                "{'enum': ['a']}     | {'enum': ['a', 1]}   | string  | integer or string"
            })
    void shouldNoticeThatAnAnswerHasAnotherType(String promised, String present, String was, String is) {
        assertThat(ofAnswer(promised, present)).contains("$: the type was " + was + " and is " + is);
    }

    @Test
    void shouldAllowThatAnAnswerHasANarrowerType() {
        assertThat(ofAnswer("{'type': ['number', 'null']}", "{'type': 'integer'}"))
                .isEmpty();
    }

    @Test
    void shouldNoticeThatAnArgumentHasANarrowerType() {
        assertThat(ofRequest("{'type': 'number'}", "{'type': 'integer'}"))
                .containsExactly("$: the type was number and is integer");
    }

    @Test
    void shouldAllowThatAnArgumentHasAWiderType() {
        assertThat(ofRequest("{'type': 'integer'}", "{'type': ['number', 'string']}"))
                .isEmpty();
    }

    @Test
    void shouldNoticeThatAnEnumOfAnAnswerGrows() {
        assertThat(ofAnswer("{'enum': ['a', 'b']}", "{'enum': ['c', 'a', 'b']}"))
                .containsExactly("$: \"c\" may come now, and could not");
    }

    @Test
    void shouldAllowThatAnEnumOfAnAnswerShrinks() {
        assertThat(ofAnswer("{'enum': ['a', 'b']}", "{'const': 'b'}")).isEmpty();
    }

    @Test
    void shouldNoticeThatAnEnumOfAnAnswerIsGone() {
        assertThat(ofAnswer("{'const': 'a'}", "{'type': 'string'}"))
                .containsExactly("$: other than [\"a\"] may come now");
    }

    @Test
    void shouldNoticeThatAnEnumOfAnArgumentShrinks() {
        assertThat(ofRequest("{'enum': ['a', 'b']}", "{'enum': ['b', 'c']}"))
                .containsExactly("$: \"a\" is not taken any more");
    }

    @Test
    void shouldAllowThatAnEnumOfAnArgumentGrows() {
        assertThat(ofRequest("{'const': 'a'}", "{'enum': ['a', 'b']}")).isEmpty();
    }

    @Test
    void shouldNoticeThatAnArgumentIsToBeOneOfSomeWords() {
        assertThat(ofRequest("{'type': 'string'}", "{'enum': ['a', 'b']}"))
                .containsExactly("$: only [\"a\",\"b\"] is taken now");
    }

    @ParameterizedTest
    @ValueSource(strings = {"minimum", "minLength", "minItems"})
    void shouldNoticeThatALowerLimitOfAnAnswerFalls(String limit) {
        assertThat(ofAnswer("{'%s': 1}".formatted(limit), "{'%s': 0}".formatted(limit)))
                .containsExactly("$: " + limit + " was 1 and is 0");
        assertThat(ofAnswer("{'%s': 1}".formatted(limit), "{'%s': 2}".formatted(limit)))
                .isEmpty();
    }

    @ParameterizedTest
    @ValueSource(strings = {"maximum", "maxItems"})
    void shouldNoticeThatAnUpperLimitOfAnAnswerRises(String limit) {
        assertThat(ofAnswer("{'%s': 1}".formatted(limit), "{'%s': 2}".formatted(limit)))
                .containsExactly("$: " + limit + " was 1 and is 2");
        assertThat(ofAnswer("{'%s': 1}".formatted(limit), "{'%s': 0}".formatted(limit)))
                .isEmpty();
    }

    @ParameterizedTest
    @ValueSource(strings = {"minimum", "minLength", "minItems"})
    void shouldNoticeThatALowerLimitOfAnArgumentRises(String limit) {
        assertThat(ofRequest("{}", "{'%s': 2}".formatted(limit))).containsExactly("$: " + limit + " was none and is 2");
        assertThat(ofRequest("{'%s': 1}".formatted(limit), "{'%s': 0}".formatted(limit)))
                .isEmpty();
    }

    @ParameterizedTest
    @ValueSource(strings = {"maximum", "maxItems"})
    void shouldNoticeThatAnUpperLimitOfAnArgumentFalls(String limit) {
        assertThat(ofRequest("{'%s': 2}".formatted(limit), "{'%s': 1}".formatted(limit)))
                .containsExactly("$: " + limit + " was 2 and is 1");
        assertThat(ofRequest("{'%s': 2}".formatted(limit), "{}")).isEmpty();
    }

    @ParameterizedTest
    @ValueSource(strings = {"pattern", "format"})
    void shouldNoticeThatAnAnswerHasAnotherPattern(String keyword) {
        assertThat(ofAnswer("{'%s': 'a'}".formatted(keyword), "{'%s': 'b'}".formatted(keyword)))
                .containsExactly("$: " + keyword + " was \"a\" and is \"b\"");
        assertThat(ofAnswer("{}", "{'%s': 'b'}".formatted(keyword))).isEmpty();
    }

    @ParameterizedTest
    @ValueSource(strings = {"pattern", "format"})
    void shouldNoticeThatAnArgumentHasAnotherPattern(String keyword) {
        assertThat(ofRequest("{}", "{'%s': 'b'}".formatted(keyword)))
                .containsExactly("$: " + keyword + " was none and is \"b\"");
        assertThat(ofRequest("{'%s': 'a'}".formatted(keyword), "{}")).isEmpty();
    }

    @Test
    void shouldNoticeThatAWordForProgramsIsGone() {
        assertThat(ofAnswer("{'examples': ['a', 'b']}", "{'examples': ['c', 'b']}"))
                .containsExactly("$: the word \"a\" is gone");
    }

    @Test
    void shouldNoticeThatARequiredFieldOfAnAnswerIsGone() {
        assertThat(ofAnswer("{'required': ['a'], 'properties': {'a': {}}}", "{'properties': {'b': {}}}"))
                .containsExactly("$.a is gone");
    }

    @Test
    void shouldNoticeThatAFieldOfAnAnswerIsNotRequiredAnyMore() {
        assertThat(ofAnswer("{'required': ['a'], 'properties': {'a': {}}}", "{'properties': {'a': {}}}"))
                .containsExactly("$.a may be absent now, and could not");
    }

    @Test
    void shouldNoticeThatAFieldIsRequiredAndNotDescribedAnyMore() {
        assertThat(ofAnswer("{'required': ['a'], 'properties': {'a': {}}}", "{'required': ['a']}"))
                .containsExactly("$.a is gone");
    }

    @Test
    void shouldNoticeThatAFieldHasAnotherUnitInItsName() {
        assertThat(ofAnswer(
                        "{'required': ['age_ms'], 'properties': {'age_ms': {'type': 'number'}}}",
                        "{'required': ['age_seconds'], 'properties': {'age_seconds': {'type': 'number'}}}"))
                .containsExactly("$.age_ms is gone");
    }

    @Test
    void shouldNoticeThatAFieldThatNeedNotBeThereHasAnotherType() {
        assertThat(ofAnswer("{'properties': {'a': {'type': 'integer'}}}", "{'properties': {'a': {'type': 'string'}}}"))
                .containsExactly("$.a: the type was integer and is string");
    }

    @Test
    void shouldNoticeThatAFieldOfAnAnswerIsGoneThatNeedNotBeThere() {
        assertThat(ofAnswer("{'properties': {'a': {}}}", "{'properties': {'b': {}}}"))
                .containsExactly("$.a is gone");
    }

    @Test
    void shouldAllowThatAFieldOfAnAnswerIsAddedAndAnotherIsRequired() {
        assertThat(ofAnswer(
                        "{'properties': {'a': {}}}",
                        "{'required': ['a', 'b'], 'properties': {'a': {}, 'b': {'enum': [1]}}}"))
                .isEmpty();
    }

    @Test
    void shouldNoticeThatAnArgumentIsGone() {
        assertThat(ofRequest("{'properties': {'a': {}}}", "{'properties': {}}")).containsExactly("$.a is gone");
    }

    @ParameterizedTest
    @ValueSource(strings = {"{'properties': {'a': {}}}", "{}"})
    void shouldNoticeThatAnArgumentIsRequired(String promised) {
        assertThat(ofRequest(promised, "{'required': ['a'], 'properties': {'a': {}}}"))
                .containsExactly("$.a is required now");
    }

    @Test
    void shouldAllowThatAnArgumentIsAddedAndAnotherIsNotRequiredAnyMore() {
        assertThat(ofRequest(
                        "{'required': ['a'], 'properties': {'a': {}}, 'additionalProperties': false}",
                        "{'properties': {'a': {}, 'b': {}}, 'additionalProperties': false}"))
                .isEmpty();
    }

    @Test
    void shouldNoticeThatAFieldDoesNotBringAnotherOneAnyMore() {
        assertThat(ofAnswer(
                        "{'properties': {'a': {}, 'b': {}}, 'dependentRequired': {'a': ['b']}}",
                        "{'properties': {'a': {}, 'b': {}}}"))
                .containsExactly("$.b may be absent now, and could not");
    }

    @Test
    void shouldNoticeThatAFieldIsGoneThatBroughtAnotherOne() {
        assertThat(ofAnswer(
                        "{'properties': {'a': {}, 'b': {}}, 'dependentRequired': {'a': ['b']}}",
                        "{'properties': {'b': {}}, 'required': ['b']}"))
                .containsExactly("$.a is gone");
    }

    @Test
    void shouldNoticeThatAnArgumentNeedsAnotherOneUnlessItIsNew() {
        assertThat(ofRequest("{'properties': {'a': {}, 'b': {}}}", """
                        {'properties': {'a': {}, 'b': {}, 'new': {}, 'with_new': {}},
                         'dependentRequired': {'a': ['b'], 'new': ['with_new']}}""")).containsExactly("$.b is required now");
    }

    @ParameterizedTest
    @CsvSource(
            quoteCharacter = '`',
            delimiter = '|',
            value = {
                "{'items': {'enum': [1]}} | {'items': {'enum': [2]}} | $[*]",
                "{'propertyNames': {'enum': [1]}} | {'propertyNames': {'enum': [2]}} | $.~",
                "{'additionalProperties': {'enum': [1]}} | {'additionalProperties': {'enum': [2]}} | $.*",
                "{'additionalProperties': {'enum': [1]}} | {'properties': {'a': {'enum': [2]}}, 'additionalProperties': {'enum': [1]}} | $.a",
                "{'properties': {'a': {'items': {'enum': [1]}}}} | {'properties': {'a': {'items': {'enum': [2]}}}} | $.a[*]"
            })
    void shouldLookIntoWhatIsNested(String promised, String present, String path) {
        assertThat(ofAnswer(promised, present)).containsExactly(path + ": 2 may come now, and could not");
    }

    @Test
    void shouldNoticeThatElementsAreNotDescribedAnyMore() {
        assertThat(ofAnswer("{'items': {'type': 'string'}}", "{}"))
                .containsExactly("$[*]: the type was string and is any");
    }

    @Test
    void shouldNoticeThatFieldsOfAnyNameAreGone() {
        assertThat(ofRequest("{'additionalProperties': true}", "{'additionalProperties': false}"))
                .containsExactly("$.* is gone");
    }

    @ParameterizedTest
    @CsvSource(
            quoteCharacter = '`',
            delimiter = '|',
            value = {
                "because | {'type': 'string'}",
                "text    | {'type': 'string', 'description': 'For people.'}",
                "texts   | {'type': 'array', 'items': {'type': 'string'}, 'description': 'Why not, for people; empty if not.'}"
            })
    void shouldPromiseNoTextForPeople(String name, String text) {
        assertThat(ofAnswer("{'required': ['%1$s'], 'properties': {'%1$s': %2$s}}".formatted(name, text), "{}"))
                .isEmpty();
        assertThat(ofAnswer(
                        "{'properties': {'%s': %s}}".formatted(name, text),
                        "{'properties': {'%s': {'type': 'object'}}}".formatted(name)))
                .isEmpty();
    }

    @Test
    void shouldPromiseWordsForProgramsInAFieldWithTheNameOfATextForPeople() {
        assertThat(ofAnswer(
                        "{'properties': {'reason': {'enum': ['a']}}}",
                        "{'properties': {'reason': {'enum': ['a', 'b']}}}"))
                .containsExactly("$.reason: \"b\" may come now, and could not");
    }

    @Test
    void shouldPromiseAFieldThatOnlyThePresentSchemaCallsATextForPeople() {
        assertThat(ofAnswer(
                        "{'required': ['a'], 'properties': {'a': {'type': 'string'}}}",
                        "{'properties': {'a': {'type': 'string', 'description': 'For people.'}}}"))
                .containsExactly("$.a may be absent now, and could not");
    }

    @Test
    void shouldPromiseThatATextForPeopleIsTakenAsAnArgument() {
        assertThat(ofRequest("{'properties': {'reason': {'type': 'string', 'description': 'For people.'}}}", "{}"))
                .containsExactly("$.reason is gone");
    }

    @Test
    void shouldAllowThatAReferenceIsWrittenOut() {
        assertThat(ofAnswer(
                        "{'$ref': '#/$defs/a', 'required': ['b'], '$defs': {'a': {'properties': {'b': {'minimum': 1}}}}}",
                        "{'required': ['b'], 'properties': {'b': {'minimum': 1}}}"))
                .isEmpty();
    }

    @Test
    void shouldPutTogetherWhatSeveralPartsOfASchemaSay() {
        assertThat(ofAnswer("""
                        {'required': ['a', 'b'],
                         'properties': {'a': {'enum': [2], 'minimum': 1}, 'b': {}}}""", """
                        {'allOf': [
                          {'required': ['a'], 'properties': {'a': {'enum': [1, 2], 'minimum': 1}}},
                          {'required': ['b'], 'properties': {'a': {'enum': [2, 3]}, 'b': {}}}]}""")).isEmpty();
    }

    @Test
    void shouldNoticeThatAFormOfAnAnswerIsGone() {
        assertThat(ofAnswer(
                        "{'properties': {'a': {}, 'b': {}}, 'anyOf': [{'required': ['a']}, {'required': ['b']}]}",
                        "{'properties': {'a': {}, 'b': {}}, 'required': ['a']}"))
                .containsExactly("$.b may be absent now, and could not");
    }

    @Test
    void shouldNoticeThatAnAnswerHasAFurtherForm() {
        assertThat(ofAnswer(
                        "{'anyOf': [{'const': 1}, {'const': 2}]}",
                        "{'anyOf': [{'const': 1}, {'const': 2}, {'const': 3}]}"))
                .containsExactly("$: 3 may come now, and could not");
    }

    @Test
    void shouldAllowThatFormsChangeTheirOrder() {
        assertThat(ofAnswer(
                        "{'oneOf': [{'type': 'string'}, {'minimum': 1}]}",
                        "{'oneOf': [{'minimum': 1}, {'type': 'string'}]}"))
                .isEmpty();
    }

    @Test
    void shouldNoticeThatFormsOfAnAnswerDoNotExcludeEachOtherAnyMore() {
        assertThat(ofAnswer(
                        "{'oneOf': [{'required': ['a']}, {'required': ['b']}]}",
                        "{'anyOf': [{'required': ['a']}, {'required': ['b']}]}"))
                .containsExactly("$: oneOf was true and is none");
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "{'multipleOf': 2}",
                "{'properties': {'a': {'items': {'not': {}}}}}",
                "{'oneOf': [{'if': {}}]}",
                "{'additionalProperties': {'unevaluatedProperties': false}}",
                "{'$defs': {'a': {'exclusiveMinimum': 0}}}"
            })
    void shouldRefuseAKeywordThatItDoesNotCompare(String schema) {
        assertThatIllegalArgumentException()
                .isThrownBy(() -> ofAnswer("{}", schema))
                .withMessageContaining("nobody compares this keyword");
    }

    @Test
    void shouldRefuseASchemaThatIsNoObject() {
        assertThatIllegalArgumentException()
                .isThrownBy(() -> ofAnswer("{}", "{'properties': {'a': false}}"))
                .withMessage("a.json/properties/a is no object");
    }

    @Test
    void shouldRefuseAReferenceThatLeadsNowhere() {
        assertThatIllegalArgumentException()
                .isThrownBy(() -> ofAnswer("{}", "{'$ref': 'b.json#/$defs/c'}"))
                .withMessage("b.json#/$defs/c leads nowhere");
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "{'allOf': [{'pattern': 'a'}, {'pattern': 'b'}]}",
                "{'additionalProperties': false, 'allOf': [{'properties': {'a': {}}}]}"
            })
    void shouldRefusePartsThatItCannotPutTogether(String schema) {
        assertThatIllegalArgumentException().isThrownBy(() -> ofAnswer("{}", schema));
    }

    private static Set<String> ofAnswer(String promised, String present) {
        return breaches(Direction.ANSWER, promised, present);
    }

    private static Set<String> ofRequest(String promised, String present) {
        return breaches(Direction.REQUEST, promised, present);
    }

    private static Set<String> breaches(Direction direction, String promised, String present) {
        SchemaForms promisedForms = forms(promised);
        SchemaForms presentForms = forms(present);
        return new SchemaCompatibility(direction, promisedForms, presentForms)
                .compare("$", promisedForms.at("a.json", ""), presentForms.at("a.json", ""));
    }

    private static SchemaForms forms(String schema) {
        try {
            return new SchemaForms(Map.of("a.json", JSON.readTree(schema)));
        } catch (JsonProcessingException e) {
            throw new AssertionError(e);
        }
    }
}
