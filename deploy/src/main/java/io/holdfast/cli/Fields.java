package io.holdfast.cli;

import com.fasterxml.jackson.databind.JsonNode;
import java.util.StringJoiner;

/** Writes any JSON answer for people: a line for each field, named by its path. */
final class Fields {

    private Fields() {}

    static String lines(JsonNode answer) {
        StringJoiner lines = new StringJoiner(System.lineSeparator());
        write("", answer, lines);
        return lines.toString();
    }

    private static void write(String path, JsonNode node, StringJoiner lines) {
        if (node.isObject()) {
            node.properties()
                    .forEach(field -> write(
                            path.isEmpty() ? field.getKey() : path + "." + field.getKey(), field.getValue(), lines));
        } else if (node.isArray() && !node.isEmpty() && node.get(0).isContainerNode()) {
            for (int i = 0; i < node.size(); i++) {
                write(path + "." + i, node.get(i), lines);
            }
        } else {
            lines.add("%-20s %s".formatted(path.replace('_', ' '), node.isTextual() ? node.textValue() : node));
        }
    }
}
