package io.holdfast.reverse.model;

import java.util.Arrays;
import java.util.Comparator;
import java.util.PriorityQueue;
import java.util.function.UnaryOperator;
import java.util.random.RandomGenerator;
import org.jspecify.annotations.Nullable;

/** Two endpoints that send each other data over a network of given faults, until both have closed. */
final class Exchange {

    private static final long NANOS_PER_MILLI = 1_000_000;
    private static final long LIMIT_NANOS = 600_000 * NANOS_PER_MILLI;
    private static final long PAUSE_NANOS = 3 * NANOS_PER_MILLI;

    private final RandomGenerator random;
    private final Faults faults;
    private final PriorityQueue<Arrival> arrivals =
            new PriorityQueue<>(Comparator.comparingLong(Arrival::atNanos).thenComparingLong(Arrival::number));
    private final End client;
    private final End server;
    private UnaryOperator<Segment> clientWire = UnaryOperator.identity();
    private UnaryOperator<Segment> serverWire = UnaryOperator.identity();
    private @Nullable Verdicts bystandersVerdicts;
    private @Nullable ConnectionJudge bystander;
    private long nowNanos;
    private long sent;
    private long nextPumpNanos;
    private boolean copying;
    private boolean tracing;
    private long traceHash;

    /** What the network does to segments, in percent; and by how much a segment may be late. */
    record Faults(int lossPercent, int duplicatePercent, long jitterNanos) {

        static final Faults NONE = new Faults(0, 0, 0);
    }

    private record Arrival(long atNanos, long number, boolean toServer, Segment segment) {}

    /** One endpoint with its application. */
    static final class End {

        private final TcpConfig config;
        private final byte[] toSend;
        private final byte[] expected;
        private @Nullable ModelTcp tcp;
        private int written;
        private int read;
        private boolean different;

        End(TcpConfig config, byte[] toSend, byte[] expected) {
            this.config = config;
            this.toSend = toSend;
            this.expected = expected;
        }

        /** Whether it has got exactly what the other end has sent. */
        boolean isComplete() {
            return read == expected.length && !different;
        }

        ModelTcp tcp() {
            if (tcp == null) {
                throw new IllegalStateException("no SYN has arrived");
            }
            return tcp;
        }
    }

    Exchange(
            RandomGenerator random,
            Faults faults,
            TcpConfig clientConfig,
            byte[] fromClient,
            TcpConfig serverConfig,
            byte[] fromServer) {
        this.random = random;
        this.faults = faults;
        client = new End(clientConfig, fromClient, fromServer);
        server = new End(serverConfig, fromServer, fromClient);
        client.tcp = ModelTcp.connect(clientConfig, random);
    }

    /** Passes every segment through what may change its form. */
    Exchange through(UnaryOperator<Segment> clientWire, UnaryOperator<Segment> serverWire) {
        this.clientWire = clientWire;
        this.serverWire = serverWire;
        return this;
    }

    /** Replaces both ends by their snapshots at every step; their random choices stay the same. */
    Exchange inManyLives() {
        copying = true;
        return this;
    }

    /** Has the client's connection judged by a bystander at the client's side of the network. */
    Exchange watchedBy(Verdicts verdicts) {
        bystandersVerdicts = verdicts;
        return this;
    }

    /** Remembers what was sent, in {@link #traceHash}. */
    Exchange traced() {
        tracing = true;
        return this;
    }

    /** Differs where another segment was sent. */
    long traceHash() {
        return traceHash;
    }

    End client() {
        return client;
    }

    End server() {
        return server;
    }

    long segmentCount() {
        return sent;
    }

    /** Runs until both ends are closed; false if that does not come about in ten minutes of the model's time. */
    boolean run() {
        while (nowNanos < LIMIT_NANOS) {
            copyIfAsked(client);
            copyIfAsked(server);
            boolean clientBusy = pump(client);
            boolean busy = pump(server) || clientBusy;
            send(client, true);
            send(server, false);
            if (client.tcp().isClosed() && server.tcp != null && server.tcp.isClosed()) {
                return true;
            }
            if (busy) {
                nextPumpNanos = Math.min(nextPumpNanos, nowNanos + PAUSE_NANOS);
            }
            advance();
        }
        return false;
    }

    private void copyIfAsked(End end) {
        if (copying && end.tcp != null) {
            end.tcp = end.tcp.copy(random);
        }
    }

    private void advance() {
        long next = Math.min(nextPumpNanos, Math.min(timerOf(client), timerOf(server)));
        Arrival arrival = arrivals.peek();
        if (arrival != null && arrival.atNanos <= next) {
            arrivals.remove();
            nowNanos = arrival.atNanos;
            deliver(arrival);
            return;
        }
        nowNanos = Math.max(nowNanos, next);
        if (nowNanos >= nextPumpNanos) {
            nextPumpNanos = Long.MAX_VALUE;
        }
        for (End end : new End[] {client, server}) {
            if (end.tcp != null && nowNanos >= end.tcp.nextTimerNanos()) {
                end.tcp.onTime(nowNanos);
            }
        }
    }

    private void deliver(Arrival arrival) {
        if (!arrival.toServer) {
            if (bystander != null) {
                bystander.onGuestSegment(arrival.segment, nowNanos);
            }
            client.tcp().onSegment(arrival.segment, nowNanos);
        } else if (server.tcp == null) {
            server.tcp = ModelTcp.accept(server.config, random, arrival.segment);
        } else {
            server.tcp.onSegment(arrival.segment, nowNanos);
        }
    }

    private static long timerOf(End end) {
        return end.tcp == null ? Long.MAX_VALUE : end.tcp.nextTimerNanos();
    }

    /** Reads and writes a little of what is there; whether it has more to do. */
    private boolean pump(End end) {
        ModelTcp tcp = end.tcp;
        if (tcp == null) {
            return false;
        }
        end.written += tcp.write(end.toSend, end.written, random.nextInt(end.toSend.length - end.written + 1));
        if (end.written == end.toSend.length) {
            tcp.close();
        }
        byte[] bytes = tcp.read(random.nextInt(8_000));
        int until = Math.min(end.read + bytes.length, end.expected.length);
        end.different |= !Arrays.equals(bytes, 0, bytes.length, end.expected, end.read, until);
        end.read = until;
        return tcp.readableBytes() > 0 || (tcp.writableBytes() > 0 && end.written < end.toSend.length);
    }

    private void send(End end, boolean toServer) {
        UnaryOperator<Segment> wire = toServer ? clientWire : serverWire;
        for (Segment out = poll(end.tcp); out != null; out = poll(end.tcp)) {
            Segment segment = wire.apply(out);
            if (toServer) {
                showToBystander(segment);
            }
            if (tracing) {
                traceHash = Hash.mix(traceHash, Hash.of(segment + " at " + nowNanos));
            }
            int copies = 1 + (chance(faults.duplicatePercent) ? 1 : 0);
            for (int i = 0; i < copies; i++) {
                if (!chance(faults.lossPercent)) {
                    long jitter = faults.jitterNanos == 0 ? 0 : random.nextLong(faults.jitterNanos);
                    long at = nowNanos + NANOS_PER_MILLI / 2 + jitter;
                    arrivals.add(new Arrival(at, sent, toServer, segment));
                }
                sent++;
            }
        }
    }

    private void showToBystander(Segment segment) {
        if (bystander == null && bystandersVerdicts != null) {
            bystander = new ConnectionJudge(segment, bystandersVerdicts);
        }
        if (bystander != null) {
            bystander.onClientSegment(segment);
        }
    }

    private @Nullable Segment poll(@Nullable ModelTcp tcp) {
        return tcp == null ? null : tcp.pollOutput(nowNanos);
    }

    private boolean chance(int percent) {
        return random.nextInt(100) < percent;
    }
}
