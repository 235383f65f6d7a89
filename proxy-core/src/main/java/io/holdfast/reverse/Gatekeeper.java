package io.holdfast.reverse;

import java.util.ArrayDeque;
import java.util.Deque;
import org.jspecify.annotations.Nullable;

/**
 * Lets the requests of connections that depend on each other in by turns. A turn is one connection's ({@link
 * Admission#SERIAL}), or that of all that stand in line together ({@link Admission#BATCH}), and is over when every one of them
 * is answered. When its turn comes, the guest gets all that a client has sent by then.
 */
final class Gatekeeper {

    private static final long PATIENCE_NANOS = 250_000_000L;

    /**
     * Between the last answer of a batch and the next one. A guest that has answered may not have looked for work yet, and may
     * then serve the next ones in the order in which it has served the last ones. The figure is from REVERSE.md.
     */
    private static final long SETTLING_NANOS = 300_000L;

    private final ReverseCounters counters;
    private final Deque<Ledger> line = new ArrayDeque<>();

    /** Whose turn it is, the first of whom is unanswered. */
    private final Deque<Ledger> turn = new ArrayDeque<>();

    private long begunNanos;
    private long awaitedSinceNanos;

    private boolean settling;
    private long overNanos;

    Gatekeeper(ReverseCounters counters) {
        this.counters = counters;
    }

    /** Whether a connection may ask now: it goes on with its request, or nobody is before it. */
    boolean isOpenFor(Ledger ledger, long nowNanos) {
        return isAsking(ledger) || (line.isEmpty() && mayAsk(ledger, nowNanos));
    }

    /** A connection that may not ask now stands in line. */
    void await(Ledger ledger) {
        line.add(ledger);
    }

    /** Who may ask next; null if nobody. */
    @Nullable
    Ledger next(long nowNanos) {
        Ledger first = line.peek();
        return first != null && (isAsking(first) || mayAsk(first, nowNanos)) ? first : null;
    }

    /** The first in line has had its turn. */
    void leave() {
        line.remove();
    }

    /** A request, or more of it, went to the guest. */
    void onRequest(Ledger ledger, long end, long nowNanos) {
        if (!isAsking(ledger)) {
            if (turn.isEmpty()) {
                begunNanos = nowNanos;
                awaitedSinceNanos = nowNanos;
            }
            turn.add(ledger);
            ledger.askedEnd = end;
        }
        ledger.askedEnd = Math.max(ledger.askedEnd, end);
    }

    /** The guest stands still for a checkpoint: nobody can expect an answer. */
    void onPause(long nowNanos) {
        awaitedSinceNanos = nowNanos;
    }

    /** Nothing is awaited any more: the guest is another one. */
    void reset() {
        end();
        settling = false;
    }

    private boolean mayAsk(Ledger ledger, long nowNanos) {
        if (isOver(nowNanos)) {
            return ledger.admission != Admission.BATCH || isSettled(nowNanos);
        }
        return ledger.admission == Admission.BATCH && isBeginningOfBatch(nowNanos);
    }

    /** Whoever comes while the first of a batch are being let in goes with them. */
    private boolean isBeginningOfBatch(long nowNanos) {
        return nowNanos == begunNanos && turn.getFirst().admission == Admission.BATCH;
    }

    /** Whether all requests so far are answered, or have had their time. */
    private boolean isOver(long nowNanos) {
        if (turn.isEmpty()) {
            return true;
        }
        while (!turn.isEmpty() && isAnswered(turn.getFirst())) {
            turn.removeFirst().askedEnd = Ledger.NOTHING_ASKED;
        }
        if (!turn.isEmpty()) {
            if (nowNanos - awaitedSinceNanos < PATIENCE_NANOS) {
                return false;
            }
            counters.expiredAdmissions.increment();
            end();
        }
        settling = true;
        overNanos = nowNanos;
        return true;
    }

    private boolean isSettled(long nowNanos) {
        if (settling && nowNanos - overNanos >= SETTLING_NANOS) {
            settling = false;
        }
        return !settling;
    }

    private void end() {
        turn.forEach(asking -> asking.askedEnd = Ledger.NOTHING_ASKED);
        turn.clear();
    }

    /** Whether a request of this connection is with the guest. */
    private static boolean isAsking(Ledger ledger) {
        return ledger.askedEnd != Ledger.NOTHING_ASKED && !isAnswered(ledger);
    }

    /** What the guest said before it had all of the request is no answer to it. */
    private static boolean isAnswered(Ledger asking) {
        return asking.guestSpokeAck >= asking.askedEnd || asking.isSilenced();
    }
}
