package io.holdfast.reverse;

import org.jspecify.annotations.Nullable;

/** Decides when the next request may go to the guest ({@link Admission}). */
final class Gatekeeper {

    private static final long PATIENCE_NANOS = 250_000_000L;

    private final Admission admission;
    private final ReverseCounters counters;

    /** Whose request is with the guest, and what its client had been sent then. */
    private @Nullable Ledger asking;

    private long releasedBefore;
    private long askedNanos;

    Gatekeeper(Admission admission, ReverseCounters counters) {
        this.admission = admission;
        this.counters = counters;
    }

    /** Whether a connection may ask: all requests of others so far are answered, or have had their time. */
    boolean isOpenFor(Ledger next, long nowNanos) {
        Ledger awaited = asking;
        if (awaited == null || awaited.id == next.id || awaited.guestEnd > releasedBefore || awaited.isEnding()) {
            return true;
        }
        if (nowNanos - askedNanos < PATIENCE_NANOS) {
            return false;
        }
        counters.expiredAdmissions.increment();
        asking = null;
        return true;
    }

    /** Whether a connection is the one whose request is with the guest. */
    boolean isAsking(Ledger ledger) {
        Ledger awaited = asking;
        return awaited != null && awaited.id == ledger.id;
    }

    /** A request went to the guest. */
    void onRequest(Ledger ledger, long nowNanos) {
        if (admission == Admission.SERIAL) {
            asking = ledger;
            releasedBefore = ledger.guestEnd;
            askedNanos = nowNanos;
        }
    }

    /** The guest stands still for a checkpoint: nobody can expect an answer. */
    void onPause(long nowNanos) {
        askedNanos = nowNanos;
    }

    /** Nothing is awaited any more: the guest is another one. */
    void reset() {
        asking = null;
    }
}
