package io.holdfast.demo;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.PrintStream;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.concurrent.atomic.AtomicInteger;

/** Tells the operator what happens, one JSON object a line. Thread-safe. */
final class EventWriter {

    /** A guest that lost a whole list would fill the terminal; the report still counts every violation. */
    private static final int VIOLATIONS_SHOWN = 20;

    private final ObjectMapper json = new ObjectMapper();
    private final PrintStream out;
    private final AtomicInteger violations = new AtomicInteger();

    EventWriter(PrintStream out) {
        this.out = out;
    }

    void event(String name, Map<String, ?> data) {
        Map<String, Object> line = new LinkedHashMap<>();
        line.put("event", name);
        line.putAll(data);
        try {
            out.println(json.writeValueAsString(line));
            out.flush();
        } catch (JsonProcessingException e) {
            throw new IllegalArgumentException("event " + name + " holds what JSON cannot say: " + data, e);
        }
    }

    void violation(Violation violation) {
        if (violations.incrementAndGet() <= VIOLATIONS_SHOWN) {
            event(
                    "violation",
                    Map.of(
                            "kind",
                            violation.kind().name(),
                            "subject",
                            violation.subject(),
                            "detail",
                            violation.detail()));
        }
    }
}
