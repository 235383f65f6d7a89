package io.holdfast.agent.rehearsal;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;

/** Runs a program of the host's to its end, or to the end of its time. */
final class ExternalCommand {

    /**
     * What came of it.
     *
     * @param exitCode of the program
     * @param output both its outputs, in UTF-8
     */
    record Result(int exitCode, String output) {

        boolean succeeded() {
            return exitCode == 0;
        }
    }

    private ExternalCommand() {}

    /**
     * @param input for its standard input
     * @param environment more than that of this process
     * @throws IOException if it could not be started, or did not end in time; then it was killed
     * @throws InterruptedException when it is to be ended; then it was killed
     */
    static Result run(List<String> command, String input, Map<String, String> environment, Duration limit)
            throws IOException, InterruptedException {
        // Not a pipe, which who is left of it could keep open.
        Path output = Files.createTempFile("holdfast-", ".out");
        Path inputFile = Files.createTempFile("holdfast-", ".in");
        try {
            Files.writeString(inputFile, input);
            ProcessBuilder builder = new ProcessBuilder(command)
                    .redirectInput(inputFile.toFile())
                    .redirectErrorStream(true)
                    .redirectOutput(output.toFile());
            builder.environment().putAll(environment);
            Process process = builder.start();
            try {
                if (!process.waitFor(limit.toNanos(), TimeUnit.NANOSECONDS)) {
                    throw new IOException(
                            "%s did not end within %d ms".formatted(command.getFirst(), limit.toMillis()));
                }
                return new Result(
                        process.exitValue(), new String(Files.readAllBytes(output), StandardCharsets.UTF_8).strip());
            } finally {
                process.descendants().forEach(ProcessHandle::destroyForcibly);
                process.destroyForcibly();
            }
        } finally {
            Files.deleteIfExists(output);
            Files.deleteIfExists(inputFile);
        }
    }
}
