package io.holdfast.reverse;

import io.holdfast.frame.TcpFrame;
import io.holdfast.frame.TcpSegment;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.HashSet;
import java.util.Iterator;
import java.util.LinkedHashSet;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * Brings a restored guest to where its clients have seen it: gives it the log once more, plays the clients towards it, and
 * compares what it says with what they were told.
 *
 * <p>An input never goes before all output that was recorded ahead of it: equal replies could otherwise hide that two requests
 * have changed places. What the guest says beyond the recorded output is held, and nothing that clients send now reaches it,
 * until all connections are where they were or are given up.
 */
final class Replay {

    private static final long STALL_NANOS = 50_000_000L;
    private static final long GATE_PATIENCE_NANOS = 500_000_000L;
    /** How many frames are given again at once: a guest that has lost some gets the next ones at the next stall. */
    private static final int REPEATED_FRAMES = 64;

    private static final int MAX_PREFIX_BYTES = 16;
    private static final int MAX_FRAME_BYTES = 70_000;
    private static final long NO_FLOW = -1;

    private final Flows flows;
    private final InputLog log;
    private final Outlet outlet;
    private final SegmentRewriter rewriter;
    private final StandIn standIn;
    private final ReverseCounters counters;
    private final int prefixBytes;
    private final MemorySegment scratch = Arena.ofAuto().allocate(MAX_PREFIX_BYTES + MAX_FRAME_BYTES, 8);
    private final TcpFrame frame = new TcpFrame();

    private final Repair repair;
    private ReplayOrder order = ReplayOrder.GATED;
    private long cursor;
    private long committedEpoch;
    private long recordedEnd;
    private final Set<Ledger> unsettled = new HashSet<>();
    /** Whose clients may lack bytes that the guest will not send again. */
    private final Set<Ledger> carrying = new LinkedHashSet<>();

    private long progressNanos;
    private long gateNanos;

    /** What the last input waits for in serial order. */
    private long answeringFlow = NO_FLOW;

    private long answeredEnd;

    /** The request that the guest got last, in serial order. */
    private long asked = InputLog.NONE;

    Replay(
            Flows flows,
            InputLog log,
            Outlet outlet,
            SegmentRewriter rewriter,
            StandIn standIn,
            ReverseCounters counters,
            int prefixBytes) {
        this.flows = flows;
        this.log = log;
        this.outlet = outlet;
        this.rewriter = rewriter;
        this.standIn = standIn;
        this.counters = counters;
        this.prefixBytes = prefixBytes;
        this.repair = new Repair(log);
    }

    /** A guest was lost: what was found out about another one's order does not count. */
    void forgetAttempts() {
        repair.forget();
    }

    /**
     * Begins, once more if need be, with a guest that was restored from the checkpoint of an epoch.
     *
     * @param recordedEnd where the log ended when the guest was lost
     */
    void begin(long committedEpoch, long recordedEnd, ReplayOrder order, long nowNanos) {
        this.order = order;
        this.committedEpoch = committedEpoch;
        this.recordedEnd = recordedEnd;
        cursor = log.head();
        answeringFlow = NO_FLOW;
        asked = InputLog.NONE;
        repair.improve();
        progressNanos = nowNanos;
        gateNanos = nowNanos;
        unsettled.clear();
        carrying.clear();
        for (Ledger ledger : flows.all()) {
            ledger.catchUp = catchUp(ledger, committedEpoch);
            if (isUnsettled(ledger)) {
                unsettled.add(ledger);
            }
        }
    }

    private @Nullable CatchUp catchUp(Ledger ledger, long committedEpoch) {
        if (ledger.aborted || !ledger.isKnownToClient()) {
            return null;
        }
        Mark mark = ledger.at(committedEpoch);
        return mark != null && mark.guestEnd() > 0 ? CatchUp.from(ledger, mark) : CatchUp.fromSyn(ledger);
    }

    private static boolean isUnsettled(Ledger ledger) {
        CatchUp catchUp = ledger.catchUp;
        return catchUp != null
                && catchUp.divergence() == null
                && ledger.clientResetEpoch == Long.MAX_VALUE
                && !catchUp.isDone(ledger);
    }

    /** Something has happened on a connection. */
    private void review(Ledger ledger) {
        if (!isUnsettled(ledger)) {
            unsettled.remove(ledger);
        }
    }

    /** A connection is no longer of interest. */
    void forget(Ledger ledger) {
        unsettled.remove(ledger);
        carrying.remove(ledger);
    }

    /** Whether every connection is where it was, or is given up, and the guest has all that was recorded. */
    boolean isDecided() {
        return unsettled.isEmpty() && cursor >= recordedEnd;
    }

    /** Gives up what is not where it was: the time is over. */
    void giveUpRest() {
        for (Ledger ledger : unsettled) {
            if (ledger.catchUp != null) {
                ledger.catchUp.diverge(Divergence.TIME);
            }
        }
        unsettled.clear();
        cursor = Math.max(cursor, recordedEnd);
    }

    /** Gives up all: what there is of the log is younger than the checkpoint. */
    void giveUpAll() {
        for (Ledger ledger : flows.all()) {
            if (ledger.catchUp != null) {
                ledger.catchUp.diverge(Divergence.FORGOTTEN);
            }
        }
        giveUpRest();
    }

    long cursor() {
        return cursor;
    }

    // ---- what the restored guest says ----

    /** One of the guest's segments, on a connection that its client knows. */
    void onGuestSegment(
            Ledger ledger,
            CatchUp catchUp,
            TcpFrame segmentFrame,
            MemorySegment memory,
            long offsetBytes,
            int lengthBytes,
            long nowNanos) {
        long absorbedBefore = catchUp.comparison().absorbedThrough();
        long ackBefore = catchUp.guestAck();
        handle(ledger, catchUp, segmentFrame, memory, offsetBytes, lengthBytes);
        if (catchUp.comparison().absorbedThrough() > absorbedBefore || catchUp.guestAck() > ackBefore) {
            gateNanos = nowNanos; // Slow perhaps, but it goes on.
        }
        bringCarried(ledger, catchUp, nowNanos);
        review(ledger);
        progressNanos = nowNanos;
        advance(nowNanos);
    }

    private void handle(
            Ledger ledger,
            CatchUp catchUp,
            TcpFrame segmentFrame,
            MemorySegment memory,
            long offsetBytes,
            int lengthBytes) {
        TcpSegment segment = segmentFrame.segment();
        int flags = segment.flags();
        boolean timestamps = segmentFrame.options().hasTimestamps();
        int timestamp = timestamps ? segmentFrame.options().timestampValue() : 0;
        if ((flags & TcpSegment.SYN) != 0) {
            number(ledger, catchUp, segmentFrame, timestamps, timestamp);
            if (ledger.clientAck > ledger.guestFirst) {
                standIn.acknowledgeToGuest(ledger, catchUp);
            } else if (catchUp.divergence() == null) {
                sendSynAgain(ledger, catchUp, segmentFrame, memory, offsetBytes, lengthBytes);
            }
            return;
        }
        if (catchUp.isEnded()) {
            return; // It answers what the client had sent ahead of its RST.
        }
        if (!catchUp.isNumbered()) {
            if (ledger.isRefusedBy(segment)) {
                catchUp.diverge(Divergence.RESET);
            } else if ((flags & (TcpSegment.ACK | TcpSegment.RST)) == TcpSegment.ACK) {
                // It still has an earlier one between the same ports. So had the guest before it, and the client ended
                // it.
                standIn.refuseGuest(ledger.key.nic(), segmentFrame);
            }
            return;
        }
        catchUp.hear(ledger, timestamp);
        if ((flags & TcpSegment.RST) != 0) {
            if (catchUp.isDone(ledger)) {
                catchUp.reset();
                hold(ledger, catchUp, segmentFrame, memory, offsetBytes, lengthBytes);
            } else {
                catchUp.diverge(Divergence.RESET);
            }
            return;
        }
        long begin = SequenceNumbers.unwrap(catchUp.guestEnd(), segment.sequence() + catchUp.sequenceOffset());
        long end = begin + segment.payloadLength();
        boolean fin = (flags & TcpSegment.FIN) != 0;
        long ackBefore = catchUp.guestAck();
        long ack = SequenceNumbers.unwrap(ackBefore, segment.acknowledgment());
        catchUp.tell(ack, ack + ((long) segment.window() << ledger.guestWindowScale()), timestamps, timestamp);
        Comparison comparison = catchUp.comparison();
        if (begin <= comparison.absorbedThrough() && end > comparison.absorbedThrough()) {
            long skipped = comparison.absorbedThrough() - begin;
            comparison.absorb(memory, segment.payloadOffset() + skipped, end - comparison.absorbedThrough());
        }
        CarriedBytes carried = catchUp.carried(ledger);
        if (carried != null) {
            carried.take(memory, segment.payloadOffset(), begin, end);
        }
        catchUp.emit(end);
        if (fin) {
            catchUp.finish(end);
        }
        if (comparison.isDifferent()) {
            catchUp.diverge(Divergence.BYTES);
            onWrongAnswer();
        } else if (fin && end < ledger.bytesBefore(ledger.releasedEnd)) {
            catchUp.diverge(Divergence.END);
        }
        if (begin == end && !fin) {
            if (ack == ackBefore && ack < catchUp.nextFromClient() && catchUp.isFirstRepeat(ack)) {
                repeat(ledger, 1); // It misses something before what it got last.
            }
            if (begin < catchUp.acknowledgeable(ledger)) {
                standIn.acknowledgeToGuest(ledger, catchUp); // It probes a window, or whether anybody is there.
            }
            if (ack > ledger.releasedAck) {
                hold(ledger, catchUp, segmentFrame, memory, offsetBytes, lengthBytes);
            }
        } else if (catchUp.divergence() != null) {
            acknowledge(ledger, catchUp, end); // Others may depend on it; it is reset in the end.
        } else if (fin || end > ledger.releasedEnd) {
            boolean isCompared = comparison.equalThrough() >= ledger.releasedEnd;
            if (isCompared) { // What is held leaves, also if its connection diverges later (INV-12).
                hold(ledger, catchUp, segmentFrame, memory, offsetBytes, lengthBytes);
            }
            acknowledge(ledger, catchUp, end);
        } else if (end <= ledger.clientAck || (carried != null && end <= carried.end())) {
            counters.swallowedBytes.add(end - begin);
            acknowledge(ledger, catchUp, end);
        } else if (end <= comparison.equalThrough()) {
            // Equal, and it was sent before, except for what was lost before it came here.
            sendAgain(ledger, comparison, begin, memory, segment.payloadOffset(), end - begin);
        } else {
            sendEqualPart(ledger, catchUp, segment, memory, begin, end);
            acknowledge(ledger, catchUp, end);
        }
    }

    /** Of a segment that ends within a block, to a client that lacks some of it. */
    private void sendEqualPart(
            Ledger ledger, CatchUp catchUp, TcpSegment segment, MemorySegment memory, long begin, long end) {
        long lacking = Math.max(begin, ledger.clientAck);
        long equalBytes = catchUp.comparison().equalThrough() - lacking;
        if (equalBytes > 0) {
            long lackingOffset = segment.payloadOffset() + lacking - begin;
            sendAgain(ledger, catchUp.comparison(), lacking, memory, lackingOffset, equalBytes);
        } else if (lacking == ledger.clientAck
                && end <= catchUp.comparison().absorbedThrough()
                && catchUp.carried(ledger) == null) {
            catchUp.carry(lacking).take(memory, segment.payloadOffset(), begin, end);
            carrying.add(ledger);
        }
    }

    /** Brings a client the block that is known to be equal by now; again, if it may be lost. */
    private void bringCarried(Ledger ledger, CatchUp catchUp, long nowNanos) {
        CarriedBytes carried = catchUp.carried(ledger);
        if (carried != null && catchUp.comparison().equalThrough() >= carried.blockEnd() && carried.isDue(nowNanos)) {
            carried.bring(ledger, catchUp.comparison(), standIn, nowNanos);
        }
    }

    private void bringCarried(long nowNanos) {
        for (Iterator<Ledger> ledgers = carrying.iterator(); ledgers.hasNext(); ) {
            Ledger ledger = ledgers.next();
            CatchUp catchUp = ledger.catchUp;
            if (catchUp == null || catchUp.divergence() != null || catchUp.carried(ledger) == null) {
                ledgers.remove();
            } else {
                bringCarried(ledger, catchUp, nowNanos);
            }
        }
    }

    private void onWrongAnswer() {
        if (asked != InputLog.NONE) {
            repair.onWrongAnswer(asked, recordedEnd);
        }
    }

    /** Whether another attempt would give the guest its input in another order. */
    boolean mayImprove() {
        return order == ReplayOrder.GATED || repair.mayImprove();
    }

    /** In the client's place, if that says anything new, or again, if the guest has not heard it. */
    private void acknowledge(Ledger ledger, CatchUp catchUp, long end) {
        long ack = catchUp.acknowledgeable(ledger);
        if (catchUp.acknowledge(ack) || end <= ack) {
            standIn.acknowledgeToGuest(ledger, catchUp);
        }
    }

    private void number(Ledger ledger, CatchUp catchUp, TcpFrame segmentFrame, boolean timestamps, int timestamp) {
        TcpSegment segment = segmentFrame.segment();
        if (!catchUp.isNumbered()) {
            int echo = timestamps ? segmentFrame.options().timestampEcho() : 0;
            catchUp.number(ledger, segment.sequence(), echo);
            catchUp.hear(ledger, timestamp);
            if (!Offer.of(segmentFrame.options()).equals(ledger.guestOffer)) {
                catchUp.diverge(Divergence.OFFER);
            }
        }
        long ack = SequenceNumbers.unwrap(catchUp.guestAck(), segment.acknowledgment());
        catchUp.tell(ack, ack + segment.window(), timestamps, timestamp);
    }

    /** The client may not have the first one; to it, this is the same. */
    private void sendSynAgain(
            Ledger ledger,
            CatchUp catchUp,
            TcpFrame segmentFrame,
            MemorySegment memory,
            long offsetBytes,
            int lengthBytes) {
        boolean timestamps = segmentFrame.options().hasTimestamps();
        int heard =
                timestamps ? ledger.releasedTimestamp - segmentFrame.options().timestampValue() : 0;
        Translation sameClock = catchUp.translation().withTimestampOffset(heard);
        rewriter.toClient(memory, offsetBytes, segmentFrame, ledger, sameClock);
        outlet.toClient(ledger.key.nic(), memory, offsetBytes, lengthBytes);
    }

    /**
     * To a client that lacks it, in the guest's place. It hears no later clock, acknowledgement or window than it has heard: what
     * is held has earlier ones, and leaves later; and a further attempt's guest must not say less.
     */
    private void sendAgain(
            Ledger ledger,
            Comparison comparison,
            long position,
            MemorySegment memory,
            long offsetBytes,
            long lengthBytes) {
        comparison.leave(position, memory, offsetBytes, lengthBytes);
        standIn.sendAgain(ledger, position, memory, offsetBytes, lengthBytes);
    }

    private void hold(
            Ledger ledger,
            CatchUp catchUp,
            TcpFrame segmentFrame,
            MemorySegment memory,
            long offsetBytes,
            int lengthBytes) {
        rewriter.toClient(memory, offsetBytes, segmentFrame, ledger, catchUp.translation());
        outlet.hold(ledger.key.nic(), memory, offsetBytes, lengthBytes);
    }

    // ---- what clients say meanwhile ----

    /** A client has said how far it has come, or that it has ended. */
    void onClientSegment(Ledger ledger) {
        CatchUp catchUp = ledger.catchUp;
        if (catchUp != null
                && catchUp.isNumbered()
                && ledger.clientAck > ledger.guestFirst
                && catchUp.acknowledge(catchUp.acknowledgeable(ledger))) {
            standIn.acknowledgeToGuest(ledger, catchUp);
        }
        review(ledger);
    }

    // ---- what the guest is given ----

    /** Gives the guest as much of the log as may go now. */
    void advance(long nowNanos) {
        cursor = log.recordFrom(cursor);
        while (cursor < recordedEnd && mayPass(cursor)) {
            cursor = log.next(cursor);
            progressNanos = nowNanos;
            gateNanos = nowNanos;
        }
    }

    /** Repeats what may have been lost, and goes past a gate that does not open. */
    void onTime(long nowNanos) {
        advance(nowNanos);
        bringCarried(nowNanos);
        if (nowNanos - progressNanos >= STALL_NANOS) {
            progressNanos = nowNanos;
            repeat(null, REPEATED_FRAMES);
            showWindows();
        }
        if (cursor < recordedEnd && nowNanos - gateNanos >= GATE_PATIENCE_NANOS) {
            counters.expiredGates.increment();
            gateNanos = nowNanos;
            openGate(nowNanos);
        }
    }

    /** Nobody waits any longer for what the guest has not said. An input that has waited for it goes now. */
    private void openGate(long nowNanos) {
        long shut = cursor;
        answeringFlow = NO_FLOW;
        if (log.kind(shut) == InputLog.OUTPUT) {
            cursor = log.next(shut);
        }
        advance(nowNanos);
        boolean nothingGiven = cursor == shut && answeringFlow == NO_FLOW;
        if (nothingGiven && log.isOfFlow(log.inputAt(shut))) {
            cursor = log.next(shut); // The guest's window is shut, and what it lacks is repeated.
            advance(nowNanos);
        }
    }

    private boolean mayPass(long position) {
        long input = log.inputAt(position);
        if (log.kind(position) == InputLog.OUTPUT) {
            return hasSaid(log.flow(position), log.end(position));
        }
        if (input == InputLog.NONE || log.kind(input) == InputLog.ONCE || isHeldAndKnown(input)) {
            return true; // The guest got it at another place, or not at all, or has it, or should not get it again.
        }
        if (order != ReplayOrder.REPAIRED) {
            return isAnswered() && give(position, input);
        }
        return repair.isMoved(position) || (giveAheadOf(position) && isAnswered() && give(position, input));
    }

    private boolean giveAheadOf(long position) {
        for (long ahead = repair.nextAheadOf(position); ahead != InputLog.NONE; ahead = repair.nextAheadOf(position)) {
            if (!isAnswered() || !give(ahead, log.inputAt(ahead))) {
                return false;
            }
            repair.onGiven(ahead);
        }
        return true;
    }

    private boolean give(long place, long input) {
        return log.isOfFlow(input) ? giveSegment(place, input) : giveOther(input);
    }

    /** What held connections said before the checkpoint may still be in the log, behind something that is not. */
    private boolean isHeldAndKnown(long position) {
        return log.kind(position) == InputLog.HELD && log.epoch(position) <= committedEpoch;
    }

    /** Whether the guest has said again what it had said then; or whether it need not. */
    private boolean hasSaid(long flow, long end) {
        Ledger ledger = flows.find(flow);
        CatchUp catchUp = ledger == null ? null : ledger.catchUp;
        if (ledger == null || catchUp == null || catchUp.divergence() != null || catchUp.isEnded()) {
            return true;
        }
        boolean said = catchUp.isNumbered() && catchUp.comparison().absorbedThrough() >= end;
        return said || catchUp.isDone(ledger);
    }

    private boolean isAnswered() {
        return answeringFlow == NO_FLOW || hasSaid(answeringFlow, answeredEnd);
    }

    private boolean giveOther(long position) {
        counters.replayedBytes.add(log.frameBytes(position));
        return outlet.toGuest(log.nic(position), log.memory(), log.frameOffset(position), log.frameBytes(position));
    }

    /** Gives the segment that the guest got at a place in the log. */
    private boolean giveSegment(long place, long position) {
        Ledger ledger = flows.find(log.flow(position));
        if (ledger == null) {
            return true; // It is over, for the checkpoint too.
        }
        CatchUp catchUp = ledger.catchUp;
        if (catchUp == null) {
            return giveOther(position); // A SYN to which the client knows no answer.
        }
        boolean opens = log.begin(position) == ledger.clientFirst;
        if (log.end(position) <= catchUp.guestAck() && log.end(position) > log.begin(position)) {
            return true;
        }
        boolean isEmpty = log.end(position) == log.begin(position); // A RST needs no room.
        boolean hasRoom = log.begin(position) < catchUp.guestEdge() + (isEmpty ? 1 : 0);
        if (!opens && !(catchUp.isNumbered() && hasRoom)) {
            return catchUp.divergence() != null || catchUp.isEnded();
        }
        if (!inject(position, ledger, catchUp)) {
            return false;
        }
        if (order.isSerial()) {
            awaitAnswer(place, catchUp);
        }
        return true;
    }

    private boolean inject(long position, Ledger ledger, CatchUp catchUp) {
        int lengthBytes = log.frameBytes(position);
        MemorySegment.copy(
                log.memory(),
                log.frameOffset(position) - prefixBytes,
                scratch,
                (long) MAX_PREFIX_BYTES - prefixBytes,
                (long) prefixBytes + lengthBytes);
        if (!frame.wrap(scratch, MAX_PREFIX_BYTES, lengthBytes)) {
            return true; // Cannot be: it was understood when it was written down.
        }
        boolean resets = (frame.segment().flags() & TcpSegment.RST) != 0;
        if (resets && ledger.clientResetEpoch == Long.MAX_VALUE) {
            return true; // The guest before it has not believed it.
        }
        boolean timestamps = frame.options().hasTimestamps();
        int timestamp = timestamps ? catchUp.clientTimestamp(frame.options().timestampValue()) : 0;
        long ack = catchUp.acknowledgeable(ledger);
        rewriter.replayed(
                scratch,
                MAX_PREFIX_BYTES,
                frame,
                (int) ack - catchUp.sequenceOffset(),
                SegmentRewriter.window(ledger.clientEdge - ack, ledger.clientWindowScale()),
                timestamp,
                catchUp.guestTimestamp());
        if (!outlet.toGuest(log.nic(position), scratch, MAX_PREFIX_BYTES, lengthBytes)) {
            return false;
        }
        catchUp.inject(log.end(position), timestamps, timestamp);
        if (resets) {
            catchUp.end();
        }
        counters.replayedBytes.add(lengthBytes);
        return true;
    }

    private void awaitAnswer(long place, CatchUp catchUp) {
        asked = place;
        long answer = log.answerTo(place, recordedEnd);
        answeringFlow = answer == InputLog.NONE ? NO_FLOW : log.flow(place);
        if (answer != InputLog.NONE) {
            answeredEnd = log.end(answer);
            catchUp.comparison().expect(answeredEnd, log.digest(answer));
        }
    }

    /**
     * Tells a guest that has all its input, and does not go on, how much it may send: a client's window that the checkpoint has
     * as shut was opened by a segment without bytes, which is not in the log. Who finds no room here is told when it probes.
     */
    private void showWindows() {
        int shown = 0;
        for (Ledger ledger : unsettled) {
            CatchUp catchUp = ledger.catchUp;
            if (shown < REPEATED_FRAMES && catchUp != null && catchUp.owes(ledger)) {
                standIn.acknowledgeToGuest(ledger, catchUp);
                shown++;
            }
        }
    }

    /** Gives once more what the guest has not acknowledged, on one connection or on all. */
    private void repeat(@Nullable Ledger only, int limitFrames) {
        int repeated = 0;
        for (long place = log.head(); place < cursor && repeated < limitFrames; place = log.next(place)) {
            long position = log.inputAt(place);
            if (position == InputLog.NONE || log.kind(position) != InputLog.SEGMENT) {
                continue;
            }
            Ledger ledger = flows.find(log.flow(position));
            CatchUp catchUp = ledger == null ? null : ledger.catchUp;
            boolean wanted = only == null || only == ledger;
            boolean lacks = catchUp != null && !catchUp.isEnded() && log.end(position) > catchUp.guestAck();
            if (wanted && ledger != null && catchUp != null && lacks) {
                inject(position, ledger, catchUp);
                repeated++;
            }
        }
    }
}
