package io.holdfast.agent.role;

import io.holdfast.agent.arbiter.Claim;
import io.holdfast.audit.AuditEvent;
import io.holdfast.wall.Term;
import java.util.List;
import java.util.OptionalLong;

/**
 * What {@link BackupRole} wants done. Effects of one answer are carried out in their order; those that take time report
 * back with the event that their text names.
 */
public sealed interface BackupEffect {

    /** Start a waiting hypervisor. Then {@link BackupRole#onStandbyReady} or {@link BackupRole#onStandbyLost}. */
    record StartStandby() implements BackupEffect {}

    /** Write the term to disk. Then {@link BackupRole#onTermStored} or {@link BackupRole#onTermNotStored}. */
    record StoreTerm(Term term) implements BackupEffect {}

    /**
     * Write to disk that we claim the term, under which no guest has run yet. Then {@link BackupRole#onTermStored} or {@link
     * BackupRole#onTermNotStored}, after which it may be asked for again.
     */
    record ClaimTerm(Term term) implements BackupEffect {}

    /** Accept a primary. */
    record SendWelcome(long session, Term term, long confirmedEpoch, boolean armed) implements BackupEffect {}

    /** Turn a primary away. */
    record SendRefusal(long session, String errorClass, List<String> reasons, Term term) implements BackupEffect {}

    /** Tell the primary that every byte of the checkpoint is here (INV-11). */
    record Confirm(long session, long epoch) implements BackupEffect {}

    /** Write the staged checkpoint into the waiting hypervisor's memory. */
    record Apply(long epoch) implements BackupEffect {}

    /** Promise that nothing is promoted here before {@link BackupRole#onArmed}, and end that connection. */
    record Relinquish(long session, String reason) implements BackupEffect {}

    /** End that connection. */
    record CloseSession(long session, String reason) implements BackupEffect {}

    /** Ask the arbiter. Then {@link BackupRole#onVerdict}. */
    record AskArbiter(Claim claim) implements BackupEffect {}

    /** Have the primary's host fenced. Then {@link BackupRole#onFenced} or {@link BackupRole#onFenceFailed}. */
    record Fence(Term primary) implements BackupEffect {}

    /** Say hello to the local wall under the new term. Then {@link BackupRole#onWallOwned}. */
    record OwnWall(Term term, long openEpochAtLeast) implements BackupEffect {}

    /**
     * Ask the network whether the guest still speaks elsewhere, while it is restored here (INV-9). Then {@link
     * BackupRole#onProbeUnanswered} or {@link BackupRole#onOldOwnerFound}.
     */
    record ProbeAddresses() implements BackupEffect {}

    /**
     * Write to disk that the guest may run here under our term. Then {@link BackupRole#onServiceBegunStored} or {@link
     * BackupRole#onServiceBegunNotStored}, after which it may be asked for again.
     */
    record StoreServiceBegun() implements BackupEffect {}

    /**
     * Resume the guest at that checkpoint. Then {@link BackupRole#onGuestRestored}, {@link BackupRole#onGuestNotStarted}, after which it
     * may be asked for again, or {@link BackupRole#onRestoreFailed}.
     */
    record RestoreGuest(long epoch) implements BackupEffect {}

    /**
     * Let the promoted guest's output leave, and announce where it is now.
     *
     * @param leaseUntilNanos until when it may; empty if that does not end by itself
     */
    record OpenWallAndAnnounce(String reason, OptionalLong leaseUntilNanos) implements BackupEffect {

        OpenWallAndAnnounce(String reason) {
            this(reason, OptionalLong.empty());
        }
    }

    /**
     * Seal the wall, and kill whatever was to be restored behind it. Then {@link BackupRole#onGuestAbandoned}.
     */
    record AbandonGuest(String reason) implements BackupEffect {}

    /** Write to disk that the guest never runs here under our term. Then {@link BackupRole#onForgone}. */
    record StoreForgone() implements BackupEffect {}

    /**
     * The promotion is complete; a {@link PrimaryRole} goes on from here.
     *
     * @param aloneRight by which the guest serves until a backup is armed
     */
    record BecomePrimary(Term term, long lastEpoch, AloneRight aloneRight) implements BackupEffect {}

    /** For the audit and the operator. */
    record Note(AuditEvent event, String text) implements BackupEffect {}
}
