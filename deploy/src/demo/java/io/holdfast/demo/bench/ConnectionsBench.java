package io.holdfast.demo.bench;

import io.holdfast.port.FramePort;
import io.holdfast.port.FrameSink;
import io.holdfast.port.PacketSocketPort;
import io.holdfast.port.PortException;
import java.util.Arrays;
import java.util.Locale;
import java.util.Random;
import java.util.concurrent.Callable;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;

/**
 * Measures what a request and its answer cost while so many connections are open. Who asks is drawn at random, so that what
 * the way knows of a connection is rarely still in the processor's cache.
 *
 * <p>Prints a line of JSON for each number of connections and figure: the median duration of requests that come one after the
 * other; and of {@link #TOGETHER} at a time how many were answered in a second, and how long each kept the processors busy in the process that is the way.
 */
@Command(
        name = "connections-bench",
        mixinStandardHelpOptions = true,
        description = "Measures requests on many connections.")
final class ConnectionsBench implements Callable<Integer> {

    private static final int TOGETHER = 32;
    private static final long GRACE_SECONDS = 60;
    private static final long SEED = 1;

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

    private volatile Phase phase = clients -> false;
    private volatile CountDownLatch over = new CountDownLatch(0);

    /** A part of the measurement, run by the thread that captures the answers. */
    private interface Phase {

        /** Asks for more, now that all is answered; false if that was all. */
        boolean askNext(EchoedConnections.Clients clients);
    }

    public static void main(String[] arguments) {
        System.exit(new CommandLine(new ConnectionsBench()).execute(arguments));
    }

    @Override
    public Integer call() throws Exception {
        try (FramePort guest = NetworkNamespace.open(guestNamespace, () -> PacketSocketPort.open("eth0"));
                FramePort client = NetworkNamespace.open(clientNamespace, () -> PacketSocketPort.open("eth0"))) {
            capture(guest, new EchoedConnections.Service(guest));
            capture(client, new EchoedConnections.Clients(client, this::goOn));

            int open = 0;
            for (int number : numbers) {
                run(new Opening(open, number));
                open = number;
                run(new Requests(open, TOGETHER)); // Compiles what is used, and lets the caches forget the opening.
                var alone = run(new Requests(open, 1));
                print(open, "request_p50_us", alone.medianRoundNanos() / 1e3);
                var together = run(new Requests(open, TOGETHER));
                print(open, "requests_per_second", together.perSecond());
                if (process != 0) {
                    print(open, "processor_us_per_request", together.busyMicrosEach());
                }
            }
        }
        return 0;
    }

    private static void capture(FramePort port, FrameSink sink) {
        Thread.ofPlatform().daemon().start(() -> {
            try {
                port.capture(sink);
            } catch (PortException e) {
                throw new IllegalStateException(e);
            }
        });
    }

    private void goOn(EchoedConnections.Clients clients) {
        if (over.getCount() > 0 && !phase.askNext(clients)) {
            over.countDown();
        }
    }

    private <T extends Phase> T run(T next) throws InterruptedException {
        phase = next;
        over = new CountDownLatch(1);
        if (!over.await(seconds + GRACE_SECONDS, TimeUnit.SECONDS)) {
            throw new IllegalStateException("a request or its answer was lost: nothing was measured");
        }
        return next;
    }

    /** Opens what is missing, so many that the queue of an interface has room for them. */
    private static final class Opening implements Phase {

        private final int number;
        private int open;

        Opening(int open, int number) {
            this.open = open;
            this.number = number;
        }

        @Override
        public boolean askNext(EchoedConnections.Clients clients) {
            int end = Math.min(number, open + TOGETHER);
            if (open == end) {
                return false;
            }
            while (open < end) {
                clients.open(open++);
            }
            return true;
        }
    }

    /** Rounds of requests, each on any of the connections. */
    private final class Requests implements Phase {

        private static final int MAX_ROUNDS = 1 << 20;

        private final int open;
        private final int together;
        private final Random random = new Random(SEED);
        private final long[] roundNanos = new long[MAX_ROUNDS];
        private int rounds;
        private long beganNanos;
        private long askedNanos;
        private long usedNanos;

        Requests(int open, int together) {
            this.open = open;
            this.together = together;
        }

        @Override
        public boolean askNext(EchoedConnections.Clients clients) {
            long nowNanos = System.nanoTime();
            if (beganNanos == 0) {
                beganNanos = nowNanos;
                usedNanos = -busyNanos();
            } else {
                roundNanos[rounds++] = nowNanos - askedNanos;
            }
            askedNanos = nowNanos;
            if (nowNanos - beganNanos > seconds * 1_000_000_000L || rounds == MAX_ROUNDS) {
                usedNanos += busyNanos();
                return false;
            }
            for (int i = 0; i < together; i++) {
                clients.ask(random.nextInt(open));
            }
            return true;
        }

        long medianRoundNanos() {
            return Arrays.stream(roundNanos, 0, rounds)
                    .sorted()
                    .skip(rounds / 2)
                    .findFirst()
                    .orElseThrow();
        }

        double perSecond() {
            return (double) rounds * together / ((askedNanos - beganNanos) / 1e9);
        }

        double busyMicrosEach() {
            return usedNanos / 1e3 / rounds / together;
        }
    }

    /** That the way's process has worked so far; 0 if there is none. */
    private long busyNanos() {
        return process == 0
                ? 0
                : ProcessHandle.of(process)
                        .flatMap(running -> running.info().totalCpuDuration())
                        .orElseThrow(() -> new IllegalStateException("there is no process " + process))
                        .toNanos();
    }

    private static void print(int open, String figure, double value) {
        System.out.printf(Locale.ROOT, "{\"open\":%d,\"metric\":\"%s\",\"value\":%.2f}%n", open, figure, value);
    }
}
