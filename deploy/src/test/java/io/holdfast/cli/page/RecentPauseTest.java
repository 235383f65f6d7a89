package io.holdfast.cli.page;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.MissingNode;
import org.junit.jupiter.api.Test;

class RecentPauseTest {

    private final RecentPause recent = new RecentPause();

    private static JsonNode status(long checkpoints, double pausedMillis) {
        return JsonNodeFactory.instance
                .objectNode()
                .put("checkpoints", checkpoints)
                .put("paused_ms", pausedMillis);
    }

    @Test
    void shouldSpreadTheTimeOverTheCheckpointsBetweenTwoAnswers() {
        assertThat(recent.nextMillis(status(10, 80))).isNaN();
        assertThat(recent.nextMillis(status(15, 130))).isEqualTo(10);
    }

    @Test
    void shouldSayNothingAgainWhenThereIsNoNewAnswer() {
        recent.nextMillis(status(10, 80));
        recent.nextMillis(status(15, 130));
        assertThat(recent.nextMillis(status(15, 130))).isNaN();
    }

    @Test
    void shouldNotTakeAllThatEverWasForTheFirstSecond() {
        assertThat(recent.nextMillis(MissingNode.getInstance())).isNaN();
        assertThat(recent.nextMillis(status(10, 80))).isNaN();
    }

    @Test
    void shouldBeginAnewWithAnAgentThatCountsFromZero() {
        recent.nextMillis(status(10, 80));
        assertThat(recent.nextMillis(status(2, 9))).isNaN();
        assertThat(recent.nextMillis(status(4, 29))).isEqualTo(10);
    }
}
