package io.holdfast.reverse;

import java.lang.foreign.MemorySegment;

/**
 * What a client has lost of a block that the guest has not said again as a whole. No part of a block is known to be equal, so
 * the client cannot have it yet; and a guest that lost much repeats one segment, and says nothing else until it is
 * acknowledged. So Holdfast acknowledges it, and brings it to the client itself when the block is whole and equal. If it is
 * not, the connection is reset (INV-12), and nobody misses it.
 */
final class CarriedBytes {

    private static final long REPEAT_NANOS = 50_000_000L;

    private final MemorySegment bytes = MemorySegment.ofArray(new byte[ReleasedBytes.BLOCK_BYTES]);
    private final long begin;
    private final long blockEnd;
    private long end;
    private boolean brought;
    private long broughtNanos;

    /**
     * None yet.
     *
     * @param begin where the client's bytes end, in that block
     * @param blockEnd at most {@link ReleasedBytes#BLOCK_BYTES} further
     */
    CarriedBytes(long begin, long blockEnd) {
        this.begin = begin;
        this.blockEnd = blockEnd;
        this.end = begin;
    }

    /** Takes what follows from one of the guest's segments, whose bytes are at [segmentBegin, segmentEnd). */
    void take(MemorySegment memory, long payloadOffset, long segmentBegin, long segmentEnd) {
        long takenBytes = Math.min(segmentEnd, blockEnd) - end;
        if (segmentBegin <= end && takenBytes > 0) {
            MemorySegment.copy(memory, payloadOffset + end - segmentBegin, bytes, end - begin, takenBytes);
            end += takenBytes;
        }
    }

    /** Where they end so far. */
    long end() {
        return end;
    }

    /** Where they will end. */
    long blockEnd() {
        return blockEnd;
    }

    /** Whether they have not been brought, or so long ago that they may be lost. */
    boolean isDue(long nowNanos) {
        return !brought || nowNanos - broughtNanos >= REPEAT_NANOS;
    }

    /** Brings the client what it still lacks of them. */
    void bring(Ledger ledger, Comparison comparison, StandIn guest, long nowNanos) {
        brought = true;
        broughtNanos = nowNanos;
        long from = Math.max(begin, ledger.clientAck);
        comparison.leave(from, bytes, from - begin, end - from);
        guest.sendAgain(ledger, from, bytes, from - begin, end - from);
    }
}
