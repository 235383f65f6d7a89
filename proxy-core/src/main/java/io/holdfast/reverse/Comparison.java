package io.holdfast.reverse;

import java.lang.foreign.MemorySegment;

/**
 * Compares what a restored guest sends with what its client has been sent, by position, wherever segments begin and end.
 * Each byte is looked at once: what a guest sends again is the same as before, because it comes out of its send buffer.
 */
final class Comparison {

    private static final long NOWHERE = Long.MAX_VALUE;

    private final ReleasedBytes recorded;
    private long block;
    private long blockBegin;
    /** Of what the block has so far. */
    private long digest = BlockHash.NOTHING;

    private long absorbedThrough;
    private long equalThrough;
    private boolean different;
    private long expectedEnd = NOWHERE;
    private long expectedDigest;

    /** @param from where the checkpoint was taken: what lies before is in it, and is equal */
    Comparison(ReleasedBytes recorded, long from) {
        this.recorded = recorded;
        this.absorbedThrough = from;
        this.equalThrough = from;
        this.block = recorded.blockAt(from);
        this.blockBegin = from;
        this.different = from < recorded.begin(); // It could not be told.
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
     * @param digest what {@link ReleasedBytes#openDigest} was there; {@link BlockHash#UNKNOWN} is not looked at
     */
    void expect(long end, long digest) {
        if (end > absorbedThrough && digest != BlockHash.UNKNOWN) {
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
            long stepEnd = Math.min(nextJudgement(blockEnd), recorded.runEnd(absorbedThrough));
            int step = (int) Math.min(stop - at, stepEnd - absorbedThrough);
            if (!recorded.isMissing(absorbedThrough)) { // Else no client has it, and it may be anything.
                digest = recorded.hash().add(digest, (int) (absorbedThrough - blockBegin), memory, at, step);
            }
            at += step;
            absorbedThrough += step;
            if (absorbedThrough == blockEnd) {
                judgeBlock(blockEnd); // Also an answer that ends with it.
            } else if (absorbedThrough == expectedEnd) {
                judgeExpected();
            }
        }
    }

    /**
     * Bytes from a position on leave for the client. What was missing of them is recorded output from now on, and a further
     * attempt must say the same.
     */
    void leave(long position, MemorySegment memory, long offsetBytes, long lengthBytes) {
        if (!recorded.hasGaps()) {
            return;
        }
        long stop = Math.min(position + lengthBytes, recorded.end());
        long origin = offsetBytes - position;
        long stepEnd;
        for (long at = Math.max(position, blockBegin); at < Math.min(stop, absorbedThrough); at = stepEnd) {
            stepEnd = Math.min(Math.min(stop, absorbedThrough), recorded.runEnd(at));
            if (recorded.isMissing(at)) {
                digest =
                        recorded.hash().add(digest, (int) (at - blockBegin), memory, origin + at, (int) (stepEnd - at));
            }
        }
        if (position < stop && !recorded.put(position, memory, offsetBytes, (int) (stop - position))) {
            different = true; // It could not be told from another guest's.
        }
    }

    private long nextJudgement(long blockEnd) {
        return expectedEnd > absorbedThrough ? Math.min(blockEnd, expectedEnd) : blockEnd;
    }

    private void judgeExpected() {
        if (digest == expectedDigest) {
            equalThrough = expectedEnd;
        } else {
            different = true;
        }
        expectedEnd = NOWHERE;
    }

    private void judgeBlock(long blockEnd) {
        if (digest == recorded.digest(block)) {
            equalThrough = blockEnd;
            digest = BlockHash.NOTHING;
            blockBegin = blockEnd;
            block++;
        } else {
            different = true;
        }
    }
}
