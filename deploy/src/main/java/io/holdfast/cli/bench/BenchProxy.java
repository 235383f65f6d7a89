package io.holdfast.cli.bench;

import io.holdfast.control.CommandException;
import java.io.IOException;
import java.lang.management.ManagementFactory;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;

/** A proxy in a process of its own, as on any other day, and an engine here that drives its wall. */
final class BenchProxy implements AutoCloseable {

    private static final long START_LIMIT_NANOS = 60_000_000_000L;
    private static final long POLL_NANOS = 20_000_000;
    private static final long END_SECONDS = 5;
    private static final int LAST_LINES = 5;
    private static final String MAIN_CLASS = "io.holdfast.cli.Holdfast";

    private final Process process;
    private final Path log;
    private final Path socket;
    private volatile boolean stopping;

    private BenchProxy(Process process, Path log, Path socket) {
        this.process = process;
        this.log = log;
        this.socket = socket;
    }

    /**
     * Ready when this returns.
     *
     * @param directory of this proxy alone; it is left behind
     */
    static BenchProxy start(Way way, BenchLab lab, Path directory) throws IOException, MeasurementFailedException {
        Path config = directory.resolve("config.yaml");
        Path log = directory.resolve("proxy.log");
        Path socket = directory.resolve("run/proxy.sock");
        Files.writeString(config, configuration(way, directory));
        List<String> command = new ArrayList<>(List.of("ip", "netns", "exec", lab.host()));
        command.addAll(javaCommand());
        command.addAll(List.of("--config", config.toString(), "proxy"));
        Process process = new ProcessBuilder(command)
                .redirectErrorStream(true)
                .redirectOutput(log.toFile())
                .start();
        BenchProxy proxy = new BenchProxy(process, log, socket);
        try {
            proxy.awaitStart();
            proxy.drive(way.epochMillis());
            return proxy;
        } catch (MeasurementFailedException e) {
            proxy.close();
            throw e;
        }
    }

    private static String configuration(Way way, Path directory) {
        List<String> lines = new ArrayList<>(List.of(
                "guest: bench",
                "host: bench",
                "runtime-directory: " + directory.resolve("run"),
                "state-directory: " + directory.resolve("state"),
                "proxy:"));
        String ports = way.isInline()
                ? "primary: %s, backup: %s".formatted(BenchLab.GUEST_PORT, BenchLab.OTHER_GUEST_PORT)
                : "guest-port: " + BenchLab.GUEST_PORT;
        lines.add("  nics: [{%s, uplink: %s}]".formatted(ports, BenchLab.UPLINK));
        way.settings().lines().forEach(setting -> lines.add("  " + setting));
        return String.join("\n", lines) + "\n";
    }

    /** This program again, with the same options. Kept class data is another command's. */
    private static List<String> javaCommand() {
        List<String> command = new ArrayList<>();
        command.add(Path.of(System.getProperty("java.home"), "bin", "java").toString());
        ManagementFactory.getRuntimeMXBean().getInputArguments().stream()
                .filter(option -> !option.startsWith("-XX:AOT"))
                .forEach(command::add);
        command.addAll(List.of("-cp", System.getProperty("java.class.path"), MAIN_CLASS));
        return command;
    }

    private void awaitStart() throws MeasurementFailedException {
        long deadlineNanos = System.nanoTime() + START_LIMIT_NANOS;
        while (!Files.exists(socket)) {
            if (!process.isAlive() || System.nanoTime() - deadlineNanos > 0) {
                throw new MeasurementFailedException("the proxy does not start: " + lastWords());
            }
            LockSupport.parkNanos(POLL_NANOS);
        }
    }

    private String lastWords() {
        try {
            List<String> lines = Files.readAllLines(log);
            return lines.isEmpty()
                    ? "it says nothing"
                    : String.join("\n", lines.subList(Math.max(0, lines.size() - LAST_LINES), lines.size()));
        } catch (IOException e) {
            return "it left no log";
        }
    }

    private void drive(int epochMillis) throws MeasurementFailedException {
        try {
            EngineSession wall = EngineSession.own(socket);
            if (epochMillis == 0) {
                wall.open();
            } else {
                Thread.ofPlatform().daemon().start(() -> commitInTurns(wall, epochMillis));
            }
        } catch (IOException | CommandException e) {
            throw new MeasurementFailedException("the proxy does not let its wall be driven: " + e.getMessage(), e);
        }
    }

    private void commitInTurns(EngineSession wall, int epochMillis) {
        try (wall) {
            long closed = wall.barrier();
            for (long nextNanos = System.nanoTime(); !stopping; nextNanos += epochMillis * 1_000_000L) {
                LockSupport.parkNanos(nextNanos - System.nanoTime());
                wall.commit(closed);
                closed = wall.barrier();
            }
        } catch (IOException | CommandException e) {
            // The proxy is gone, or the wall stays shut: then a request finds no answer, and that is told.
        }
    }

    @Override
    public void close() {
        stopping = true;
        process.destroy();
        try {
            if (!process.waitFor(END_SECONDS, TimeUnit.SECONDS)) {
                process.destroyForcibly().waitFor();
            }
        } catch (InterruptedException e) {
            process.destroyForcibly();
            Thread.currentThread().interrupt();
        }
    }
}
