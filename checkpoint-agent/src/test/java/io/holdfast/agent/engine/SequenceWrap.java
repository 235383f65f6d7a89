package io.holdfast.agent.engine;

import io.holdfast.reverse.model.ConnectionJudge;
import io.holdfast.reverse.model.TraceJudge;
import java.time.Clock;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;

/**
 * Opens connections whose guest has almost used up its sequence numbers. A Linux guest begins at a number that it draws for each
 * pair of ports, plus a clock that counts in units of 64 ns (RFC 6528, section 3), so that a client's port, once tried, tells
 * when the next connection from it will begin near the end.
 */
final class SequenceWrap {

    private static final int FIRST_PORT = 20_000;
    private static final int PORTS = 256;
    private static final int TRIES = 8;
    private static final long NUMBERS = 1L << 32;
    private static final long NANOS_PER_NUMBER = 64;
    private static final long NANOS_PER_MILLI = 1_000_000L;
    private static final int FARTHEST_BYTES = 1 << 20;
    private static final int AIM_BYTES = FARTHEST_BYTES / 2;

    private final Trace trace;
    private final List<Turn> turns = new ArrayList<>();
    /** What the guest's clock has lost since, for example in a checkpoint. */
    private long lostNanos;

    /** When the numbers of connections from a port begin anew. */
    private record Turn(int port, long atNanos) {}

    /** Tries a bounded number of ports; those that are near by chance are not kept, the next turn is as good. */
    SequenceWrap(Trace trace) throws Exception {
        this.trace = trace;
        for (int port = FIRST_PORT; port < FIRST_PORT + PORTS; port++) {
            LineClient.connectFrom(port).abort();
        }
        TraceJudge tried = trace.read();
        for (int port = FIRST_PORT; port < FIRST_PORT + PORTS; port++) {
            ConnectionJudge connection = tried.from(port).orElseThrow();
            long left = NUMBERS - Integer.toUnsignedLong(connection.guestFirst());
            turns.add(new Turn(port, connection.openedNanos() + left * NANOS_PER_NUMBER));
        }
        turns.sort(Comparator.comparingLong(Turn::atNanos));
    }

    /** A connection on which the guest has less than 1 MiB of numbers left, and more than none. */
    LineClient connect() throws Exception {
        for (int i = 0; i < TRIES; i++) {
            int port = awaitTurn();
            LineClient client = LineClient.connectFrom(port);
            int left = -trace.read().from(port).orElseThrow().guestFirst();
            if (left > 0 && left < FARTHEST_BYTES) {
                return client;
            }
            client.abort();
            lostNanos += (left - AIM_BYTES) * NANOS_PER_NUMBER;
        }
        throw new IllegalStateException("the guest's numbers do not go on as its clock does");
    }

    /** Waits until the next port is as near to its turn as it is to be. */
    private int awaitTurn() throws InterruptedException {
        long aheadNanos = nowNanos() - lostNanos + AIM_BYTES * NANOS_PER_NUMBER;
        Turn next = turns.stream()
                .filter(turn -> turn.atNanos > aheadNanos)
                .findFirst()
                .orElseThrow();
        Thread.sleep((next.atNanos - aheadNanos) / NANOS_PER_MILLI);
        return next.port;
    }

    /** In the trace's time. */
    private static long nowNanos() {
        return Clock.systemUTC().millis() * NANOS_PER_MILLI;
    }
}
