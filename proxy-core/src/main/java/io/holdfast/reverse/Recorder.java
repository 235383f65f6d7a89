package io.holdfast.reverse;

import io.holdfast.frame.TcpFrame;
import io.holdfast.frame.TcpSegment;
import io.holdfast.reverse.Ledger.Held;
import java.lang.foreign.MemorySegment;
import java.util.LinkedHashSet;
import java.util.Set;

/**
 * Keeps the ledgers while the guest runs: what each client is sent, and what each has told.
 *
 * <p>What the guest says is let go at once where a ledger knows all of it. The rest is left to the wall: every RST and FIN
 * and all of a connection whose ledger is not complete.
 */
final class Recorder {

    /** Numbers farther away than this are of another, dead connection between the same ports. */
    private static final long FAR = 1L << 30;

    private final Flows flows;
    private final InputLog log;
    private final Outlet outlet;
    private final SegmentRewriter rewriter;
    private final StandIn standIn;
    private final ReverseCounters counters;

    private long openEpoch;
    /** A row of epochs without a gap. */
    private long firstClosed = Long.MAX_VALUE;

    private long lastClosed = Long.MIN_VALUE;
    private long committedEpoch;
    private boolean recording;
    private long recordingSince;
    /** Whether output leaves at once where a ledger knows it, and whether it shall from the next epoch on. */
    private boolean releasing = true;

    private boolean releasingNext = true;
    /** Connections whose output is held and may cease to be; some of them may be over. */
    private final Set<Ledger> holding = new LinkedHashSet<>();

    // The client's segment that was looked at last.
    private long begin;
    private long end;

    Recorder(
            Flows flows,
            InputLog log,
            Outlet outlet,
            SegmentRewriter rewriter,
            StandIn standIn,
            ReverseCounters counters) {
        this.flows = flows;
        this.log = log;
        this.outlet = outlet;
        this.rewriter = rewriter;
        this.standIn = standIn;
        this.counters = counters;
    }

    // ---- epochs ----

    /** An epoch is closed: what the guest had sent and got by then is noted. */
    void closeEpoch(long closed) {
        if (closed != lastClosed + 1) {
            firstClosed = closed;
        }
        lastClosed = closed;
        openEpoch = closed + 1;
        enterMode();
    }

    /** Whether an epoch was closed here, and all after it, so that it is known where the guest was then. */
    boolean hasClosed(long epoch) {
        return firstClosed <= epoch && epoch <= lastClosed;
    }

    void commitEpoch(long epoch) {
        committedEpoch = epoch;
        if (releasing && !holding.isEmpty()) {
            holding.removeIf(ledger -> flows.find(ledger.id) != ledger || resumeIfQuiet(ledger, epoch));
        }
    }

    // ---- whether output leaves at once ----

    /** From the next epoch on; without a backup at once. */
    void release(boolean atOnce) {
        releasingNext = atOnce;
        if (!recording) {
            enterMode();
        }
    }

    boolean isReleasing() {
        return releasing;
    }

    private void enterMode() {
        if (releasing == releasingNext) {
            return;
        }
        releasing = releasingNext;
        if (!releasing) {
            flows.all().forEach(this::holdByMode);
        }
    }

    /** A connection begins. */
    void begin(Ledger ledger) {
        if (!releasing) {
            hold(ledger, Held.MODE);
        }
    }

    private void holdByMode(Ledger ledger) {
        if (ledger.held == null) {
            hold(ledger, Held.MODE);
        }
    }

    private void hold(Ledger ledger, Held because) {
        ledger.held = because;
        if (because != Held.HOLE) { // Where a hole ends nobody knows.
            holding.add(ledger);
        }
    }

    /** If the guest has said nothing since a checkpoint that is confirmed, all that it said has left, and is known whole. */
    private boolean resumeIfQuiet(Ledger ledger, long committed) {
        Mark mark = ledger.at(committed);
        if (ledger.held != null && ledger.isAnswered() && !ledger.isEnding()) {
            if (mark == null || mark.guestEnd() != ledger.guestEnd) {
                return false;
            }
            ledger.release(mark);
            ledger.released.beginAt(ledger.guestEnd);
            ledger.recordedSince = recordingSince;
            ledger.held = null;
        }
        return ledger.held == null;
    }

    long openEpoch() {
        return openEpoch;
    }

    long committedEpoch() {
        return committedEpoch;
    }

    /** The epoch in which a frame came; the first barrier tells which one was open before it. */
    long epochOf(long stamp) {
        return Math.max(stamp, recordingSince - 1);
    }

    /** From the open epoch on there is a checkpoint before it from which a guest may be restored. */
    void startRecording() {
        recording = true;
        recordingSince = openEpoch;
    }

    /** Whether an epoch was closed here, so that all that came since its beginning is written down. */
    boolean hasRecorded(long epoch) {
        return recording && epoch >= recordingSince - 1;
    }

    void stopRecording() {
        recording = false;
        enterMode();
    }

    boolean isRecording() {
        return recording;
    }

    // ---- the guest's segments ----

    /**
     * One of the guest's segments, on a connection that has a ledger.
     *
     * @param mayLeave false if it is to be noted and held, whatever it is
     */
    void onGuestSegment(
            Ledger ledger, TcpFrame frame, MemorySegment memory, long offsetBytes, int lengthBytes, boolean mayLeave) {
        touch(ledger);
        TcpSegment segment = frame.segment();
        int flags = segment.flags();
        boolean leaves;
        if ((flags & TcpSegment.SYN) != 0) {
            leaves = noteSyn(ledger, frame);
        } else if ((flags & TcpSegment.RST) != 0 || (flags & TcpSegment.ACK) == 0 || !ledger.isAnswered()) {
            leaves = false;
            noteReset(ledger, segment);
        } else {
            leaves = noteSegment(ledger, frame, memory);
        }
        if (ledger.unheard) {
            ledger.unheard = false;
            ledger.translation = ledger.translationSince(ledger.translation, true, ledger.guestTimestamp);
            flows.onTranslated();
        }
        if (!ledger.translation.isNone()) {
            rewriter.toClient(memory, offsetBytes, frame, ledger, ledger.translation);
        }
        int nic = ledger.key.nic();
        if (leaves && mayLeave) {
            recordOutput(ledger);
            release(ledger);
            splitFin(ledger, frame, memory, offsetBytes);
            counters.releasedSegments.increment();
            outlet.toClient(nic, memory, offsetBytes, lengthBytes); // the ledger knows all of it.
        } else {
            counters.heldFrames.increment();
            outlet.hold(nic, memory, offsetBytes, lengthBytes);
        }
    }

    private void touch(Ledger ledger) {
        if (ledger.closeEpochs(openEpoch, committedEpoch) && recording && ledger.isAnswered()) {
            cut(ledger);
        }
    }

    /** A block of digests ends with the epoch, for a restored guest goes on from here. */
    private void cut(Ledger ledger) {
        if (ledger.recordedSince != recordingSince) {
            ledger.recordedSince = recordingSince;
            ledger.releaseEmitted(); // Of epochs from which no guest is restored.
            ledger.released.beginAt(ledger.releasedEnd);
            ledger.held = null;
            if (!releasing) {
                hold(ledger, Held.MODE);
            }
            return;
        }
        ledger.released.forgetThrough(ledger.guestEndAt(committedEpoch));
        if (!ledger.released.cut()) {
            holdFromNowOn(ledger, Held.NO_ROOM);
        }
    }

    private boolean noteSyn(Ledger ledger, TcpFrame frame) {
        TcpSegment segment = frame.segment();
        boolean answers = (segment.flags() & TcpSegment.ACK) != 0
                && segment.acknowledgment() == (int) ledger.clientFirst + 1
                && segment.payloadLength() == 0;
        boolean again = ledger.isAnswered()
                && segment.sequence() + ledger.translation.sequenceOffset() == (int) ledger.guestFirst;
        if (!answers || (ledger.isKnownToClient() && !again)) {
            flows.end(ledger); // Another connection between the same ports, of which the beginning was not seen.
            ledger.unheard = false;
            ledger.translation = Translation.NONE;
            return false;
        }
        ledger.noteGuestAlive(openEpoch);
        if (!again) {
            Offer offer = Offer.of(frame.options());
            int timestamp = offer.timestamps() ? frame.options().timestampValue() : 0;
            ledger.answer(offer, SequenceNumbers.first(segment.sequence()), timestamp);
            ledger.recordedSince = recordingSince;
        }
        ledger.guestAck = Math.max(ledger.guestAck, ledger.clientFirst + 1);
        ledger.guestEdge = Math.max(ledger.guestEdge, ledger.clientFirst + 1 + segment.window());
        noteTimestamp(ledger, frame);
        return ledger.held == null;
    }

    private void noteReset(Ledger ledger, TcpSegment segment) {
        boolean resets = (segment.flags() & TcpSegment.RST) != 0 && endsConnection(ledger, segment);
        if (resets && ledger.guestResetEpoch == Long.MAX_VALUE) {
            watchEnding(ledger);
            ledger.guestResetEpoch = openEpoch;
        }
    }

    /** A RST may also be for a late segment of an earlier connection between the same ports, whose numbers it has. */
    private static boolean endsConnection(Ledger ledger, TcpSegment segment) {
        if (!ledger.isAnswered()) {
            return ledger.isRefusedBy(segment);
        }
        long at = SequenceNumbers.unwrap(ledger.guestEnd, segment.sequence() + ledger.translation.sequenceOffset());
        return at >= ledger.clientAck && at <= Math.max(ledger.guestEnd, ledger.clientEdge);
    }

    /** Whether the segment may leave, as far as its numbers go. */
    private boolean noteSegment(Ledger ledger, TcpFrame frame, MemorySegment memory) {
        TcpSegment segment = frame.segment();
        long begin = SequenceNumbers.unwrap(ledger.guestEnd, segment.sequence() + ledger.translation.sequenceOffset());
        long end = begin + segment.payloadLength();
        boolean fin = (segment.flags() & TcpSegment.FIN) != 0;
        if (Math.abs(begin - ledger.guestEnd) > FAR) {
            return false;
        }
        long ack = SequenceNumbers.unwrap(ledger.guestAck, segment.acknowledgment());
        ledger.guestAck = Math.max(ledger.guestAck, ack);
        ledger.noteGuestAlive(openEpoch);
        ledger.guestEdge = Math.max(ledger.guestEdge, ack + ((long) segment.window() << ledger.guestWindowScale()));
        noteTimestamp(ledger, frame);
        ledger.noteFinished(openEpoch); // Where the guest closes first, its acknowledgement is heard last.
        if (begin == end && !fin) {
            return ledger.held == null; // If it is ahead, something was lost, which may be bytes or a FIN.
        }
        boolean whole = ledger.held == null && noteBytes(ledger, memory, segment, begin, end);
        if (end > ledger.guestEnd) {
            ledger.guestSpokeAck = ledger.guestAck;
        }
        ledger.guestEnd = Math.max(ledger.guestEnd, fin ? end + 1 : end);
        if (fin && ledger.guestFinEnd == 0) {
            watchEnding(ledger);
            ledger.guestFinEnd = end + 1;
        }
        return whole && !(fin && segment.payloadLength() == 0);
    }

    private boolean noteBytes(Ledger ledger, MemorySegment memory, TcpSegment segment, long begin, long end) {
        long known = ledger.bytesBefore(ledger.guestEnd);
        boolean again = end <= known;
        if (again && !ledger.released.hasGaps()) {
            return end <= ledger.releasedEnd;
        }
        boolean behindAll = !again && ledger.guestFinEnd != 0;
        boolean behindWindow = begin > known && end > ledger.clientEdge;
        if (known > ledger.releasedEnd || behindAll || behindWindow) {
            holdFromNowOn(ledger, Held.HOLE);
            return false;
        }
        if (recording && !ledger.released.put(begin, memory, segment.payloadOffset(), segment.payloadLength())) {
            holdFromNowOn(ledger, Held.NO_ROOM);
            return false;
        }
        return true;
    }

    private static void noteTimestamp(Ledger ledger, TcpFrame frame) {
        if (frame.options().hasTimestamps()) {
            ledger.guestTimestamp = frame.options().timestampValue();
        }
    }

    /** The order between what clients had seen and what they sent then is kept as well. */
    private void recordOutput(Ledger ledger) {
        long end = ledger.bytesBefore(ledger.guestEnd);
        if (recording && end > ledger.releasedEnd) {
            // Without room for this the order of a replay is less exact; what it sends is compared all the same.
            long digest = ledger.released.hasGaps() ? BlockHash.UNKNOWN : ledger.released.openDigest();
            log.appendOutput(ledger.id, end, digest, openEpoch);
        }
    }

    private void splitFin(Ledger ledger, TcpFrame frame, MemorySegment memory, long offsetBytes) {
        if ((frame.segment().flags() & TcpSegment.FIN) != 0) {
            rewriter.clearFin(memory, offsetBytes, frame);
            standIn.holdFin(ledger, ledger.guestFinEnd - 1, frame.segment().window());
        }
    }

    private static void release(Ledger ledger) {
        ledger.releasedEnd = Math.max(ledger.releasedEnd, ledger.bytesBefore(ledger.guestEnd));
        ledger.releasedAck = ledger.guestAck;
        ledger.releasedEdge = ledger.guestEdge;
        ledger.releasedTimestamp = SequenceNumbers.later(
                ledger.releasedTimestamp, ledger.guestTimestamp + ledger.translation.timestampOffset());
    }

    private void holdFromNowOn(Ledger ledger, Held because) {
        if (ledger.held == null) {
            hold(ledger, because);
            counters.incompleteFlows.increment();
        }
    }

    private void watchEnding(Ledger ledger) {
        if (!ledger.isEnding()) {
            flows.watchEnding(ledger);
        }
    }

    // ---- clients' segments ----

    /** What is to be done with a client's segment. */
    enum Input {
        /** Write it down, then give it to the guest. */
        LOG,
        /** The guest has all of it, or it has no bytes: nobody will miss it. */
        PASS
    }

    /** One of the client's segments, on a connection that has a ledger; see {@link #begin} and {@link #end} for its place. */
    Input onClientSegment(Ledger ledger, TcpFrame frame) {
        touch(ledger);
        TcpSegment segment = frame.segment();
        int flags = segment.flags();
        begin = SequenceNumbers.unwrap(ledger.clientEnd, segment.sequence());
        end = begin + segment.payloadLength() + ((flags & (TcpSegment.SYN | TcpSegment.FIN)) != 0 ? 1 : 0);
        if (Math.abs(begin - ledger.clientEnd) > FAR) {
            return Input.PASS;
        }
        if ((flags & TcpSegment.RST) != 0) {
            if (begin < ledger.guestAck || begin > ledger.clientEnd) {
                return Input.PASS; // The guest will not believe it (RFC 5961, section 3.2).
            }
            watchEnding(ledger);
            ledger.noteClientReset(begin, openEpoch);
            return Input.LOG;
        }
        if (begin > ledger.inputEdge()) {
            return Input.PASS; // An earlier connection's, or forged: the guest does not take it.
        }
        boolean isTaken =
                end >= ledger.guestAck; // The guest drops what it has altogether (RFC 9293, section 3.10.7.4).
        if (isTaken && (flags & TcpSegment.ACK) != 0 && ledger.isAnswered()) {
            noteClientAck(ledger, segment);
        }
        if (isTaken && frame.options().hasTimestamps()) {
            int timestamp = frame.options().timestampValue();
            ledger.clientTimestamp =
                    ledger.isAnswered() ? SequenceNumbers.later(ledger.clientTimestamp, timestamp) : timestamp;
        }
        ledger.noteFinished(openEpoch);
        boolean missed = end > ledger.guestAck && end > begin;
        if (missed) {
            ledger.clientEnd = Math.max(ledger.clientEnd, end);
            if ((flags & TcpSegment.FIN) != 0 && ledger.clientFinEnd == 0) {
                watchEnding(ledger);
                ledger.clientFinEnd = end;
            }
        }
        return missed ? Input.LOG : Input.PASS;
    }

    /** Where the last segment's bytes begin, in the client's numbers. */
    long begin() {
        return begin;
    }

    /** Where they end, SYN and FIN counted. */
    long end() {
        return end;
    }

    private static void noteClientAck(Ledger ledger, TcpSegment segment) {
        long ack = SequenceNumbers.unwrap(ledger.clientAck, segment.acknowledgment());
        // Beyond what was released it is not this client's.
        if (ack > Math.max(ledger.releasedEnd, ledger.guestEnd) || ack < ledger.clientAck - FAR) {
            return;
        }
        int scale = (segment.flags() & TcpSegment.SYN) != 0 ? 0 : ledger.clientWindowScale();
        ledger.clientAck = Math.max(ledger.clientAck, ack);
        ledger.clientEdge = Math.max(ledger.clientEdge, ack + ((long) segment.window() << scale));
    }
}
