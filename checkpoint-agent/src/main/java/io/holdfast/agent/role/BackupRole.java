package io.holdfast.agent.role;

import io.holdfast.agent.role.BackupEffect.AbandonGuest;
import io.holdfast.agent.role.BackupEffect.Apply;
import io.holdfast.agent.role.BackupEffect.BecomePrimary;
import io.holdfast.agent.role.BackupEffect.CloseSession;
import io.holdfast.agent.role.BackupEffect.Confirm;
import io.holdfast.agent.role.BackupEffect.Note;
import io.holdfast.agent.role.BackupEffect.OpenWallAndAnnounce;
import io.holdfast.agent.role.BackupEffect.OwnWall;
import io.holdfast.agent.role.BackupEffect.ProbeAddresses;
import io.holdfast.agent.role.BackupEffect.Relinquish;
import io.holdfast.agent.role.BackupEffect.RestoreGuest;
import io.holdfast.agent.role.BackupEffect.SendRefusal;
import io.holdfast.agent.role.BackupEffect.SendWelcome;
import io.holdfast.agent.role.BackupEffect.StartStandby;
import io.holdfast.agent.role.BackupEffect.StoreTerm;
import io.holdfast.audit.AuditEvent;
import io.holdfast.wall.Epoch;
import io.holdfast.wall.Term;
import java.util.ArrayList;
import java.util.List;

/**
 * Decides what the backup's agent does: whom it accepts, what it confirms, when it promotes. Answers each event with the
 * effects to carry out.
 *
 * <p>A promotion is decided once and goes through these steps; there is no way back from the first:
 *
 * <pre>
 *   WATCHING ── StoreTerm ─► STORING ── OwnWall ─► OWNING ── RestoreGuest ─► RESTORING ── OpenWallAndAnnounce, BecomePrimary ─► PROMOTED
 * </pre>
 *
 * The term is on disk before anything else happens, the wall is owned before the guest runs (so that its first frames are
 * held, not lost), and it is opened when the guest runs. While it is restored, the network is asked whether the guest still
 * speaks elsewhere (INV-9): an answer ends the promotion, and silence, which proves nothing, only lets it go on.
 *
 * <p>It promotes the newest checkpoint that it ever confirmed, and only if the primary had told it that it may: a
 * checkpoint whose confirmation never arrived may have been overtaken by a primary that goes on alone.
 *
 * <p>Not thread-safe: one thread gives the events. A session is one life of the link; events of an older one are ignored.
 */
public final class BackupRole {

    private enum Phase {
        WATCHING,
        STORING,
        OWNING,
        RESTORING,
        PROMOTED,
        FAILED
    }

    /** A refusal's class: the term that it names was claimed, but the guest has not run under it and will not. */
    public static final String PROMOTION_FAILED = "PromotionFailed";

    private static final String NOT_READY = "NotReady";
    private static final long NO_SESSION = 0;

    private final String host;
    private final FailureDetector detector;
    private final boolean probesAddresses;

    private Term term;

    private Phase phase = Phase.WATCHING;
    private boolean standbyReady;
    private long session = NO_SESSION;
    /** Of which it was said that it is silent, and that nothing follows. */
    private long silentSession = NO_SESSION;

    private long sessionAwaitingTerm = NO_SESSION;
    private long confirmedEpoch = Epoch.NONE;
    private boolean armed;
    private String promotionCause = "";
    private boolean probing;
    private boolean guestRuns;
    private String failure = "";

    /**
     * Begins the role, with no checkpoint.
     *
     * @param host this host's name
     * @param term the highest term that this host has seen
     * @param probesAddresses whether the network is asked for an old owner of the guest before the wall is opened
     */
    public BackupRole(String host, Term term, FailureDetector.Settings patience, boolean probesAddresses) {
        this.host = host;
        this.term = term;
        this.probesAddresses = probesAddresses;
        this.detector = new FailureDetector(patience);
    }

    /** The first event. */
    public List<BackupEffect> onStart() {
        return List.of(new StartStandby());
    }

    // ---- the waiting hypervisor ----

    public List<BackupEffect> onStandbyReady() {
        standbyReady = true;
        return List.of();
    }

    /** The waiting hypervisor is gone, and with it the memory that checkpoints were applied to. */
    public List<BackupEffect> onStandbyLost(String reason) {
        if (phase != Phase.WATCHING) {
            return List.of();
        }
        standbyReady = false;
        List<BackupEffect> effects = new ArrayList<>();
        effects.add(new Note(
                AuditEvent.DISARMED,
                "standby lost: " + reason + "; checkpoint " + confirmedEpoch + " is gone with it"));
        effects.addAll(relinquish("standby lost: " + reason));
        effects.add(new StartStandby());
        return effects;
    }

    /** This agent ends, and its hypervisor with it. */
    public List<BackupEffect> onStop(String reason) {
        return phase == Phase.WATCHING ? relinquish(reason) : List.of();
    }

    /** What is forgotten first cannot be promoted later, whatever is still on its way here. */
    private List<BackupEffect> relinquish(String reason) {
        forgetCheckpoint();
        if (session == NO_SESSION) {
            return List.of();
        }
        long told = session;
        session = NO_SESSION;
        return List.of(new Relinquish(told, reason));
    }

    // ---- the primary ----

    /**
     * A primary introduces itself.
     *
     * @param differences between its machine and ours, one sentence each
     */
    public List<BackupEffect> onHello(long newSession, Term primaryTerm, List<String> differences, long nowNanos) {
        if (phase == Phase.FAILED) {
            return List.of(new SendRefusal(
                    newSession,
                    PROMOTION_FAILED,
                    List.of("host " + host + " has tried to take over under term " + term
                            + " and failed; restart its agent, or let this host go on alone"),
                    term));
        }
        if (phase != Phase.WATCHING && phase != Phase.PROMOTED) {
            // Our term deposes nobody before the guest runs here: the primary's may be the last one.
            return List.of(
                    new SendRefusal(newSession, NOT_READY, List.of("host " + host + " is taking over"), primaryTerm));
        }
        if (phase != Phase.WATCHING || primaryTerm.isStaleAgainst(term)) {
            return List.of(new SendRefusal(
                    newSession, "StaleTerm", List.of("term " + term + " is newer than " + primaryTerm), term));
        }
        if (!differences.isEmpty()) {
            return List.of(new SendRefusal(newSession, "DifferentMachine", differences, term));
        }
        if (!standbyReady) {
            return List.of(refuseUntilStandby(newSession));
        }
        List<BackupEffect> effects = new ArrayList<>(dropSession("another connection of the primary"));
        if (primaryTerm.compareTo(term) > 0) {
            // What we confirmed belongs to a term that is over; the new one need not descend from it.
            forgetCheckpoint();
            term = primaryTerm;
            sessionAwaitingTerm = newSession;
            effects.add(new StoreTerm(term));
        } else {
            effects.addAll(welcome(newSession, nowNanos));
        }
        return effects;
    }

    /** Bytes of that session came, whatever they say. */
    public void onBytes(long ofSession, long nowNanos) {
        if (ofSession == session) {
            detector.onBytes(nowNanos);
        }
    }

    /** A complete checkpoint on an unbroken chain is staged (INV-11). */
    public List<BackupEffect> onStaged(long ofSession, long epoch, long baseEpoch) {
        if (phase != Phase.WATCHING || ofSession != session || !standbyReady) {
            return List.of();
        }
        boolean unbroken = baseEpoch == Epoch.NONE || baseEpoch == confirmedEpoch;
        if (!unbroken || (baseEpoch != Epoch.NONE && epoch <= confirmedEpoch)) {
            return dropSession(
                    "checkpoint " + epoch + " builds on " + baseEpoch + ", but " + confirmedEpoch + " is here");
        }
        confirmedEpoch = epoch;
        return List.of(new Confirm(session, epoch), new Apply(epoch));
    }

    /** The primary allows promotion from now on. */
    public List<BackupEffect> onArmed(long ofSession) {
        if (ofSession == session && confirmedEpoch != Epoch.NONE) {
            armed = true;
        }
        return List.of();
    }

    /** The primary has shipped something else than the guest's state; all that is here builds on it. */
    public List<BackupEffect> onRevoked(long ofSession, String reason) {
        if (ofSession != session || phase != Phase.WATCHING) {
            return List.of();
        }
        Note note = new Note(AuditEvent.DISARMED, "checkpoint " + confirmedEpoch + " is revoked: " + reason);
        forgetCheckpoint();
        return List.of(note);
    }

    /** The link of that session is lost. */
    public List<BackupEffect> onSessionLost(long ofSession, long nowNanos) {
        if (ofSession == sessionAwaitingTerm) {
            sessionAwaitingTerm = NO_SESSION;
        }
        if (ofSession == session) {
            session = NO_SESSION;
            detector.onDisconnected(nowNanos);
        }
        return List.of();
    }

    /**
     * The primary says what became of the guest.
     *
     * @param failover false if the guest ended by its own or its owner's will
     */
    public List<BackupEffect> onGuestDeath(long ofSession, String reason, boolean failover, long nowNanos) {
        if (ofSession != session || phase != Phase.WATCHING) {
            return List.of();
        }
        if (failover) {
            return promote("death", "the primary reports: " + reason);
        }
        detector.stop();
        armed = false;
        return List.of(new Note(AuditEvent.PROMOTION_REFUSED, "no failover: " + reason));
    }

    /**
     * The primary wants us to take over. Its guest stands still where the newest checkpoint ends, and goes on there if we
     * cannot.
     */
    public List<BackupEffect> onHandOver(long ofSession, String reason) {
        if (ofSession != session || phase != Phase.WATCHING) {
            return List.of();
        }
        if (!mayPromote()) {
            return relinquish("cannot take over: " + whyNotPromote());
        }
        return promote("switchover", "the primary hands over: " + reason);
    }

    // ---- time and the operator ----

    /** Time has passed; to be called every tick of the detector. */
    public List<BackupEffect> onTick(long nowNanos) {
        if (phase != Phase.WATCHING || !detector.isPeerDead(nowNanos)) {
            return List.of();
        }
        String cause = detector.cause();
        if (!mayPromote()) {
            // It may only have been slow to send all memory, and arm us yet: who is connected stays watched.
            detector.watchOn(nowNanos);
            boolean saidBefore = session != NO_SESSION && session == silentSession;
            silentSession = session;
            return saidBefore
                    ? List.of()
                    : List.of(new Note(
                            AuditEvent.PROMOTION_REFUSED,
                            "the primary is lost (" + cause + "), but " + whyNotPromote()));
        }
        return promote(cause, "the primary is lost");
    }

    /** The operator wants this host to take over, and answers for the primary's silence. */
    public List<BackupEffect> onPromoteAsked(String reason) {
        if (phase != Phase.WATCHING || !mayPromote()) {
            return List.of(new Note(AuditEvent.PROMOTION_REFUSED, "cannot promote: " + whyNotPromote()));
        }
        return promote("operator", reason);
    }

    // ---- promotion ----

    /** The term is on disk. */
    public List<BackupEffect> onTermStored(Term stored, long nowNanos) {
        if (phase == Phase.STORING && stored.equals(term)) {
            phase = Phase.OWNING;
            return List.of(new OwnWall(term, confirmedEpoch + 1));
        }
        if (phase == Phase.WATCHING && sessionAwaitingTerm != NO_SESSION && stored.equals(term)) {
            long welcomed = sessionAwaitingTerm;
            sessionAwaitingTerm = NO_SESSION;
            // The hypervisor may have died while the disk was busy.
            return standbyReady ? welcome(welcomed, nowNanos) : List.of(refuseUntilStandby(welcomed));
        }
        return List.of();
    }

    /** The local wall has accepted the new term. */
    public List<BackupEffect> onWallOwned() {
        if (phase != Phase.OWNING) {
            return List.of();
        }
        phase = Phase.RESTORING;
        probing = probesAddresses;
        RestoreGuest restore = new RestoreGuest(confirmedEpoch);
        // The question first: the answer comes while the guest is being restored.
        return probing ? List.of(new ProbeAddresses(), restore) : List.of(restore);
    }

    /** The guest runs here, behind the wall. */
    public List<BackupEffect> onGuestRestored() {
        if (phase != Phase.RESTORING) {
            return List.of();
        }
        guestRuns = true;
        return completeIfReady();
    }

    /** No old owner of the guest has answered in time, or nobody could be asked. */
    public List<BackupEffect> onProbeUnanswered() {
        if (phase != Phase.RESTORING || !probing) {
            return List.of();
        }
        probing = false;
        return completeIfReady();
    }

    /**
     * The guest still speaks elsewhere.
     *
     * @param answer who has answered, for which address, and where
     */
    public List<BackupEffect> onOldOwnerFound(String answer) {
        if (phase != Phase.RESTORING || !probing) {
            return List.of();
        }
        String reason =
                answer + ": the guest still speaks elsewhere, so its host is not dead but unheard. Let it go on there"
                        + " (`holdfast alone --force --reason ...` on that host), mend the link between the hosts, and restart this"
                        + " agent";
        List<BackupEffect> effects = new ArrayList<>(fail(reason));
        effects.add(new AbandonGuest(reason));
        return effects;
    }

    private List<BackupEffect> completeIfReady() {
        if (!guestRuns || probing) {
            return List.of();
        }
        phase = Phase.PROMOTED;
        return List.of(new OpenWallAndAnnounce(promotionReason()), new BecomePrimary(term, confirmedEpoch));
    }

    /** The guest could not be resumed here: nobody serves it any more, and only people can help. */
    public List<BackupEffect> onRestoreFailed(String reason) {
        return fail(reason);
    }

    private List<BackupEffect> fail(String reason) {
        phase = Phase.FAILED;
        failure = reason;
        return List.of(new Note(
                AuditEvent.PROMOTION_FAILED, "PROMOTION FAILED at checkpoint " + confirmedEpoch + ": " + reason));
    }

    // ---- what others may know ----

    /** Whether a lost primary would be replaced. */
    public boolean mayPromote() {
        return armed && standbyReady && confirmedEpoch != Epoch.NONE;
    }

    public long confirmedEpoch() {
        return confirmedEpoch;
    }

    public Term term() {
        return term;
    }

    public boolean isPrimaryConnected() {
        return session != NO_SESSION;
    }

    /** Whether a promotion was decided, however far it has come. */
    public boolean isPromoting() {
        return phase != Phase.WATCHING;
    }

    /** Whether it has neither succeeded nor failed. */
    public boolean isPromotionUnderWay() {
        return phase == Phase.STORING || phase == Phase.OWNING || phase == Phase.RESTORING;
    }

    /** {@code eof}, {@code silence}, {@code death}, {@code switchover}, {@code operator}; empty before a promotion. */
    public String promotionCause() {
        return promotionCause;
    }

    /** Why the wall is opened after it, in words. */
    public String promotionReason() {
        return "promoted at checkpoint " + confirmedEpoch + " (" + promotionCause + ")";
    }

    /** What is missing for a promotion, in words. */
    public String whyNotPromote() {
        if (phase != Phase.WATCHING) {
            return phase == Phase.FAILED ? "the promotion has failed: " + failure : "a promotion is already under way";
        }
        if (confirmedEpoch == Epoch.NONE) {
            return "this backup has never confirmed a full checkpoint";
        }
        if (!standbyReady) {
            return "the waiting hypervisor is not ready";
        }
        if (!armed) {
            return "the primary never allowed it: it may be serving alone";
        }
        return "nothing is missing";
    }

    private List<BackupEffect> promote(String cause, String why) {
        if (!mayPromote()) {
            return List.of(new Note(AuditEvent.PROMOTION_REFUSED, why + ", but " + whyNotPromote()));
        }
        phase = Phase.STORING;
        promotionCause = cause;
        term = term.promotionOf(host);
        List<BackupEffect> effects = new ArrayList<>();
        effects.add(new Note(
                AuditEvent.PROMOTION,
                "promoting at checkpoint " + confirmedEpoch + ", term " + term + ": " + why + " (" + cause + ")"));
        effects.addAll(dropSession("promoting under term " + term));
        effects.add(new StoreTerm(term));
        return effects;
    }

    private SendRefusal refuseUntilStandby(long newSession) {
        return new SendRefusal(
                newSession, NOT_READY, List.of("the waiting hypervisor is not ready yet; try again"), term);
    }

    private List<BackupEffect> welcome(long newSession, long nowNanos) {
        session = newSession;
        detector.onConnected(nowNanos);
        return List.of(new SendWelcome(session, term, confirmedEpoch, armed));
    }

    private List<BackupEffect> dropSession(String reason) {
        if (session == NO_SESSION) {
            return List.of();
        }
        long dropped = session;
        session = NO_SESSION;
        return List.of(new CloseSession(dropped, reason));
    }

    private void forgetCheckpoint() {
        confirmedEpoch = Epoch.NONE;
        armed = false;
    }
}
