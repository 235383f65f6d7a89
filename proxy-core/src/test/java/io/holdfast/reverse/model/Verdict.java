package io.holdfast.reverse.model;

/** Why an endpoint finds fault with a segment. */
public enum Verdict {
    /** All of it lies before RCV.NXT. Networks that duplicate, and senders that miss an acknowledgement, make such segments. */
    OLD_DUPLICATE(true),

    /** It lies beyond the window, at least in part (RFC 9293, section 3.10.7.4). */
    FUTURE(false),

    /** Its timestamp is old, and it would have brought data or an acknowledgement that were new (RFC 7323, section 5.3). */
    PAWS(false),

    /** Its timestamp is old, and it would have brought nothing. Networks that reorder make such segments. */
    PAWS_OLD(true),

    /** It has no timestamp, although both sides agreed on them (RFC 7323, section 3.2). */
    MISSING_TIMESTAMP(false),

    /** It echoes a timestamp that this endpoint never sent. Taken nevertheless, since a receiver measures by it and no more. */
    BAD_ECHO(false),

    /** It acknowledges what was not sent; all of it is dropped, data included. */
    ACK_TOO_NEW(false),

    /** Its acknowledgement is older than any window (RFC 5961, section 5.2); all of it is dropped, data included. */
    ACK_TOO_OLD(false),

    /** A reset within the window, but not at RCV.NXT (RFC 5961, section 3.2). */
    CHALLENGED_RST(false),

    /** A SYN that is not the one that opened the connection (RFC 5961, section 4.2). */
    CHALLENGED_SYN(false),

    /** A block that is empty, was not agreed on, or is not within its own acknowledgement and SND.NXT. The block is ignored. */
    BAD_SACK(false),

    /** The acknowledgement stops within a block that was said to have arrived (RFC 2018, section 8 permits it, nobody does it). */
    SACK_RENEGED(false),

    /** The right edge of the window moved left, in a segment that was sent later than the one with the edge. Taken nevertheless. */
    WINDOW_SHRUNK(false);

    private final boolean ordinary;

    Verdict(boolean ordinary) {
        this.ordinary = ordinary;
    }

    /**
     * Whether two honest endpoints and a network that loses, duplicates and reorders come to it every day. Of the others only
     * {@link #PAWS} and {@link #ACK_TOO_OLD} can happen then, where segments are late by more than a round trip.
     */
    public boolean isOrdinary() {
        return ordinary;
    }
}
