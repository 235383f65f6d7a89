package io.holdfast.demo.bench;

import io.holdfast.cli.bench.RequestMeter;
import java.time.Duration;
import java.util.Locale;
import java.util.concurrent.Callable;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;

/**
 * Measures requests by how many connections are open, through a way that somebody else has made.
 *
 * <p>Prints a line of JSON for each number of connections and figure: the median duration of requests that come one after the
 * other; and of {@link RequestMeter#TOGETHER} at a time how many were answered in a second, and how long each kept the
 * processors busy in the process that is the way.
 */
@Command(
        name = "connections-bench",
        mixinStandardHelpOptions = true,
        description = "Measures requests on many connections.")
final class ConnectionsBench implements Callable<Integer> {

    @Option(names = "--guest-namespace", required = true, description = "where the guest's end of the cable is eth0")
    private String guestNamespace = "";

    @Option(names = "--client-namespace", required = true, description = "where the client's end of the cable is eth0")
    private String clientNamespace = "";

    @Option(names = "--connections", required = true, split = ",", description = "so many, in ascending order")
    private int[] numbers = {};

    @Option(names = "--seconds", defaultValue = "2", description = "for each figure (${DEFAULT-VALUE})")
    private int seconds;

    @Option(names = "--process", description = "whose processor time is measured")
    private long process;

    public static void main(String[] arguments) {
        System.exit(new CommandLine(new ConnectionsBench()).execute(arguments));
    }

    @Override
    public Integer call() throws Exception {
        try (RequestMeter meter = new RequestMeter(clientNamespace, guestNamespace, seconds)) {
            for (int number : numbers) {
                meter.open(number);
                meter.ask(RequestMeter.TOGETHER); // Compiles what is used, and lets the caches forget the opening.
                print(number, "request_p50_us", meter.ask(1).percentileMicros(50));
                measureTogether(meter, number);
            }
        }
        return 0;
    }

    private void measureTogether(RequestMeter meter, int number) throws Exception {
        long busyBefore = process == 0 ? 0 : busyNanos();
        RequestMeter.Requests together = meter.ask(RequestMeter.TOGETHER);
        print(number, "requests_per_second", together.perSecond());
        if (process != 0) {
            print(number, "processor_us_per_request", (busyNanos() - busyBefore) / 1e3 / together.count());
        }
    }

    private long busyNanos() {
        return ProcessHandle.of(process)
                .flatMap(running -> running.info().totalCpuDuration())
                .map(Duration::toNanos)
                .orElseThrow(() -> new IllegalStateException("there is no process " + process));
    }

    private static void print(int open, String figure, double value) {
        System.out.printf(Locale.ROOT, "{\"open\":%d,\"metric\":\"%s\",\"value\":%.2f}%n", open, figure, value);
    }
}
