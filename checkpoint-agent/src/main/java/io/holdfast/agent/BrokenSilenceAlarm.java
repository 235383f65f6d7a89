package io.holdfast.agent;

import io.holdfast.agent.role.BackupRole;
import io.holdfast.audit.AuditEvent;

/**
 * Tells people that somebody speaks as the guest where a backup has none (INV-9): behind its wall, or past it.
 *
 * <p>Confined to the conductor.
 */
final class BrokenSilenceAlarm {

    private static final long SETTLING_NANOS = 500_000_000L;

    private final AgentContext context;
    private final BackupRole role;
    private final long startedNanos = System.nanoTime();
    private String lastSpeaker = "";

    /** @param role is asked only */
    BrokenSilenceAlarm(AgentContext context, BackupRole role) {
        this.context = context;
        this.role = role;
    }

    /** See {@link WallLink.PressureListener#onSilenceBroken}. */
    void onSilenceBroken(String speaker, long lastNanos) {
        if (mustBeSilent(lastNanos)) {
            note(
                    speaker,
                    speaker + " speaks behind the wall of this backup, where no guest runs; the wall lets"
                            + " nothing of it out. Find out what uses the guest port (`holdfast dump`)");
        }
    }

    /** See {@link WallLink.PressureListener#onAddressLeak}. */
    void onAddressLeak(String address, long lastNanos) {
        if (mustBeSilent(lastNanos)) {
            note(
                    "this host",
                    "this host itself speaks as the guest, " + address + ", though it is the backup; no wall"
                            + " holds that back. Find out what does (`holdfast doctor`)");
        }
    }

    /** Beside the guest only: inline the wall stands before the primary as well. */
    private boolean mustBeSilent(long atNanos) {
        // What this host's earlier guest said before it was ended is no alarm.
        boolean isOfThisRole = atNanos - startedNanos > SETTLING_NANOS;
        return isOfThisRole && !role.isPromoting() && !context.isInline();
    }

    /** Once for each speaker that follows another, however long it goes on. */
    private void note(String speaker, String alarm) {
        context.measures().brokenSilences.increment();
        if (!speaker.equals(lastSpeaker)) {
            lastSpeaker = speaker;
            context.audit().note(AuditEvent.SILENCE_BROKEN, role.term(), "ALARM: " + alarm);
        }
    }

    /** Who was heard last; empty if nobody was. */
    String lastSpeaker() {
        return lastSpeaker;
    }
}
