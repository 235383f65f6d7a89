package io.holdfast.bridge;

import io.holdfast.reverse.Reconciler;
import io.holdfast.reverse.ReplayOrder;
import java.util.List;
import java.util.OptionalLong;

/**
 * How far a restored guest has come on its way to where its clients have seen it.
 *
 * @param phase what its life looks like
 * @param attempt how many guests were restored since the last one was lost
 * @param order in which the last of them got its input
 * @param decided whether all connections are where they were or are given up, so that the wall may be opened
 * @param divergences the connections that are given up so far, and why, for people
 * @param improvable whether a further attempt would be another one than those before
 * @param flows connections that have a ledger
 * @param logBytes memory of the input log in use
 * @param catchUpNanos how long the newest failover took from the first restored guest until all was decided; empty before the
 *     first one, and while it is not decided
 */
public record CatchUpReport(
        Reconciler.Phase phase,
        int attempt,
        ReplayOrder order,
        boolean decided,
        List<String> divergences,
        boolean improvable,
        int flows,
        long logBytes,
        OptionalLong catchUpNanos) {}
