package io.holdfast.reverse;

/**
 * Makes room in a table that is full, so that a flood of SYNs, or connections that nobody closed, do not leave all new ones to
 * the wall for ever. A connection without its ledger is not lost: it is held like one that was open before the proxy saw it.
 */
final class Sweeper {

    private static final int LOOKS = 16;
    private static final long UNANSWERED_NANOS = 1_000_000_000L;
    private static final long HALF_OPEN_NANOS = 3_000_000_000L;
    private static final long SILENT_NANOS = 300_000_000_000L;

    private final Flows flows;
    private final Recorder recorder;
    private final ReverseCounters counters;

    Sweeper(Flows flows, Recorder recorder, ReverseCounters counters) {
        this.flows = flows;
        this.recorder = recorder;
        this.counters = counters;
    }

    /** Ends a ledger that need not be kept; false if there is none among the next few. */
    boolean makeRoom(long nowNanos) {
        for (int look = 0; look < LOOKS; look++) {
            Ledger ledger = flows.nextInTurn();
            if (ledger != null && isNeedless(ledger, nowNanos)) {
                flows.end(ledger);
                counters.forgottenFlows.increment();
                return true;
            }
        }
        return false;
    }

    private boolean isNeedless(Ledger ledger, long nowNanos) {
        long silentNanos = nowNanos - ledger.clientSeenNanos;
        if (!ledger.isAnswered()) {
            return silentNanos >= UNANSWERED_NANOS; // Its client has been told nothing, and says it again.
        }
        long patienceNanos = ledger.clientAck > ledger.guestFirst ? SILENT_NANOS : HALF_OPEN_NANOS;
        return silentNanos >= patienceNanos
                && ledger.translation.isNone()
                && !ledger.isWaiting()
                && !mayHaveToBeReproduced(ledger);
    }

    /** Whether the client knows, or the guest has got, what the newest confirmed checkpoint does not. */
    private boolean mayHaveToBeReproduced(Ledger ledger) {
        Mark mark = ledger.at(recorder.committedEpoch());
        boolean known = mark != null && mark.guestEnd() >= ledger.guestEnd && mark.guestAck() >= ledger.guestAck;
        return recorder.isRecording() && !known;
    }
}
