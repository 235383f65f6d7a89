package io.holdfast.cli;

import java.time.Duration;
import java.time.Instant;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.Deque;
import java.util.List;
import java.util.Optional;
import java.util.PriorityQueue;
import java.util.Queue;

/**
 * What happened, out of several sources that may each be late, in one order of time, and nothing twice. Single-writer; time is
 * passed in.
 */
final class Timeline {

    /** So long after it happened something may still come to be known: two looks at the file, with the time it takes to write. */
    static final Duration LATENESS = Duration.ofMillis(300);

    /** More than there can be within the time in which an event and its entry come. */
    private static final int MOST_DECIDED = 256;

    private final Queue<Happening> pending = new PriorityQueue<>(Comparator.comparing(Happening::at));

    /** Of these an event that comes besides is no news. Each takes the place of one. */
    private final Deque<Happening> decided = new ArrayDeque<>();

    /** Takes an entry of the audit log. */
    void decide(Happening decision) {
        pending.add(decision);
        decided.add(decision);
        if (decided.size() > MOST_DECIDED) {
            decided.remove();
        }
    }

    /** Takes what was heard at a control socket. */
    void hear(Happening event) {
        pending.add(event);
    }

    /**
     * Returns, once, what is older than {@link #LATENESS} and therefore in its final order.
     *
     * @param collectedAt before the sources were asked last
     */
    List<Happening> settledAt(Instant collectedAt) {
        return takeUntil(collectedAt.minus(LATENESS));
    }

    /** Returns all that was not returned yet. */
    List<Happening> rest() {
        return takeUntil(Instant.MAX);
    }

    private List<Happening> takeUntil(Instant limit) {
        List<Happening> settled = new ArrayList<>();
        for (Happening next = pending.peek(); next != null && next.at().isBefore(limit); next = pending.peek()) {
            pending.remove();
            if (!isDecided(next)) {
                settled.add(next);
            }
        }
        return settled;
    }

    /** Whether the audit log has it, and more of it. Where the proxy is the other host's, that host's log has it. */
    private boolean isDecided(Happening happening) {
        Optional<Happening> decision = decided.stream()
                .filter(candidate -> candidate.includes(happening))
                .findFirst();
        decision.ifPresent(decided::remove);
        return decision.isPresent();
    }
}
