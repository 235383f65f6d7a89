package io.holdfast.reverse;

import java.util.ArrayDeque;
import java.util.Deque;
import org.jspecify.annotations.Nullable;

/**
 * Lets the requests of connections that depend on each other in one after the other ({@link Admission#SERIAL}). A connection
 * that has to wait stands in line; when its turn comes, the guest gets all that its client has sent by then.
 */
final class Gatekeeper {

    private static final long PATIENCE_NANOS = 250_000_000L;

    private final ReverseCounters counters;
    private final Deque<Ledger> line = new ArrayDeque<>();

    /** Whose request is with the guest, and where it ends. */
    private @Nullable Ledger asking;

    private long askedEnd;
    private long askedNanos;

    Gatekeeper(ReverseCounters counters) {
        this.counters = counters;
    }

    /** Whether a connection may ask now: it goes on with its request, or nobody is before it. */
    boolean isOpenFor(Ledger ledger, long nowNanos) {
        return isAsking(ledger) || (line.isEmpty() && isOpen(nowNanos));
    }

    /** A connection that may not ask now stands in line. */
    void await(Ledger ledger) {
        line.add(ledger);
    }

    /** Whose turn it is; null if nobody's. */
    @Nullable
    Ledger next(long nowNanos) {
        return !line.isEmpty() && isOpen(nowNanos) ? line.peek() : null;
    }

    /** The first in line has had its turn. */
    void leave() {
        line.remove();
    }

    /** A request, or more of it, went to the guest. */
    void onRequest(Ledger ledger, long end, long nowNanos) {
        if (!isAsking(ledger) || isAnswered(ledger)) {
            asking = ledger;
            askedNanos = nowNanos;
            askedEnd = end;
        }
        askedEnd = Math.max(askedEnd, end);
    }

    /** The guest stands still for a checkpoint: nobody can expect an answer. */
    void onPause(long nowNanos) {
        askedNanos = nowNanos;
    }

    /** Nothing is awaited any more: the guest is another one. */
    void reset() {
        asking = null;
    }

    private boolean isAsking(Ledger ledger) {
        return asking == ledger;
    }

    /** Whether all requests so far are answered, or have had their time. */
    private boolean isOpen(long nowNanos) {
        Ledger awaited = asking;
        if (awaited == null || isAnswered(awaited)) {
            return true;
        }
        if (nowNanos - askedNanos < PATIENCE_NANOS) {
            return false;
        }
        counters.expiredAdmissions.increment();
        asking = null;
        return true;
    }

    /** What the guest said before it had all of the request is no answer to it. */
    private boolean isAnswered(Ledger awaited) {
        return awaited.guestSpokeAck >= askedEnd || awaited.isSilenced();
    }
}
