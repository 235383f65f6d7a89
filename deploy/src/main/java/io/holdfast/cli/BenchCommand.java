package io.holdfast.cli;

import com.fasterxml.jackson.databind.node.ObjectNode;
import io.holdfast.cli.bench.EchoedConnections;
import io.holdfast.cli.bench.PathBench;
import io.holdfast.cli.bench.Way;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParentCommand;

/** What the way through the proxy costs on this machine. */
@Command(
        name = "bench",
        mixinStandardHelpOptions = true,
        description = {
            "Measures what a request costs through the proxy on this machine, against the kernel's own bridge.",
            "Everything runs in network namespaces that are made for it and removed afterwards; guests, ports and running"
                    + " proxies are not touched, but share the processors. Needs root, and no configuration.",
            "Trust the ratios: the ends of the connections run on the same processors."
        })
final class BenchCommand implements Callable<Integer> {

    private static final int MAX_SECONDS = 60;

    @ParentCommand
    private Holdfast holdfast;

    @Option(
            names = "--ways",
            split = ",",
            paramLabel = "WAY",
            description =
                    "Only these, with commas between them, of kernel-bridge, packet-socket, pcap, wall-10ms and reverse.")
    private List<String> labels = List.of();

    @Option(
            names = "--connections",
            paramLabel = "NUMBER",
            defaultValue = "1000",
            description = "How many are open; default: ${DEFAULT-VALUE}.")
    private int connections;

    @Option(
            names = "--seconds",
            paramLabel = "NUMBER",
            defaultValue = "2",
            description = "How long each figure is measured; default: ${DEFAULT-VALUE}.")
    private int seconds;

    @Option(names = "--json", description = "Print one JSON object.")
    private boolean json;

    @Override
    public Integer call() throws Exception {
        List<Way> ways = labels.isEmpty()
                ? Arrays.asList(Way.values())
                : labels.stream().map(this::way).distinct().toList();
        requireWithin("--connections", connections, EchoedConnections.MAX_CONNECTIONS);
        requireWithin("--seconds", seconds, MAX_SECONDS);
        List<PathBench.Figures> figures = new PathBench(connections, seconds, this::tell).measure(ways);
        if (json) {
            print(figures);
        } else {
            show(figures);
        }
        return ExitCode.OK;
    }

    private Way way(String label) {
        return Way.labelled(label).orElseThrow(() -> holdfast.usage("--ways knows no " + label));
    }

    private void requireWithin(String option, int value, int most) {
        if (value < 1 || value > most) {
            throw holdfast.usage("%s is a number from 1 to %,d, not %d".formatted(option, most, value));
        }
    }

    private void tell(String doing) {
        holdfast.err().println(doing);
        holdfast.err().flush();
    }

    private void show(List<PathBench.Figures> figures) {
        Optional<PathBench.Figures> bridge =
                figures.stream().filter(one -> one.way() == Way.KERNEL_BRIDGE).findFirst();
        holdfast.out().printf("%-14s %12s %10s %10s %14s%n", "way", "requests/s", "p50 us", "p99 us", "added p50 us");
        for (PathBench.Figures one : figures) {
            holdfast.out()
                    .printf(
                            Locale.ROOT,
                            "%-14s %,12.0f %,10.0f %,10.0f %14s%n",
                            one.way().label(),
                            one.perSecond(),
                            one.medianMicros(),
                            one.percentile99Micros(),
                            bridge.filter(kernel -> one.way() != Way.KERNEL_BRIDGE)
                                    .map(kernel -> added(one, kernel))
                                    .orElse("-"));
        }
    }

    private static String added(PathBench.Figures one, PathBench.Figures kernel) {
        return String.format(Locale.ROOT, "%,.0f", one.medianMicros() - kernel.medianMicros());
    }

    private void print(List<PathBench.Figures> figures) {
        ObjectNode object =
                AskingCommand.arguments().put("connections", connections).put("seconds", seconds);
        ObjectNode ways = object.putObject("ways");
        figures.forEach(one -> ways.putObject(one.way().label())
                .put("requests_per_second", Math.round(one.perSecond()))
                .put("request_p50_us", tenths(one.medianMicros()))
                .put("request_p99_us", tenths(one.percentile99Micros())));
        holdfast.out().println(object);
    }

    private static double tenths(double value) {
        return Math.round(value * 10) / 10.0;
    }
}
