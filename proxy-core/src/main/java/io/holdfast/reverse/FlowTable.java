package io.holdfast.reverse;

import org.jspecify.annotations.Nullable;

/**
 * Finds a ledger by its key: two arrays with the same places, open addressing, at most half full. One has the keys' hashes, the
 * other the ledgers. A hash of 32 bits nearly always tells alone who stands in a place, and both are read at once, so that
 * whoever looks for one among many waits for memory twice: for its place, and for the ledger itself.
 *
 * <p>Nothing allocates after the beginning. Keys are hashed with a secret: nobody can choose ports that stand in one place.
 */
final class FlowTable {

    private static final int FREE = 0;

    private final long seed;
    private final int[] hashes;
    private final @Nullable Ledger[] ledgers;
    private final int mask;

    /**
     * An empty table.
     *
     * @param limit how many ledgers there will be at most
     * @param seed random
     */
    FlowTable(int limit, long seed) {
        int places = Integer.highestOneBit(limit) * 4;
        this.seed = seed;
        this.hashes = new int[places];
        this.ledgers = new Ledger[places];
        this.mask = places - 1;
    }

    @Nullable
    Ledger find(FlowKey key) {
        int hash = hash(key);
        for (int place = hash & mask; hashes[place] != FREE; place = next(place)) {
            Ledger ledger = ledgers[place];
            if (hashes[place] == hash && ledger != null && ledger.key.equals(key)) {
                return ledger;
            }
        }
        return null;
    }

    /** Adds a ledger with a key that no other one has. */
    void add(Ledger ledger) {
        int hash = hash(ledger.key);
        int place = hash & mask;
        while (hashes[place] != FREE) {
            place = next(place);
        }
        put(place, hash, ledger);
    }

    /** Removes a ledger; false if it does not stand here. */
    boolean remove(Ledger ledger) {
        int place = hash(ledger.key) & mask;
        while (ledgers[place] != ledger) {
            if (hashes[place] == FREE) {
                return false;
            }
            place = next(place);
        }
        free(place);
        return true;
    }

    /** Whoever stands behind a place that becomes free, because that was taken, moves up. */
    private void free(int place) {
        int free = place;
        for (int from = next(free); hashes[from] != FREE; from = next(from)) {
            boolean mayMoveUp = distance(hashes[from] & mask, from) >= distance(free, from);
            if (mayMoveUp) {
                put(free, hashes[from], ledgers[from]);
                free = from;
            }
        }
        put(free, FREE, null);
    }

    private void put(int place, int hash, @Nullable Ledger ledger) {
        hashes[place] = hash;
        ledgers[place] = ledger;
    }

    private int hash(FlowKey key) {
        int hash = key.hash(seed);
        return hash == FREE ? 1 : hash;
    }

    private int next(int place) {
        return (place + 1) & mask;
    }

    private int distance(int from, int to) {
        return (to - from) & mask;
    }

    // ---- looking ahead; see Foresight ----

    /** Where the search for a key begins. */
    int firstPlace(FlowKey key) {
        return hash(key) & mask;
    }

    /** Who stands in a place; nearly always the one that is looked for from there. Null if nobody. */
    @Nullable
    Ledger at(int place) {
        return hashes[place] == FREE ? null : ledgers[place];
    }
}
