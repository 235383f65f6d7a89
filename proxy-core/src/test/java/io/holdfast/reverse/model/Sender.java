package io.holdfast.reverse.model;

import static io.holdfast.reverse.model.Sequence.earlier;
import static io.holdfast.reverse.model.Sequence.isAfter;
import static io.holdfast.reverse.model.Sequence.isBefore;
import static io.holdfast.reverse.model.Sequence.later;

import java.time.Duration;
import java.util.random.RandomGenerator;

/**
 * The sending half of an endpoint: what to send, what to send again, and when. Slow start and congestion avoidance (RFC 5681), fast
 * retransmit after three duplicate acknowledgements with SACK (RFC 6675) or without (RFC 6582), all of it in the simplest form
 * that gets everything across; a timeout that knows no round trip time; probes of a closed window as Linux does them.
 *
 * <p>{@code [lostFrom, lostEnd)} is what it means to send again, apart from the parts that the peer has reported.
 */
final class Sender {

    /** After so many timeouts without an answer it gives up. */
    static final int MAX_TIMEOUTS = 15;

    static final long NEVER = Long.MAX_VALUE;

    private static final long MIN_TIMEOUT_NANOS = Duration.ofMillis(200).toNanos();
    private static final long MAX_TIMEOUT_NANOS = Duration.ofSeconds(2).toNanos();
    private static final int INITIAL_WINDOW_SEGMENTS = 10;
    private static final int DUPLICATES_FOR_LOSS = 3;

    private final int capacityBytes;
    private final int cutPercent;
    private final RandomGenerator random;
    private final ByteQueue buffer;
    private final SequenceRanges reported;

    private int bufferSequence;
    private int una;
    private int next;
    private boolean closing;
    private boolean finSent;

    private int edge;
    private int windowSequence;
    private int maxWindow;
    private long acknowledgedBytes;

    private int mss;
    private int congestionWindow;
    private int slowStartThreshold = Integer.MAX_VALUE;
    private int duplicates;
    private boolean recovering;
    private int recoveryEnd;
    private int lostFrom;
    private int lostEnd;

    private boolean probeDue;
    private int timeouts;
    private long timeoutAtNanos = NEVER;
    private long retransmissions;

    Sender(TcpConfig config, RandomGenerator random) {
        capacityBytes = config.sendCapacityBytes();
        cutPercent = config.cutPercent();
        this.random = random;
        buffer = new ByteQueue();
        reported = new SequenceRanges();
        una = config.initialSequence();
        next = una + 1;
        bufferSequence = next;
        recoveryEnd = una;
        lostFrom = una;
        lostEnd = una;
    }

    private Sender(Sender other, RandomGenerator random) {
        capacityBytes = other.capacityBytes;
        cutPercent = other.cutPercent;
        this.random = random;
        buffer = other.buffer.copy();
        reported = other.reported.copy();
        bufferSequence = other.bufferSequence;
        una = other.una;
        next = other.next;
        closing = other.closing;
        finSent = other.finSent;
        edge = other.edge;
        windowSequence = other.windowSequence;
        maxWindow = other.maxWindow;
        acknowledgedBytes = other.acknowledgedBytes;
        mss = other.mss;
        congestionWindow = other.congestionWindow;
        slowStartThreshold = other.slowStartThreshold;
        duplicates = other.duplicates;
        recovering = other.recovering;
        recoveryEnd = other.recoveryEnd;
        lostFrom = other.lostFrom;
        lostEnd = other.lostEnd;
        probeDue = other.probeDue;
        timeouts = other.timeouts;
        timeoutAtNanos = other.timeoutAtNanos;
        retransmissions = other.retransmissions;
    }

    Sender copy(RandomGenerator random) {
        return new Sender(this, random);
    }

    /** Begins with the peer's SYN, whose window is not scaled. */
    void start(int mss, Segment syn) {
        this.mss = mss;
        congestionWindow = INITIAL_WINDOW_SEGMENTS * mss;
        windowSequence = syn.sequence();
        maxWindow = syn.window();
        edge = next + syn.window();
    }

    int una() {
        return una;
    }

    int next() {
        return next;
    }

    int mss() {
        return mss;
    }

    /** The oldest acknowledgement that is still taken (RFC 5961, section 5.2), but none of what was before the connection. */
    int oldestAcknowledgment() {
        return una - (int) Math.min(maxWindow, acknowledgedBytes);
    }

    long retransmissions() {
        return retransmissions;
    }

    int writableBytes() {
        return closing ? 0 : capacityBytes - buffer.size();
    }

    int write(byte[] bytes, int offset, int length) {
        int taken = Math.min(length, writableBytes());
        buffer.append(bytes, offset, taken);
        return taken;
    }

    void close() {
        closing = true;
    }

    boolean isFinSent() {
        return finSent;
    }

    boolean isFinAcknowledged() {
        return finSent && una == next;
    }

    /** Whether the first byte that is not acknowledged was reported as arrived: the peer has thrown it away again. */
    boolean isReneged() {
        return reported.count() > 0 && !isAfter(reported.left(0), una);
    }

    /**
     * Takes an acknowledgement that is neither too old nor too new.
     *
     * @param windowBytes the segment's window, scaled
     * @param sack whether its blocks count
     * @return whether it acknowledged anything new
     */
    boolean onAck(Segment segment, int windowBytes, boolean sack, long nowNanos) {
        int ack = segment.acknowledgment();
        boolean moved = sack && takeReports(segment);
        if (isBefore(ack, una)) {
            return false;
        }
        boolean advanced = isAfter(ack, una);
        boolean updated = takeWindow(segment, windowBytes, advanced);
        if (advanced) {
            onAdvance(ack, nowNanos);
        } else if (una == next) {
            timeouts = 0;
        } else if (segment.length() == 0 && (!updated || moved)) {
            duplicates++;
        }
        if (!recovering && duplicates >= DUPLICATES_FOR_LOSS && !isBefore(una, recoveryEnd)) {
            beginRecovery();
        }
        if (recovering && reported.count() > 0) {
            lostEnd = later(lostEnd, reported.left(reported.count() - 1));
        }
        return advanced;
    }

    private boolean takeReports(Segment segment) {
        int before = reported.sizeWithin(una, next);
        int[] sack = segment.sack();
        for (int i = 0; i < sack.length; i += 2) {
            int left = later(sack[i], una);
            boolean valid = isAfter(sack[i], segment.acknowledgment()) && !isAfter(sack[i + 1], next);
            if (valid && isBefore(left, sack[i + 1])) {
                reported.add(left, sack[i + 1]);
            }
        }
        return reported.sizeWithin(una, next) != before;
    }

    /** As Linux decides it (tcp_may_update_window). */
    private boolean takeWindow(Segment segment, int windowBytes, boolean advanced) {
        int newEdge = segment.acknowledgment() + windowBytes;
        boolean newer = advanced
                || isAfter(segment.sequence(), windowSequence)
                || (segment.sequence() == windowSequence && (isAfter(newEdge, edge) || windowBytes == 0));
        if (!newer) {
            return false;
        }
        boolean updated = newEdge != edge;
        windowSequence = segment.sequence();
        edge = newEdge;
        maxWindow = Math.max(maxWindow, windowBytes);
        return updated;
    }

    private void onAdvance(int ack, long nowNanos) {
        int bytes = ack - una;
        una = ack;
        acknowledgedBytes += bytes;
        int dropped = Math.min(buffer.size(), Math.max(0, ack - bufferSequence));
        buffer.drop(dropped);
        bufferSequence += dropped;
        reported.removeBefore(una);
        lostFrom = later(lostFrom, una);
        lostEnd = later(lostEnd, una);
        timeouts = 0;
        timeoutAtNanos = una == next ? NEVER : nowNanos + MIN_TIMEOUT_NANOS;
        duplicates = 0;
        if (recovering && !isBefore(una, recoveryEnd)) {
            recovering = false;
            congestionWindow = slowStartThreshold;
        } else if (recovering && reported.count() == 0) {
            lostFrom = una;
            lostEnd = earlier(una + mss, next);
        } else if (!recovering) {
            congestionWindow += congestionWindow < slowStartThreshold
                    ? bytes
                    : Math.max(1, (int) ((long) mss * bytes / congestionWindow));
            // More than any window, and far from where it would wrap.
            congestionWindow = Math.min(congestionWindow, 1 << 30);
        }
    }

    private void beginRecovery() {
        recovering = true;
        recoveryEnd = next;
        slowStartThreshold = Math.max((next - una) / 2, 2 * mss);
        congestionWindow = slowStartThreshold;
        lostFrom = una;
        lostEnd = earlier(una + mss, next);
    }

    /** Puts what is to be sent now into a segment: sequence number, payload, PSH and FIN. False if there is nothing. */
    boolean fill(Segment.Builder segment, int limitBytes, long nowNanos) {
        if (fillLost(segment, limitBytes) || fillNew(segment, limitBytes)) {
            if (timeoutAtNanos == NEVER) {
                timeoutAtNanos = nowNanos + timeoutNanos();
            }
            return true;
        }
        if (probeDue) {
            // What the peer has already is answered with its window (tcp_xmit_probe_skb), and does no harm.
            probeDue = false;
            segment.sequence(una - 1);
            return true;
        }
        if (timeoutAtNanos == NEVER && !finSent && (closing || next != endOfData())) {
            timeoutAtNanos = nowNanos + timeoutNanos();
        }
        return false;
    }

    private boolean fillLost(Segment.Builder segment, int limitBytes) {
        int from = reported.skip(lostFrom);
        if (!isBefore(from, lostEnd)) {
            lostFrom = lostEnd;
            return false;
        }
        // The first one always goes: all others may be waiting for it.
        if (from != una && inFlightBytes() + Math.min(limitBytes, lostEnd - from) > congestionWindow) {
            return false;
        }
        int to = reported.next(from, lostEnd);
        int length = cut(Math.min(limitBytes, earlier(to, endOfData()) - from));
        boolean fin = finSent && from + length == endOfData() && isAfter(to, endOfData());
        put(segment, from, length, fin);
        lostFrom = from + length + (fin ? 1 : 0);
        retransmissions++;
        return true;
    }

    private boolean fillNew(Segment.Builder segment, int limitBytes) {
        if (finSent) {
            return false;
        }
        int unsent = endOfData() - next;
        int inFlight = inFlightBytes();
        int whole = Math.min(unsent, limitBytes);
        int room = edge - next;
        if (inFlight > 0 && (inFlight + whole > congestionWindow || (room < whole && room < maxWindow / 2))) {
            return false;
        }
        int length = cut(Math.max(0, Math.min(whole, room)));
        boolean fin = closing && length == unsent && room > length && (length == 0 || !chance());
        if (length == 0 && !fin) {
            return false;
        }
        if (una == next) {
            timeoutAtNanos = NEVER;
        }
        put(segment, next, length, fin);
        next += length + (fin ? 1 : 0);
        finSent = fin;
        return true;
    }

    private void put(Segment.Builder segment, int from, int length, boolean fin) {
        segment.sequence(from).payload(buffer.peek(from - bufferSequence, length));
        if (fin) {
            segment.addFlags(Segment.FIN);
        }
        if (length > 0 && from + length == endOfData()) {
            segment.addFlags(Segment.PSH);
        }
    }

    long timeoutAtNanos() {
        return timeoutAtNanos;
    }

    /** Starts the timeout for what is sent elsewhere, which is the SYN. */
    void startTimeout(long nowNanos) {
        timeoutAtNanos = nowNanos + timeoutNanos();
    }

    /** Acts on the timeout; false if there were too many of them. */
    boolean onTimeout(long nowNanos) {
        timeouts++;
        if (timeouts > MAX_TIMEOUTS) {
            timeoutAtNanos = NEVER;
            return false;
        }
        timeoutAtNanos = nowNanos + timeoutNanos();
        if (una == next) {
            probeDue = true;
            return true;
        }
        if (isReneged()) {
            reported.clear();
        }
        slowStartThreshold = Math.max((next - una) / 2, 2 * mss);
        congestionWindow = mss;
        duplicates = 0;
        recovering = false;
        recoveryEnd = next;
        lostFrom = una;
        lostEnd = next;
        return true;
    }

    private long timeoutNanos() {
        return Math.min(MIN_TIMEOUT_NANOS << timeouts, MAX_TIMEOUT_NANOS);
    }

    private int endOfData() {
        return bufferSequence + buffer.size();
    }

    private int inFlightBytes() {
        int waiting = Math.max(0, lostEnd - lostFrom) - reported.sizeWithin(lostFrom, lostEnd);
        return next - una - reported.sizeWithin(una, next) - waiting;
    }

    private int cut(int length) {
        return length > 1 && chance() ? 1 + random.nextInt(length) : length;
    }

    private boolean chance() {
        return cutPercent > 0 && random.nextInt(100) < cutPercent;
    }
}
