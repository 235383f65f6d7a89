package io.holdfast.reverse;

import io.holdfast.frame.SegmentEditor;
import io.holdfast.frame.TcpFrame;
import io.holdfast.frame.TcpOptions;
import io.holdfast.frame.TcpSegment;
import io.holdfast.frame.UnfinishedChecksum;
import java.lang.foreign.MemorySegment;

/**
 * Translates segments between the guest's numbering and the one that the client sees, where they are, with their checksums
 * kept by increment (RFC 1624).
 */
final class SegmentRewriter {

    private static final int MAX_WINDOW = 0xffff;

    private final boolean prefixed;
    private final SegmentEditor editor = new SegmentEditor();

    /** @param prefixBytes what the port puts in front of frames: nothing, or {@code struct virtio_net_hdr} */
    SegmentRewriter(int prefixBytes) {
        this.prefixed = prefixBytes == UnfinishedChecksum.PREFIX_BYTES;
    }

    /**
     * Looks at a frame that is to be changed.
     *
     * @param offsetBytes where the frame begins, with its prefix before it
     */
    private void wrap(MemorySegment memory, long offsetBytes, TcpSegment segment) {
        editor.wrap(memory, segment.offset(), !(prefixed && UnfinishedChecksum.isIn(memory, offsetBytes)));
    }

    /** From the guest: its numbers become the client's, and none says less than the client has heard. */
    void toClient(MemorySegment memory, long offsetBytes, TcpFrame frame, Ledger ledger, Translation translation) {
        TcpSegment segment = frame.segment();
        wrap(memory, offsetBytes, segment);
        editor.setSequence(segment.sequence() + translation.sequenceOffset());
        if ((segment.flags() & TcpSegment.ACK) != 0) {
            long ack = SequenceNumbers.unwrap(ledger.guestAck, segment.acknowledgment());
            long floored = Math.max(ack, translation.ackFloor());
            int scale = (segment.flags() & TcpSegment.SYN) != 0 ? 0 : ledger.guestWindowScale();
            long floor = Math.max(translation.edgeFloor(), ledger.shownEdge);
            long edge = Math.max(ack + ((long) segment.window() << scale), floor);
            int window = window(edge - floored, scale);
            ledger.shownEdge = Math.max(ledger.shownEdge, floored + ((long) window << scale));
            editor.setAcknowledgment((int) floored);
            editor.setWindow(window);
            if (floored > ack) {
                editor.removeSack(frame.options()); // Blocks beyond the old one may be behind the new one.
            }
        }
        if (frame.options().hasTimestamps()) {
            editor.setTimestampValue(frame.options(), frame.options().timestampValue() + translation.timestampOffset());
        }
    }

    /** From the guest, where no more is known than the numbering. */
    void renumber(MemorySegment memory, long offsetBytes, TcpFrame frame, Translation translation) {
        wrap(memory, offsetBytes, frame.segment());
        editor.setSequence(frame.segment().sequence() + translation.sequenceOffset());
        if (frame.options().hasTimestamps()) {
            editor.setTimestampValue(frame.options(), frame.options().timestampValue() + translation.timestampOffset());
        }
    }

    /** From a client: its acknowledgements become those of the guest's own numbers. */
    void toGuest(MemorySegment memory, long offsetBytes, TcpFrame frame, Translation translation) {
        TcpSegment segment = frame.segment();
        TcpOptions options = frame.options();
        wrap(memory, offsetBytes, segment);
        if ((segment.flags() & TcpSegment.ACK) != 0) {
            editor.setAcknowledgment(segment.acknowledgment() - translation.sequenceOffset());
        }
        for (int block = 0; block < options.sackBlockCount(); block++) {
            editor.setSackBlock(
                    options,
                    block,
                    options.sackLeft(block) - translation.sequenceOffset(),
                    options.sackRight(block) - translation.sequenceOffset());
        }
        if (options.hasTimestamps()) {
            editor.setTimestampEcho(options, options.timestampEcho() - translation.timestampOffset());
        }
    }

    /**
     * From the log, once more: the acknowledgement is what the restored guest has sent so far, and no more (it would drop the
     * segment and its bytes, RFC 5961, section 5.2); what was selectively acknowledged may not have been sent yet.
     */
    void replayed(
            MemorySegment memory,
            long offsetBytes,
            TcpFrame frame,
            int acknowledgment,
            int window,
            int timestampValue,
            int timestampEcho) {
        TcpSegment segment = frame.segment();
        wrap(memory, offsetBytes, segment);
        if ((segment.flags() & TcpSegment.ACK) != 0) {
            editor.setAcknowledgment(acknowledgment);
            editor.setWindow(window);
        }
        editor.removeSack(frame.options());
        if (frame.options().hasTimestamps()) {
            editor.setTimestampValue(frame.options(), timestampValue);
            editor.setTimestampEcho(frame.options(), timestampEcho);
        }
    }

    /** Takes the FIN away; it follows on its own. */
    void clearFin(MemorySegment memory, long offsetBytes, TcpFrame frame) {
        wrap(memory, offsetBytes, frame.segment());
        editor.clearFin();
    }

    /** What stands in the header for a window of that many bytes; less than asked if it has no room for it. */
    static int window(long bytes, int scale) {
        long roundedUp = (Math.max(0, bytes) + (1L << scale) - 1) >>> scale;
        return (int) Math.min(MAX_WINDOW, roundedUp);
    }
}
