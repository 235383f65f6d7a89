package io.holdfast.cli;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.json.JsonMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.time.Instant;
import org.junit.jupiter.api.Test;

class TimelineTest {

    private static final JsonMapper JSON = new JsonMapper();
    private static final Instant BEGIN = Instant.parse("2026-01-01T00:00:00Z");
    private static final Instant SETTLED = BEGIN.plus(Timeline.LATENESS).plusMillis(100);

    private final Timeline timeline = new Timeline();

    @Test
    void shouldTellEventsAndDecisionsInOrderOfTimeWhoeverIsHeardOfFirst() {
        Happening first = event("agent", "ANY_NEWS", 1);
        Happening second = decision("alone", "host b is dead", 2);
        Happening third = event("proxy", "WALL_STATE", 3);
        timeline.hear(third);
        timeline.decide(second);
        timeline.hear(first);
        assertThat(timeline.settledAt(SETTLED)).containsExactly(first, second, third);
    }

    @Test
    void shouldWaitUntilNothingOlderIsToBeExpected() {
        Happening event = event("agent", "ANY_NEWS", 0);
        timeline.hear(event);
        assertThat(timeline.settledAt(BEGIN.plus(Timeline.LATENESS))).isEmpty();
        assertThat(timeline.settledAt(BEGIN.plus(Timeline.LATENESS).plusNanos(1)))
                .containsExactly(event);
    }

    @Test
    void shouldTellEachOnce() {
        timeline.hear(event("agent", "ANY_NEWS", 0));
        assertThat(timeline.settledAt(SETTLED)).hasSize(1);
        assertThat(timeline.settledAt(SETTLED)).isEmpty();
        assertThat(timeline.rest()).isEmpty();
    }

    @Test
    void shouldTellTheRestWithoutWaiting() {
        Happening event = event("agent", "ANY_NEWS", 0);
        timeline.hear(event);
        assertThat(timeline.rest()).containsExactly(event);
    }

    @Test
    void shouldTellAChangeOfTheWallOnceAsTheAuditLogHasIt() {
        Happening decision = decision("wall", "wall CLOSED -> ARMING, term 2/alone/a: owned", 1);
        timeline.hear(change("CLOSED", "ARMING", 2));
        timeline.decide(decision);
        assertThat(timeline.settledAt(SETTLED)).containsExactly(decision);
    }

    @Test
    void shouldTellAChangeOfTheWallThatTheAuditLogDoesNotHave() {
        Happening change = change("ARMING", "PROTECTED", 2);
        timeline.decide(decision("wall", "wall CLOSED -> ARMING, term 2/alone/a: owned", 1));
        timeline.hear(change);
        assertThat(timeline.settledAt(SETTLED)).endsWith(change).hasSize(2);
    }

    @Test
    void shouldTellTheSameChangeOfTheWallAgainWhenItIsMadeAgain() {
        Happening again = change("CLOSED", "ARMING", 3);
        timeline.decide(decision("wall", "wall CLOSED -> ARMING, term 2/alone/a: owned", 1));
        timeline.hear(change("CLOSED", "ARMING", 2));
        timeline.hear(again);
        assertThat(timeline.settledAt(SETTLED)).endsWith(again).hasSize(2);
    }

    private static Happening change(String from, String to, int atMillis) {
        return happening("proxy", "WALL_STATE", object().put("from", from).put("to", to), atMillis);
    }

    private static Happening decision(String word, String reason, int atMillis) {
        return happening("agent", word, object().put("reason", reason), atMillis);
    }

    private static Happening event(String by, String name, int atMillis) {
        return happening(by, name, object(), atMillis);
    }

    private static Happening happening(String by, String event, ObjectNode data, int atMillis) {
        return new Happening(BEGIN.plusMillis(atMillis), by, event, data);
    }

    private static ObjectNode object() {
        return JSON.createObjectNode();
    }
}
