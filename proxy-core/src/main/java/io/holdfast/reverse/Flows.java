package io.holdfast.reverse;

import io.holdfast.frame.TcpPath;
import java.util.AbstractCollection;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Collection;
import java.util.Deque;
import java.util.Iterator;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Objects;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/** The ledgers of all connections that have one, found by what is in a segment's headers or by number. */
final class Flows {

    /** Of a flow's number the lower bits are its place, the upper ones tell it from an earlier one in that place. */
    private static final int PLACE_BITS = 20;

    static final int MAX_FLOWS = 1 << PLACE_BITS;

    private final int limit;
    private final DigestBudget budget;
    private final BlockHash hash;
    private final FlowTable byKey;
    private final List<@Nullable Ledger> byPlace = new ArrayList<>();
    private final Collection<Ledger> all = new All();
    private final Deque<Integer> freePlaces = new ArrayDeque<>();
    /** Ledgers that may be over when the next checkpoint is confirmed. */
    private final Set<Ledger> ending = new LinkedHashSet<>();

    private int count;
    private long begun;
    private long translationVersion;
    private int nextPlace;

    /**
     * @param limit how many there may be, 1 to {@value #MAX_FLOWS}
     * @param seed of the digests of what is released
     */
    Flows(int limit, DigestBudget budget, long seed) {
        this.limit = limit;
        this.budget = budget;
        this.byKey = new FlowTable(limit, seed);
        this.hash = new BlockHash(seed, ReleasedBytes.BLOCK_BYTES);
    }

    @Nullable
    Ledger find(FlowKey key) {
        return byKey.find(key);
    }

    /** The ledger with a number; null if it is over. */
    @Nullable
    Ledger find(long id) {
        Ledger ledger = byPlace.get((int) (id & (MAX_FLOWS - 1)));
        return ledger != null && ledger.id == id ? ledger : null;
    }

    // ---- looking ahead; see Foresight ----

    int firstPlace(FlowKey key) {
        return byKey.firstPlace(key);
    }

    @Nullable
    Ledger atPlace(int place) {
        return byKey.at(place);
    }

    // ---- beginning and ending ----

    /** A new ledger; null if there are too many. */
    @Nullable
    Ledger begin(FlowKey key, TcpPath toGuest, Offer clientOffer, int sequence, long epoch) {
        if (count == limit && !endOneFinished()) {
            return null;
        }
        Integer free = freePlaces.poll();
        int place = free != null ? free : byPlace.size();
        if (free == null) {
            byPlace.add(null);
        }
        Ledger ledger = new Ledger(
                begun++ << PLACE_BITS | place,
                key.copy(),
                toGuest,
                clientOffer,
                SequenceNumbers.first(sequence),
                new ReleasedBytes(budget, hash),
                epoch);
        byKey.add(ledger);
        count++;
        byPlace.set(place, ledger);
        return ledger;
    }

    /** Ends a ledger. Its connection is over, or is no longer known well enough. */
    void end(Ledger ledger) {
        if (byKey.remove(ledger)) {
            count--;
            if (!ledger.translation.isNone()) {
                onTranslated();
            }
            int place = (int) (ledger.id & (MAX_FLOWS - 1));
            byPlace.set(place, null);
            freePlaces.add(place);
            ending.remove(ledger);
            ledger.released.beginAt(0);
        }
    }

    /** One of the ends has said that it will end; to be called once for each. */
    void watchEnding(Ledger ledger) {
        ending.add(ledger);
    }

    /** Ends the ledgers of which that checkpoint knows that they are over. */
    void endThoseOverAt(long committedEpoch) {
        for (Ledger ledger : List.copyOf(ending)) {
            if (ledger.isOverAt(committedEpoch)) {
                end(ledger);
            }
        }
    }

    private boolean endOneFinished() {
        for (Ledger ledger : ending) {
            if (ledger.isFinished()) {
                end(ledger);
                return true;
            }
        }
        return false;
    }

    /** The translation of a connection has changed. */
    void onTranslated() {
        translationVersion++;
    }

    /** Grows whenever a translation has changed, or a translated connection is over. */
    long translationVersion() {
        return translationVersion;
    }

    /** Another one at each call until it was each one's turn; null for a place that is free. */
    @Nullable
    Ledger nextInTurn() {
        nextPlace = nextPlace + 1 < byPlace.size() ? nextPlace + 1 : 0;
        return byPlace.get(nextPlace);
    }

    /** All ledgers, by place. */
    Collection<Ledger> all() {
        return all;
    }

    int count() {
        return count;
    }

    private final class All extends AbstractCollection<Ledger> {

        @Override
        public Iterator<Ledger> iterator() {
            return byPlace.stream().filter(Objects::nonNull).iterator();
        }

        @Override
        public int size() {
            return count;
        }
    }
}
