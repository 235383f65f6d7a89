package io.holdfast.reverse.model;

import static io.holdfast.reverse.model.Sequence.isAfter;
import static io.holdfast.reverse.model.Sequence.isBefore;

import java.util.random.RandomGenerator;
import org.jspecify.annotations.Nullable;

/**
 * One end of one TCP connection, like a small Linux, and a judge of what the other end sends.
 *
 * <p>It is a machine without a clock: {@link #onSegment} and {@link #onTime} say what happened, {@link #pollOutput} gives the
 * segments to send, one by one, until it gives none. It is to be polled after every event, and {@link #onTime} to be called at
 * {@link #nextTimerNanos}. Time may stand anywhere and go back between two lives: {@link #copy} is a snapshot, and a copy goes on
 * where the original was at the time of the snapshot.
 *
 * <p>Segments are processed as RFC 9293, section 3.10.7 says, with PAWS (RFC 7323, section 5.3) and the defences of RFC 5961. Where
 * RFC and Linux differ in how strict they are, it takes the stricter way. Whatever it finds fault with is in {@link #verdicts}.
 *
 * <p>Not modelled: urgent data, ECN, simultaneous open, Fast Open, Nagle's algorithm, keepalives of its own, D-SACK, segmentation
 * offload, a measured round trip time.
 *
 * <p><b>Threads.</b> One.
 */
public final class ModelTcp {

    /** Where a connection is (RFC 9293, section 3.3.2). */
    public enum State {
        /** Its SYN is on the way. */
        SYN_SENT,
        /** It has answered a SYN. */
        SYN_RECEIVED,
        /** Data goes both ways. */
        ESTABLISHED,
        /** It has sent FIN. */
        FIN_WAIT_1,
        /** Its FIN is acknowledged, and the peer may go on sending. */
        FIN_WAIT_2,
        /** Both have sent FIN, and its own is not acknowledged. */
        CLOSING,
        /** All is done; the peer may not know it yet. */
        TIME_WAIT,
        /** The peer has sent FIN, and it may go on sending. */
        CLOSE_WAIT,
        /** It has sent FIN after the peer. */
        LAST_ACK,
        /** Nothing is left. */
        CLOSED
    }

    private static final int DEFAULT_MSS = 536;
    private static final int TIMESTAMPS_BYTES = 12;
    private static final int SACK_BASE_BYTES = 4;
    private static final int SACK_BLOCK_BYTES = 8;
    private static final int MAX_SACK_BLOCKS = 4;
    private static final int MAX_SACK_BLOCKS_WITH_TIMESTAMPS = 3;
    private static final long NANOS_PER_MILLI = 1_000_000;
    private static final long NEVER = Sender.NEVER;

    private final TcpConfig config;
    private final Sender sender;
    private final Receiver receiver;
    private final Verdicts verdicts;

    private State state;
    private boolean reset;
    private boolean timedOut;

    private boolean timestamps;
    private boolean sack;
    private boolean scaled;
    private int peerScale;
    private int peerInitialSequence;

    /** TS.Recent. */
    private int recentTimestamp;
    /** Last.ACK.sent. */
    private int lastAckSent;

    private boolean clockShown;
    private int firstTimestampSent;
    private int latestTimestampSent;

    private final WindowEdge peerEdge;

    private boolean synDue;
    private @Nullable Segment resetDue;
    private int acksDue;
    private long delayedAckAtNanos = NEVER;
    private long timeWaitEndsAtNanos = NEVER;
    private long lastAnswerNanos = NEVER;
    private long bytesWritten;

    private ModelTcp(TcpConfig config, RandomGenerator random, State state) {
        this.config = config;
        this.state = state;
        sender = new Sender(config, random);
        receiver = new Receiver(config.receiveCapacityBytes());
        verdicts = new Verdicts();
        peerEdge = new WindowEdge();
        timestamps = config.timestamps();
        sack = config.sack();
        synDue = true;
    }

    private ModelTcp(ModelTcp other, RandomGenerator random) {
        config = other.config;
        sender = other.sender.copy(random);
        receiver = other.receiver.copy();
        verdicts = other.verdicts.copy();
        state = other.state;
        reset = other.reset;
        timedOut = other.timedOut;
        timestamps = other.timestamps;
        sack = other.sack;
        scaled = other.scaled;
        peerScale = other.peerScale;
        peerInitialSequence = other.peerInitialSequence;
        recentTimestamp = other.recentTimestamp;
        lastAckSent = other.lastAckSent;
        clockShown = other.clockShown;
        firstTimestampSent = other.firstTimestampSent;
        latestTimestampSent = other.latestTimestampSent;
        peerEdge = other.peerEdge.copy();
        synDue = other.synDue;
        resetDue = other.resetDue;
        acksDue = other.acksDue;
        delayedAckAtNanos = other.delayedAckAtNanos;
        timeWaitEndsAtNanos = other.timeWaitEndsAtNanos;
        lastAnswerNanos = other.lastAnswerNanos;
        bytesWritten = other.bytesWritten;
    }

    /** The end that opens the connection. */
    public static ModelTcp connect(TcpConfig config, RandomGenerator random) {
        return new ModelTcp(config, random, State.SYN_SENT);
    }

    /** The end that answers a SYN. */
    public static ModelTcp accept(TcpConfig config, RandomGenerator random, Segment syn) {
        ModelTcp tcp = new ModelTcp(config, random, State.SYN_RECEIVED);
        tcp.negotiate(syn);
        return tcp;
    }

    /** A snapshot: shares nothing with the original that changes, and makes its random choices anew. */
    public ModelTcp copy(RandomGenerator random) {
        return new ModelTcp(this, random);
    }

    /** Takes what the peer has sent. */
    public void onSegment(Segment segment, long nowNanos) {
        switch (state) {
            case CLOSED -> {}
            case SYN_SENT -> onSegmentInSynSent(segment, nowNanos);
            default -> onSegmentSynchronized(segment, nowNanos);
        }
    }

    /** Acts on the timers that have expired. */
    public void onTime(long nowNanos) {
        if (nowNanos >= delayedAckAtNanos) {
            delayedAckAtNanos = NEVER;
            acksDue = Math.max(acksDue, 1);
        }
        if (nowNanos >= timeWaitEndsAtNanos) {
            enterClosed();
        }
        if (nowNanos >= sender.timeoutAtNanos() && state != State.CLOSED) {
            if (!sender.onTimeout(nowNanos)) {
                timedOut = true;
                enterClosed();
            }
            synDue = isOpening();
        }
    }

    /** When {@link #onTime} has something to do; {@link Long#MAX_VALUE} if never. */
    public long nextTimerNanos() {
        long timeout = state == State.CLOSED ? NEVER : sender.timeoutAtNanos();
        return Math.min(timeout, Math.min(delayedAckAtNanos, timeWaitEndsAtNanos));
    }

    /** The next segment to send now; null if there is none. */
    public @Nullable Segment pollOutput(long nowNanos) {
        if (resetDue != null) {
            Segment due = resetDue;
            resetDue = null;
            return due;
        }
        if (state == State.CLOSED) {
            return null;
        }
        if (isOpening()) {
            return synDue ? syn(nowNanos) : null;
        }
        if (acksDue > 0) {
            acksDue--;
            return finish(Segment.withFlags(Segment.ACK).sequence(sender.next()), sackToSend(), nowNanos);
        }
        int[] sackToSend = sackToSend();
        int optionBytes = (timestamps ? TIMESTAMPS_BYTES : 0)
                + (sackToSend.length == 0 ? 0 : SACK_BASE_BYTES + sackToSend.length / 2 * SACK_BLOCK_BYTES);
        Segment.Builder segment = Segment.withFlags(Segment.ACK);
        if (!sender.fill(segment, sender.mss() - optionBytes, nowNanos)) {
            return null;
        }
        if (sender.isFinSent()) {
            enterAfterFin();
        }
        return finish(segment, sackToSend, nowNanos);
    }

    /** Takes as much as there is room for, and says how much it was. */
    public int write(byte[] bytes, int offset, int length) {
        int taken = sender.write(bytes, offset, length);
        bytesWritten += taken;
        return taken;
    }

    /** The same for all of the bytes. */
    public int write(byte[] bytes) {
        return write(bytes, 0, bytes.length);
    }

    public int writableBytes() {
        return state == State.CLOSED ? 0 : sender.writableBytes();
    }

    /** At most so many bytes of those that have arrived in order. */
    public byte[] read(int maxBytes) {
        byte[] bytes = receiver.read(maxBytes);
        if (bytes.length > 0 && isSynchronized() && !receiver.isFinished() && receiver.isUpdateDue()) {
            acksDue = Math.max(acksDue, 1);
        }
        return bytes;
    }

    public int readableBytes() {
        return receiver.readableBytes();
    }

    /** Sends FIN after what has been written; the peer may go on sending. */
    public void close() {
        sender.close();
    }

    /** Sends a reset, and forgets the connection. */
    public void abort() {
        if (isSynchronized()) {
            resetDue = Segment.withFlags(Segment.RST | Segment.ACK)
                    .sequence(sender.next())
                    .acknowledgment(receiver.next())
                    .build();
        }
        enterClosed();
    }

    public State state() {
        return state;
    }

    public boolean isClosed() {
        return state == State.CLOSED;
    }

    /** Whether the peer has reset the connection. */
    public boolean isReset() {
        return reset;
    }

    /** Whether it has given up because nobody answered. */
    public boolean isTimedOut() {
        return timedOut;
    }

    /** Whether the peer's FIN has arrived and all before it was read. */
    public boolean isEndOfStream() {
        return receiver.isFinished() && receiver.readableBytes() == 0;
    }

    public int sndUna() {
        return sender.una();
    }

    public int sndNxt() {
        return sender.next();
    }

    public int rcvNxt() {
        return receiver.next();
    }

    /** The right edge of the window that it has promised. */
    public int rcvEdge() {
        return receiver.edge();
    }

    /** What the application has read. */
    public long bytesRead() {
        return receiver.receivedBytes() - receiver.readableBytes();
    }

    /** What has arrived in order. */
    public long bytesReceived() {
        return receiver.receivedBytes();
    }

    /** What the application has written. */
    public long bytesWritten() {
        return bytesWritten;
    }

    /** How many segments with data or FIN it has sent again. */
    public long retransmissions() {
        return sender.retransmissions();
    }

    /** Whether both sides agreed on timestamps. */
    public boolean hasTimestamps() {
        return timestamps;
    }

    /** What it has found fault with; goes on counting. */
    public Verdicts verdicts() {
        return verdicts;
    }

    @Override
    public String toString() {
        return "%s snd.una %s snd.nxt %s rcv.nxt %s readable %d %s"
                .formatted(
                        state,
                        Integer.toUnsignedString(sndUna()),
                        Integer.toUnsignedString(sndNxt()),
                        Integer.toUnsignedString(rcvNxt()),
                        readableBytes(),
                        verdicts);
    }

    // Arriving segments

    /** RFC 9293, section 3.10.7.3. */
    private void onSegmentInSynSent(Segment segment, long nowNanos) {
        boolean ack = segment.has(Segment.ACK);
        if (ack && segment.acknowledgment() != sender.next()) {
            judge(Verdict.ACK_TOO_NEW, segment, nowNanos);
            refuse(segment);
            return;
        }
        if (segment.has(Segment.RST)) {
            if (ack) {
                reset = true;
                enterClosed();
            }
            return;
        }
        if (!ack || !segment.has(Segment.SYN)) {
            return;
        }
        if (timestamps && segment.hasTimestamps() && isUnknownEcho(segment)) {
            judge(Verdict.BAD_ECHO, segment, nowNanos);
            refuse(segment);
            return;
        }
        negotiate(segment);
        state = State.ESTABLISHED;
        sender.onAck(segment, segment.window(), false, nowNanos);
        acksDue = 1;
    }

    /** RFC 9293, section 3.10.7.4. */
    private void onSegmentSynchronized(Segment segment, long nowNanos) {
        boolean rst = segment.has(Segment.RST);
        if (segment.has(Segment.SYN) && !rst) {
            onSyn(segment, nowNanos);
            return;
        }
        if (timestamps && !rst && !hasAcceptableTimestamp(segment, nowNanos)) {
            return;
        }
        if (!Acceptance.isAcceptable(segment, receiver.next(), receiver.edge())) {
            judge(
                    Acceptance.isOld(segment, receiver.next()) ? Verdict.OLD_DUPLICATE : Verdict.FUTURE,
                    segment,
                    nowNanos);
            if (!rst) {
                answer(segment, nowNanos);
            }
            return;
        }
        if (rst) {
            onReset(segment, nowNanos);
            return;
        }
        if (!segment.has(Segment.ACK) || !hasAcceptableAcknowledgment(segment, nowNanos)) {
            return;
        }
        takeTimestamp(segment, nowNanos);
        takeAcknowledgment(segment, nowNanos);
        takeData(segment, nowNanos);
    }

    private void onSyn(Segment segment, long nowNanos) {
        boolean known = segment.sequence() == peerInitialSequence;
        if (known && state == State.SYN_RECEIVED) {
            synDue = true;
            return;
        }
        judge(known ? Verdict.OLD_DUPLICATE : Verdict.CHALLENGED_SYN, segment, nowNanos);
        answer(segment, nowNanos);
    }

    private boolean hasAcceptableTimestamp(Segment segment, long nowNanos) {
        if (!segment.hasTimestamps()) {
            judge(Verdict.MISSING_TIMESTAMP, segment, nowNanos);
            return false;
        }
        if (isBefore(segment.tsval(), recentTimestamp)) {
            boolean bringsNothing = !isAfter(segment.endSequence(), receiver.next())
                    && !isAfter(segment.acknowledgment(), sender.una());
            judge(bringsNothing ? Verdict.PAWS_OLD : Verdict.PAWS, segment, nowNanos);
            answer(segment, nowNanos);
            return false;
        }
        return true;
    }

    /** RFC 5961, section 3.2. */
    private void onReset(Segment segment, long nowNanos) {
        if (segment.sequence() == receiver.next()) {
            reset = true;
            enterClosed();
        } else {
            judge(Verdict.CHALLENGED_RST, segment, nowNanos);
            answer(segment, nowNanos);
        }
    }

    private boolean hasAcceptableAcknowledgment(Segment segment, long nowNanos) {
        int ack = segment.acknowledgment();
        boolean tooNew = isAfter(ack, sender.next());
        boolean tooOld = isBefore(ack, sender.oldestAcknowledgment());
        if (state == State.SYN_RECEIVED && (tooNew || !isAfter(ack, sender.una()))) {
            judge(tooNew ? Verdict.ACK_TOO_NEW : Verdict.ACK_TOO_OLD, segment, nowNanos);
            refuse(segment);
            return false;
        }
        if (tooNew || tooOld) {
            judge(tooNew ? Verdict.ACK_TOO_NEW : Verdict.ACK_TOO_OLD, segment, nowNanos);
            answer(segment, nowNanos);
            return false;
        }
        return true;
    }

    /** RFC 7323, section 4.3. */
    private void takeTimestamp(Segment segment, long nowNanos) {
        if (!timestamps) {
            return;
        }
        if (!isBefore(segment.tsval(), recentTimestamp) && !isAfter(segment.sequence(), lastAckSent)) {
            recentTimestamp = segment.tsval();
        }
        if (isUnknownEcho(segment)) {
            judge(Verdict.BAD_ECHO, segment, nowNanos);
        }
    }

    private void takeAcknowledgment(Segment segment, long nowNanos) {
        int windowBytes = segment.window() << peerScale;
        judgeSack(segment, nowNanos);
        if (!peerEdge.accept(segment, windowBytes, timestamps)) {
            judge(Verdict.WINDOW_SHRUNK, segment, nowNanos);
        }
        if (sender.onAck(segment, windowBytes, sack, nowNanos) && sender.isReneged()) {
            judge(Verdict.SACK_RENEGED, segment, nowNanos);
        }
        if (state == State.SYN_RECEIVED) {
            state = State.ESTABLISHED;
        }
        if (sender.isFinAcknowledged()) {
            switch (state) {
                case FIN_WAIT_1 -> state = State.FIN_WAIT_2;
                case CLOSING -> enterTimeWait(nowNanos);
                case LAST_ACK -> enterClosed();
                default -> {}
            }
        }
    }

    private void takeData(Segment segment, long nowNanos) {
        if (segment.length() == 0 || state == State.CLOSED) {
            return;
        }
        if (isAfter(segment.endSequence(), receiver.edge())) {
            judge(Verdict.FUTURE, segment, nowNanos);
        }
        boolean hadGap = receiver.hasGap();
        boolean wasFinished = receiver.isFinished();
        int before = receiver.next();
        receiver.take(segment);
        if (receiver.isFinished() && !wasFinished) {
            acksDue = Math.max(acksDue, 1);
            enterAfterPeersFin(nowNanos);
        } else if (receiver.next() == before) {
            // Each segment out of order is answered, so that the sender can count to three.
            acksDue++;
        } else if (hadGap || config.delayedAckNanos() == 0 || receiver.next() - lastAckSent >= 2 * sender.mss()) {
            acksDue = Math.max(acksDue, 1);
        } else {
            delayedAckAtNanos = Math.min(delayedAckAtNanos, nowNanos + config.delayedAckNanos());
        }
    }

    // The judge

    private void judge(Verdict verdict, Segment segment, long nowNanos) {
        verdicts.add(new Verdicts.Entry(verdict, segment, nowNanos, rcvNxt(), sndUna(), sndNxt()));
    }

    private boolean isUnknownEcho(Segment segment) {
        return isBefore(segment.tsecr(), firstTimestampSent) || isAfter(segment.tsecr(), latestTimestampSent);
    }

    private void judgeSack(Segment segment, long nowNanos) {
        int[] edges = segment.sack();
        for (int i = 0; i < edges.length; i += 2) {
            if (!sack
                    || !isAfter(edges[i], segment.acknowledgment())
                    || !isBefore(edges[i], edges[i + 1])
                    || isAfter(edges[i + 1], sender.next())) {
                judge(Verdict.BAD_SACK, segment, nowNanos);
                return;
            }
        }
    }

    // Answers

    /** An acknowledgement at once, but for segments without data not too often (Linux: tcp_oow_rate_limited). */
    private void answer(Segment segment, long nowNanos) {
        if (segment.payload().length == 0 && !segment.has(Segment.FIN)) {
            long elapsed = lastAnswerNanos == NEVER ? -1 : nowNanos - lastAnswerNanos;
            if (elapsed >= 0 && elapsed < config.answerIntervalNanos()) {
                return;
            }
            lastAnswerNanos = nowNanos;
        }
        if (state == State.TIME_WAIT && segment.has(Segment.FIN)) {
            enterTimeWait(nowNanos);
        }
        acksDue++;
    }

    private void refuse(Segment segment) {
        if (!segment.has(Segment.RST)) {
            resetDue = Segment.withFlags(Segment.RST)
                    .sequence(segment.acknowledgment())
                    .build();
        }
    }

    private Segment syn(long nowNanos) {
        synDue = false;
        if (sender.timeoutAtNanos() == NEVER) {
            sender.startTimeout(nowNanos);
        }
        boolean answer = state == State.SYN_RECEIVED;
        Segment.Builder segment = Segment.withFlags(answer ? Segment.SYN | Segment.ACK : Segment.SYN)
                .sequence(config.initialSequence())
                .mss(config.mss())
                .sackPermitted(sack)
                .windowScale(answer && !scaled ? Segment.NO_WINDOW_SCALE : config.windowScale())
                .window(receiver.unscaledWindow());
        if (answer) {
            segment.acknowledgment(receiver.next());
            lastAckSent = receiver.next();
        }
        if (timestamps) {
            segment.timestamps(showClock(nowNanos), recentTimestamp);
        }
        return segment.build();
    }

    private Segment finish(Segment.Builder segment, int[] sackToSend, long nowNanos) {
        segment.acknowledgment(receiver.next()).window(receiver.promiseWindow()).sack(sackToSend);
        lastAckSent = receiver.next();
        delayedAckAtNanos = NEVER;
        if (timestamps) {
            segment.timestamps(showClock(nowNanos), recentTimestamp);
        }
        return segment.build();
    }

    private int[] sackToSend() {
        int blocks = timestamps ? MAX_SACK_BLOCKS_WITH_TIMESTAMPS : MAX_SACK_BLOCKS;
        return receiver.sack(sack ? blocks : 0);
    }

    private int showClock(long nowNanos) {
        int value = config.clockOffsetMillis() + (int) (nowNanos / NANOS_PER_MILLI);
        if (!clockShown) {
            clockShown = true;
            firstTimestampSent = value;
            latestTimestampSent = value;
        }
        latestTimestampSent = Sequence.later(latestTimestampSent, value);
        return value;
    }

    // States

    private void negotiate(Segment syn) {
        timestamps = config.timestamps() && syn.hasTimestamps();
        sack = config.sack() && syn.sackPermitted();
        scaled = config.windowScale() >= 0 && syn.windowScale() >= 0;
        peerScale = scaled ? Math.min(syn.windowScale(), TcpConfig.MAX_WINDOW_SCALE) : 0;
        peerInitialSequence = syn.sequence();
        recentTimestamp = syn.tsval();
        peerEdge.start(sender.next(), syn);
        int largest = Math.min(config.mss(), syn.mss() == 0 ? DEFAULT_MSS : syn.mss());
        sender.start(largest, syn);
        receiver.start(syn.sequence(), scaled ? config.windowScale() : 0, config.mss());
        lastAckSent = receiver.next();
    }

    private boolean isOpening() {
        return state == State.SYN_SENT || state == State.SYN_RECEIVED;
    }

    private boolean isSynchronized() {
        return state != State.SYN_SENT && state != State.CLOSED;
    }

    private void enterAfterFin() {
        if (state == State.ESTABLISHED) {
            state = State.FIN_WAIT_1;
        } else if (state == State.CLOSE_WAIT) {
            state = State.LAST_ACK;
        }
    }

    private void enterAfterPeersFin(long nowNanos) {
        switch (state) {
            case ESTABLISHED -> state = State.CLOSE_WAIT;
            case FIN_WAIT_1 -> state = State.CLOSING;
            case FIN_WAIT_2 -> enterTimeWait(nowNanos);
            default -> {}
        }
    }

    private void enterTimeWait(long nowNanos) {
        state = State.TIME_WAIT;
        timeWaitEndsAtNanos = nowNanos + config.timeWaitNanos();
    }

    private void enterClosed() {
        state = State.CLOSED;
        acksDue = 0;
        delayedAckAtNanos = NEVER;
        timeWaitEndsAtNanos = NEVER;
    }
}
