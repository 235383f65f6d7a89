package io.holdfast.reverse;

import org.jspecify.annotations.Nullable;

/**
 * Brings what the next frames need into the processor's caches, for many of them at once. With many connections all that a frame
 * touches is far away in memory: its place in the table, its ledger, what the ledger refers to. One after the other, each of
 * these takes as long as all the rest of the work on the frame. But a processor fetches a dozen of them at a time, as long
 * as none has to be known before the next one can be asked for. So the frames of a batch go through here in steps, each of which
 * reads the same thing for all of them; when they are worked on afterwards, everything is there.
 *
 * <p>Nothing is decided here, and what is foreseen need not come true.
 */
final class Foresight {

    /** As many as are looked ahead at a time: what they need must not drive each other out of the caches. */
    static final int FRAMES = 32;

    /** So few ledgers stay in the caches by themselves. */
    private static final int FEW_LEDGERS = 2_000;

    private final Flows flows;
    private final int[] places = new int[FRAMES];
    private final @Nullable Ledger[] ledgers = new Ledger[FRAMES];
    private int count;

    /** What was read goes here, so that the compiler does not leave the reading out. */
    private long seen;

    Foresight(Flows flows) {
        this.flows = flows;
    }

    /** Whether it is worth its time. */
    boolean isOfUse() {
        return flows.count() > FEW_LEDGERS;
    }

    /** A frame of a connection will come. */
    void expect(FlowKey key) {
        places[count++] = flows.firstPlace(key);
    }

    /** Fetches all that the expected frames need; none is expected afterwards. */
    void fetch() {
        long read = seen;
        for (int frame = 0; frame < count; frame++) {
            ledgers[frame] = flows.atPlace(places[frame]);
        }
        for (int frame = 0; frame < count; frame++) {
            Ledger ledger = ledgers[frame];
            read += ledger == null ? 0 : ledger.touch();
        }
        for (int frame = 0; frame < count; frame++) {
            Ledger ledger = ledgers[frame];
            read += ledger == null ? 0 : ledger.touchWhatItRefersTo();
            ledgers[frame] = null;
        }
        seen = read;
        count = 0;
    }
}
