package io.holdfast.reverse;

import java.lang.foreign.MemorySegment;

/**
 * The bytes that one client has been sent, as digests by position: of blocks of {@value #BLOCK_BYTES} bytes, and of
 * what the last one has so far. A block also ends at each barrier. What a restored guest sends begins where its checkpoint
 * was taken, so that its blocks are these blocks, and nothing but digests has to be kept.
 */
final class ReleasedBytes {

    static final int BLOCK_BYTES = 256;

    private static final int FIRST_CAPACITY_BLOCKS = 4;

    private final DigestBudget budget;
    private final RunningHash open;

    /** Blocks that have ended: a ring of where each ends, and its digest. */
    private long[] ends = new long[FIRST_CAPACITY_BLOCKS];

    private long[] digests = new long[FIRST_CAPACITY_BLOCKS];
    private int firstBlock;
    private int blocks;
    /** Blocks that there were before the first one. */
    private long forgottenBlocks;

    /** Where the open block begins, and where the released bytes end. */
    private long openBegin;

    private long end;

    ReleasedBytes(DigestBudget budget, long seed) {
        this.budget = budget;
        this.open = new RunningHash(seed);
    }

    /** Forgets everything; the next byte is that at {@code position}. */
    void beginAt(long position) {
        budget.giveBack(blocks);
        forgottenBlocks += blocks;
        blocks = 0;
        firstBlock = 0;
        open.begin();
        openBegin = position;
        end = position;
    }

    /** Where the released bytes end. */
    long end() {
        return end;
    }

    int blocks() {
        return blocks;
    }

    /** Ends the open block: a checkpoint is taken here. False if there is no room for its digest. */
    boolean cut() {
        return openBegin == end || endBlock();
    }

    /**
     * Adds the next bytes.
     *
     * @return false if the budget is used up. Then what is kept is not complete, and never will be
     */
    boolean append(MemorySegment memory, long offsetBytes, int addedBytes) {
        long at = offsetBytes;
        long stop = offsetBytes + addedBytes;
        while (at < stop) {
            int step = (int) Math.min(stop - at, openBegin + BLOCK_BYTES - end);
            open.absorb(memory, at, step);
            at += step;
            end += step;
            if (end - openBegin == BLOCK_BYTES && !endBlock()) {
                return false;
            }
        }
        return true;
    }

    /** The digest of what the open block has so far; the same after the same bytes, where blocks begin at the same positions. */
    long openDigest() {
        return open.value();
    }

    /** Forgets the blocks that end at or before a position. */
    void forgetThrough(long position) {
        int forgotten = 0;
        while (blocks > 0 && ends[firstBlock] <= position) {
            firstBlock = (firstBlock + 1) & (ends.length - 1);
            blocks--;
            forgotten++;
        }
        forgottenBlocks += forgotten;
        budget.giveBack(forgotten);
        if (ends.length > FIRST_CAPACITY_BLOCKS && blocks < ends.length / 8) {
            resize(ends.length / 4);
        }
    }

    private boolean endBlock() {
        if (!budget.take()) {
            return false;
        }
        if (blocks == ends.length) {
            resize(ends.length * 2);
        }
        int index = (firstBlock + blocks) & (ends.length - 1);
        ends[index] = end;
        digests[index] = open.value();
        blocks++;
        open.begin();
        openBegin = end;
        return true;
    }

    /** @param capacityBlocks a power of two, with room for all blocks */
    private void resize(int capacityBlocks) {
        ends = resized(ends, capacityBlocks);
        digests = resized(digests, capacityBlocks);
        firstBlock = 0;
    }

    private long[] resized(long[] ring, int capacityBlocks) {
        long[] resized = new long[capacityBlocks];
        for (int i = 0; i < blocks; i++) {
            resized[i] = ring[(firstBlock + i) & (ring.length - 1)];
        }
        return resized;
    }

    // ---- for a comparison; blocks keep their numbers when others are forgotten ----

    /** The end of a block; that of the open one comes last. */
    long blockEnd(long block) {
        return isOpen(block) ? end : ends[index(block)];
    }

    /** The digest of a block; of the open one, as far as it has come. */
    long digest(long block) {
        return isOpen(block) ? openDigest() : digests[index(block)];
    }

    private boolean isOpen(long block) {
        return block - forgottenBlocks >= blocks;
    }

    private int index(long block) {
        return (int) (firstBlock + block - forgottenBlocks) & (ends.length - 1);
    }

    /** The number of the block that has the byte at a position; one behind the open one's if none has. */
    long blockAt(long position) {
        long block = forgottenBlocks;
        while (block <= forgottenBlocks + blocks && blockEnd(block) <= position) {
            block++;
        }
        return block;
    }
}
