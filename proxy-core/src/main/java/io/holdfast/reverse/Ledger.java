package io.holdfast.reverse;

import io.holdfast.frame.TcpPath;
import io.holdfast.frame.TcpSegment;
import org.jspecify.annotations.Nullable;

/**
 * What one client has seen, and what its guest has been given. All numbers are positions in the numbering that the client
 * sees ({@link SequenceNumbers}); the letters are those of the literature on masking failures of one end of TCP.
 *
 * <pre>
 *   bytes of the guest      K ........... S ............ guestEnd      bytes of the client     guestAck >= A
 *                           │             │              │
 *      the client has them ─┘   sent to it┘   still held ┘
 * </pre>
 */
final class Ledger {

    /** See {@link #askedEnd}. */
    static final long NOTHING_ASKED = Long.MIN_VALUE;

    /** Why a connection's output is held like everything else, although it is TCP. */
    enum Held {
        /** The guest has said what does not follow from what it had said: what the client has is not known whole. */
        HOLE,
        /** There was no room for more digests, or for more gaps between them; until it is quiet for an epoch. */
        NO_ROOM,
        /** The operator has chosen that all is held. */
        MODE
    }

    final long id;
    final FlowKey key;
    final TcpPath toGuest;
    final TcpPath toClient;
    final Offer clientOffer;
    final long clientFirst;
    final ReleasedBytes released;

    @Nullable
    Offer guestOffer;

    long guestFirst;

    /** What has been released to the client: bytes (S), acknowledgement (A), right edge (E), clock (T). */
    long releasedEnd;

    long releasedAck;
    long releasedEdge;
    int releasedTimestamp;

    /** What the guest has emitted, held or not. */
    long guestEnd;

    long guestAck;
    long guestEdge;
    int guestTimestamp;

    /** What the guest had of the client when it last said something new. */
    long guestSpokeAck;

    /** What the client has told: its bytes, acknowledgement (K), right edge, clock. */
    long clientEnd;

    long clientAck;
    long clientEdge;
    int clientTimestamp;

    /** When the client last said anything. */
    long clientSeenNanos;

    Translation translation = Translation.NONE;

    /** The right edge that the client was shown since then: windows are rounded up, and what that adds is promised as well. */
    long shownEdge = Long.MIN_VALUE;

    @Nullable
    Held held;

    /** The first epoch of the recording that {@link #released} is part of. */
    long recordedSince;

    /** Where the guest's and the client's FIN ends; 0 if none was seen. */
    long guestFinEnd;

    long clientFinEnd;
    /** The epoch in which a RST was seen; {@link Long#MAX_VALUE} if none was. */
    long guestResetEpoch = Long.MAX_VALUE;

    long clientResetEpoch = Long.MAX_VALUE;
    /** Where that RST is: only a guest that waits for exactly this number believes it (RFC 5961, section 3.2). */
    long clientResetAt;
    /** The epoch in which the client had acknowledged the guest's FIN, after the guest had acknowledged the client's. */
    long finishedEpoch = Long.MAX_VALUE;

    /** The guest was restored, and has not said anything since. */
    boolean unheard;

    /** Holdfast has ended it; every segment is answered with a RST. */
    boolean aborted;

    /** When its client's requests reach the guest. */
    Admission admission = Admission.FREE;

    /** Where its request that is with the guest ends, or {@link #NOTHING_ASKED}; the {@link Gatekeeper}'s. */
    long askedEnd = NOTHING_ASKED;

    /** What of the log waits for this connection's turn, the oldest and the newest frame. */
    long firstWaiting = InputLog.NONE;

    long lastWaiting = InputLog.NONE;

    /** What of the log the guest has not acknowledged, the oldest and the newest segment; the {@link Arrivals}'. */
    long firstUnderway = InputLog.NONE;

    long lastUnderway = InputLog.NONE;

    @Nullable
    CatchUp catchUp;

    private final Marks marks = new Marks();
    /** As both have agreed; here, because it is needed for each segment. */
    private int guestWindowScale;

    private int clientWindowScale;
    /** The epoch up to whose end the numbers have been noted. */
    private long touchedEpoch;

    Ledger(
            long id,
            FlowKey key,
            TcpPath toGuest,
            Offer clientOffer,
            long clientFirst,
            ReleasedBytes released,
            long epoch) {
        this.id = id;
        this.key = key;
        this.toGuest = toGuest;
        this.toClient = toGuest.reversed();
        this.clientOffer = clientOffer;
        this.clientFirst = clientFirst;
        this.released = released;
        this.clientEnd = clientFirst + 1;
        this.guestAck = clientFirst;
        this.guestSpokeAck = clientFirst;
        this.releasedAck = clientFirst;
        this.guestEdge = clientFirst + 1;
        this.releasedEdge = clientFirst + 1;
        this.touchedEpoch = epoch;
    }

    /** Whether the guest has answered the client's SYN. */
    boolean isAnswered() {
        return guestOffer != null;
    }

    /** Whether the guest does not take the client's SYN; any other RST is for what came before that between the same ports. */
    boolean isRefusedBy(TcpSegment segment) {
        int refusing = TcpSegment.RST | TcpSegment.ACK;
        return (segment.flags() & refusing) == refusing && segment.acknowledgment() == (int) clientFirst + 1;
    }

    /** The guest has answered with its own SYN. */
    void answer(Offer offer, long first, int timestamp) {
        boolean scales = clientOffer.scalesWindow() && offer.scalesWindow();
        guestOffer = offer;
        guestWindowScale = scales ? offer.windowScale() : 0;
        clientWindowScale = scales ? clientOffer.windowScale() : 0;
        releasedTimestamp = timestamp;
        guestFirst = first;
        guestEnd = first + 1;
        releasedEnd = first;
        clientAck = first;
        clientEdge = first + 1;
        released.beginAt(first + 1);
    }

    /** The client has not seen the guest's SYN, and the next guest will have another one. */
    void forgetAnswer() {
        guestOffer = null;
        guestFirst = 0;
        guestEnd = 0;
        releasedEnd = 0;
        guestAck = clientFirst;
        releasedAck = clientFirst;
    }

    boolean hasTimestamps() {
        return clientOffer.timestamps() && guestOffer != null && guestOffer.timestamps();
    }

    int guestWindowScale() {
        return guestWindowScale;
    }

    int clientWindowScale() {
        return clientWindowScale;
    }

    /** Behind it the client may send nothing: the right edge that it was shown, with what rounding a window may add. */
    long inputEdge() {
        return Math.max(guestEdge, shownEdge) + (1L << guestWindowScale);
    }

    // ---- epochs ----

    /**
     * Notes where the guest was when the epochs before the open one were closed. To be called before a segment changes
     * anything.
     *
     * @return whether an epoch was closed since the last call
     */
    boolean closeEpochs(long openEpoch, long committedEpoch) {
        if (touchedEpoch >= openEpoch) {
            return false;
        }
        marks.add(touchedEpoch, guestEnd, guestAck, guestEdge, guestTimestamp, clientTimestamp);
        marks.forgetBefore(committedEpoch);
        touchedEpoch = openEpoch;
        return true;
    }

    private Mark now() {
        return new Mark(touchedEpoch, guestEnd, guestAck, guestEdge, guestTimestamp, clientTimestamp);
    }

    /** Where the guest was at the end of an epoch; null if the connection had not begun. */
    @Nullable
    Mark at(long epoch) {
        return touchedEpoch <= epoch ? now() : marks.at(epoch);
    }

    /** Where the guest's bytes ended then ({@link Mark#guestEnd}); 0 if the connection had not begun. */
    long guestEndAt(long epoch) {
        return touchedEpoch <= epoch ? guestEnd : marks.guestEndAt(epoch);
    }

    /** What the guest had acknowledged then ({@link Mark#guestAck}); 0 if the connection had not begun. */
    long guestAckAt(long epoch) {
        return touchedEpoch <= epoch ? guestAck : marks.guestAckAt(epoch);
    }

    /** Whether a checkpoint knows that the connection is over, so that no failover brings it back. */
    boolean hasEndedAt(long committedEpoch) {
        // What a client sends and the guest does not acknowledge may have been on its way for one epoch.
        return guestResetEpoch <= committedEpoch || clientResetEpoch < committedEpoch || finishedEpoch < committedEpoch;
    }

    /** Whether it has, and nobody will ask for its numbers; see {@link #isFinished}. */
    boolean isOverAt(long committedEpoch) {
        boolean onlyFinished = guestResetEpoch > committedEpoch && clientResetEpoch >= committedEpoch;
        return hasEndedAt(committedEpoch) && !(onlyFinished && !translation.isNone());
    }

    /** Whether its ends have finished with each other, or one of them has reset it. */
    boolean isOver() {
        return isFinished() || guestResetEpoch != Long.MAX_VALUE || clientResetEpoch != Long.MAX_VALUE;
    }

    /**
     * Whether both ends have finished with each other. One whose numbers are translated stays in the table all the same: what
     * its guest repeats, because the last acknowledgement was lost, would not be understood without.
     */
    boolean isFinished() {
        return aborted || finishedEpoch != Long.MAX_VALUE;
    }

    /** A segment of one of the ends has been seen. */
    void noteFinished(long openEpoch) {
        boolean finished =
                guestFinEnd != 0 && clientFinEnd != 0 && guestAck >= clientFinEnd && clientAck >= guestFinEnd;
        if (finished && finishedEpoch == Long.MAX_VALUE) {
            finishedEpoch = openEpoch;
        }
    }

    /** Its client has reset it, if the guest believes that. */
    void noteClientReset(long at, long openEpoch) {
        if (clientResetEpoch == Long.MAX_VALUE || at > clientResetAt) {
            clientResetEpoch = openEpoch;
            clientResetAt = at;
        }
    }

    /**
     * Its guest says something. If its client has reset it, that has not arrived, and is lost perhaps; or the guest had more
     * when it came, and did not believe it.
     */
    void noteGuestAlive(long openEpoch) {
        if (clientResetEpoch != Long.MAX_VALUE) {
            clientResetEpoch = guestAck > clientResetAt ? Long.MAX_VALUE : openEpoch;
        }
    }

    /** Whether the client has the guest's SYN, so that it holds the guest to it. */
    boolean isKnownToClient() {
        return isAnswered() && releasedEnd > guestFirst;
    }

    /** Where a number ends as bytes: a FIN is none. */
    long bytesBefore(long end) {
        return guestFinEnd != 0 && end == guestFinEnd ? end - 1 : end;
    }

    /**
     * The guest says its first segment after it was restored. A client drops what comes from a clock that has gone back (PAWS:
     * RFC 7323, section 5), and must not hear less than it has heard.
     *
     * @param before as the numbering was in the checkpoint
     * @param goesOn whether the guest's clock is that of the checkpoint, and may be ahead by now; one that was drawn for a
     *     new connection says nothing
     * @param timestamp the guest's
     */
    Translation translationSince(Translation before, boolean goesOn, int timestamp) {
        int missing = releasedTimestamp + 1 - timestamp;
        int offset = goesOn ? SequenceNumbers.later(before.timestampOffset(), missing) : missing;
        return new Translation(before.sequenceOffset(), hasTimestamps() ? offset : 0, releasedAck, releasedEdge);
    }

    /** Everything that the guest has emitted so far has left, or will: the wall is open, or its next commit is due. */
    void releaseEmitted() {
        release(now());
    }

    /** The epoch's checkpoint is confirmed, and what was held of it leaves. */
    void release(Mark committed) {
        releasedEnd = Math.max(releasedEnd, committed.guestEnd());
        releasedAck = Math.max(releasedAck, committed.guestAck());
        releasedEdge = Math.max(releasedEdge, committed.guestEdge());
        if (committed.guestEnd() > 0) {
            hear(committed.guestTimestamp() + translation.timestampOffset());
        }
    }

    private void hear(int timestamp) {
        if (hasTimestamps()) {
            releasedTimestamp = SequenceNumbers.later(releasedTimestamp, timestamp);
        }
    }

    /** For people. */
    FlowView view(long committedEpoch) {
        Mark mark = at(committedEpoch);
        long guestHas = clientFirst + 1;
        long guestHasSent = guestFirst + 1;
        if (mark != null && mark.guestEnd() > 0) {
            guestHas = mark.guestAck();
            guestHasSent = mark.guestEnd();
        }
        return new FlowView(
                key.nic(),
                key.vlanId(),
                key.clientHigh(),
                key.clientLow(),
                key.clientPort(),
                key.guestHigh(),
                key.guestLow(),
                key.guestPort(),
                state(),
                held == null ? "" : held.name(),
                isWaiting(),
                translation.sequenceOffset(),
                translation.timestampOffset(),
                Math.max(0, clientEnd - guestHas),
                isKnownToClient() ? Math.max(0, releasedEnd - guestHasSent) : 0);
    }

    private FlowView.State state() {
        if (aborted) {
            return FlowView.State.RESET;
        }
        if (catchUp != null) {
            return FlowView.State.CATCHING_UP;
        }
        if (!isAnswered()) {
            return FlowView.State.OPENING;
        }
        return isEnding() ? FlowView.State.ENDING : FlowView.State.OPEN;
    }

    /** What became of its connection when its guest was restored. */
    String describeDivergence() {
        CatchUp reached = catchUp;
        return reached == null
                ? "port " + toClient.destinationPort() + " was not replayed"
                : "port %d: %s; equal for %d of %d bytes since the connection began, acknowledged %d of %d"
                        .formatted(
                                toClient.destinationPort(),
                                reached.divergence(),
                                reached.comparison().equalThrough() - guestFirst - 1,
                                releasedEnd - guestFirst - 1,
                                reached.guestAck() - clientFirst - 1,
                                releasedAck - clientFirst - 1);
    }

    /** Whether the client has sent something that the guest does not get before its turn. */
    boolean isWaiting() {
        return firstWaiting != InputLog.NONE;
    }

    /** Whether the guest will say nothing more to the client. */
    boolean isSilenced() {
        return aborted || guestFinEnd != 0 || guestResetEpoch != Long.MAX_VALUE || clientResetEpoch != Long.MAX_VALUE;
    }

    /** Whether one of the ends was seen to end it. */
    boolean isEnding() {
        return isSilenced() || clientFinEnd != 0;
    }

    // ---- looking ahead; see Foresight ----

    /** Reads something of each part of 64 bytes, as fields stand in memory: long ones in their order, then the others. */
    long touch() {
        return id + guestAck + clientSeenNanos + finishedEpoch + touchedEpoch + (aborted ? 1 : 0);
    }

    /** The same of what the ledger refers to, and each frame needs. */
    long touchWhatItRefersTo() {
        return key.touch() + released.touch() + marks.touch();
    }
}
