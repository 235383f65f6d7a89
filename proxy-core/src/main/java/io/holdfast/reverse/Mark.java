package io.holdfast.reverse;

/**
 * Where a connection's guest side certainly was when an epoch was closed, learned from its own segments. The checkpoint may
 * know more, where a segment was late; never less.
 *
 * @param epoch of which the barrier was the end; also of the following ones, up to the next mark
 * @param guestEnd its snd_nxt (N), in the client's numbering
 * @param guestAck its rcv_nxt (R)
 * @param guestEdge the right edge of its window
 * @param guestTimestamp its clock in the last segment, in the guest's own numbering
 * @param clientTimestamp the client's clock as the guest may have seen it
 */
record Mark(long epoch, long guestEnd, long guestAck, long guestEdge, int guestTimestamp, int clientTimestamp) {}
