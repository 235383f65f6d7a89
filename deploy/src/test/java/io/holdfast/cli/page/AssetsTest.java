package io.holdfast.cli.page;

import static org.assertj.core.api.Assertions.assertThat;

import io.holdfast.http.Answer;
import io.holdfast.http.Resource;
import java.nio.charset.StandardCharsets;
import java.util.Map;
import java.util.Objects;
import java.util.regex.Pattern;
import org.junit.jupiter.api.Test;

class AssetsTest {

    private static Answer answer(Map<String, Resource> resources, String path) {
        return Objects.requireNonNull(resources.get(path), path).answer(null);
    }

    @Test
    void shouldServeWhateverThePageRefersTo() throws Exception {
        Map<String, Resource> resources = Assets.read();
        String page = new String(answer(resources, "/").body(), StandardCharsets.UTF_8);
        assertThat(page).doesNotContain("{{");
        assertThat(Pattern.compile("(?:src|href)=\"(assets/[^\"]*)\"")
                        .matcher(page)
                        .results())
                .hasSize(6)
                .allSatisfy(match -> assertThat(resources).containsKey("/" + match.group(1)));
    }

    @Test
    void shouldLetABrowserKeepEverythingButThePage() throws Exception {
        Map<String, Resource> resources = Assets.read();
        assertThat(resources.keySet())
                .allSatisfy(path -> assertThat(answer(resources, path).caching())
                        .isEqualTo(path.equals("/") ? Answer.NEVER_KEEP : Answer.KEEP_FOREVER));
    }

    @Test
    void shouldHaveNoScriptInThePageItself() throws Exception {
        String page = new String(answer(Assets.read(), "/").body(), StandardCharsets.UTF_8);
        assertThat(page).doesNotContainPattern("<script(?![^>]* src=)").doesNotContain("style=", "onclick", "//");
    }
}
