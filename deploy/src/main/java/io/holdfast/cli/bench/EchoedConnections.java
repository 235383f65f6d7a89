package io.holdfast.cli.bench;

import io.holdfast.frame.SegmentWriter;
import io.holdfast.frame.TcpFrame;
import io.holdfast.frame.TcpPath;
import io.holdfast.frame.TcpSegment;
import io.holdfast.port.FrameBurst;
import io.holdfast.port.FramePort;
import io.holdfast.port.FrameSink;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;

/**
 * Connections whose ends are made here, segment by segment: the clients ask, and the service's end answers with as many bytes.
 * No kernel keeps a socket for any of them, so that the way between is nearly all that they cost. Their addresses belong to
 * nobody.
 *
 * <p><b>Threads.</b> One for each end: that which captures on its port.
 */
public final class EchoedConnections {

    /** The most that can be told apart by their ports and addresses. */
    public static final int MAX_CONNECTIONS = 200_000;

    private static final int REQUEST_BYTES = 32;
    private static final int WINDOW = 0x7fff;
    private static final int FRAME_BYTES = 128;

    private static final long CLIENT_MAC = 0x02_00_00_09_00_01L;
    private static final long SERVICE_MAC = 0x02_00_00_09_00_02L;
    private static final long FIRST_CLIENT_ADDRESS = 0xffff_0a09_0001L; // 10.9.0.1, IPv4-mapped
    private static final long SERVICE_ADDRESS = 0xffff_0a09_ff01L; // 10.9.255.1
    private static final int SERVICE_PORT = 7007;
    private static final int FIRST_CLIENT_PORT = 10_000;
    private static final int PORTS_OF_CLIENT = 50_000;

    private EchoedConnections() {}

    private static TcpPath pathOf(int connection) {
        return new TcpPath(
                CLIENT_MAC,
                SERVICE_MAC,
                0,
                0,
                0,
                false,
                0,
                FIRST_CLIENT_ADDRESS + connection / PORTS_OF_CLIENT,
                0,
                SERVICE_ADDRESS,
                FIRST_CLIENT_PORT + connection % PORTS_OF_CLIENT,
                SERVICE_PORT);
    }

    /** -1 if that is none of them. */
    private static int connectionOf(long clientAddress, int clientPort) {
        long client = clientAddress - FIRST_CLIENT_ADDRESS;
        int port = clientPort - FIRST_CLIENT_PORT;
        boolean isOne =
                client >= 0 && client < MAX_CONNECTIONS / PORTS_OF_CLIENT && port >= 0 && port < PORTS_OF_CLIENT;
        return isOne ? (int) client * PORTS_OF_CLIENT + port : -1;
    }

    /** Segments that are sent together. */
    private static final class Segments {

        private final FramePort port;
        private final FrameBurst burst;
        private final MemorySegment memory;
        private long nextOffset;

        Segments(FramePort port) {
            this.port = port;
            this.burst = port.newBurst();
            this.memory = Arena.ofAuto().allocate((long) FrameBurst.CAPACITY_FRAMES * FRAME_BYTES, 8);
        }

        void add(TcpPath path, int sequence, int acknowledgment, int flags, int payloadBytes) {
            if (burst.isFull()) {
                flush();
            }
            long offset = nextOffset + port.prefixBytes();
            int bytes = SegmentWriter.writePayload(
                    memory, offset, path, sequence, acknowledgment, flags, WINDOW, payloadBytes);
            burst.add(memory, offset, bytes);
            nextOffset += FRAME_BYTES;
        }

        void flush() {
            burst.flush();
            nextOffset = 0;
        }
    }

    /** Answers, as a port's sink. */
    static final class Service implements FrameSink {

        private final Segments answers;
        private final TcpFrame frame = new TcpFrame();
        /** Of each connection, the sequence number of what is sent next. */
        private final int[] next = new int[MAX_CONNECTIONS];

        Service(FramePort port) {
            this.answers = new Segments(port);
        }

        @Override
        public void onFrame(MemorySegment memory, long offsetBytes, int lengthBytes, long kernelEpochNanos) {
            if (!frame.wrap(memory, offsetBytes, lengthBytes)) {
                return;
            }
            TcpSegment segment = frame.segment();
            int connection = connectionOf(frame.sourceLow(), segment.sourcePort());
            if (connection < 0) {
                return;
            }
            boolean opens = (segment.flags() & TcpSegment.SYN) != 0;
            int payloadBytes = segment.payloadLength();
            if (opens) {
                next[connection] = 0;
                answer(connection, segment.sequence() + 1, TcpSegment.SYN | TcpSegment.ACK, 0);
                next[connection] = 1;
            } else if (payloadBytes > 0) {
                answer(connection, segment.sequence() + payloadBytes, TcpSegment.ACK, payloadBytes);
                next[connection] += payloadBytes;
            }
        }

        private void answer(int connection, int acknowledgment, int flags, int payloadBytes) {
            answers.add(TcpPath.of(frame).reversed(), next[connection], acknowledgment, flags, payloadBytes);
        }

        @Override
        public void onBatchEnd() {
            answers.flush();
        }
    }

    /** Asks, and is told of the answers as a port's sink. What comes next is up to the {@link Pace}. */
    static final class Clients implements FrameSink {

        private final Segments requests;
        private final TcpFrame frame = new TcpFrame();
        private final Pace pace;
        /** Of each connection, the sequence number of what is asked next, and of what is answered next. */
        private final int[] asked = new int[MAX_CONNECTIONS];

        private final int[] answered = new int[MAX_CONNECTIONS];
        private int missing;

        Clients(FramePort port, Pace pace) {
            this.requests = new Segments(port);
            this.pace = pace;
        }

        /** Called when nothing is asked that is not answered: asks for more, or for nothing any more. */
        interface Pace {
            void onAllAnswered(Clients clients);
        }

        /** Begins a connection; it can be asked on when that is answered. */
        void open(int connection) {
            asked[connection] = 0;
            answered[connection] = 0;
            requests.add(pathOf(connection), 0, 0, TcpSegment.SYN, 0);
            asked[connection] = 1;
            missing++;
        }

        void ask(int connection) {
            requests.add(pathOf(connection), asked[connection], answered[connection], TcpSegment.ACK, REQUEST_BYTES);
            asked[connection] += REQUEST_BYTES;
            missing++;
        }

        void send() {
            requests.flush();
        }

        @Override
        public void onFrame(MemorySegment memory, long offsetBytes, int lengthBytes, long kernelEpochNanos) {
            if (!frame.wrap(memory, offsetBytes, lengthBytes)) {
                return;
            }
            TcpSegment segment = frame.segment();
            int connection = connectionOf(frame.destinationLow(), segment.destinationPort());
            if (connection < 0 || segment.sequence() != answered[connection]) {
                return;
            }
            if ((segment.flags() & TcpSegment.SYN) != 0) {
                answered[connection] = 1;
                requests.add(pathOf(connection), asked[connection], 1, TcpSegment.ACK, 0);
                missing--;
            } else if (segment.payloadLength() > 0) {
                answered[connection] += segment.payloadLength();
                missing--;
            }
        }

        @Override
        public void onBatchEnd() {
            if (missing == 0) {
                pace.onAllAnswered(this);
            }
            requests.flush();
        }
    }
}
