package io.holdfast.jmh;

import io.holdfast.reverse.Admission;
import io.holdfast.reverse.Outlet;
import io.holdfast.reverse.Reconciler;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteOrder;

/**
 * Many clients of one guest, each on a connection of its own, who ask and are answered through a {@link Reconciler} that
 * records.
 */
final class Connections implements AutoCloseable {

    private static final long LOG_BYTES = 64L << 20;
    private static final long DIGEST_BYTES = 64L << 20;
    private static final int PREFIX_BYTES = 10;
    private static final int PAYLOAD_BYTES = 40;
    private static final int OPTIONS_BYTES = 12;
    private static final int TCP = Frames.ETHERNET_BYTES + Frames.IPV4_BYTES;
    private static final int SEGMENT_BYTES = TCP + Frames.TCP_BYTES + OPTIONS_BYTES;
    private static final int FRAME_BYTES = PREFIX_BYTES + SEGMENT_BYTES + PAYLOAD_BYTES + 4; // A multiple of eight.
    private static final int SYN = 0x02;
    private static final int ACK = 0x10;
    private static final int GUEST_ADDRESS = 0x0a07_000a;
    private static final int GUEST_PORT = 6379;
    private static final int FIRST_CLIENT_ADDRESS = 0x0a08_0000;
    private static final int FIRST_CLIENT_PORT = 10_000;
    private static final int PORTS_OF_CLIENT = 50_000;

    private static final ValueLayout.OfShort NETWORK_SHORT =
            ValueLayout.JAVA_SHORT_UNALIGNED.withOrder(ByteOrder.BIG_ENDIAN);
    private static final ValueLayout.OfInt NETWORK_INT = ValueLayout.JAVA_INT_UNALIGNED.withOrder(ByteOrder.BIG_ENDIAN);

    private final Arena arena = Arena.ofConfined();
    private final Reconciler reconciler;
    /** As many frames as come together. */
    private final MemorySegment frames;

    private final int[] asked;
    private final int[] answered;
    private long openEpoch = 1;
    private int clock;

    Connections(int connections) {
        this.reconciler = new Reconciler(
                new Reconciler.Settings(
                        LOG_BYTES, DIGEST_BYTES, connections, port -> false, Admission.FREE, PREFIX_BYTES, 1),
                new Sink());
        this.frames = arena.allocate((long) Reconciler.EXPECTED_FRAMES * FRAME_BYTES, 8);
        this.asked = new int[connections];
        this.answered = new int[connections];
        for (int place = 0; place < Reconciler.EXPECTED_FRAMES; place++) {
            prepareFrame(place);
        }
        barrier();
        for (int connection = 0; connection < connections; connection++) {
            open(connection);
        }
    }

    Reconciler reconciler() {
        return reconciler;
    }

    void barrier() {
        reconciler.onBarrier(openEpoch++, clock);
    }

    /** The checkpoint of an epoch is confirmed: 1 that of the newest barrier, 2 that of the one before. */
    void commit(int barriersAgo) {
        reconciler.onCommit(openEpoch - barriersAgo);
    }

    /** Ends the measurement, and with an error if not everything was recorded and went through. */
    @Override
    public void close() {
        long lost = reconciler.counters().heldFrames.value()
                + reconciler.counters().refusedFrames.value();
        int open = reconciler.flowCount();
        reconciler.close();
        arena.close();
        if (lost != 0 || open != asked.length) {
            throw new IllegalStateException(lost + " frames were held or refused, " + open + " connections are open");
        }
    }

    private void prepareFrame(int place) {
        long origin = origin(place);
        MemorySegment.copy(Frames.tcp(arena, SEGMENT_BYTES + PAYLOAD_BYTES), 0, frames, origin, SEGMENT_BYTES);
        int headerBytes = Frames.TCP_BYTES + OPTIONS_BYTES;
        frames.set(ValueLayout.JAVA_BYTE, origin + TCP + 12, (byte) (headerBytes << 2)); // In words, in the upper half.
        frames.set(NETWORK_INT, origin + TCP + Frames.TCP_BYTES, 0x0101_080a); // Timestamps follow.
    }

    private void open(int connection) {
        give(writeFromClient(0, connection, SYN, 0), true, 0);
        asked[connection]++;
        give(writeFromGuest(0, connection, SYN | ACK, 0), false, 0);
        answered[connection]++;
        give(writeFromClient(0, connection, ACK, 0), true, 0);
    }

    /** A request, which acknowledges the answer before, and its answer: two frames. */
    void askAndAnswer(int connection) {
        give(writeRequest(0, connection), true, 0);
        give(writeAnswer(0, connection), false, 0);
    }

    /** Requests that come together, each on another connection, and then their answers, which do as well. */
    void askAndAnswer(int[] connections) {
        boolean looksAhead = reconciler.looksAhead();
        for (int place = 0; place < connections.length; place++) {
            int lengthBytes = writeRequest(place, connections[place]);
            if (looksAhead) {
                reconciler.expectClientFrame(0, frames, origin(place), lengthBytes);
            }
        }
        giveAll(connections.length, true, looksAhead);
        for (int place = 0; place < connections.length; place++) {
            int lengthBytes = writeAnswer(place, connections[place]);
            if (looksAhead) {
                reconciler.expectGuestFrame(0, frames, origin(place), lengthBytes);
            }
        }
        giveAll(connections.length, false, looksAhead);
    }

    private void giveAll(int count, boolean client, boolean looksAhead) {
        if (looksAhead) {
            reconciler.lookAhead();
        }
        for (int place = 0; place < count; place++) {
            give(SEGMENT_BYTES + PAYLOAD_BYTES, client, place);
        }
    }

    private int writeRequest(int place, int connection) {
        int lengthBytes = writeFromClient(place, connection, ACK, PAYLOAD_BYTES);
        asked[connection] += PAYLOAD_BYTES;
        return lengthBytes;
    }

    private int writeAnswer(int place, int connection) {
        int lengthBytes = writeFromGuest(place, connection, ACK, PAYLOAD_BYTES);
        answered[connection] += PAYLOAD_BYTES;
        return lengthBytes;
    }

    private void give(int lengthBytes, boolean client, int place) {
        if (client) {
            reconciler.onClientFrame(0, frames, origin(place), lengthBytes, clock);
        } else {
            reconciler.onGuestFrame(0, frames, origin(place), lengthBytes, clock);
        }
    }

    private int writeFromClient(int place, int connection, int flags, int payloadBytes) {
        address(place, 26, clientAddress(connection), clientPort(connection));
        address(place, 30, GUEST_ADDRESS, GUEST_PORT);
        return segment(place, asked[connection], answered[connection], flags, payloadBytes);
    }

    private int writeFromGuest(int place, int connection, int flags, int payloadBytes) {
        address(place, 26, GUEST_ADDRESS, GUEST_PORT);
        address(place, 30, clientAddress(connection), clientPort(connection));
        return segment(place, answered[connection], asked[connection], flags, payloadBytes);
    }

    /** Source or destination, by where the address is in the frame. */
    private void address(int place, int addressOffset, int address, int port) {
        frames.set(NETWORK_INT, origin(place) + addressOffset, address);
        frames.set(NETWORK_SHORT, origin(place) + TCP + (addressOffset - 26) / 2, (short) port);
    }

    private int segment(int place, int sequence, int acknowledgment, int flags, int payloadBytes) {
        long origin = origin(place);
        int lengthBytes = SEGMENT_BYTES + payloadBytes;
        frames.set(NETWORK_SHORT, origin + 16, (short) (lengthBytes - Frames.ETHERNET_BYTES));
        frames.set(NETWORK_INT, origin + TCP + 4, sequence);
        frames.set(NETWORK_INT, origin + TCP + 8, acknowledgment);
        frames.set(ValueLayout.JAVA_BYTE, origin + TCP + 13, (byte) flags);
        frames.set(NETWORK_SHORT, origin + TCP + 14, (short) 0x7fff);
        frames.set(NETWORK_INT, origin + TCP + Frames.TCP_BYTES + 4, ++clock);
        return lengthBytes;
    }

    private static long origin(int place) {
        return (long) place * FRAME_BYTES + PREFIX_BYTES;
    }

    private static int clientAddress(int connection) {
        return FIRST_CLIENT_ADDRESS + connection / PORTS_OF_CLIENT;
    }

    private static int clientPort(int connection) {
        return FIRST_CLIENT_PORT + connection % PORTS_OF_CLIENT;
    }

    private static final class Sink implements Outlet {

        @Override
        public boolean toGuest(int nic, MemorySegment memory, long offsetBytes, int lengthBytes) {
            return true;
        }

        @Override
        public void toClient(int nic, MemorySegment memory, long offsetBytes, int lengthBytes) {}

        @Override
        public void hold(int nic, MemorySegment memory, long offsetBytes, int lengthBytes) {}
    }
}
