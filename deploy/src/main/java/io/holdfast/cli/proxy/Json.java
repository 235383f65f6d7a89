package io.holdfast.cli.proxy;

import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;

/** How this package writes JSON: names like {@code held_frames}, times as decimal numbers with their unit in the name. */
final class Json {

    private Json() {}

    static ObjectNode object() {
        return JsonNodeFactory.instance.objectNode();
    }

    /** Milliseconds, to the microsecond. */
    static double millis(long nanos) {
        return Math.round(nanos / 1e3) / 1e3;
    }

    /** Microseconds, to a tenth. */
    static double micros(long nanos) {
        return Math.round(nanos / 1e2) / 1e1;
    }
}
