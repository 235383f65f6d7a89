package io.holdfast.control;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class ArgumentsTest {

    private static Arguments arguments(String json) throws Exception {
        return Arguments.of(
                Messages.parse(ByteBuffer.wrap(json.getBytes(StandardCharsets.UTF_8))),
                "term",
                "owner",
                "force",
                "unit");
    }

    @Test
    void shouldReadWhatIsThere() throws Exception {
        Arguments given = arguments("{\"term\":3,\"owner\":\"a\",\"force\":true,\"unit\":\"milliseconds\"}");
        assertThat(given.requireLong("term", 1, 3)).isEqualTo(3);
        assertThat(given.requireString("owner")).isEqualTo("a");
        assertThat(given.optionalFlag("force", false)).isTrue();
        assertThat(given.requireWord("unit", TimeUnit.class)).isEqualTo(TimeUnit.MILLISECONDS);
        assertThat(given.optionalTree("term")).isPresent();
    }

    @ParameterizedTest
    @ValueSource(strings = {"{}", "{\"term\":null,\"owner\":null,\"force\":null}"})
    void shouldTellWhatIsAbsent(String json) throws Exception {
        Arguments none = arguments(json);
        assertThat(none.optionalLong("term", 0, 9)).isEmpty();
        assertThat(none.optionalString("owner")).isEmpty();
        assertThat(none.optionalFlag("force", true)).isTrue();
        assertThatThrownBy(() -> none.requireLong("term", 0, 9)).hasMessage("missing argument `term`");
        assertThatThrownBy(() -> none.requireString("owner")).hasMessage("missing argument `owner`");
    }

    @ParameterizedTest
    @ValueSource(strings = {"4", "0", "-1", "\"3\"", "3.0", "1e0", "1e999999999", "true", "[]", "99999999999999999999"})
    void shouldRefuseNumbersOutOfRangeOrOfAnotherKind(String number) throws Exception {
        Arguments given = arguments("{\"term\":" + number + "}");
        assertThatThrownBy(() -> given.requireLong("term", 1, 3))
                .isInstanceOf(CommandException.class)
                .hasMessageContaining("`term`")
                .extracting("errorClass")
                .isEqualTo("BadArgument");
    }

    @Test
    void shouldRefuseTextsAndFlagsOfAnotherKind() throws Exception {
        Arguments given = arguments("{\"owner\":\"\",\"force\":1,\"unit\":\"milisecond\"}");
        assertThatThrownBy(() -> given.requireString("owner")).hasMessageContaining("must be a text");
        assertThatThrownBy(() -> given.optionalFlag("force", true)).hasMessageContaining("must be true or false");
        assertThatThrownBy(() -> given.requireWord("unit", TimeUnit.class))
                .hasMessageContaining("did you mean `milliseconds`?");
    }

    @Test
    void shouldRefuseWhatTheCommandDoesNotKnow() {
        assertThatThrownBy(() -> arguments("{\"trem\":3}"))
                .isInstanceOf(CommandException.class)
                .hasMessage("unknown argument `trem`; did you mean `term`?");
    }

    @Test
    void shouldCatchACommandThatReadsWhatItDidNotDeclare() throws Exception {
        Arguments given = arguments("{}");
        assertThatThrownBy(() -> given.optionalString("onwer")).isInstanceOf(IllegalArgumentException.class);
    }
}
