package io.holdfast.cli.doctor;

import java.io.BufferedReader;
import java.io.IOException;
import java.util.Optional;
import java.util.concurrent.TimeUnit;

/** Asks a program of the system's for its version. */
final class Tool {

    private static final long LIMIT_SECONDS = 10;

    private Tool() {}

    /** The first line of what it prints; empty if it cannot be run. */
    static Optional<String> firstLine(String... command) {
        try {
            Process process =
                    new ProcessBuilder(command).redirectErrorStream(true).start();
            process.getOutputStream().close();
            Optional<String> line;
            try (BufferedReader printed = process.inputReader()) {
                line = printed.lines().findFirst();
            }
            if (!process.waitFor(LIMIT_SECONDS, TimeUnit.SECONDS)) {
                process.destroyForcibly();
            }
            return line;
        } catch (IOException e) {
            return Optional.empty();
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            return Optional.empty();
        }
    }
}
