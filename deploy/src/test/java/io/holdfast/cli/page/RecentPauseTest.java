package io.holdfast.cli.page;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import org.junit.jupiter.api.Test;

class RecentPauseTest {

    private final RecentPause recent = new RecentPause();

    private static AgentWord word(long atNanos, long checkpoints, double pausedMillis) {
        return AgentWord.unasked()
                .answered(
                        JsonNodeFactory.instance
                                .objectNode()
                                .put("checkpoints", checkpoints)
                                .put("paused_ms", pausedMillis),
                        atNanos);
    }

    @Test
    void shouldSpreadTheTimeOverTheCheckpointsBetweenTwoAnswers() {
        assertThat(recent.nextMillis(word(1, 10, 80))).isNaN();
        assertThat(recent.nextMillis(word(2, 15, 130))).isEqualTo(10);
    }

    @Test
    void shouldSayNothingAgainWhenThereIsNoNewAnswer() {
        recent.nextMillis(word(1, 10, 80));
        recent.nextMillis(word(2, 15, 130));
        assertThat(recent.nextMillis(word(2, 15, 130))).isNaN();
        assertThat(recent.nextMillis(word(3, 20, 180).failed("gone"))).isNaN();
    }

    @Test
    void shouldBeginAnewWithAnAgentThatCountsFromZero() {
        recent.nextMillis(word(1, 10, 80));
        assertThat(recent.nextMillis(word(2, 2, 9))).isNaN();
        assertThat(recent.nextMillis(word(3, 4, 29))).isEqualTo(10);
    }
}
