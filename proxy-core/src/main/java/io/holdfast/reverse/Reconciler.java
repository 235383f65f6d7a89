package io.holdfast.reverse;

import io.holdfast.frame.IcmpQuote;
import io.holdfast.frame.TcpFrame;
import io.holdfast.frame.TcpPath;
import io.holdfast.frame.TcpSegment;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.List;
import java.util.OptionalLong;
import java.util.function.IntFunction;
import java.util.function.IntPredicate;
import org.jspecify.annotations.Nullable;

/**
 * Stands between clients and a guest in reverse mode, and keeps what it takes to survive the guest's death.
 *
 * <h2>The idea</h2>
 *
 * A wall makes clients wait until the backup has what they are about to be told. Here they are told at once, and what they
 * have been told is kept instead: as a {@link Ledger} for each connection. What they send is written into the
 * {@link InputLog} before the guest gets it. When the guest dies, the backup's older checkpoint is resumed and gets the same
 * input once more; it then says the same again, unless it depends on chance, and is back where the clients have seen it.
 *
 * <pre>
 *   RUNNING      clients -> log -> guest            guest -> ledger -> clients
 *   LOST         clients -> log                     clients are asked how far they have come
 *   CATCHING_UP  log -> guest                       guest -> compared with the ledgers; new output is held
 *   RUNNING      log -> guest, with numbers translated for the life of each connection
 * </pre>
 *
 * A connection on which the guest says anything else is reset, at exactly the position at which its client stands, and
 * counted; it never goes on with bytes of two histories (INV-12). What has no complete ledger, and every FIN and RST, is held
 * by the wall as in wall mode.
 *
 * <p>After FT-TCP (Alvisi et al., INFOCOM 2001), TCPR (Surton et al., DSN 2013) and rRVM (UCC 2016), who each do a part of it.
 *
 * <p><b>Threads.</b> One, for everything but {@link #counters}. Time is passed in, monotonic.
 */
public final class Reconciler implements AutoCloseable {

    /** What the guest's life looks like from here. */
    public enum Phase {
        /** The guest runs. */
        RUNNING,
        /** It does not, and is not yet restored. */
        LOST,
        /** It was restored, and gets its input again. */
        CATCHING_UP
    }

    /**
     * What it may use, and whom it serves.
     *
     * @param logBytes room for clients' frames between two confirmed checkpoints, a power of two
     * @param digestBytes room for digests of released bytes of all connections, one of 16 bytes for each 256
     * @param maxFlows how many connections may be released at once, up to 2^20; the rest is held
     * @param heldPorts the guest's ports whose connections are held like in wall mode, because their output cannot be
     *     reproduced
     * @param admission when requests for one of the guest's ports reach it
     * @param datagrams which of the guest's datagrams leave at once; none if empty
     * @param prefixBytes what the ports put in front of each frame
     * @param seed random
     */
    public record Settings(
            long logBytes,
            long digestBytes,
            int maxFlows,
            IntPredicate heldPorts,
            IntFunction<Admission> admission,
            List<DatagramRule> datagrams,
            int prefixBytes,
            long seed) {

        public Settings {
            datagrams = List.copyOf(datagrams);
            if (maxFlows < 1 || maxFlows > Flows.MAX_FLOWS) {
                throw new IllegalArgumentException(maxFlows + " flows are not within 1.." + Flows.MAX_FLOWS);
            }
        }

        /** With the same admission for all ports, and no datagrams that leave at once. */
        public Settings(
                long logBytes,
                long digestBytes,
                int maxFlows,
                IntPredicate heldPorts,
                Admission admission,
                int prefixBytes,
                long seed) {
            this(logBytes, digestBytes, maxFlows, heldPorts, port -> admission, List.of(), prefixBytes, seed);
        }
    }

    /** A frame adds two at most, itself and an answer, so that the log becomes shorter in the end. */
    private static final int RECORDS_FOR_A_FRAME = 4;

    private static final int RECORDS_AT_A_TIME = 256;
    private static final int RESETS = 6;
    private static final long FIRST_RESET_INTERVAL_NANOS = 100_000_000L;
    private static final int DIGEST_BYTES = 16;
    private static final int MAX_PREFIX_BYTES = 16;
    private static final int MAX_FRAME_BYTES = 70_000;

    private final Settings settings;
    private final Outlet outlet;
    private final ReverseCounters counters = new ReverseCounters();
    private final Flows flows;
    private final InputLog log;
    private final SegmentRewriter rewriter;
    private final StandIn standIn;
    private final Recorder recorder;
    private final Replay replay;
    private final Gatekeeper gatekeeper;
    private final Inheritance inheritance;
    private final Strangers strangers;
    private final Sweeper sweeper;
    private final Foresight foresight;
    private final Arrivals arrivals;
    private final Datagrams datagrams;
    private final TcpFrame frame = new TcpFrame();
    private final IcmpQuote quote = new IcmpQuote();
    private final FlowKey key = new FlowKey();
    private final FlowKey quotedKey = new FlowKey();
    private final MemorySegment scratch = Arena.ofAuto().allocate(MAX_PREFIX_BYTES + MAX_FRAME_BYTES, 8);
    private final TcpFrame translated = new TcpFrame();

    private final CatchUpTime catchUpTime = new CatchUpTime();

    private Phase phase = Phase.RUNNING;
    /** A guest can be restored only from a checkpoint since which all is known here. */
    private boolean remembers;

    /** How many guests were restored since one was lost, and in which order the last one got its input. */
    private int attempt;

    private ReplayOrder order = ReplayOrder.GATED;
    /** The newest term in which this proxy took the place of one that is lost; 0 for none. */
    private long numberingLostIn;
    /** What the guest has got of the log; behind its end only while the guest has no room, and never after a failover. */
    private long cursor;

    private long recordedEnd;
    /** Whether the confirmed checkpoint may have more of the log than is forgotten. */
    private boolean forgetting;

    /** How often the RSTs of the last failover were repeated, and when they are due again. */
    private int resets = RESETS;

    private long resetNanos;

    public Reconciler(Settings settings, Outlet outlet) {
        this.settings = settings;
        this.outlet = outlet;
        this.flows = new Flows(
                settings.maxFlows(), new DigestBudget(settings.digestBytes() / DIGEST_BYTES), settings.seed());
        this.log = new InputLog(settings.logBytes(), settings.prefixBytes());
        this.rewriter = new SegmentRewriter(settings.prefixBytes());
        this.standIn = new StandIn(outlet);
        this.recorder = new Recorder(flows, log, outlet, rewriter, standIn, counters);
        this.inheritance = new Inheritance(rewriter);
        this.strangers = new Strangers(settings.maxFlows());
        this.gatekeeper = new Gatekeeper(counters);
        this.arrivals = new Arrivals(log);
        this.foresight = new Foresight(flows);
        this.sweeper = new Sweeper(flows, recorder, counters);
        this.datagrams = new Datagrams(settings.datagrams(), settings.seed(), counters);
        this.replay = new Replay(flows, log, outlet, rewriter, standIn, counters, settings.prefixBytes());
    }

    // ---- checkpoints ----

    /**
     * An epoch is closed: the guest is paused, and all that it had sent has been here.
     *
     * @param closedEpoch its number
     */
    public void onBarrier(long closedEpoch, long nowNanos) {
        gatekeeper.onPause(nowNanos);
        recorder.closeEpoch(closedEpoch);
        if (!recorder.isRecording()) {
            recorder.startRecording();
        }
    }

    /** The backup has confirmed the checkpoint that ends an epoch: from it a guest may be restored, and from none before. */
    public void onCommit(long epoch) {
        recorder.commitEpoch(epoch);
        remembers |= recorder.hasRecorded(epoch);
        flows.endThoseOverAt(epoch);
        datagrams.onCommit(epoch);
        forgetNeedless(RECORDS_AT_A_TIME);
    }

    /**
     * Forgets what the confirmed checkpoint has, some records at a time: with many connections an epoch has hundreds of
     * thousands, each of another ledger, and no frame shall wait for all of them.
     */
    private void forgetNeedless(int records) {
        long epoch = recorder.committedEpoch();
        long position = log.head();
        int left = records;
        while (left > 0 && position < cursor && !log.isWaiting(position) && isNeedlessAt(position, epoch)) {
            position = log.next(position);
            left--;
        }
        log.truncateBefore(position);
        forgetting = left == 0;
    }

    /** There is no backup, and nothing to be replayed to. */
    public void stopRecording() {
        recorder.stopRecording();
        remembers = false; // Of the checkpoints so far: clients hear what is not kept.
    }

    /**
     * Chooses whether output leaves at once, where it can be repaired, or is held like in wall mode. From the next epoch on;
     * connections that were held by this choice leave at once again as soon as all that the guest has said on them has left.
     */
    public void releaseAtOnce(boolean atOnce) {
        recorder.release(atOnce);
    }

    /** Whether output leaves at once. */
    public boolean isReleasingAtOnce() {
        return recorder.isReleasing();
    }

    /** whether the checkpoint that ends the epoch has certainly got it, or its client will certainly send it again. */
    private boolean isNeedlessAt(long position, long epoch) {
        if (log.kind(position) == InputLog.HELD) {
            return recorder.epochOf(log.epoch(position)) <= epoch;
        }
        if (log.kind(position) == InputLog.OTHER) {
            return recorder.epochOf(log.epoch(position)) < epoch;
        }
        if (log.kind(position) == InputLog.GIVEN || log.kind(position) == InputLog.ONCE) {
            return true; // The frame stands before it, or is not given again.
        }
        if (log.kind(position) == InputLog.OUTPUT) {
            return log.epoch(position) <= epoch; // The guest had said it when that epoch was closed.
        }
        long arrival = log.arrival(position);
        if (arrival != InputLog.NONE) {
            return arrival <= epoch;
        }
        Ledger ledger = flows.find(log.flow(position));
        if (ledger == null) {
            return true;
        }
        long end = log.end(position);
        boolean acknowledged = ledger.guestAckAt(epoch) >= end && end > log.begin(position);
        boolean isRepeated = end == log.begin(position) || ledger.guestAck < end; // A RST whenever the guest speaks.
        return acknowledged || (recorder.epochOf(log.epoch(position)) < epoch && isRepeated);
    }

    // ---- frames ----

    /** How many frames may be expected at a time. */
    public static final int EXPECTED_FRAMES = Foresight.FRAMES;

    /** Whether it pays to say which frames come next: with few connections it does not. */
    public boolean looksAhead() {
        return foresight.isOfUse();
    }

    /** A frame that a client has sent will be given to {@link #onClientFrame}, after some others. */
    public void expectClientFrame(int nic, MemorySegment memory, long offsetBytes, int lengthBytes) {
        if (frame.wrap(memory, offsetBytes, lengthBytes)) {
            foresight.expect(key.setClientSide(nic, frame));
        }
    }

    /** A frame that the guest has sent will be given to {@link #onGuestFrame}, after some others. */
    public void expectGuestFrame(int nic, MemorySegment memory, long offsetBytes, int lengthBytes) {
        if (frame.wrap(memory, offsetBytes, lengthBytes)) {
            foresight.expect(key.setGuestSide(nic, frame));
        }
    }

    /** No more is expected before the first of these comes. */
    public void lookAhead() {
        foresight.fetch();
    }

    /** A frame that a client sent, with its prefix before it. */
    public void onClientFrame(int nic, MemorySegment memory, long offsetBytes, int lengthBytes, long nowNanos) {
        if (!frame.wrap(memory, offsetBytes, lengthBytes)) {
            boolean once = datagrams.isGivenOnce(memory, offsetBytes, lengthBytes);
            log(once ? InputLog.ONCE : InputLog.OTHER, nic, 0, 0, 0, memory, offsetBytes, lengthBytes);
            feed(nowNanos);
            return;
        }
        Ledger ledger = flows.find(key.setClientSide(nic, frame));
        if ((frame.segment().flags() & (TcpSegment.SYN | TcpSegment.ACK)) == TcpSegment.SYN) {
            if (!mayBegin(ledger)) {
                return; // The client says it again.
            }
            ledger = onClientSyn(ledger, nic, nowNanos);
        }
        if (ledger == null) {
            onUnknownFromClient(nic, memory, offsetBytes, lengthBytes);
        } else if (ledger.aborted) {
            refuse(ledger);
        } else {
            ledger.clientSeenNanos = nowNanos;
            onClientSegment(ledger, memory, offsetBytes, lengthBytes);
        }
        feed(nowNanos);
    }

    /**
     * Whether nobody needs an earlier connection between the same ports any more: what is on disk of it is not taken for a new
     * one's, and the guest does not have to get its input again.
     */
    private boolean mayBegin(@Nullable Ledger known) {
        if (known != null && !known.isOver()) {
            return true; // Then it does not begin.
        }
        if (known != null && recorder.isRecording() && !known.aborted && !known.hasEndedAt(recorder.committedEpoch())) {
            return false; // what its client was told may rest on it.
        }
        boolean may = !inheritance.isOnDisk(key) || inheritance.has(key);
        if (!may && known != null) {
            replay.forget(known);
            flows.end(known);
        }
        return may;
    }

    private void onUnknownFromClient(int nic, MemorySegment memory, long offsetBytes, int lengthBytes) {
        int flags = frame.segment().flags();
        if (strangers.isOne(key, frame.segment())) {
            counters.strangerSegments.increment();
            if (phase == Phase.RUNNING && (flags & (TcpSegment.ACK | TcpSegment.RST)) == TcpSegment.ACK) {
                standIn.refuseClient(nic, frame); // Says nothing of the guest but that it does not know the connection.
            }
            return;
        }
        inheritance.toGuest(key, frame, memory, offsetBytes);
        log(InputLog.HELD, nic, 0, 0, 0, memory, offsetBytes, lengthBytes);
    }

    private @Nullable Ledger onClientSyn(@Nullable Ledger known, int nic, long nowNanos) {
        int sequence = frame.segment().sequence();
        if (known != null) {
            if ((int) known.clientFirst == sequence && !known.aborted) {
                return known;
            }
            if (known.isKnownToClient() && !known.isOver()) {
                return null; // A guest that still has the old one does not believe it (RFC 5961, section 4.2).
            }
            replay.forget(known);
            flows.end(known); // The same ports once more. If the guest still has the old one, it says so.
        }
        if (settings.heldPorts().test(key.guestPort())
                || frame.segment().payloadLength() > 0
                || inheritance.has(key)) { // The guest may still have the old one, and says so if not.
            return null;
        }
        key.setClientSide(nic, frame);
        Ledger begun = begin();
        if (begun == null && phase == Phase.RUNNING && sweeper.makeRoom(nowNanos)) {
            begun = begin();
        }
        if (begun != null) {
            begun.admission = settings.admission().apply(key.guestPort());
            recorder.begin(begun);
        }
        return begun;
    }

    private @Nullable Ledger begin() {
        int sequence = frame.segment().sequence();
        return flows.begin(key, TcpPath.of(frame), Offer.of(frame.options()), sequence, recorder.openEpoch());
    }

    private void onClientSegment(Ledger ledger, MemorySegment memory, long offsetBytes, int lengthBytes) {
        boolean pass = recorder.onClientSegment(ledger, frame) == Recorder.Input.PASS;
        if (!pass) {
            long position = log(
                    InputLog.SEGMENT,
                    ledger.key.nic(),
                    ledger.id,
                    recorder.begin(),
                    recorder.end(),
                    memory,
                    offsetBytes,
                    lengthBytes);
            if (position != InputLog.FULL && recorder.end() > recorder.begin()) {
                arrivals.expect(ledger, position);
            }
        }
        if (phase == Phase.CATCHING_UP) {
            replay.onClientSegment(ledger);
        } else if (pass && phase == Phase.RUNNING) {
            if (!ledger.translation.isNone()) {
                rewriter.toGuest(memory, offsetBytes, frame, ledger.translation);
            }
            outlet.toGuest(ledger.key.nic(), memory, offsetBytes, lengthBytes);
        }
    }

    private long log(
            int kind,
            int nic,
            long flow,
            long begin,
            long end,
            MemorySegment memory,
            long offsetBytes,
            int lengthBytes) {
        if (forgetting) {
            forgetNeedless(log.hasRoomFor(lengthBytes) ? RECORDS_FOR_A_FRAME : Integer.MAX_VALUE);
        }
        long position = log.append(kind, nic, flow, begin, end, recorder.openEpoch(), memory, offsetBytes, lengthBytes);
        if (position == InputLog.FULL) {
            counters.refusedFrames.increment(); // INV-5: the guest has not got it either; the client sends it again.
        } else {
            counters.loggedFrames.increment();
        }
        return position;
    }

    private @Nullable Ledger ledgerOf(long position) {
        return log.kind(position) == InputLog.SEGMENT ? flows.find(log.flow(position)) : null;
    }

    /** Gives the guest all of the log that it has not got, and may have now. */
    private void feed(long nowNanos) {
        if (phase != Phase.RUNNING) {
            return;
        }
        cursor = log.recordFrom(cursor);
        while (cursor < log.tail() && give(cursor, nowNanos)) {
            cursor = log.next(cursor);
        }
        admit(nowNanos);
        if (!recorder.isRecording()) {
            forgetWhatArrived();
        }
    }

    /**
     * Without a backup the log has only what may still be on its way to the guest: the first checkpoint may be taken before it
     * arrives.
     */
    private void forgetWhatArrived() {
        long position = log.head();
        while (position < cursor && !log.isWaiting(position) && hasArrived(position)) {
            position = log.next(position);
        }
        log.truncateBefore(position);
    }

    private boolean hasArrived(long position) {
        if (log.kind(position) == InputLog.HELD) {
            return true; // Or the client sends it again: from the first barrier on, nobody tells it otherwise.
        }
        long newerBytes = log.tail() - position;
        if (!log.isOfFlow(position) || newerBytes > log.capacityBytes() / 2) {
            return newerBytes > log.capacityBytes() / 8;
        }
        if (log.arrival(position) != InputLog.NONE) {
            return true;
        }
        Ledger ledger = flows.find(log.flow(position));
        return ledger == null || log.kind(position) == InputLog.OUTPUT || ledger.guestAck >= log.end(position);
    }

    private boolean give(long position, long nowNanos) {
        if (log.inputAt(position) != position) {
            return true;
        }
        Ledger ledger = ledgerOf(position);
        if (ledger == null || ledger.admission == Admission.FREE || !asks(position, ledger)) {
            return send(position, ledger);
        }
        if (ledger.isWaiting() || !gatekeeper.isOpenFor(ledger, nowNanos)) {
            defer(position, ledger);
            return true;
        }
        boolean given = send(position, ledger);
        if (given) {
            gatekeeper.onRequest(ledger, log.end(position), nowNanos);
        }
        return given;
    }

    /**
     * Whether a segment brings the guest something to answer. What a client repeats does not, nor does its end; and what the
     * guest may need to answer another one, like its neighbours' addresses, must not wait for that.
     */
    private boolean asks(long position, Ledger ledger) {
        long end = log.end(position);
        long bytesEnd = end == ledger.clientFinEnd ? end - 1 : end;
        return ledger.isAnswered() && bytesEnd > log.begin(position) && bytesEnd > ledger.guestAck;
    }

    private void defer(long position, Ledger ledger) {
        log.defer(position);
        if (ledger.isWaiting()) {
            log.tie(ledger.lastWaiting, position);
        } else {
            ledger.firstWaiting = position;
            gatekeeper.await(ledger);
        }
        ledger.lastWaiting = position;
    }

    /** Lets in those whose turn has come. */
    private void admit(long nowNanos) {
        Ledger next = gatekeeper.next(nowNanos);
        while (next != null && giveWaiting(next, nowNanos)) {
            gatekeeper.leave();
            next = gatekeeper.next(nowNanos);
        }
    }

    /** Gives the guest all that waits of a connection, its rest when there is room. */
    private boolean giveWaiting(Ledger ledger, long nowNanos) {
        boolean wanted = flows.find(ledger.id) != null && !ledger.aborted;
        while (ledger.isWaiting()) {
            long position = ledger.firstWaiting;
            if (!wanted || !asks(position, ledger)) {
                log.drop(position); // It is over, or the guest has got what the client repeated.
            } else if (!send(position, ledger)) {
                return false;
            } else {
                noteGiven(position);
                gatekeeper.onRequest(ledger, log.end(position), nowNanos);
            }
            ledger.firstWaiting = log.later(position);
        }
        return true;
    }

    private void noteGiven(long position) {
        if (!log.give(position, recorder.openEpoch())) {
            counters.unorderedRequests.increment();
        }
    }

    private boolean send(long position, @Nullable Ledger ledger) {
        int lengthBytes = log.frameBytes(position);
        long offsetBytes = log.frameOffset(position);
        int quotedOffset = log.kind(position) == InputLog.OTHER ? quotedSequenceOffset(position) : 0;
        boolean isTranslated = ledger != null && !ledger.translation.isNone();
        if (!isTranslated && quotedOffset == 0) {
            return outlet.toGuest(log.nic(position), log.memory(), offsetBytes, lengthBytes);
        }
        int prefixBytes = settings.prefixBytes();
        MemorySegment.copy(
                log.memory(),
                offsetBytes - prefixBytes,
                scratch,
                (long) MAX_PREFIX_BYTES - prefixBytes,
                (long) prefixBytes + lengthBytes);
        if (ledger == null) {
            if (quote.wrap(scratch, MAX_PREFIX_BYTES, lengthBytes)) {
                quote.setSequence(quote.sequence() - quotedOffset);
            }
        } else if (translated.wrap(scratch, MAX_PREFIX_BYTES, lengthBytes)) {
            rewriter.toGuest(scratch, MAX_PREFIX_BYTES, translated, ledger.translation);
        }
        return outlet.toGuest(log.nic(position), scratch, MAX_PREFIX_BYTES, lengthBytes);
    }

    /**
     * How far the number is off that an error of the network quotes, because it met the segment as its client knows it; 0 for
     * any other frame. A guest ignores what quotes a number that it has not in flight (RFC 5927, section 4.1), and would go on
     * sending what is too big for the path. The quoted acknowledgement counts what the client sends, which has one numbering.
     *
     * <p>The log has the frame as it came, so that it is translated once, and as its connection is when the guest gets it.
     * A replay gives it as it came: at worst the guest ignores it, and hears again of the next segment that is too big.
     */
    private int quotedSequenceOffset(long position) {
        if (!quote.wrap(log.memory(), log.frameOffset(position), log.frameBytes(position))) {
            return 0;
        }
        Ledger quoted = flows.find(quotedKey.setQuoted(log.nic(position), quote));
        return quoted == null ? inheritance.sequenceOffset(quotedKey) : quoted.translation.sequenceOffset();
    }

    /** A frame that the guest sent, with its prefix before it. */
    public void onGuestFrame(int nic, MemorySegment memory, long offsetBytes, int lengthBytes, long nowNanos) {
        if (phase == Phase.LOST) {
            return; // Of a guest that is dead: nobody may hear it any more.
        }
        boolean isSegment = frame.wrap(memory, offsetBytes, lengthBytes);
        Ledger ledger = isSegment ? flows.find(key.setGuestSide(nic, frame)) : null;
        if (ledger == null) {
            if (!isSegment) {
                onOtherGuestFrame(nic, memory, offsetBytes, lengthBytes);
            } else if (isWelcome(nic, memory, offsetBytes)) {
                hold(nic, memory, offsetBytes, lengthBytes);
            }
        } else if (ledger.aborted) {
            standIn.resetGuest(ledger, frame.segment().acknowledgment());
        } else if (phase == Phase.CATCHING_UP && ledger.catchUp != null) {
            replay.onGuestSegment(ledger, ledger.catchUp, frame, memory, offsetBytes, lengthBytes, nowNanos);
        } else {
            recorder.onGuestSegment(ledger, frame, memory, offsetBytes, lengthBytes, phase == Phase.RUNNING);
            arrivals.note(ledger, recorder.openEpoch());
            feed(nowNanos);
        }
    }

    /** Whether a segment without a ledger may be heard; it is then numbered as its client knows it. */
    private boolean isWelcome(int nic, MemorySegment memory, long offsetBytes) {
        int flags = frame.segment().flags();
        if (strangers.isOne(key, frame.segment())) {
            counters.strangerSegments.increment();
            if ((flags & (TcpSegment.ACK | TcpSegment.RST)) == TcpSegment.ACK) {
                standIn.refuseGuest(nic, frame);
                if (phase == Phase.RUNNING) {
                    standIn.askClient(nic, frame);
                }
            }
            return false;
        }
        if ((flags & TcpSegment.SYN) != 0) {
            inheritance.end(key);
            return !inheritance.isOnDisk(key); // If not, the guest says it again.
        }
        inheritance.toClient(key, frame, memory, offsetBytes);
        if ((flags & TcpSegment.RST) != 0) {
            inheritance.end(key);
        }
        return true;
    }

    private void onOtherGuestFrame(int nic, MemorySegment memory, long offsetBytes, int lengthBytes) {
        if (!recorder.isReleasing()) {
            hold(nic, memory, offsetBytes, lengthBytes);
            return;
        }
        long epoch = recorder.openEpoch();
        switch (datagrams.onGuestFrame(nic, memory, offsetBytes, lengthBytes, epoch, recorder.isRecording())) {
            case LEAVES -> outlet.toClient(nic, memory, offsetBytes, lengthBytes);
            case SWALLOWED -> {}
            case HELD -> hold(nic, memory, offsetBytes, lengthBytes);
        }
    }

    private void hold(int nic, MemorySegment memory, long offsetBytes, int lengthBytes) {
        counters.heldFrames.increment();
        outlet.hold(nic, memory, offsetBytes, lengthBytes);
    }

    /** Time goes on: what is late is repeated. To be called some hundred times a second. */
    public void onTime(long nowNanos) {
        if (phase == Phase.CATCHING_UP) {
            replay.onTime(nowNanos);
            if (isDecided()) {
                catchUpTime.decide(nowNanos);
            }
        } else {
            if (forgetting) {
                forgetNeedless(RECORDS_AT_A_TIME);
            }
            feed(nowNanos);
        }
        repeatResets(nowNanos);
    }

    /** Nobody acknowledges a RST; one that was lost would leave a silent client waiting for ever. */
    private void repeatResets(long nowNanos) {
        if (resets == RESETS || nowNanos - resetNanos < 0) {
            return;
        }
        resets++;
        resetNanos = nowNanos + (FIRST_RESET_INTERVAL_NANOS << resets);
        for (Ledger ledger : flows.all()) {
            if (ledger.aborted) {
                resetClient(ledger);
            }
        }
    }

    // ---- failover ----

    /** The guest is dead. Its clients are asked how far they have come. */
    public void onGuestLost() {
        if (phase == Phase.RUNNING) {
            if (forgetting) {
                forgetNeedless(Integer.MAX_VALUE);
            }
            recordedEnd = log.tail();
            attempt = 0;
            replay.forgetAttempts();
        }
        phase = Phase.LOST;
        if (!remembers) {
            strangers.refuse();
        }
        for (Ledger ledger : flows.all()) {
            releaseCommitted(ledger, recorder.committedEpoch());
            if (ledger.clientAck < ledger.releasedEnd && ledger.isKnownToClient()) {
                standIn.probe(ledger);
            }
        }
    }

    /**
     * A guest was restored from a checkpoint, and is given its input once more. May be called again, with another guest, before
     * {@link #goLive}: the one before is dead, and what was held of it is discarded.
     *
     * @param epoch which the checkpoint ends. It may be younger than the newest commit: the backup had it, but whoever would
     *     have said so has died. From one of which nothing is known here no connection goes on
     */
    public void onGuestRestored(long epoch, ReplayOrder replayOrder, long nowNanos) {
        boolean known = epoch >= recorder.committedEpoch() && recorder.hasClosed(epoch);
        if (known && epoch > recorder.committedEpoch()) {
            onCommit(epoch);
        }
        if (attempt > 0) {
            counters.furtherAttempts.increment();
            catchUpTime.goOn();
        } else {
            catchUpTime.begin(nowNanos);
        }
        phase = Phase.CATCHING_UP;
        attempt++;
        order = replayOrder;
        counters.attempts(order).increment();
        long committed = recorder.committedEpoch();
        for (Ledger ledger : flows.all()) {
            rollBack(ledger, committed);
        }
        arrivals.forget();
        datagrams.onGuestRestored();
        replay.begin(committed, recordedEnd, order, nowNanos);
        if (!remembers || !known) {
            strangers.refuse();
            replay.giveUpAll();
        }
        replay.advance(nowNanos);
    }

    /** The order that the next attempt should take: the fastest first, then that with most chances. */
    public ReplayOrder nextOrder() {
        if (phase == Phase.RUNNING || attempt == 0) {
            return ReplayOrder.GATED;
        }
        return attempt == 1 ? ReplayOrder.SERIAL : ReplayOrder.REPAIRED;
    }

    /** Whether a further attempt would be another one than those before. */
    public boolean mayImprove() {
        return remembers && replay.mayImprove();
    }

    /** What was held of confirmed epochs has left. */
    private static void releaseCommitted(Ledger ledger, long committed) {
        Mark mark = ledger.at(committed);
        if (mark != null) {
            ledger.release(mark);
        }
    }

    /** What the guest had done and nobody has seen has not happened. */
    private void rollBack(Ledger ledger, long committed) {
        releaseCommitted(ledger, committed);
        ledger.guestEnd = ledger.releasedEnd;
        ledger.guestAck = ledger.releasedAck;
        ledger.guestSpokeAck = Math.min(ledger.guestSpokeAck, ledger.guestAck);
        ledger.guestEdge = ledger.releasedEdge;
        if (ledger.guestFinEnd > ledger.releasedEnd) {
            ledger.guestFinEnd = 0;
        }
        ledger.guestResetEpoch = Long.MAX_VALUE;
        ledger.finishedEpoch = Long.MAX_VALUE;
        ledger.firstUnderway = InputLog.NONE;
        ledger.lastUnderway = InputLog.NONE;
        if (!ledger.isKnownToClient()) {
            ledger.forgetAnswer();
        }
    }

    /** Whether all connections are where their clients have seen them, or are given up. */
    public boolean isDecided() {
        return phase == Phase.CATCHING_UP && replay.isDecided();
    }

    /** How many connections have diverged so far in this attempt. */
    public int divergedFlows() {
        int diverged = 0;
        for (Ledger ledger : flows.all()) {
            if (ledger.catchUp != null && ledger.catchUp.divergence() != null) {
                diverged++;
            }
        }
        return diverged;
    }

    /** Why each of them has, in words, for the log. */
    public List<String> divergences() {
        List<String> all = new ArrayList<>();
        for (Ledger ledger : flows.all()) {
            if (ledger.catchUp != null && ledger.catchUp.divergence() != null) {
                all.add(ledger.describeDivergence());
            }
        }
        return all;
    }

    /**
     * How long the newest failover took from the first restored guest until all was decided; a guest that was restored after
     * that, in another attempt, adds to it. Empty before the first failover, and while one is not decided.
     */
    public OptionalLong catchUpNanos() {
        return catchUpTime.takenNanos();
    }

    /** Gives up the connections that are not where they were; {@link #isDecided} afterwards. */
    public void giveUpRest() {
        replay.giveUpRest();
    }

    /**
     * Ends the last attempt: connections that have diverged are reset, the others go on, and the guest gets what clients have
     * sent meanwhile. To be called when {@link #isDecided}, directly before the wall is opened. There is no backup yet.
     */
    public void goLive(long nowNanos) {
        if (!isDecided()) {
            throw new IllegalStateException("the guest is not yet where its clients have seen it");
        }
        catchUpTime.decide(nowNanos);
        if (divergedFlows() == 0) {
            counters.exactAttempts(order).increment();
        }
        stopRecording();
        phase = Phase.RUNNING;
        resets = 0;
        resetNanos = nowNanos + FIRST_RESET_INTERVAL_NANOS;
        cursor = replay.cursor();
        gatekeeper.reset();
        datagrams.goLive();
        for (Ledger ledger : flows.all()) {
            CatchUp catchUp = ledger.catchUp;
            ledger.catchUp = null;
            if (catchUp == null) {
                ledger.releaseEmitted();
            } else if (catchUp.divergence() == null && ledger.clientResetEpoch == Long.MAX_VALUE) {
                resume(ledger, catchUp);
            } else {
                abort(ledger, catchUp); // A client's RST may be anybody's (INV-12).
            }
        }
        feed(nowNanos);
    }

    private void resume(Ledger ledger, CatchUp catchUp) {
        counters.reconciledFlows.increment();
        ledger.translation = catchUp.translation();
        flows.onTranslated();
        ledger.unheard = !catchUp.isHeard();
        ledger.guestEnd = Math.max(ledger.guestEnd, catchUp.guestEnd());
        ledger.guestAck = Math.max(ledger.guestAck, catchUp.guestAck());
        ledger.guestEdge = Math.max(ledger.guestEdge, catchUp.guestEdge());
        ledger.guestTimestamp = catchUp.guestTimestamp();
        if ((catchUp.guestFinEnd() != 0 || catchUp.isReset()) && !ledger.isEnding()) {
            flows.watchEnding(ledger);
        }
        ledger.guestFinEnd = Math.max(ledger.guestFinEnd, catchUp.guestFinEnd());
        ledger.guestResetEpoch = catchUp.isReset() ? recorder.openEpoch() : Long.MAX_VALUE;
        ledger.releaseEmitted();
    }

    private void abort(Ledger ledger, CatchUp catchUp) {
        if (ledger.clientResetEpoch == Long.MAX_VALUE) {
            counters.divergedFlows.increment();
        }
        flows.watchEnding(ledger);
        ledger.aborted = true;
        resetClient(ledger);
        standIn.resetGuest(ledger, (int) catchUp.guestAck());
    }

    /** Where the client has told to be; if its last words were lost, it is asked, and gets the right answer. */
    private void resetClient(Ledger ledger) {
        standIn.resetClient(ledger, ledger.clientAck);
        standIn.probe(ledger);
    }

    /** A connection that was reset: whoever still speaks is told so, at exactly the number that it waits for (RFC 9293, 3.10.7.1). */
    private void refuse(Ledger ledger) {
        TcpSegment segment = frame.segment();
        if ((segment.flags() & TcpSegment.RST) != 0) {
            flows.end(ledger);
        } else if ((segment.flags() & TcpSegment.ACK) != 0) {
            standIn.resetClient(ledger, SequenceNumbers.unwrap(ledger.clientAck, segment.acknowledgment()));
        }
    }

    /**
     * This proxy has taken the place of another one, which is lost, and with it what only that one knew: how the connections of
     * a guest that it had restored are numbered. Who does not begin anew is refused (INV-12), also if known from an earlier
     * time here.
     *
     * @param inTerm the number of the term under which it has; a later one makes everybody a stranger again
     * @return whether it is news
     */
    public boolean onNumberingLost(long inTerm) {
        if (inTerm <= numberingLostIn) {
            return false;
        }
        numberingLostIn = inTerm;
        phase = Phase.RUNNING;
        remembers = false;
        recorder.stopRecording();
        for (Ledger ledger : List.copyOf(flows.all())) {
            replay.forget(ledger);
            flows.end(ledger);
        }
        cursor = log.tail(); // What their clients had sent and the guest had not got is as old.
        strangers.refuse();
        return true;
    }

    // ---- a life after this one ----

    /** Takes over the connections that an earlier life of the proxy translated; at the start. */
    public void inherit(List<KeptTranslation> found) {
        inheritance.take(found);
    }

    /**
     * What the earlier life has left cannot be read: connections that it knew are refused, because they may have been
     * translated.
     */
    public void inheritNothing() {
        strangers.refuse();
    }

    /**
     * How connections are translated, or will be when the guest goes on. To be on disk before {@link #goLive}, and soon after
     * {@link #translationVersion} has changed.
     */
    public List<KeptTranslation> translations() {
        List<KeptTranslation> all = new ArrayList<>();
        inheritance.addTo(all);
        for (Ledger ledger : flows.all()) {
            CatchUp catchUp = ledger.catchUp;
            Translation translation = catchUp == null ? ledger.translation : catchUp.translation();
            boolean isSame = translation.sequenceOffset() == 0 && translation.timestampOffset() == 0;
            if (!isSame && !ledger.aborted) {
                all.add(ledger.key.kept(translation));
            }
        }
        return all;
    }

    /** Grows whenever what is on disk is no longer what {@link #translations} says. */
    public long translationVersion() {
        return flows.translationVersion() + inheritance.version();
    }

    /** That is on disk now. */
    public void onTranslationsKept(List<KeptTranslation> kept) {
        inheritance.onKept(kept);
    }

    /** Connections that an earlier life has translated, and that go on. */
    public int inheritedCount() {
        return inheritance.count();
    }

    // ---- reading ----

    public Phase phase() {
        return phase;
    }

    /** How many guests were restored since the last one was lost; of the last failover while a guest runs. */
    public int attempt() {
        return attempt;
    }

    /** In which order the last of them got its input. */
    public ReplayOrder order() {
        return order;
    }

    public ReverseCounters counters() {
        return counters;
    }

    /** All connections that have a ledger, in no order. Takes as long as there are many. */
    public List<FlowView> flows() {
        List<FlowView> views = new ArrayList<>(flows.count());
        for (Ledger ledger : flows.all()) {
            views.add(ledger.view(recorder.committedEpoch()));
        }
        return views;
    }

    /** Connections that have a ledger. */
    public int flowCount() {
        return flows.count();
    }

    /** Where logged frames are given to the guest from; they stay there until a later call forgets them. */
    public MemorySegment logMemory() {
        return log.memory();
    }

    /** Memory of the log that is in use. */
    public long logBytes() {
        return log.usedBytes();
    }

    /** Whether the log is so full that a checkpoint should come early, to let it be cut. */
    public boolean wantsCheckpoint() {
        return phase == Phase.RUNNING && recorder.isRecording() && log.usedBytes() > log.capacityBytes() / 2;
    }

    /** Whether the log can hardly take another epoch's input: then the guest waits for the commit. */
    public boolean isLogAtLimit() {
        if (forgetting && isLogNearlyFull()) {
            forgetNeedless(Integer.MAX_VALUE);
        }
        return recorder.isRecording() && isLogNearlyFull();
    }

    private boolean isLogNearlyFull() {
        return log.usedBytes() > log.capacityBytes() / 8 * 7;
    }

    @Override
    public void close() {
        log.close();
    }
}
