package io.holdfast.cli.page;

import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.List;
import java.util.function.ToDoubleFunction;

/** The last ten minutes, so that whoever opens the page sees what came before. Thread-safe. */
final class History {

    /** One each second. */
    static final int MOST_SAMPLES = 600;

    private final Deque<Sample> samples = new ArrayDeque<>(MOST_SAMPLES);

    synchronized void add(Sample sample) {
        if (samples.size() == MOST_SAMPLES) {
            samples.removeFirst();
        }
        samples.addLast(sample);
    }

    /** Column by column, the oldest sample first, as charts want it. */
    void writeTo(ObjectNode object) {
        List<Sample> copy;
        synchronized (this) {
            copy = new ArrayList<>(samples);
        }
        ArrayNode at = object.putArray("at_s");
        copy.forEach(sample -> at.add(sample.epochSeconds()));
        writeColumn(copy, Sample::holdP50Millis, object.putArray("hold_p50_ms"));
        writeColumn(copy, Sample::holdP99Millis, object.putArray("hold_p99_ms"));
        writeColumn(copy, Sample::pauseMillis, object.putArray("pause_ms"));
        ArrayNode held = object.putArray("held_bytes");
        copy.forEach(sample -> held.add(sample.heldBytes()));
    }

    private static void writeColumn(List<Sample> samples, ToDoubleFunction<Sample> field, ArrayNode column) {
        for (Sample sample : samples) {
            double value = field.applyAsDouble(sample);
            if (Double.isNaN(value)) {
                column.addNull();
            } else {
                column.add(Math.round(value * 1e2) / 1e2);
            }
        }
    }
}
