package io.holdfast.reverse;

import io.holdfast.measure.Counter;
import java.util.EnumMap;
import java.util.Map;
import java.util.Objects;

/** What the reconciler has done, since the start. Written by its thread, read by anyone. */
public final class ReverseCounters {

    /** Guest's segments that left at once. */
    public final Counter releasedSegments = new Counter();
    /** Guest's frames that were left to the wall. */
    public final Counter heldFrames = new Counter();
    /** Clients' frames that were written down. */
    public final Counter loggedFrames = new Counter();
    /** Clients' frames that were not given to the guest, because the log had no room for them. */
    public final Counter refusedFrames = new Counter();
    /** Bytes of a restored guest that its clients had already. */
    public final Counter swallowedBytes = new Counter();
    /** Bytes that were replayed into a restored guest. */
    public final Counter replayedBytes = new Counter();
    /** Inputs that were replayed although the output before them had not come in time. */
    public final Counter expiredGates = new Counter();
    /** Requests that were not answered in time, so that the next one was let in. */
    public final Counter expiredAdmissions = new Counter();
    /** Requests that had waited, and of which the log had no room to note when the guest got them. */
    public final Counter unorderedRequests = new Counter();
    /** Guests that were restored because an attempt before them had not been good enough, in one and the same failover. */
    public final Counter furtherAttempts = new Counter();
    /** Connections that were reset, because the restored guest could not be brought to where the client had seen it. */
    public final Counter divergedFlows = new Counter();
    /** Connections that go on although their guest was restored. */
    public final Counter reconciledFlows = new Counter();
    /** Segments of connections that a restart of the proxy has made unknown, and that were refused. */
    public final Counter strangerSegments = new Counter();
    /** Connections that are held by the wall, because their ledger is not complete. */
    public final Counter incompleteFlows = new Counter();
    /** Ledgers that were given up in a full table, because nobody had used them for long. */
    public final Counter forgottenFlows = new Counter();
    /** Guest's datagrams that left at once, by the operator's rules. */
    public final Counter releasedDatagrams = new Counter();
    /** Those of a restored guest that its clients had already, or that are not wanted again. */
    public final Counter swallowedDatagrams = new Counter();
    /** Those that were held all the same, because there was no room to remember them, or a catch-up was not over. */
    public final Counter heldDatagrams = new Counter();

    private final Map<ReplayOrder, Counter> attempts = oneForEachOrder();
    private final Map<ReplayOrder, Counter> exactAttempts = oneForEachOrder();

    /** Restored guests that were given their input in that order. */
    public Counter attempts(ReplayOrder order) {
        return of(attempts, order);
    }

    /** Those of them with which the clients went on, and no connection had diverged. */
    public Counter exactAttempts(ReplayOrder order) {
        return of(exactAttempts, order);
    }

    private static Counter of(Map<ReplayOrder, Counter> counters, ReplayOrder order) {
        return Objects.requireNonNull(counters.get(order));
    }

    private static Map<ReplayOrder, Counter> oneForEachOrder() {
        Map<ReplayOrder, Counter> counters = new EnumMap<>(ReplayOrder.class);
        for (ReplayOrder order : ReplayOrder.values()) {
            counters.put(order, new Counter());
        }
        return counters;
    }
}
