package io.holdfast.agent.role;

import io.holdfast.agent.arbiter.Claim;
import io.holdfast.audit.AuditEvent;
import io.holdfast.wall.Term;
import java.util.OptionalLong;

/**
 * What {@link PrimaryRole} wants done. Effects of one answer are carried out in their order; those that take time report
 * back with the event that their text names.
 */
public sealed interface PrimaryEffect {

    /** Hand all memory to the backup while the guest runs. Then {@link PrimaryRole#onPrecopied}. */
    record Precopy(long session) implements PrimaryEffect {}

    /** Stop the guest. Then {@link PrimaryRole#onGuestPaused}. */
    record PauseGuest() implements PrimaryEffect {}

    /** Drain the guest's ports and close the epoch. Then {@link PrimaryRole#onBarrierPlaced}. */
    record PlaceBarrier() implements PrimaryEffect {}

    /**
     * Take what changed since the last capture, and the devices. Then {@link PrimaryRole#onStateCaptured}.
     *
     * @param session whose backup has everything before, or 0 if nobody can use the capture
     * @param baseEpoch the checkpoint that it builds on there; {@link io.holdfast.wall.Epoch#NONE} after a precopy
     */
    record CaptureState(long session, long epoch, long baseEpoch) implements PrimaryEffect {}

    /** Let the guest go on. */
    record ResumeGuest() implements PrimaryEffect {}

    /** Send the captured checkpoint. The backup's answer is {@link PrimaryRole#onConfirmed}. */
    record Ship(long session, long epoch) implements PrimaryEffect {}

    /** Forget the captured checkpoint; nobody can use it. */
    record DropCaptured() implements PrimaryEffect {}

    /** Tell the backup to forget what it has, and hold it to that. */
    record RevokeCheckpoints(long session, String reason) implements PrimaryEffect {}

    /**
     * Write to disk that this backup of our term may promote. Then {@link PrimaryRole#onArmedStored} or {@link
     * PrimaryRole#onArmingFailed}, before any other event.
     *
     * @param backup its identity
     * @param epoch the checkpoint that it has confirmed
     * @param confirmedNanos when; monotonic
     */
    record StoreArmed(long session, String backup, long epoch, long confirmedNanos) implements PrimaryEffect {}

    /**
     * Write to disk that no backup of this term may promote, by its own word. Without that a restarted agent holds back what
     * might leave, which is safe.
     */
    record StoreRelinquished(String reason) implements PrimaryEffect {}

    /** Tell the backup that it may promote from now on. */
    record SendArmed(long session, long epoch) implements PrimaryEffect {}

    /** Move the wall's frontier (INV-1: the backup itself has confirmed). */
    record Commit(long epoch, long leaseUntilNanos) implements PrimaryEffect {}

    /** Nothing may leave until the backup is back. */
    record SuspendWall(String reason) implements PrimaryEffect {}

    /**
     * Everything may leave: the right to be ALONE is named in the reason.
     *
     * @param leaseUntilNanos until when; empty if the right does not end by itself
     */
    record OpenWall(String reason, OptionalLong leaseUntilNanos) implements PrimaryEffect {

        OpenWall(String reason) {
            this(reason, OptionalLong.empty());
        }
    }

    /** Ask the arbiter. Then {@link PrimaryRole#onVerdict}. */
    record AskArbiter(Claim claim) implements PrimaryEffect {}

    /**
     * Write the new term to disk and own the wall under it. Then {@link PrimaryRole#onAloneGranted}, or {@link
     * PrimaryRole#onAloneNotStored}.
     */
    record GoAlone(Term term, String reason) implements PrimaryEffect {}

    /** Have nothing to do with who has come for a backup, and tell people why. */
    record RefuseBackup(String reason) implements PrimaryEffect {}

    /** End the connection to the backup; a new one begins with another hello. */
    record CloseLink(String reason) implements PrimaryEffect {}

    /** Tell the backup what became of the guest. */
    record ReportGuestDeath(String reason, boolean failover) implements PrimaryEffect {}

    /** Wait, but not for long, until what may leave the wall has left it. Then {@link PrimaryRole#onWallDrained}. */
    record DrainWall() implements PrimaryEffect {}

    /** Tell the backup to take over: the guest stands still where its newest checkpoint ends. */
    record HandOver(long session, String reason) implements PrimaryEffect {}

    /** Close the wall for good, kill the guest, and become the backup of {@code newer}'s owner. */
    record StepDown(Term newer, String reason) implements PrimaryEffect {}

    /** What is held never leaves: the guest that sent it is gone, and no backup has it. */
    record DiscardHeld() implements PrimaryEffect {}

    /** Close the wall for good: the guest is gone, and a backup may have it. */
    record SealWall(String reason) implements PrimaryEffect {}

    /** For the audit and the operator. */
    record Audit(AuditEvent event, String text) implements PrimaryEffect {}

    /** Tell people. */
    record Note(String text) implements PrimaryEffect {}
}
