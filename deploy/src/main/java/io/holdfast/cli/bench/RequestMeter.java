package io.holdfast.cli.bench;

import io.holdfast.port.FramePort;
import io.holdfast.port.FrameSink;
import io.holdfast.port.PacketSocketPort;
import io.holdfast.port.PortException;
import java.util.Arrays;
import java.util.Random;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;

/**
 * Measures what a request and its answer cost while so many connections are open. Who asks is drawn at random, so that what
 * the way knows of a connection is rarely still in the processor's cache.
 *
 * <p><b>Threads.</b> One.
 */
public final class RequestMeter implements AutoCloseable {

    /** Fewer than an interface's queue has room for, and enough to be captured and sent together. */
    public static final int TOGETHER = 32;

    private static final String INTERFACE = "eth0";
    private static final long GRACE_SECONDS = 20;
    private static final long SEED = 1;

    private final FramePort guest;
    private final FramePort client;
    private final int seconds;
    private int open;

    private volatile Phase phase = clients -> false;
    private volatile CountDownLatch over = new CountDownLatch(0);

    /** A part of the measurement, run by the thread that captures the answers. */
    interface Phase {

        /** Asks for more, now that all is answered; false if that was all. */
        boolean askNext(EchoedConnections.Clients clients);
    }

    /**
     * On the interfaces that are called eth0 in two network namespaces.
     *
     * @param seconds that each figure takes
     */
    public RequestMeter(String clientNamespace, String guestNamespace, int seconds) throws InterruptedException {
        this.seconds = seconds;
        guest = NetworkNamespace.open(guestNamespace, () -> PacketSocketPort.open(INTERFACE));
        try {
            client = NetworkNamespace.open(clientNamespace, () -> PacketSocketPort.open(INTERFACE));
        } catch (InterruptedException | RuntimeException e) {
            guest.close();
            throw e;
        }
        capture(guest, new EchoedConnections.Service(guest));
        capture(client, new EchoedConnections.Clients(client, this::goOn));
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

    /**
     * Opens connections until there are so many.
     *
     * @param connections at most {@link EchoedConnections#MAX_CONNECTIONS}
     * @throws MeasurementFailedException if something is lost on the way
     */
    public void open(int connections) throws InterruptedException, MeasurementFailedException {
        run(new Opening(open, connections));
        open = connections;
    }

    /** Requests, so many at a time, on those that are open. */
    public Requests ask(int together) throws InterruptedException, MeasurementFailedException {
        return run(new Requests(open, together));
    }

    private void goOn(EchoedConnections.Clients clients) {
        if (over.getCount() > 0 && !phase.askNext(clients)) {
            over.countDown();
        }
    }

    private <T extends Phase> T run(T next) throws InterruptedException, MeasurementFailedException {
        phase = next;
        over = new CountDownLatch(1);
        if (!over.await(seconds + GRACE_SECONDS, TimeUnit.SECONDS)) {
            throw new MeasurementFailedException("a request or its answer was lost, and nobody repeats it");
        }
        return next;
    }

    @Override
    public void close() {
        client.close();
        guest.close();
    }

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
    public final class Requests implements Phase {

        private static final int MAX_ROUNDS = 1 << 20;

        private final int connections;
        private final int together;
        private final Random random = new Random(SEED);
        private final long[] roundNanos = new long[MAX_ROUNDS];
        private int rounds;
        private long beganNanos;
        private long askedNanos;

        private Requests(int connections, int together) {
            this.connections = connections;
            this.together = together;
        }

        @Override
        public boolean askNext(EchoedConnections.Clients clients) {
            long nowNanos = System.nanoTime();
            if (beganNanos == 0) {
                beganNanos = nowNanos;
            } else {
                roundNanos[rounds++] = nowNanos - askedNanos;
            }
            askedNanos = nowNanos;
            if (nowNanos - beganNanos > seconds * 1_000_000_000L || rounds == MAX_ROUNDS) {
                return false;
            }
            for (int i = 0; i < together; i++) {
                clients.ask(random.nextInt(connections));
            }
            return true;
        }

        /** How many were answered. */
        public long count() {
            return (long) rounds * together;
        }

        public double perSecond() {
            return count() / ((askedNanos - beganNanos) / 1e9);
        }

        /**
         * What a round took that so many of a hundred did not exceed, by nearest rank. With one at a time a round is a request.
         *
         * @param percent 1 to 100
         */
        public double percentileMicros(int percent) {
            long[] ascending = Arrays.copyOf(roundNanos, rounds);
            Arrays.sort(ascending);
            return ascending[Math.max(0, (int) Math.ceil(rounds * percent / 100.0) - 1)] / 1e3;
        }
    }
}
