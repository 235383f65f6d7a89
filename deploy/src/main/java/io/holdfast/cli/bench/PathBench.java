package io.holdfast.cli.bench;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.function.Consumer;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/**
 * Measures on this machine what a request costs on different ways. It needs root, makes all that it uses and removes it again,
 * also when the process is told to end meanwhile.
 *
 * <p><b>Threads.</b> One.
 */
public final class PathBench {

    private final int connections;
    private final int seconds;
    private final Consumer<String> progress;

    // Also of the thread that ends the process.
    private volatile @Nullable BenchLab lab;
    private volatile @Nullable BenchProxy proxy;

    /**
     * A way's figures.
     *
     * @param perSecond requests that are answered, {@link RequestMeter#TOGETHER} at a time
     * @param medianMicros that a request takes, one after the other
     * @param percentile99Micros that 99 of 100 requests do not exceed
     */
    public record Figures(Way way, double perSecond, double medianMicros, double percentile99Micros) {}

    /**
     * @param connections that are open, 1 to {@link EchoedConnections#MAX_CONNECTIONS}
     * @param seconds for each figure
     * @param progress is told what is being done
     */
    public PathBench(int connections, int seconds, Consumer<String> progress) {
        this.connections = connections;
        this.seconds = seconds;
        this.progress = progress;
    }

    /** In the order of the ways. */
    public List<Figures> measure(List<Way> ways) throws IOException, InterruptedException, MeasurementFailedException {
        Path directory = Files.createTempDirectory("holdfast-bench");
        Thread cleaner = new Thread(() -> removeAll(directory), "removes the lab");
        Runtime.getRuntime().addShutdownHook(cleaner);
        try {
            BenchLab made = BenchLab.create();
            lab = made;
            List<Figures> figures = new ArrayList<>();
            for (Way way : ways) {
                progress.accept("measuring %s (%d of %d)".formatted(way.label(), figures.size() + 1, ways.size()));
                figures.add(measure(way, made, Files.createDirectory(directory.resolve(way.label()))));
            }
            return figures;
        } finally {
            removeAll(directory);
            Runtime.getRuntime().removeShutdownHook(cleaner);
        }
    }

    private Figures measure(Way way, BenchLab made, Path directory)
            throws IOException, InterruptedException, MeasurementFailedException {
        if (!way.hasProxy()) {
            made.bridge();
            Figures figures = measureOpened(way, made);
            made.removeBridge();
            return figures;
        }
        try (BenchProxy started = BenchProxy.start(way, made, directory)) {
            proxy = started;
            return measureOpened(way, made);
        }
    }

    private Figures measureOpened(Way way, BenchLab made) throws InterruptedException, MeasurementFailedException {
        try (RequestMeter meter = new RequestMeter(made.client(), made.guest(), seconds)) {
            meter.open(connections);
            meter.ask(RequestMeter.TOGETHER); // Compiles what is used.
            RequestMeter.Requests alone = meter.ask(1);
            RequestMeter.Requests together = meter.ask(RequestMeter.TOGETHER);
            return new Figures(way, together.perSecond(), alone.percentileMicros(50), alone.percentileMicros(99));
        } catch (MeasurementFailedException e) {
            throw new MeasurementFailedException(way.label() + ": " + e.getMessage(), e);
        }
    }

    private synchronized void removeAll(Path directory) {
        if (proxy != null) {
            proxy.close();
        }
        if (lab != null) {
            lab.close();
        }
        try (Stream<Path> files = Files.walk(directory)) {
            for (Path file : files.sorted(Comparator.reverseOrder()).toList()) {
                Files.deleteIfExists(file);
            }
        } catch (IOException | UncheckedIOException e) {
            // What is left lies in the directory for temporary files.
        }
    }
}
