package io.holdfast.config;

import java.util.List;

/** A configuration cannot be used. The message has one line for each thing that is wrong. */
public final class ConfigException extends Exception {

    private final List<String> problems;

    ConfigException(String problem) {
        this(List.of(problem));
    }

    ConfigException(List<String> problems) {
        super(String.join("\n", problems));
        this.problems = List.copyOf(problems);
    }

    /** Everything that is wrong, in the order of the file, each with file and line where there is one. */
    public List<String> problems() {
        return problems;
    }
}
