/**
 * Reverse mode, the decisions: output leaves at once, what clients send is recorded before the guest gets it, and after a
 * failover it is replayed into the restored guest until the guest is again where each client has seen it.
 *
 * <p>Read {@link io.holdfast.reverse.Reconciler} first; it is the door. {@link io.holdfast.reverse.Ledger} is what one client
 * has seen, {@link io.holdfast.reverse.InputLog} what all have sent. No I/O, no clock, no thread.
 */
@NullMarked
package io.holdfast.reverse;

import org.jspecify.annotations.NullMarked;
