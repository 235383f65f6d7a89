package io.holdfast.reverse;

import io.holdfast.frame.TcpFrame;
import io.holdfast.frame.TcpPath;
import io.holdfast.frame.UnfinishedChecksum;
import io.holdfast.reverse.model.Endpoints;
import io.holdfast.reverse.model.Segment;
import io.holdfast.reverse.model.SegmentCodec;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;

/** What the tests of this package share: segments as frames and back, ledgers, and an outlet that writes down what it gets. */
final class ReverseKit {

    static final int PREFIX = UnfinishedChecksum.PREFIX_BYTES;
    static final int GUEST_PORT = 80;
    static final long HASH_SEED = 0x1234_5678_9abc_def0L;
    static final BlockHash HASH = new BlockHash(HASH_SEED, ReleasedBytes.BLOCK_BYTES);

    /** With timestamps and SACK, and windows in units of 128 bytes. */
    static final Offer OFFER = new Offer(1460, 7, true, true);

    private static final int LARGEST_FRAME_BYTES = 70_000;

    private ReverseKit() {}

    /** The seed of a test's random numbers, {@code -Dholdfast.seed} or a new one. It is printed. */
    static long seed() {
        long seed = Long.getLong("holdfast.seed", System.nanoTime());
        System.out.println("seed " + seed);
        return seed;
    }

    // ---- frames; each stands behind its prefix and ends with its memory ----

    /** From one of the clients to the guest. */
    static Endpoints client(int number) {
        return client(number, GUEST_PORT);
    }

    static Endpoints client(int number, int guestPort) {
        return Endpoints.ipv4(
                0x0200_0000_0100L + number,
                0x0200_0000_0001L,
                0x0a00_0064 + number,
                0x0a00_0001,
                40_000 + number,
                guestPort);
    }

    static MemorySegment frame(Endpoints from, Segment.Builder segment) {
        return frame(from, segment, false);
    }

    static MemorySegment frame(Endpoints from, Segment.Builder segment, boolean unfinished) {
        byte[] room = new byte[PREFIX + LARGEST_FRAME_BYTES];
        MemorySegment memory = MemorySegment.ofArray(room);
        int length = new SegmentCodec().write(from, segment.build(), memory, PREFIX, unfinished);
        return MemorySegment.ofArray(memory.asSlice(0, (long) PREFIX + length).toArray(ValueLayout.JAVA_BYTE));
    }

    static int length(MemorySegment frame) {
        return (int) frame.byteSize() - PREFIX;
    }

    static TcpFrame view(MemorySegment frame) {
        TcpFrame view = new TcpFrame();
        if (!view.wrap(frame, PREFIX, length(frame))) {
            throw new AssertionError("not a TCP segment");
        }
        return view;
    }

    /** What a receiver makes of a frame; it finds fault with wrong checksums. */
    static Segment read(MemorySegment frame) {
        return new SegmentCodec().read(frame, PREFIX, length(frame));
    }

    static byte[] bytes(String text) {
        return text.getBytes(StandardCharsets.ISO_8859_1);
    }

    static String text(Segment segment) {
        return new String(segment.payload(), StandardCharsets.ISO_8859_1);
    }

    // ---- ledgers ----

    static FlowKey key(int client) {
        return new FlowKey().setClientSide(0, view(frame(client(client), Segment.withFlags(Segment.SYN))));
    }

    static TcpPath path(int client) {
        return TcpPath.of(view(frame(client(client), Segment.withFlags(Segment.SYN))));
    }

    /** A connection that was begun in an epoch, and that the guest has not answered. */
    static Ledger ledger(int clientFirst, long epoch) {
        return new Ledger(
                1,
                key(0),
                path(0),
                OFFER,
                SequenceNumbers.first(clientFirst),
                new ReleasedBytes(new DigestBudget(1_000), HASH),
                epoch);
    }

    /** One that the guest has answered in the same epoch, and the client knows it. */
    static Ledger answered(int clientFirst, int guestFirst, long epoch) {
        Ledger ledger = ledger(clientFirst, epoch);
        ledger.answer(OFFER, SequenceNumbers.first(guestFirst), 1_000);
        ledger.releasedEnd = ledger.guestEnd;
        ledger.guestAck = ledger.clientFirst + 1;
        ledger.releasedAck = ledger.guestAck;
        return ledger;
    }

    // ---- an outlet ----

    /** A frame as it was given to the outlet. */
    record Sent(MemorySegment frame) {

        Segment segment() {
            return read(frame);
        }

        /** Whether one of a connection's ends sent it to the other. */
        boolean isOf(Endpoints connection) {
            if (!new TcpFrame().wrap(frame, PREFIX, length(frame))) {
                return false;
            }
            Endpoints from = new SegmentCodec().endpointsOf(frame, PREFIX, length(frame));
            return from.equals(connection) || from.equals(connection.reversed());
        }

        byte[] bytes() {
            return frame.asSlice(PREFIX).toArray(ValueLayout.JAVA_BYTE);
        }
    }

    /** Writes down what it is given. */
    static class Notes implements Outlet {

        final List<Sent> toGuest = new ArrayList<>();
        final List<Sent> toClient = new ArrayList<>();
        final List<Sent> held = new ArrayList<>();
        boolean guestHasRoom = true;

        @Override
        public boolean toGuest(int nic, MemorySegment memory, long offsetBytes, int lengthBytes) {
            return guestHasRoom && toGuest.add(copy(memory, offsetBytes, lengthBytes));
        }

        @Override
        public void toClient(int nic, MemorySegment memory, long offsetBytes, int lengthBytes) {
            toClient.add(copy(memory, offsetBytes, lengthBytes));
        }

        @Override
        public void hold(int nic, MemorySegment memory, long offsetBytes, int lengthBytes) {
            held.add(copy(memory, offsetBytes, lengthBytes));
        }

        void clear() {
            toGuest.clear();
            toClient.clear();
            held.clear();
        }

        private static Sent copy(MemorySegment memory, long offsetBytes, int lengthBytes) {
            return new Sent(MemorySegment.ofArray(memory.asSlice(offsetBytes - PREFIX, (long) PREFIX + lengthBytes)
                    .toArray(ValueLayout.JAVA_BYTE)));
        }
    }
}
