package io.holdfast.reverse;

import java.lang.foreign.MemorySegment;
import org.jspecify.annotations.Nullable;

/**
 * The bytes that one client has been sent, as digests by position: of blocks of {@value #BLOCK_BYTES} bytes, and of
 * what the last one has so far. A block also ends at each barrier. What a restored guest sends begins where its checkpoint
 * was taken, so that its blocks are these blocks, and nothing but digests has to be kept.
 *
 * <p>A segment that was lost between the guest and here leaves a gap. The client lacks it too, so the guest says it again; until
 * then the digest of its block is of the other bytes.
 */
final class ReleasedBytes {

    static final int BLOCK_BYTES = 256;

    private static final int FIRST_CAPACITY_BLOCKS = 4;

    /** Each of two numbers: where it ends, and its digest. They are needed together, and so stand together. */
    private static final int BLOCK_SHIFT = 1;

    private static final int DIGEST = 1;

    private final DigestBudget budget;
    private final BlockHash hash;

    /** Blocks that have ended: a ring. */
    private long[] ring = new long[FIRST_CAPACITY_BLOCKS << BLOCK_SHIFT];

    private int firstBlock;
    private int blocks;
    /** Where the first block begins. */
    private long begin;
    /** Blocks that there were before the first one. */
    private long forgottenBlocks;

    /** Where the open block begins, its digest, and where the released bytes end. */
    private long openBegin;

    private long openDigest;
    private long end;

    /** Null as long as nothing was ever missing. */
    private @Nullable Gaps gaps;

    /** @param hash of blocks of {@link #BLOCK_BYTES}; one for all */
    ReleasedBytes(DigestBudget budget, BlockHash hash) {
        this.budget = budget;
        this.hash = hash;
    }

    /** Forgets everything; the next byte is that at {@code position}. */
    void beginAt(long position) {
        budget.giveBack(blocks);
        forgottenBlocks += blocks;
        blocks = 0;
        firstBlock = 0;
        begin = position;
        openBegin = position;
        openDigest = BlockHash.NOTHING;
        end = position;
        if (gaps != null) {
            gaps.clear();
        }
    }

    /** Where the bytes begin that are kept. */
    long begin() {
        return begin;
    }

    /** Where the released bytes end. */
    long end() {
        return end;
    }

    int blocks() {
        return blocks;
    }

    BlockHash hash() {
        return hash;
    }

    /** Ends the open block: a checkpoint is taken here. False if there is no room for its digest. */
    boolean cut() {
        return openBegin == end || endBlock();
    }

    /**
     * Adds bytes at a position; those that are known already are not looked at.
     *
     * @return false if there is no room for digests or gaps. Then what is kept is not complete, and never will be
     */
    boolean put(long position, MemorySegment memory, long offsetBytes, int lengthBytes) {
        long stop = position + lengthBytes;
        if (position > end && !(addGap(position) && extend(position, null, 0))) {
            return false;
        }
        boolean filled = gaps == null || fill(gaps, position, stop, memory, offsetBytes - position);
        return filled && extend(stop, memory, offsetBytes - position);
    }

    private boolean addGap(long stop) {
        if (gaps == null) {
            gaps = new Gaps();
        }
        return gaps.add(end, stop);
    }

    private boolean fill(Gaps missing, long position, long stop, MemorySegment memory, long origin) {
        for (int gap = missing.count() - 1; gap >= 0; gap--) {
            long from = Math.max(position, missing.begin(gap));
            long to = Math.min(stop, missing.end(gap));
            if (from < to) {
                complete(from, to, memory, origin);
                if (!missing.fill(gap, from, to)) {
                    return false;
                }
            }
        }
        return true;
    }

    private void complete(long from, long to, MemorySegment memory, long origin) {
        long block = blockAt(from);
        for (long at = from; at < to; block++) {
            long blockBegin = blockBegin(block);
            int step = (int) (Math.min(to, blockEnd(block)) - at);
            long digest = hash.add(digest(block), (int) (at - blockBegin), memory, origin + at, step);
            if (isOpen(block)) {
                openDigest = digest;
            } else {
                ring[index(block) + DIGEST] = digest;
            }
            at += step;
        }
    }

    /** Goes on to a position, with bytes or, without memory, with a gap. */
    private boolean extend(long stop, @Nullable MemorySegment memory, long origin) {
        while (end < stop) {
            int place = (int) (end - openBegin);
            int step = (int) Math.min(stop - end, BLOCK_BYTES - place);
            if (memory != null) {
                openDigest = hash.add(openDigest, place, memory, origin + end, step);
            }
            end += step;
            if (end - openBegin == BLOCK_BYTES && !endBlock()) {
                return false;
            }
        }
        return true;
    }

    /** The digest of what the open block has so far; the same after the same bytes, where blocks begin at the same positions. */
    long openDigest() {
        return openDigest;
    }

    /** Forgets the blocks that end at or before a position. */
    void forgetThrough(long position) {
        int forgotten = 0;
        while (blocks > 0 && ring[firstBlock << BLOCK_SHIFT] <= position) {
            begin = ring[firstBlock << BLOCK_SHIFT];
            firstBlock = (firstBlock + 1) & (capacityBlocks() - 1);
            blocks--;
            forgotten++;
        }
        forgottenBlocks += forgotten;
        budget.giveBack(forgotten);
        if (capacityBlocks() > FIRST_CAPACITY_BLOCKS && blocks < capacityBlocks() / 8) {
            resize(capacityBlocks() / 4);
        }
        if (gaps != null) {
            gaps.forgetThrough(begin);
        }
    }

    private boolean endBlock() {
        if (!budget.take()) {
            return false;
        }
        if (blocks == capacityBlocks()) {
            resize(capacityBlocks() * 2);
        }
        int place = place(blocks++);
        ring[place] = end;
        ring[place + DIGEST] = openDigest;
        openBegin = end;
        openDigest = BlockHash.NOTHING;
        return true;
    }

    /** @param capacityBlocks a power of two, with room for all blocks */
    private void resize(int capacityBlocks) {
        long[] resized = new long[capacityBlocks << BLOCK_SHIFT];
        for (int i = 0; i < blocks; i++) {
            System.arraycopy(ring, place(i), resized, i << BLOCK_SHIFT, 1 << BLOCK_SHIFT);
        }
        ring = resized;
        firstBlock = 0;
    }

    private int capacityBlocks() {
        return ring.length >> BLOCK_SHIFT;
    }

    /** Where the numbers of a block are, counted from the first one. */
    private int place(int block) {
        return ((firstBlock + block) & (capacityBlocks() - 1)) << BLOCK_SHIFT;
    }

    // ---- gaps ----

    /** Whether bytes are missing that the client may have got behind. */
    boolean hasGaps() {
        return gaps != null && gaps.count() > 0;
    }

    /** Whether the byte at a position is missing. */
    boolean isMissing(long position) {
        return gaps != null && gaps.has(position);
    }

    /** Where the bytes from a position on cease to be all missing or all there; {@link Long#MAX_VALUE} if nowhere. */
    long runEnd(long position) {
        return gaps == null ? Long.MAX_VALUE : gaps.runEnd(position);
    }

    // ---- blocks; they keep their numbers when others are forgotten ----

    private long blockBegin(long block) {
        return block == forgottenBlocks ? begin : ring[index(block - 1)];
    }

    /** The end of a block; that of the open one comes last. */
    long blockEnd(long block) {
        return isOpen(block) ? end : ring[index(block)];
    }

    /** The digest of a block; of the open one, as far as it has come. */
    long digest(long block) {
        return isOpen(block) ? openDigest : ring[index(block) + DIGEST];
    }

    private boolean isOpen(long block) {
        return block - forgottenBlocks >= blocks;
    }

    private int index(long block) {
        return place((int) (block - forgottenBlocks));
    }

    /** The number of the block that has the byte at a position; one behind the open one's if none has. */
    long blockAt(long position) {
        if (position >= end) {
            return forgottenBlocks + blocks + 1;
        }
        long low = forgottenBlocks;
        long high = forgottenBlocks + blocks;
        while (low < high) {
            long middle = (low + high) / 2;
            if (blockEnd(middle) <= position) {
                low = middle + 1;
            } else {
                high = middle;
            }
        }
        return low;
    }

    /** Reads something of all that the next byte needs; see {@link Foresight}. */
    long touch() {
        return ring[place(0)] + ring[place(blocks)] + begin;
    }
}
