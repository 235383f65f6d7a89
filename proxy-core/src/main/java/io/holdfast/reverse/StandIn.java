package io.holdfast.reverse;

import io.holdfast.frame.EthernetFrame;
import io.holdfast.frame.SegmentWriter;
import io.holdfast.frame.TcpFrame;
import io.holdfast.frame.TcpPath;
import io.holdfast.frame.TcpSegment;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;

/**
 * Speaks in the place of an end that is not there, or must not be heard: segments without payload. None is repeated here: what
 * finds no room is lost like any segment, and its reason comes again.
 */
final class StandIn {

    /** Room for any prefix, all zero: nothing is unfinished, nothing merged. */
    private static final int FRAME_OFFSET = 16;

    private static final int MAX_FRAME_BYTES = Math.max(SegmentWriter.MAX_BYTES, EthernetFrame.MIN_BYTES);

    private final Outlet outlet;
    private final MemorySegment memory = Arena.ofAuto().allocate(FRAME_OFFSET + MAX_FRAME_BYTES, 8);

    StandIn(Outlet outlet) {
        this.outlet = outlet;
    }

    /** Acknowledges in the client's place what it has, in the numbering of the restored guest. */
    void acknowledgeToGuest(Ledger ledger, CatchUp catchUp) {
        long ack = catchUp.acknowledgeable(ledger);
        int lengthBytes = write(
                ledger.toGuest,
                ledger,
                (int) catchUp.nextFromClient(),
                (int) ack - catchUp.sequenceOffset(),
                TcpSegment.ACK,
                SegmentRewriter.window(ledger.clientEdge - ack, ledger.clientWindowScale()),
                catchUp.clientTimestamp(),
                catchUp.guestTimestamp());
        outlet.toGuest(ledger.key.nic(), memory, FRAME_OFFSET, lengthBytes);
    }

    /** Asks a client in the guest's place how far it has come: unacceptable, so answered with the exact number (RFC 9293, 3.10.7.4). */
    void probe(Ledger ledger) {
        toClient(ledger, ledger.clientAck - 1, TcpSegment.ACK);
    }

    /** Ends a connection at the client: believed if it is at exactly that position (RFC 5961, section 3.2). */
    void resetClient(Ledger ledger, long position) {
        toClient(ledger, position, TcpSegment.RST | TcpSegment.ACK);
    }

    /** Ends it at the guest, in the guest's numbering. */
    void resetGuest(Ledger ledger, int sequence) {
        int lengthBytes = SegmentWriter.write(memory, FRAME_OFFSET, ledger.toGuest, sequence, 0, TcpSegment.RST, 0);
        outlet.toGuest(ledger.key.nic(), memory, FRAME_OFFSET, lengthBytes);
    }

    /** Refuses a client's segment on a connection of which nothing is known (RFC 9293, section 3.10.7.1). */
    void refuseClient(int nic, TcpFrame segment) {
        int lengthBytes = writeRefusal(segment);
        outlet.toClient(nic, memory, FRAME_OFFSET, lengthBytes);
    }

    /** The same of the guest. */
    void refuseGuest(int nic, TcpFrame segment) {
        int lengthBytes = writeRefusal(segment);
        outlet.toGuest(nic, memory, FRAME_OFFSET, lengthBytes);
    }

    private int writeRefusal(TcpFrame refused) {
        TcpPath back = TcpPath.of(refused).reversed();
        int sequence = refused.segment().acknowledgment();
        return SegmentWriter.write(memory, FRAME_OFFSET, back, sequence, 0, TcpSegment.RST, 0);
    }

    /** A FIN of its own, in the client's numbering, held like all others. */
    void holdFin(Ledger ledger, long position, int window) {
        int lengthBytes = write(
                ledger.toClient,
                ledger,
                (int) position,
                (int) ledger.guestAck,
                TcpSegment.FIN | TcpSegment.ACK,
                window,
                ledger.releasedTimestamp,
                ledger.clientTimestamp);
        outlet.hold(ledger.key.nic(), memory, FRAME_OFFSET, lengthBytes);
    }

    private void toClient(Ledger ledger, long position, int flags) {
        int lengthBytes = write(
                ledger.toClient,
                ledger,
                (int) position,
                (int) ledger.releasedAck,
                flags,
                SegmentRewriter.window(ledger.releasedEdge - ledger.releasedAck, ledger.guestWindowScale()),
                ledger.releasedTimestamp,
                ledger.clientTimestamp);
        outlet.toClient(ledger.key.nic(), memory, FRAME_OFFSET, lengthBytes);
    }

    private int write(
            TcpPath path,
            Ledger ledger,
            int sequence,
            int acknowledgment,
            int flags,
            int window,
            int timestampValue,
            int timestampEcho) {
        return ledger.hasTimestamps()
                ? SegmentWriter.writeTimestamped(
                        memory,
                        FRAME_OFFSET,
                        path,
                        sequence,
                        acknowledgment,
                        flags,
                        window,
                        timestampValue,
                        timestampEcho)
                : SegmentWriter.write(memory, FRAME_OFFSET, path, sequence, acknowledgment, flags, window);
    }
}
