package io.holdfast.cli.proxy;

import java.util.List;

/** The guest's frames would have a way around the proxy (INV-8), so it does not start. */
public final class UnsafePortsException extends Exception {

    private final transient List<String> problems;

    UnsafePortsException(List<String> problems) {
        super("the ports are unsafe:\n  " + String.join("\n  ", problems)
                + "\nput this right, or override it with --force-unsafe, which every status will show");
        this.problems = List.copyOf(problems);
    }

    /** What makes the ports unfit, one sentence with a remedy each. */
    public List<String> problems() {
        return problems;
    }
}
