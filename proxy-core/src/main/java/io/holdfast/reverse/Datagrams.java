package io.holdfast.reverse;

import io.holdfast.reverse.DatagramRule.Policy;
import java.lang.foreign.MemorySegment;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * Lets those datagrams go at once that a {@link DatagramRule} is for, and remembers by digests which of them no confirmed
 * checkpoint has, so that a restored guest does not tell its clients the same twice.
 *
 * <p>Digests are bounded in number. A datagram that finds no room for its own is held like everything else.
 *
 * <p><b>Threads.</b> One. Nothing allocates but for a failover.
 */
final class Datagrams {

    /** What is to be done with a frame of the guest. */
    enum Fate {
        HELD,
        LEAVES,
        SWALLOWED
    }

    /** A power of two. */
    private static final int MOST_DIGESTS = 1 << 16;

    private final List<DatagramRule> rules;
    private final ReverseCounters counters;
    private final RunningHash hash;
    private final Datagram datagram = new Datagram();

    /** A ring of what has left: when, and what; from the oldest on. */
    private final long[] epochs;

    private final long[] digests;
    private int oldest;
    private int count;

    /** What a restored guest need not say again, and how often; null while none is restored. */
    private @Nullable Map<Long, Integer> toSwallow;

    Datagrams(List<DatagramRule> rules, long seed, ReverseCounters counters) {
        this.rules = List.copyOf(rules);
        this.counters = counters;
        this.hash = new RunningHash(seed);
        int capacity = rules.isEmpty() ? 0 : MOST_DIGESTS;
        this.epochs = new long[capacity];
        this.digests = new long[capacity];
    }

    /** Whether a client's frame is given to the guest once, and not again after a failover. */
    boolean isGivenOnce(MemorySegment memory, long offsetBytes, int lengthBytes) {
        if (rules.isEmpty() || !datagram.wrap(memory, offsetBytes, lengthBytes)) {
            return false;
        }
        for (int i = 0; i < rules.size(); i++) {
            if (datagram.isRequestFor(rules.get(i))) {
                return rules.get(i).policy() == Policy.DROP;
            }
        }
        return false;
    }

    /**
     * A frame of the guest that no ledger is for.
     *
     * @param kept whether a checkpoint is there from which a guest might be restored that says it again
     */
    Fate onGuestFrame(int nic, MemorySegment memory, long offsetBytes, int lengthBytes, long epoch, boolean kept) {
        Policy policy = policyFor(memory, offsetBytes, lengthBytes);
        if (policy == null) {
            return Fate.HELD;
        }
        Fate fate;
        if (policy == Policy.DROP) {
            fate = toSwallow == null ? Fate.LEAVES : Fate.SWALLOWED;
        } else if (toSwallow != null) {
            fate = swallows(toSwallow, digest(nic)) ? Fate.SWALLOWED : Fate.HELD;
        } else {
            fate = !kept || keep(digest(nic), epoch) ? Fate.LEAVES : Fate.HELD;
        }
        count(fate);
        return fate;
    }

    private @Nullable Policy policyFor(MemorySegment memory, long offsetBytes, int lengthBytes) {
        if (rules.isEmpty() || !datagram.wrap(memory, offsetBytes, lengthBytes)) {
            return null;
        }
        for (int i = 0; i < rules.size(); i++) {
            if (datagram.isReplyBy(rules.get(i))) {
                return rules.get(i).policy();
            }
        }
        return null;
    }

    private void count(Fate fate) {
        switch (fate) {
            case LEAVES -> counters.releasedDatagrams.increment();
            case SWALLOWED -> counters.swallowedDatagrams.increment();
            case HELD -> counters.heldDatagrams.increment();
        }
    }

    private long digest(int nic) {
        hash.begin();
        datagram.absorbInto(hash);
        return hash.value() ^ nic;
    }

    private boolean keep(long digest, long epoch) {
        if (count == digests.length) {
            return false;
        }
        int at = (oldest + count) & (digests.length - 1);
        epochs[at] = epoch;
        digests[at] = digest;
        count++;
        return true;
    }

    private static boolean swallows(Map<Long, Integer> toSwallow, long digest) {
        Integer times = toSwallow.get(digest);
        if (times == null) {
            return false;
        }
        if (times == 1) {
            toSwallow.remove(digest);
        } else {
            toSwallow.put(digest, times - 1);
        }
        return true;
    }

    /** The backup has confirmed the checkpoint that ends an epoch. */
    void onCommit(long epoch) {
        while (count > 0 && epochs[oldest] <= epoch) {
            oldest = (oldest + 1) & (digests.length - 1);
            count--;
        }
    }

    /** A guest was restored from the newest confirmed checkpoint; may be called again, with another guest. */
    void onGuestRestored() {
        Map<Long, Integer> told = new HashMap<>();
        for (int i = 0; i < count; i++) {
            told.merge(digests[(oldest + i) & (digests.length - 1)], 1, Integer::sum);
        }
        toSwallow = told;
    }

    /** The catch-up is over. */
    void goLive() {
        toSwallow = null;
        count = 0;
    }
}
