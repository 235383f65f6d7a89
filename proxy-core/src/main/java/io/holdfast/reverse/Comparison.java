package io.holdfast.reverse;

import java.lang.foreign.MemorySegment;

/**
 * Compares what a restored guest sends with what its client has been sent, by position, wherever segments begin and end.
 * Each byte is looked at once: what a guest sends again is the same as before, because it comes out of its send buffer.
 */
final class Comparison {

    private static final long NOWHERE = Long.MAX_VALUE;

    private final ReleasedBytes recorded;
    private final RunningHash hash;
    private long block;
    private long absorbedThrough;
    private long equalThrough;
    private boolean different;
    private long expectedEnd = NOWHERE;
    private long expectedDigest;

    /** @param from where the checkpoint was taken: what lies before is in it, and is equal */
    Comparison(ReleasedBytes recorded, long seed, long from) {
        this.recorded = recorded;
        this.hash = new RunningHash(seed);
        this.absorbedThrough = from;
        this.equalThrough = from;
        this.block = recorded.blockAt(from);
    }

    /** How far bytes have been looked at. */
    long absorbedThrough() {
        return absorbedThrough;
    }

    /** How far they are known to be equal: to the end of a block, of an answer, or of all. */
    long equalThrough() {
        return equalThrough;
    }

    /** Where the block ends that is being looked at. */
    long blockEnd() {
        return recorded.blockEnd(block);
    }

    /** Whether they are not; the first difference is within {@link ReleasedBytes#BLOCK_BYTES} of {@link #equalThrough}. */
    boolean isDifferent() {
        return different;
    }

    /**
     * Looks at one more position besides the ends of blocks, if it is still to come: so it is known at once whether an answer
     * is right, which may be much shorter than a block.
     *
     * @param digest what {@link ReleasedBytes#openDigest} was there
     */
    void expect(long end, long digest) {
        if (end > absorbedThrough) {
            expectedEnd = end;
            expectedDigest = digest;
        }
    }

    /** Looks at bytes from {@link #absorbedThrough} on, as far as there are recorded ones. */
    void absorb(MemorySegment memory, long offsetBytes, long lengthBytes) {
        long at = offsetBytes;
        long stop = offsetBytes + Math.min(lengthBytes, recorded.end() - absorbedThrough);
        while (at < stop && !different) {
            long blockEnd = recorded.blockEnd(block);
            int step = (int) Math.min(stop - at, nextJudgement(blockEnd) - absorbedThrough);
            hash.absorb(memory, at, step);
            at += step;
            absorbedThrough += step;
            if (absorbedThrough == blockEnd) {
                judgeBlock(blockEnd); // Also an answer that ends with it.
            } else if (absorbedThrough == expectedEnd) {
                judgeExpected();
            }
        }
    }

    private long nextJudgement(long blockEnd) {
        return expectedEnd > absorbedThrough ? Math.min(blockEnd, expectedEnd) : blockEnd;
    }

    private void judgeExpected() {
        if (hash.value() == expectedDigest) {
            equalThrough = expectedEnd;
        } else {
            different = true;
        }
        expectedEnd = NOWHERE;
    }

    private void judgeBlock(long blockEnd) {
        if (hash.value() == recorded.digest(block)) {
            equalThrough = blockEnd;
            hash.begin();
            block++;
        } else {
            different = true;
        }
    }
}
