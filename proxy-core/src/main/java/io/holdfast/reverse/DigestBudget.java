package io.holdfast.reverse;

/** How many digests of released bytes all ledgers together may keep. */
final class DigestBudget {

    private final long limitBlocks;
    private long usedBlocks;

    DigestBudget(long limitBlocks) {
        this.limitBlocks = limitBlocks;
    }

    /** Takes room for one more; false if there is none. */
    boolean take() {
        if (usedBlocks == limitBlocks) {
            return false;
        }
        usedBlocks++;
        return true;
    }

    void giveBack(int blocks) {
        usedBlocks -= blocks;
    }

    long usedBlocks() {
        return usedBlocks;
    }
}
