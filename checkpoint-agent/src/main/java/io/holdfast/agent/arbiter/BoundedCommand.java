package io.holdfast.agent.arbiter;

import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.OptionalInt;
import java.util.concurrent.TimeUnit;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * An operator's command: run within a time limit, with what it says in the log, and killed with its children when the time is
 * over.
 *
 * <p><b>Threads.</b> {@link #run} blocks; any number of threads.
 */
final class BoundedCommand {

    private static final Logger log = LoggerFactory.getLogger(BoundedCommand.class);
    private static final long KILL_LIMIT_MILLIS = 1_000;

    /**
     * How a run ended.
     *
     * @param exitCode empty if it was not started, or did not end by itself
     * @param trouble why there is none; empty if there is one
     */
    record Result(OptionalInt exitCode, String trouble) {}

    private final List<String> command;
    private final Duration limit;

    BoundedCommand(List<String> command, Duration limit) {
        this.command = List.copyOf(command);
        this.limit = limit;
    }

    /** Runs it once, without input. An interrupt ends it like the limit. */
    Result run(Map<String, String> environment) {
        ProcessBuilder builder = new ProcessBuilder(command)
                .redirectErrorStream(true)
                .redirectInput(ProcessBuilder.Redirect.from(devNull()));
        builder.environment().putAll(environment);
        Process process;
        try {
            process = builder.start();
        } catch (IOException e) {
            return new Result(OptionalInt.empty(), "`" + name() + "` cannot be run: " + e.getMessage());
        }
        Thread reader = Thread.ofVirtual().start(() -> logOutput(process));
        try {
            if (process.waitFor(limit.toNanos(), TimeUnit.NANOSECONDS)) {
                reader.join(KILL_LIMIT_MILLIS); // A child that it left behind may keep the pipe.
                return new Result(OptionalInt.of(process.exitValue()), "");
            }
            kill(process);
            return new Result(
                    OptionalInt.empty(),
                    "`" + name() + "` has not ended in " + limit.toMillis() + " ms, and is killed");
        } catch (InterruptedException e) {
            kill(process);
            Thread.currentThread().interrupt();
            return new Result(OptionalInt.empty(), "`" + name() + "` is killed, because the agent stops");
        }
    }

    private static java.io.File devNull() {
        return new java.io.File("/dev/null");
    }

    private static void kill(Process process) {
        List<ProcessHandle> all =
                process.descendants().toList(); // Before their parent is gone, and with it the relation.
        process.destroyForcibly();
        all.forEach(ProcessHandle::destroyForcibly);
    }

    private void logOutput(Process process) {
        try (BufferedReader lines =
                new BufferedReader(new InputStreamReader(process.getInputStream(), StandardCharsets.UTF_8))) {
            for (String line = lines.readLine(); line != null; line = lines.readLine()) {
                log.info("{}: {}", name(), line);
            }
        } catch (IOException e) {
            log.debug("{} says no more", name(), e);
        }
    }

    private String name() {
        return command.getFirst();
    }
}
