package io.holdfast.reverse;

import io.holdfast.frame.EthernetFrame;
import io.holdfast.frame.SegmentWriter;
import io.holdfast.frame.TcpFrame;
import io.holdfast.frame.TcpPath;
import io.holdfast.frame.TcpSegment;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;

/**
 * Speaks in the place of an end that is not there, or must not be heard. No segment is repeated here: what finds no room is
 * lost like any segment, and its reason comes again.
 */
final class StandIn {

    /** Room for any prefix, all zero: nothing is unfinished, nothing merged. */
    private static final int FRAME_OFFSET = 16;

    /** With the options, what every path takes (RFC 9293, section 3.7.1). */
    private static final int MAX_PAYLOAD_BYTES = 524;

    private static final int MIN_PAYLOAD_BYTES = 36;
    private static final int OPTIONS_BYTES = 12;
    private static final int MAX_FRAME_BYTES =
            Math.max(SegmentWriter.MAX_BYTES + MAX_PAYLOAD_BYTES, EthernetFrame.MIN_BYTES);

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
                catchUp.guestTimestamp(),
                0);
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

    /**
     * Asks the client of such a connection, in the place of the guest that has spoken, how far it has come: what it answers is
     * refused at exactly the right number. It may only listen, and would wait for ever. It may drop what lacks timestamps in
     * silence; it answers one that is too old (RFC 7323, sections 3.2 and 5.3).
     */
    void askClient(int nic, TcpFrame segment) {
        TcpSegment said = segment.segment();
        int lengthBytes = segment.options().hasTimestamps()
                ? SegmentWriter.writeTimestamped(
                        memory,
                        FRAME_OFFSET,
                        TcpPath.of(segment),
                        said.sequence() - 1,
                        said.acknowledgment(),
                        TcpSegment.ACK,
                        said.window(),
                        segment.options().timestampValue(),
                        segment.options().timestampEcho())
                : SegmentWriter.write(
                        memory,
                        FRAME_OFFSET,
                        TcpPath.of(segment),
                        said.sequence() - 1,
                        said.acknowledgment(),
                        TcpSegment.ACK,
                        said.window());
        outlet.toClient(nic, memory, FRAME_OFFSET, lengthBytes);
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
                ledger.clientTimestamp,
                0);
        outlet.hold(ledger.key.nic(), memory, FRAME_OFFSET, lengthBytes);
    }

    /** Brings the client bytes of the guest that it was sent before, and has lost (R-2: they are known to be equal). */
    void sendAgain(Ledger ledger, long position, MemorySegment source, long offsetBytes, long lengthBytes) {
        boolean timestamps = ledger.hasTimestamps();
        long payloadOffset = SegmentWriter.payloadOffset(FRAME_OFFSET, ledger.toClient, timestamps);
        int pieceBytes = pieceBytes(ledger);
        for (long at = 0; at < lengthBytes; at += pieceBytes) {
            int payloadBytes = (int) Math.min(pieceBytes, lengthBytes - at);
            MemorySegment.copy(source, offsetBytes + at, memory, payloadOffset, payloadBytes);
            toClient(ledger, position + at, TcpSegment.ACK, payloadBytes);
        }
    }

    private static int pieceBytes(Ledger ledger) {
        int maximumSegmentSize = ledger.clientOffer.maximumSegmentSize();
        int roomBytes = maximumSegmentSize == 0 ? MAX_PAYLOAD_BYTES : maximumSegmentSize - OPTIONS_BYTES;
        return Math.clamp(roomBytes, MIN_PAYLOAD_BYTES, MAX_PAYLOAD_BYTES);
    }

    private void toClient(Ledger ledger, long position, int flags) {
        toClient(ledger, position, flags, 0);
    }

    private void toClient(Ledger ledger, long position, int flags, int payloadBytes) {
        int lengthBytes = write(
                ledger.toClient,
                ledger,
                (int) position,
                (int) ledger.releasedAck,
                flags,
                SegmentRewriter.window(ledger.releasedEdge - ledger.releasedAck, ledger.guestWindowScale()),
                ledger.releasedTimestamp,
                ledger.clientTimestamp,
                payloadBytes);
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
            int timestampEcho,
            int payloadBytes) {
        return ledger.hasTimestamps()
                ? SegmentWriter.writeTimestampedPayload(
                        memory,
                        FRAME_OFFSET,
                        path,
                        sequence,
                        acknowledgment,
                        flags,
                        window,
                        timestampValue,
                        timestampEcho,
                        payloadBytes)
                : SegmentWriter.writePayload(
                        memory, FRAME_OFFSET, path, sequence, acknowledgment, flags, window, payloadBytes);
    }
}
