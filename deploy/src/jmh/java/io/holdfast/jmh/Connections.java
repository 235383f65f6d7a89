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
    private final MemorySegment frame;
    private final int[] asked;
    private final int[] answered;
    private long openEpoch = 1;
    private int clock;

    Connections(int connections) {
        this.reconciler = new Reconciler(
                new Reconciler.Settings(
                        LOG_BYTES, DIGEST_BYTES, connections, port -> false, Admission.FREE, PREFIX_BYTES, 1),
                new Sink());
        this.frame = arena.allocate(PREFIX_BYTES + SEGMENT_BYTES + PAYLOAD_BYTES, 8);
        this.asked = new int[connections];
        this.answered = new int[connections];
        MemorySegment.copy(Frames.tcp(arena, SEGMENT_BYTES + PAYLOAD_BYTES), 0, frame, PREFIX_BYTES, SEGMENT_BYTES);
        put(TCP + 12, (byte) ((Frames.TCP_BYTES + OPTIONS_BYTES) << 2)); // In words, in the upper half.
        frame.set(NETWORK_INT, PREFIX_BYTES + TCP + Frames.TCP_BYTES, 0x0101_080a); // Timestamps follow.
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

    private void open(int connection) {
        fromClient(connection, SYN, 0);
        asked[connection]++;
        fromGuest(connection, SYN | ACK, 0);
        answered[connection]++;
        fromClient(connection, ACK, 0);
    }

    /** A request, which acknowledges the answer before, and its answer: two frames. */
    void askAndAnswer(int connection) {
        fromClient(connection, ACK, PAYLOAD_BYTES);
        asked[connection] += PAYLOAD_BYTES;
        fromGuest(connection, ACK, PAYLOAD_BYTES);
        answered[connection] += PAYLOAD_BYTES;
    }

    private void fromClient(int connection, int flags, int payloadBytes) {
        address(26, clientAddress(connection), clientPort(connection));
        address(30, GUEST_ADDRESS, GUEST_PORT);
        int length = segment(asked[connection], answered[connection], flags, payloadBytes);
        reconciler.onClientFrame(0, frame, PREFIX_BYTES, length, clock);
    }

    private void fromGuest(int connection, int flags, int payloadBytes) {
        address(26, GUEST_ADDRESS, GUEST_PORT);
        address(30, clientAddress(connection), clientPort(connection));
        int length = segment(answered[connection], asked[connection], flags, payloadBytes);
        reconciler.onGuestFrame(0, frame, PREFIX_BYTES, length, clock);
    }

    /** Source or destination, by where the address is in the frame. */
    private void address(int addressOffset, int address, int port) {
        frame.set(NETWORK_INT, PREFIX_BYTES + addressOffset, address);
        frame.set(NETWORK_SHORT, PREFIX_BYTES + TCP + (addressOffset - 26) / 2, (short) port);
    }

    private int segment(int sequence, int acknowledgment, int flags, int payloadBytes) {
        int lengthBytes = SEGMENT_BYTES + payloadBytes;
        frame.set(NETWORK_SHORT, PREFIX_BYTES + 16, (short) (lengthBytes - Frames.ETHERNET_BYTES));
        frame.set(NETWORK_INT, PREFIX_BYTES + TCP + 4, sequence);
        frame.set(NETWORK_INT, PREFIX_BYTES + TCP + 8, acknowledgment);
        put(TCP + 13, (byte) flags);
        frame.set(NETWORK_SHORT, PREFIX_BYTES + TCP + 14, (short) 0x7fff);
        frame.set(NETWORK_INT, PREFIX_BYTES + TCP + Frames.TCP_BYTES + 4, ++clock);
        return lengthBytes;
    }

    private void put(int offset, byte value) {
        frame.set(ValueLayout.JAVA_BYTE, PREFIX_BYTES + offset, value);
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
