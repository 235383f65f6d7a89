package io.holdfast.agent.role;

import io.holdfast.agent.arbiter.Claim;
import io.holdfast.agent.arbiter.Verdict;
import io.holdfast.agent.role.BackupEffect.AbandonGuest;
import io.holdfast.agent.role.BackupEffect.Apply;
import io.holdfast.agent.role.BackupEffect.AskArbiter;
import io.holdfast.agent.role.BackupEffect.BecomePrimary;
import io.holdfast.agent.role.BackupEffect.ClaimTerm;
import io.holdfast.agent.role.BackupEffect.CloseSession;
import io.holdfast.agent.role.BackupEffect.Confirm;
import io.holdfast.agent.role.BackupEffect.Fence;
import io.holdfast.agent.role.BackupEffect.Note;
import io.holdfast.agent.role.BackupEffect.OpenWallAndAnnounce;
import io.holdfast.agent.role.BackupEffect.OwnWall;
import io.holdfast.agent.role.BackupEffect.ProbeAddresses;
import io.holdfast.agent.role.BackupEffect.Relinquish;
import io.holdfast.agent.role.BackupEffect.RestoreGuest;
import io.holdfast.agent.role.BackupEffect.SendRefusal;
import io.holdfast.agent.role.BackupEffect.SendWelcome;
import io.holdfast.agent.role.BackupEffect.StartStandby;
import io.holdfast.agent.role.BackupEffect.StoreForgone;
import io.holdfast.agent.role.BackupEffect.StoreServiceBegun;
import io.holdfast.agent.role.BackupEffect.StoreTerm;
import io.holdfast.audit.AuditEvent;
import io.holdfast.wall.Epoch;
import io.holdfast.wall.Term;
import java.util.ArrayList;
import java.util.List;
import java.util.OptionalLong;
import org.jspecify.annotations.Nullable;

/**
 * Decides what the backup's agent does: whom it accepts, what it confirms, when it promotes. Answers each event with the
 * effects to carry out.
 *
 * <p>Where the {@link Safeguards} ask for it, a promotion that there is reason for waits for the arbiter's word and for proof that
 * the primary is gone. Nothing has changed until then: a primary that comes back meanwhile is followed again, and so the arbiter's
 * word may be had for nothing. That is safe: it bars the primary from going on alone, and is there when it is asked for again.
 *
 * <pre>
 *   WATCHING ── AskArbiter ─► CLAIMING ── Fence ─► FENCING ──► decided
 *      ▲                         │                    │
 *      └── refused; the primary is back; the checkpoint is gone
 * </pre>
 *
 * <p>A promotion that is decided goes through these steps:
 *
 * <pre>
 *   decided ── ClaimTerm ─► STORING ── OwnWall ─► OWNING ── StoreServiceBegun, RestoreGuest ─► RESTORING ── OpenWallAndAnnounce, BecomePrimary ─► PROMOTED
 *                                                                                                   │
 *                         WATCHING ◄── StoreForgone ── AbandonGuest ─── FAILED ◄────────────────────┘
 * </pre>
 *
 * The term is on disk before anything else happens, the wall is owned before the guest runs (so that its first frames are
 * held, not lost), and it is opened when the guest runs. While it is restored, the network is asked whether the guest still
 * speaks elsewhere (INV-9): an answer ends the promotion, and silence, which proves nothing, only lets it go on.
 *
 * <p>A promotion that fails has shown nobody anything. When its guest is dead for certain, this host <i>forgoes</i> the term: the
 * guest never runs here under it, which is on disk before anybody is told. A primary that is told has the last guest, and may go on
 * with it under a newer term, which this host then follows. So does one whose promotion died with its agent before a guest ran.
 *
 * <p>It promotes the newest checkpoint that it ever confirmed, and only if the primary had told it that it may: a
 * checkpoint whose confirmation never arrived may have been overtaken by a primary that goes on alone.
 *
 * <p>Not thread-safe: one thread gives the events. A session is one life of the link; events of an older one are ignored.
 */
public final class BackupRole {

    private enum Phase {
        WATCHING,
        CLAIMING,
        FENCING,
        STORING,
        OWNING,
        RESTORING,
        PROMOTED,
        FAILED
    }

    /** A refusal's class: the guest has not run under the term that it names, or does not now, and may yet. */
    public static final String TERM_UNSERVED = "TermUnserved";

    /** A refusal's class: the guest has not run under the term that it names, and never will; that is on disk. */
    public static final String TERM_FORGONE = "TermForgone";

    /** A refusal's class: the guest of the primary that is refused is over, and another one runs, or has run. */
    public static final String STALE_TERM = "StaleTerm";

    private static final String NOT_READY = "NotReady";
    private static final long NO_SESSION = 0;

    /** Of those who have asked for a promotion, the operator answers for what a guess would wait for. */
    private static final String BY_OPERATOR = "operator";
    /** The primary itself says that its guest is dead. */
    private static final String BY_REPORT = "death";
    /** The primary wants it. */
    private static final String BY_HAND_OVER = "switchover";

    private final String host;
    private final FailureDetector detector;
    private final Safeguards safeguards;

    private Term term;
    /** Whether the term is ours, and no guest of it runs or ever will. */
    private boolean forgone;

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

    private String promotionWhy = "";

    /** Of the promotion that there is reason for. */
    private @Nullable Claim claim;

    private final ClaimAttempts attempts = new ClaimAttempts();
    private AloneRight aloneRight = AloneRight.uncontested();
    private boolean forced;
    /** What the newest attempt has failed for; empty if it has not. */
    private String trouble = "";
    /** What the operator has set aside. */
    private final List<String> overridden = new ArrayList<>();

    /**
     * Begins the role, with no checkpoint.
     *
     * @param host this host's name
     * @param term the highest term that this host has seen
     * @param forgone whether it is this host's own, and given up for good
     */
    public BackupRole(
            String host, Term term, boolean forgone, FailureDetector.Settings patience, Safeguards safeguards) {
        this.host = host;
        this.term = term;
        this.forgone = forgone;
        this.detector = new FailureDetector(patience);
        this.safeguards = safeguards;
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
        if (isPromoting()) {
            return List.of();
        }
        standbyReady = false;
        List<BackupEffect> effects = new ArrayList<>(giveUpAsking("the standby is lost"));
        effects.add(new Note(
                AuditEvent.DISARMED,
                "standby lost: " + reason + "; checkpoint " + confirmedEpoch + " is gone with it"));
        effects.addAll(relinquish("standby lost: " + reason));
        effects.add(new StartStandby());
        return effects;
    }

    /** This agent ends, and its hypervisor with it. */
    public List<BackupEffect> onStop(String reason) {
        return isPromoting() ? List.of() : relinquish(reason);
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
                    TERM_UNSERVED,
                    List.of("host " + host + " has tried to take over under term " + term + " and failed: " + failure
                            + "; the guest that it has restored must be dead before another goes on"),
                    term));
        }
        if (isPromotionUnderWay() || (isAsking() && promotionCause.equals(BY_OPERATOR))) {
            // Our term deposes nobody before the guest runs here: the primary's may be the last one.
            return List.of(
                    new SendRefusal(newSession, NOT_READY, List.of("host " + host + " is taking over"), primaryTerm));
        }
        if (forgone && primaryTerm.isStaleAgainst(term)) {
            // The promise holds when nothing is left of the hypervisor that was to run the guest.
            return List.of(standbyReady ? refuseAsForgone(newSession) : refuseUntilStandby(newSession, primaryTerm));
        }
        if (phase == Phase.PROMOTED || primaryTerm.isStaleAgainst(term)) {
            return List.of(new SendRefusal(
                    newSession, STALE_TERM, List.of("term " + term + " is newer than " + primaryTerm), term));
        }
        if (!differences.isEmpty()) {
            return List.of(new SendRefusal(newSession, "DifferentMachine", differences, term));
        }
        if (!standbyReady) {
            return List.of(refuseUntilStandby(newSession, term));
        }
        List<BackupEffect> effects = new ArrayList<>(giveUpAsking("the primary is back"));
        effects.addAll(dropSession("another connection of the primary"));
        if (primaryTerm.compareTo(term) > 0) {
            // What we confirmed belongs to a term that is over; the new one need not descend from it.
            forgetCheckpoint();
            term = primaryTerm;
            forgone = false;
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
        if (ofSession != session || isPromoting()) {
            return List.of();
        }
        List<BackupEffect> effects = new ArrayList<>(giveUpAsking("the checkpoint is revoked"));
        effects.add(new Note(AuditEvent.DISARMED, "checkpoint " + confirmedEpoch + " is revoked: " + reason));
        forgetCheckpoint();
        return effects;
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
            return promote(BY_REPORT, "the primary reports: " + reason, nowNanos);
        }
        detector.stop();
        armed = false;
        return List.of(new Note(AuditEvent.PROMOTION_REFUSED, "no failover: " + reason));
    }

    /**
     * The primary wants us to take over. Its guest stands still where the newest checkpoint ends, and goes on there if we
     * cannot.
     */
    public List<BackupEffect> onHandOver(long ofSession, String reason, long nowNanos) {
        if (ofSession != session || phase != Phase.WATCHING) {
            return List.of();
        }
        if (!mayPromote()) {
            return relinquish("cannot take over: " + whyNotPromote());
        }
        return promote(BY_HAND_OVER, "the primary hands over: " + reason, nowNanos);
    }

    // ---- time and the operator ----

    /** Time has passed; to be called every tick of the detector. */
    public List<BackupEffect> onTick(long nowNanos) {
        if (isAsking()) {
            return attempts.isDue(nowNanos) ? ask() : List.of();
        }
        if (isPromotionUnderWay()) {
            return keepLease(nowNanos);
        }
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
        return promote(cause, "the primary is lost", nowNanos);
    }

    /**
     * The operator wants this host to take over, and answers for the primary's silence.
     *
     * @param force also for an arbiter that cannot be reached, and for a fence that fails; never for one that refuses
     */
    public List<BackupEffect> onPromoteAsked(String reason, boolean force, long nowNanos) {
        if (isPromoting() || !mayPromote()) {
            return List.of(new Note(AuditEvent.PROMOTION_REFUSED, "cannot promote: " + whyNotPromote()));
        }
        if (!isAsking()) {
            forced = force;
            return promote(BY_OPERATOR, reason, nowNanos);
        }
        if (!force) {
            return List.of(new Note(AuditEvent.PROMOTION_REFUSED, "promotion is under way: " + whatItWaitsFor()));
        }
        forced = true;
        promotionWhy = reason;
        promotionCause = BY_OPERATOR;
        // One that is on its way may still be a refusal, which nobody overrides.
        return attempts.hasFailed() && !attempts.isAwaited() ? goOnWithout(trouble, nowNanos) : List.of();
    }

    // ---- the arbiter and the fence ----

    /** The arbiter has answered. */
    public List<BackupEffect> onVerdict(Claim answered, Verdict verdict, long nowNanos) {
        if (!answered.equals(claim)) {
            return List.of();
        }
        if (isPromotionUnderWay()) {
            onLeaseAnswered(verdict, nowNanos);
            return List.of();
        }
        if (phase != Phase.CLAIMING) {
            return List.of(); // Whoever asked for it has given up. The term stays ours, and can be claimed again.
        }
        return switch (verdict) {
            case Verdict.Granted granted -> {
                aloneRight = AloneRight.granted(granted.leaseUntilNanos());
                List<BackupEffect> effects = new ArrayList<>();
                effects.add(new Note(AuditEvent.ARBITER, "the arbiter grants term " + answered.wanted()));
                effects.addAll(fenceOrDecide(nowNanos));
                yield effects;
            }
            case Verdict.Refused refused -> {
                // Somebody has gone on from what is here, so that it contradicts him, for ever.
                phase = Phase.WATCHING;
                detector.watchOn(nowNanos);
                List<BackupEffect> effects = new ArrayList<>();
                effects.add(new Note(
                        AuditEvent.PROMOTION_REFUSED,
                        "the arbiter refuses term " + answered.wanted() + ": " + refused.reason() + "; checkpoint "
                                + confirmedEpoch + " is forgotten"));
                effects.addAll(relinquish("the arbiter refuses term " + answered.wanted()));
                yield effects;
            }
            case Verdict.Unreachable unreachable -> onTrouble("the arbiter: " + unreachable.reason(), nowNanos);
        };
    }

    /** It is proven that the primary is gone. */
    public List<BackupEffect> onFenced(long nowNanos) {
        if (phase != Phase.FENCING) {
            return List.of();
        }
        List<BackupEffect> effects = new ArrayList<>();
        effects.add(new Note(AuditEvent.FENCE, "the primary's host is fenced"));
        effects.addAll(decide(nowNanos));
        return effects;
    }

    /** It is not proven that the primary is gone. */
    public List<BackupEffect> onFenceFailed(String reason, long nowNanos) {
        return phase == Phase.FENCING ? onTrouble("the fence: " + reason, nowNanos) : List.of();
    }

    private List<BackupEffect> ask() {
        attempts.onAsked();
        Claim asked = claim;
        return phase == Phase.CLAIMING && asked != null ? List.of(new AskArbiter(asked)) : List.of(new Fence(term));
    }

    /** A guess is tried again as long as the primary is lost; an operator is told, and decides. */
    private List<BackupEffect> onTrouble(String newTrouble, long nowNanos) {
        boolean known = newTrouble.equals(trouble);
        trouble = newTrouble;
        attempts.onFailed(nowNanos);
        if (forced) {
            return goOnWithout(newTrouble, nowNanos);
        }
        if (promotionCause.equals(BY_HAND_OVER) && session != NO_SESSION) {
            phase = Phase.WATCHING; // The guest stands still meanwhile, and can go on where it is.
            return relinquish("cannot take over: " + newTrouble);
        }
        if (promotionCause.equals(BY_OPERATOR)) {
            phase = Phase.WATCHING;
            return List.of(new Note(
                    AuditEvent.PROMOTION_REFUSED,
                    "not promoted: " + newTrouble + "; with --force the operator answers for it"));
        }
        return known
                ? List.of()
                : List.of(new Note(
                        phase == Phase.CLAIMING ? AuditEvent.ARBITER : AuditEvent.FENCE,
                        "the promotion waits, and tries again: " + newTrouble));
    }

    private List<BackupEffect> goOnWithout(String missing, long nowNanos) {
        overridden.add(missing);
        List<BackupEffect> effects = new ArrayList<>();
        effects.add(new Note(
                AuditEvent.PROMOTION_FORCED, "the operator answers for it (" + promotionWhy + "): " + missing));
        effects.addAll(phase == Phase.CLAIMING ? fenceOrDecide(nowNanos) : decide(nowNanos));
        return effects;
    }

    private List<BackupEffect> giveUpAsking(String because) {
        if (!isAsking()) {
            return List.of();
        }
        phase = Phase.WATCHING;
        return List.of(new Note(AuditEvent.PROMOTION_REFUSED, "the promotion is given up: " + because));
    }

    /** A lease may be shorter than it takes to restore a guest. */
    private List<BackupEffect> keepLease(long nowNanos) {
        Claim granted = claim;
        if (aloneRight.leaseUntilNanos().isEmpty() || granted == null || !attempts.isDue(nowNanos)) {
            return List.of();
        }
        attempts.onAsked();
        return List.of(new AskArbiter(granted));
    }

    private void onLeaseAnswered(Verdict verdict, long nowNanos) {
        if (verdict instanceof Verdict.Granted granted) {
            OptionalLong until = granted.leaseUntilNanos();
            aloneRight = AloneRight.granted(until);
            attempts.onAnswered(AloneClaims.renewalNanos(until, nowNanos));
        } else {
            attempts.onFailed(nowNanos);
        }
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
            return standbyReady ? welcome(welcomed, nowNanos) : List.of(refuseUntilStandby(welcomed, term));
        }
        return List.of();
    }

    /** The local wall has accepted the new term. */
    public List<BackupEffect> onWallOwned() {
        if (phase != Phase.OWNING) {
            return List.of();
        }
        phase = Phase.RESTORING;
        probing = safeguards.probed();
        // The question first: the answer comes while the guest is being restored.
        return probing ? List.of(new ProbeAddresses(), new StoreServiceBegun()) : List.of(new StoreServiceBegun());
    }

    /** It is on disk that the guest may have run under our term: it must not be given up any more by who finds it there. */
    public List<BackupEffect> onServiceBegunStored() {
        return phase == Phase.RESTORING ? List.of(new RestoreGuest(confirmedEpoch)) : List.of();
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
        return fail(answer
                + ": the guest still speaks elsewhere, so its host is not dead but unheard. Mend the link between the"
                + " hosts; it goes on there when they see each other, or at once by an operator's word (`holdfast alone --force"
                + " --reason ...` on that host)");
    }

    private List<BackupEffect> completeIfReady() {
        if (!guestRuns || probing) {
            return List.of();
        }
        phase = Phase.PROMOTED;
        return List.of(
                new OpenWallAndAnnounce(promotionReason(), aloneRight.leaseUntilNanos()),
                new BecomePrimary(term, confirmedEpoch, aloneRight));
    }

    /** The guest could not be resumed here: nobody serves it now. */
    public List<BackupEffect> onRestoreFailed(String reason) {
        return isPromotionUnderWay() ? fail(reason) : List.of();
    }

    private List<BackupEffect> fail(String reason) {
        phase = Phase.FAILED;
        failure = reason;
        return List.of(
                new Note(
                        AuditEvent.PROMOTION_FAILED,
                        "PROMOTION FAILED at checkpoint " + confirmedEpoch + ": " + reason),
                new AbandonGuest(reason));
    }

    /** Nothing runs any more of what was to be restored. */
    public List<BackupEffect> onGuestAbandoned() {
        return phase == Phase.FAILED ? List.of(new StoreForgone()) : List.of();
    }

    /** It is on disk that no guest of our term will ever run here. */
    public List<BackupEffect> onForgone() {
        if (phase != Phase.FAILED) {
            return List.of();
        }
        phase = Phase.WATCHING;
        forgone = true;
        standbyReady = false;
        guestRuns = false;
        probing = false;
        forgetCheckpoint();
        detector.stop();
        return List.of(
                new Note(AuditEvent.TERM_FORGONE, "no guest runs here under term " + term + ", and none will"),
                new StartStandby());
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

    /** Whether there is reason for a promotion, and it waits for the arbiter or the fence. */
    public boolean isAsking() {
        return phase == Phase.CLAIMING || phase == Phase.FENCING;
    }

    /** What a promotion waits for, in words; empty if it does not. */
    public String whatItWaitsFor() {
        if (!isAsking()) {
            return "";
        }
        String whom = phase == Phase.CLAIMING ? "the arbiter's word" : "proof that the primary is gone";
        return trouble.isEmpty() ? whom : whom + " (" + trouble + ")";
    }

    /** Whether a promotion was decided, however far it has come. */
    public boolean isPromoting() {
        return phase != Phase.WATCHING && !isAsking();
    }

    /** Whether it has neither succeeded nor failed. */
    public boolean isPromotionUnderWay() {
        return phase == Phase.STORING || phase == Phase.OWNING || phase == Phase.RESTORING;
    }

    /** {@code eof}, {@code silence}, {@code death}, {@code switchover}, {@code operator}; empty before a promotion. */
    public String promotionCause() {
        return promotionCause;
    }

    /** By what right the guest serves after the promotion. */
    public AloneRight aloneRight() {
        return aloneRight;
    }

    /** Why the wall is opened after it, in words. */
    public String promotionReason() {
        return "promoted at checkpoint " + confirmedEpoch + " (" + promotionCause + ")";
    }

    /** Whether the newest term is this host's, and no guest of it runs or ever will. */
    public boolean isForgone() {
        return forgone;
    }

    /** What is missing for a promotion, in words. */
    public String whyNotPromote() {
        if (isPromoting()) {
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

    private List<BackupEffect> promote(String cause, String why, long nowNanos) {
        if (!mayPromote()) {
            return List.of(new Note(AuditEvent.PROMOTION_REFUSED, why + ", but " + whyNotPromote()));
        }
        promotionCause = cause;
        promotionWhy = why;
        forced &= cause.equals(BY_OPERATOR);
        trouble = "";
        overridden.clear();
        aloneRight = AloneRight.uncontested();
        claim = Claim.after(term, term.promotionOf(host));
        if (!safeguards.arbitrated()) {
            return fenceOrDecide(nowNanos);
        }
        phase = Phase.CLAIMING;
        return startAsking(nowNanos);
    }

    /** A primary whose death it says itself needs no proof. */
    private List<BackupEffect> fenceOrDecide(long nowNanos) {
        if (!safeguards.fenced() || isSaidByThePrimary()) {
            return decide(nowNanos);
        }
        phase = Phase.FENCING;
        return startAsking(nowNanos);
    }

    private boolean isSaidByThePrimary() {
        return promotionCause.equals(BY_REPORT) || promotionCause.equals(BY_HAND_OVER);
    }

    /** One that lives though nothing is heard of it has to say hello again, and so to be noticed. */
    private List<BackupEffect> startAsking(long nowNanos) {
        trouble = "";
        attempts.begin(nowNanos);
        List<BackupEffect> effects = new ArrayList<>();
        if (!promotionCause.equals(BY_OPERATOR) && !isSaidByThePrimary()) {
            effects.addAll(dropSession("the primary is taken for dead"));
            detector.onDisconnected(nowNanos);
        }
        effects.addAll(ask());
        return effects;
    }

    private List<BackupEffect> decide(long nowNanos) {
        phase = Phase.STORING;
        term = term.promotionOf(host);
        attempts.begin(AloneClaims.renewalNanos(aloneRight.leaseUntilNanos(), nowNanos));
        String without = overridden.isEmpty() ? "" : "; WITHOUT " + String.join(" and ", overridden);
        List<BackupEffect> effects = new ArrayList<>();
        effects.add(new Note(
                AuditEvent.PROMOTION,
                "promoting at checkpoint " + confirmedEpoch + ", term " + term + ": " + promotionWhy + " ("
                        + promotionCause + ")" + without));
        effects.addAll(dropSession("promoting under term " + term));
        effects.add(new ClaimTerm(term));
        return effects;
    }

    private SendRefusal refuseAsForgone(long newSession) {
        return new SendRefusal(
                newSession,
                TERM_FORGONE,
                List.of("host " + host + " has claimed term " + term + ", but no guest runs there, and none will"),
                term);
    }

    private static SendRefusal refuseUntilStandby(long newSession, Term newest) {
        return new SendRefusal(
                newSession, NOT_READY, List.of("the waiting hypervisor is not ready yet; try again"), newest);
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
