package io.holdfast.reverse;

import org.jspecify.annotations.Nullable;

/**
 * How far a restored guest has come on one connection, on its way to where its client has seen it. Positions are in the
 * client's numbering, clocks in their owners'.
 */
final class CatchUp {

    private final Comparison comparison;
    private final boolean inCheckpoint;

    /** The guest's numbering is known: the connection was in the checkpoint, or the guest has answered its SYN anew. */
    private boolean numbered;

    private boolean heard;
    private Translation translation;
    private long guestEnd;
    private long guestFinEnd;
    private boolean reset;
    private boolean ended;
    private long guestAck;
    private long guestEdge;
    private int guestTimestamp;
    private long acknowledged;
    private long injectedEnd;
    private long repeatedAt;
    private int clientTimestamp;
    private @Nullable CarriedBytes carried;
    private @Nullable Divergence divergence;

    private CatchUp(Ledger ledger, long comparedFrom, boolean inCheckpoint) {
        this.comparison = new Comparison(ledger.released, comparedFrom);
        this.translation = ledger.translation;
        this.inCheckpoint = inCheckpoint;
        this.numbered = inCheckpoint;
    }

    /** For a connection that the checkpoint knows. */
    static CatchUp from(Ledger ledger, Mark mark) {
        CatchUp catchUp = new CatchUp(ledger, mark.guestEnd(), true);
        catchUp.guestEnd = mark.guestEnd();
        catchUp.guestAck = mark.guestAck();
        catchUp.guestEdge = mark.guestEdge();
        catchUp.guestTimestamp = mark.guestTimestamp();
        catchUp.injectedEnd = mark.guestAck();
        catchUp.clientTimestamp = mark.clientTimestamp();
        return catchUp;
    }

    /** For a connection that was opened later: its SYN will be replayed. */
    static CatchUp fromSyn(Ledger ledger) {
        CatchUp catchUp = new CatchUp(ledger, ledger.guestFirst + 1, false);
        catchUp.guestEnd = ledger.guestFirst;
        catchUp.guestAck = ledger.clientFirst;
        catchUp.guestEdge = ledger.clientFirst + 1;
        catchUp.injectedEnd = ledger.clientFirst;
        return catchUp;
    }

    // ---- what the guest says ----

    /**
     * It answers the SYN, replayed or part of the checkpoint: its numbering may be another one than that of the first time.
     *
     * @param echo the client's clock as the guest knows it from the SYN
     */
    void number(Ledger ledger, int sequence, int echo) {
        numbered = true;
        clientTimestamp = echo;

        guestEnd = ledger.guestFirst + 1;
        translation = new Translation((int) ledger.guestFirst - sequence, 0, Long.MIN_VALUE, Long.MIN_VALUE);
    }

    /** It has said something in this life. */
    void hear(Ledger ledger, int timestamp) {
        if (!heard) {
            heard = true;
            translation = ledger.translationSince(translation, inCheckpoint, timestamp);
        }
    }

    void tell(long ack, long edge, boolean timestamps, int timestamp) {
        guestAck = Math.max(guestAck, ack);
        guestEdge = Math.max(guestEdge, edge);
        if (timestamps) {
            guestTimestamp = timestamp;
        }
    }

    /** It has sent bytes up to there. */
    void emit(long end) {
        guestEnd = Math.max(guestEnd, end);
    }

    /** It has ended its stream there. */
    void finish(long end) {
        guestFinEnd = end + 1;
        emit(guestFinEnd);
    }

    /** It has reset the connection, after it had come as far as the client. */
    void reset() {
        reset = true;
    }

    void diverge(Divergence why) {
        if (divergence == null) {
            divergence = why;
        }
    }

    // ---- what it is given ----

    void inject(long end, boolean timestamps, int timestamp) {
        injectedEnd = Math.max(injectedEnd, end);
        if (timestamps) {
            clientTimestamp = timestamp;
        }
    }

    /** It is given the client's RST. */
    void end() {
        ended = true;
    }

    /** Whether what follows an acknowledgement has not been given again for its sake. */
    boolean isFirstRepeat(long ack) {
        boolean first = repeatedAt != ack;
        repeatedAt = ack;
        return first;
    }

    /** The client's clock for the next segment: never earlier than in the one before, or the guest would drop it. */
    int clientTimestamp(int logged) {
        return numbered ? SequenceNumbers.later(clientTimestamp, logged) : logged;
    }

    int clientTimestamp() {
        return clientTimestamp;
    }

    int guestTimestamp() {
        return guestTimestamp;
    }

    /** What may be acknowledged in the client's place: what it has, or is brought, of what the guest has sent in this life. */
    long acknowledgeable(Ledger ledger) {
        if (divergence != null || ledger.clientResetEpoch != Long.MAX_VALUE) {
            return guestEnd;
        }
        long has = Math.min(ledger.clientAck, comparison.absorbedThrough());
        return carried == null ? has : Math.max(has, carried.end());
    }

    /** Notes what has been acknowledged in the client's place; false if that was done before. */
    boolean acknowledge(long ack) {
        boolean further = ack > acknowledged;
        acknowledged = Math.max(acknowledged, ack);
        return further;
    }

    /** Where the client's next byte would be. */
    long nextFromClient() {
        return Math.max(guestAck, injectedEnd);
    }

    // ---- what the client is brought ----

    /** What the client lacks of the block that is being compared, from where its bytes end. */
    CarriedBytes carry(long from) {
        CarriedBytes begun = new CarriedBytes(from, comparison.blockEnd());
        carried = begun;
        return begun;
    }

    /** Null if there is nothing, or the client has it. */
    @Nullable
    CarriedBytes carried(Ledger ledger) {
        if (carried != null && ledger.clientAck >= carried.blockEnd()) {
            carried = null;
        }
        return carried;
    }

    // ---- where it stands ----

    /**
     * Whether the guest has said all again that the client has seen, and knows all that the client will not send again; and
     * whether the client has all that the guest will not send again.
     */
    boolean isDone(Ledger ledger) {
        return numbered
                && comparison.equalThrough() >= ledger.releasedEnd
                && guestAck >= ledger.releasedAck
                && carried(ledger) == null;
    }

    /** Whether the guest has all that it was given, and has not said all again that the client has been sent. */
    boolean owes(Ledger ledger) {
        return numbered && guestAck >= injectedEnd && comparison.absorbedThrough() < ledger.releasedEnd;
    }

    boolean isHeard() {
        return heard;
    }

    boolean isNumbered() {
        return numbered;
    }

    int sequenceOffset() {
        return translation.sequenceOffset();
    }

    Translation translation() {
        return translation;
    }

    Comparison comparison() {
        return comparison;
    }

    @Nullable
    Divergence divergence() {
        return divergence;
    }

    long guestEnd() {
        return guestEnd;
    }

    /** Where its FIN ends; 0 if it has sent none. */
    long guestFinEnd() {
        return guestFinEnd;
    }

    boolean isReset() {
        return reset;
    }

    /** Whether its client has ended it in this life too. */
    boolean isEnded() {
        return ended;
    }

    long guestAck() {
        return guestAck;
    }

    long guestEdge() {
        return guestEdge;
    }
}
