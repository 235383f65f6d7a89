package io.holdfast.reverse.model;

import static io.holdfast.reverse.model.Sequence.earlier;
import static io.holdfast.reverse.model.Sequence.isAfter;
import static io.holdfast.reverse.model.Sequence.isBefore;
import static io.holdfast.reverse.model.Sequence.later;

/**
 * A bystander at a client's interface: follows one connection from its first SYN on, knows from both directions where the client
 * stands, and finds fault with every segment towards it that RFC 9293, 5961 or 7323 would have it reject. Unlike
 * {@link ModelTcp} it has no part in the connection, so that a real kernel can be watched.
 *
 * <p>It is right if it sees all that the client sees, in the same order.
 *
 * <p>A retransmission is an {@link Verdict#OLD_DUPLICATE}; one with a timestamp from the past is {@link Verdict#PAWS_OLD}.
 *
 * <p><b>Threads.</b> One.
 */
public final class ConnectionJudge {

    private static final int MAX_WINDOW_SCALE = 14;

    private final Verdicts verdicts;
    private final Segment clientSyn;
    private final WindowEdge guestEdge = new WindowEdge();
    private final SequenceRanges outOfOrder = new SequenceRanges();

    private boolean open;
    private boolean over;

    private boolean timestamps;
    private boolean sack;
    private int clientScale;
    private int guestScale;
    private int guestFirst;
    private long openedNanos;

    // Of the client, as RFC 9293, section 3.3.1 names them.
    private int sndUna;
    private int sndNxt;
    private int rcvNxt;
    private int rcvEdge;
    private long acknowledgedBytes;
    private int maxWindow;

    private int recentTimestamp;
    private int lastAckSent;
    private final int firstTimestampSent;
    private int latestTimestampSent;

    private boolean clientFinished;
    private int clientFinEnd;
    /** In that order the client has no TIME-WAIT. */
    private boolean clientFinishedLast;

    private boolean guestFinished;
    private int guestFinEnd;

    private long sackFromClient;
    private long sackFromGuest;

    /**
     * Begins with the SYN of a client.
     *
     * @param verdicts where it writes what it finds
     */
    public ConnectionJudge(Segment clientSyn, Verdicts verdicts) {
        this.clientSyn = clientSyn;
        this.verdicts = verdicts;
        sndUna = clientSyn.sequence();
        sndNxt = clientSyn.endSequence();
        firstTimestampSent = clientSyn.tsval();
        latestTimestampSent = clientSyn.tsval();
    }

    /** Whether a client's SYN opens this connection, and not another one between the same ports. */
    public boolean isOpenedBy(Segment syn) {
        return syn.sequence() == clientSyn.sequence();
    }

    /** Where the guest's sequence numbers began; only if {@link #isOpen}. */
    public int guestFirst() {
        return guestFirst;
    }

    /** When the guest answered; only if {@link #isOpen}. */
    public long openedNanos() {
        return openedNanos;
    }

    /** Whether the guest has answered. */
    public boolean isOpen() {
        return open;
    }

    /** How far the client has got in the guest's numbers. */
    public int rcvNxt() {
        return rcvNxt;
    }

    /** How many segments of the client said that some of the guest's had been lost. */
    public long sackFromClient() {
        return sackFromClient;
    }

    /** How many segments of the guest said the same. */
    public long sackFromGuest() {
        return sackFromGuest;
    }

    // ---- what the client sends ----

    /** Notes what the client says of itself. */
    public void onClientSegment(Segment segment) {
        sndNxt = later(sndNxt, segment.endSequence());
        if (segment.hasTimestamps()) {
            latestTimestampSent = later(latestTimestampSent, segment.tsval());
        }
        if (segment.has(Segment.RST)) {
            over = true;
            return;
        }
        if (segment.has(Segment.FIN) && !clientFinished) {
            clientFinished = true;
            clientFinEnd = segment.endSequence();
            clientFinishedLast = guestFinished && rcvNxt == guestFinEnd;
        }
        if (open && segment.has(Segment.ACK)) {
            lastAckSent = segment.acknowledgment();
            rcvEdge = later(rcvEdge, segment.acknowledgment() + (segment.window() << clientScale));
            sackFromClient += segment.sack().length > 0 ? 1 : 0;
        }
    }

    // ---- what the client is sent ----

    /** Judges a segment towards the client, in the order of RFC 9293, section 3.10.7.4. */
    public void onGuestSegment(Segment segment, long nowNanos) {
        if (over) {
            return; // The client has forgotten the connection.
        }
        if (!open) {
            onOpening(segment, nowNanos);
        } else if (segment.has(Segment.RST)) {
            onReset(segment, nowNanos);
        } else if (segment.has(Segment.SYN)) {
            boolean known = segment.sequence() == guestFirst;
            judge(known ? Verdict.OLD_DUPLICATE : Verdict.CHALLENGED_SYN, segment, nowNanos);
        } else if (hasAcceptableNumbers(segment, nowNanos)) {
            take(segment, nowNanos);
        }
    }

    private void onOpening(Segment segment, long nowNanos) {
        boolean acknowledges = segment.has(Segment.ACK) && segment.acknowledgment() == clientSyn.endSequence();
        if (!acknowledges) {
            judge(Verdict.ACK_TOO_NEW, segment, nowNanos);
        } else if (segment.has(Segment.RST)) {
            over = true;
        } else if (segment.has(Segment.SYN)) {
            negotiate(segment);
            openedNanos = nowNanos;
            if (timestamps && isUnknownEcho(segment)) {
                judge(Verdict.BAD_ECHO, segment, nowNanos);
            }
        } else {
            judge(Verdict.FUTURE, segment, nowNanos);
        }
    }

    private void negotiate(Segment answer) {
        open = true;
        timestamps = clientSyn.hasTimestamps() && answer.hasTimestamps();
        sack = clientSyn.sackPermitted() && answer.sackPermitted();
        boolean scaled = clientSyn.windowScale() >= 0 && answer.windowScale() >= 0;
        clientScale = scaled ? Math.min(clientSyn.windowScale(), MAX_WINDOW_SCALE) : 0;
        guestScale = scaled ? Math.min(answer.windowScale(), MAX_WINDOW_SCALE) : 0;
        guestFirst = answer.sequence();
        sndUna = answer.acknowledgment();
        rcvNxt = answer.endSequence();
        rcvEdge = rcvNxt + clientSyn.window();
        lastAckSent = rcvNxt;
        recentTimestamp = answer.tsval();
        maxWindow = answer.window();
        guestEdge.start(sndUna, answer);
    }

    /** RFC 5961, section 3.2. */
    private void onReset(Segment segment, long nowNanos) {
        if (segment.sequence() == rcvNxt) {
            over = true;
        } else {
            judge(Verdict.CHALLENGED_RST, segment, nowNanos);
        }
    }

    private boolean hasAcceptableNumbers(Segment segment, long nowNanos) {
        if (timestamps && !hasAcceptableTimestamp(segment, nowNanos)) {
            return false;
        }
        if (!Acceptance.isAcceptable(segment, rcvNxt, rcvEdge)) {
            judge(Acceptance.isOld(segment, rcvNxt) ? Verdict.OLD_DUPLICATE : Verdict.FUTURE, segment, nowNanos);
            return false;
        }
        if (isAfter(segment.acknowledgment(), sndNxt)) {
            judge(Verdict.ACK_TOO_NEW, segment, nowNanos);
            return false;
        }
        if (isBefore(segment.acknowledgment(), sndUna - (int) Math.min(maxWindow, acknowledgedBytes))) {
            judge(Verdict.ACK_TOO_OLD, segment, nowNanos);
            return false;
        }
        return true;
    }

    /** RFC 7323, section 5.3. */
    private boolean hasAcceptableTimestamp(Segment segment, long nowNanos) {
        if (!segment.hasTimestamps()) {
            judge(Verdict.MISSING_TIMESTAMP, segment, nowNanos);
            return false;
        }
        if (isBefore(segment.tsval(), recentTimestamp)) {
            boolean bringsNothing =
                    !isAfter(segment.endSequence(), rcvNxt) && !isAfter(segment.acknowledgment(), sndUna);
            judge(bringsNothing ? Verdict.PAWS_OLD : Verdict.PAWS, segment, nowNanos);
            return false;
        }
        return true;
    }

    private void take(Segment segment, long nowNanos) {
        if (timestamps) {
            if (isUnknownEcho(segment)) {
                judge(Verdict.BAD_ECHO, segment, nowNanos);
            }
            if (!isAfter(segment.sequence(), lastAckSent)) {
                recentTimestamp = segment.tsval(); // RFC 7323, section 4.3
            }
        }
        if (hasBadSack(segment)) {
            judge(Verdict.BAD_SACK, segment, nowNanos);
        }
        int windowBytes = segment.window() << guestScale;
        if (!guestEdge.accept(segment, windowBytes, timestamps)) {
            judge(Verdict.WINDOW_SHRUNK, segment, nowNanos);
        }
        if (isAfter(segment.endSequence(), rcvEdge)) {
            judge(Verdict.FUTURE, segment, nowNanos);
        }
        maxWindow = Math.max(maxWindow, windowBytes);
        sackFromGuest += segment.sack().length > 0 ? 1 : 0;
        acknowledge(segment.acknowledgment());
        receive(segment);
        over |= clientFinishedLast && sndUna == clientFinEnd;
    }

    private void acknowledge(int ack) {
        if (isAfter(ack, sndUna)) {
            acknowledgedBytes += ack - sndUna;
            sndUna = ack;
        }
    }

    private void receive(Segment segment) {
        int end = earlier(segment.endSequence(), rcvEdge);
        if (segment.has(Segment.FIN)) {
            guestFinished = true;
            guestFinEnd = segment.endSequence();
            end = segment.endSequence(); // Linux takes a FIN that just does not fit.
        }
        if (!isAfter(end, rcvNxt)) {
            return;
        }
        outOfOrder.add(later(segment.sequence(), rcvNxt), end);
        int first = outOfOrder.indexOf(rcvNxt);
        if (first >= 0) {
            rcvNxt = outOfOrder.right(first);
            outOfOrder.removeBefore(rcvNxt);
        }
    }

    // ---- the judge ----

    private boolean isUnknownEcho(Segment segment) {
        return isBefore(segment.tsecr(), firstTimestampSent) || isAfter(segment.tsecr(), latestTimestampSent);
    }

    /** A first block may report a duplicate, below the acknowledgement or within the second block (RFC 2883, section 4). */
    private boolean hasBadSack(Segment segment) {
        int[] edges = segment.sack();
        for (int i = 0; i < edges.length; i += 2) {
            boolean duplicate = i == 0
                    && (!isAfter(edges[1], segment.acknowledgment())
                            || (edges.length > 2 && !isBefore(edges[0], edges[2]) && !isAfter(edges[1], edges[3])));
            boolean inRange = isAfter(edges[i], segment.acknowledgment()) && !isAfter(edges[i + 1], sndNxt);
            if (!sack || !isBefore(edges[i], edges[i + 1]) || !(inRange || duplicate)) {
                return true;
            }
        }
        return false;
    }

    private void judge(Verdict verdict, Segment segment, long nowNanos) {
        verdicts.add(new Verdicts.Entry(verdict, segment, nowNanos, rcvNxt, sndUna, sndNxt));
    }
}
