package io.holdfast.cli.page;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import org.junit.jupiter.api.Test;

class HistoryTest {

    private final History history = new History();

    private ObjectNode written() {
        ObjectNode object = JsonNodeFactory.instance.objectNode();
        history.writeTo(object);
        return object;
    }

    @Test
    void shouldKeepTheNewestTenMinutesOldestFirst() {
        for (int second = 0; second < History.MOST_SAMPLES + 5; second++) {
            history.add(new Sample(second, 1, 2, 3, second));
        }
        ObjectNode columns = written();
        assertThat(columns.path("at_s")).hasSize(600);
        assertThat(columns.path("at_s").get(0).asLong()).isEqualTo(5);
        assertThat(columns.path("held_bytes").get(599).asLong()).isEqualTo(604);
        assertThat(columns.path("pause_ms")).hasSize(600);
    }

    @Test
    void shouldWriteWhatNobodyKnowsAsNull() {
        history.add(new Sample(1, Double.NaN, 2.345, Double.NaN, 0));
        ObjectNode columns = written();
        assertThat(columns.path("hold_p50_ms").get(0).isNull()).isTrue();
        assertThat(columns.path("hold_p99_ms").get(0).asDouble()).isEqualTo(2.35);
        assertThat(columns.path("pause_ms").get(0).isNull()).isTrue();
    }
}
