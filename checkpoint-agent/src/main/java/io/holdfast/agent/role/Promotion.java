package io.holdfast.agent.role;

import io.holdfast.agent.arbiter.Claim;
import io.holdfast.agent.arbiter.Verdict;
import io.holdfast.agent.role.BackupEffect.AbandonGuest;
import io.holdfast.agent.role.BackupEffect.AskArbiter;
import io.holdfast.agent.role.BackupEffect.BecomePrimary;
import io.holdfast.agent.role.BackupEffect.ClaimTerm;
import io.holdfast.agent.role.BackupEffect.Fence;
import io.holdfast.agent.role.BackupEffect.Note;
import io.holdfast.agent.role.BackupEffect.OpenWallAndAnnounce;
import io.holdfast.agent.role.BackupEffect.OwnWall;
import io.holdfast.agent.role.BackupEffect.ProbeAddresses;
import io.holdfast.agent.role.BackupEffect.RestoreGuest;
import io.holdfast.agent.role.BackupEffect.StartStandby;
import io.holdfast.agent.role.BackupEffect.StoreForgone;
import io.holdfast.agent.role.BackupEffect.StoreServiceBegun;
import io.holdfast.audit.AuditEvent;
import io.holdfast.wall.Term;
import java.util.ArrayList;
import java.util.List;
import java.util.OptionalLong;
import org.jspecify.annotations.Nullable;

/**
 * How a backup takes over, from the first reason for it to the guest that serves here, or that never will. When there is reason for
 * it is decided in {@link BackupRole}; what is taken over is in {@link Following}.
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
 * <p>What fails before anybody has noticed anything of the promotion is tried again. If the term cannot be written to disk, a primary
 * that comes back with the guest between two attempts is followed again, as if nothing had been decided.
 *
 * <p>A guest that no hypervisor could be given, and that so has not run, is restored again and again: its checkpoint may be the last
 * that is left of it. A primary that comes back with the guest between two attempts ends that, and goes on with it at once.
 *
 * <p>A promotion that fails has shown nobody anything. When its guest is dead for certain, this host <i>forgoes</i> the term: the
 * guest never runs here under it, which is on disk before anybody is told. A primary that is told has the last guest, and may go on
 * with it under a newer term, which this host then follows. So does one whose promotion died with its agent before a guest ran.
 *
 * <p>Not thread-safe. Times are monotonic.
 */
final class Promotion {

    private enum Phase {
        /** There is no reason for one. */
        WATCHING,
        /** The arbiter is asked. */
        CLAIMING,
        /** The primary's host is being fenced. */
        FENCING,
        /** It is decided; the term is on its way to the disk. */
        STORING,
        /** The local wall is told of the term. */
        OWNING,
        /** The guest is on its way, and perhaps a question to the network. */
        RESTORING,
        /** The guest serves here. */
        PROMOTED,
        /** What was to be restored must die before another goes on. */
        FAILED
    }

    /** Of those who have asked for a promotion, the operator answers for what a guess would wait for. */
    static final String BY_OPERATOR = "operator";
    /** The primary itself says that its guest is dead. */
    static final String BY_REPORT = "death";
    /** The primary wants it. */
    static final String BY_HAND_OVER = "switchover";

    private final String host;
    private final Safeguards safeguards;
    private final Following following;

    private Phase phase = Phase.WATCHING;
    private String cause = "";
    private String why = "";
    /** Of the promotion that there is reason for. */
    private @Nullable Claim claim;

    /** To get the arbiter's word, the fence's proof, or another lease. */
    private final Attempts attempts = new Attempts();

    private AloneRight aloneRight = AloneRight.uncontested();
    private boolean forced;
    /** What the newest attempt has failed for; empty if it has not. */
    private String trouble = "";
    /** What the operator has set aside. */
    private final List<String> overridden = new ArrayList<>();

    private boolean probing;
    /** Whether it is on disk that the guest may have run under our term. */
    private boolean serviceBegun;

    private boolean guestRuns;
    /** Under which the checkpoint was armed. */
    private Term followed = Term.none();

    private long decidedNanos;
    /** To get on with the step that the promotion is at. */
    private final Attempts retries = new Attempts();
    /** True when in doubt. */
    private boolean guestHasRun = true;
    /** What the newest attempt has failed for. */
    private String obstacle = "";

    private String failure = "";

    Promotion(String host, Safeguards safeguards, Following following) {
        this.host = host;
        this.safeguards = safeguards;
        this.following = following;
    }

    // ---- reason for one ----

    /**
     * There is reason for a promotion, and a checkpoint for it.
     *
     * @param newCause who or what gives the reason, in a word
     * @param newWhy the same for people
     * @param force whether an operator answers for what would be waited for
     */
    List<BackupEffect> begin(String newCause, String newWhy, boolean force, long nowNanos) {
        cause = newCause;
        why = newWhy;
        forced = force;
        trouble = "";
        overridden.clear();
        aloneRight = AloneRight.uncontested();
        claim = Claim.after(following.term(), following.term().promotionOf(host));
        if (!safeguards.arbitrated()) {
            return fenceOrDecide(nowNanos);
        }
        phase = Phase.CLAIMING;
        return startAsking(nowNanos);
    }

    /** An operator answers for what a promotion waits for. */
    List<BackupEffect> force(String newWhy, long nowNanos) {
        forced = true;
        why = newWhy;
        cause = BY_OPERATOR;
        // One that is on its way may still be a refusal, which nobody overrides.
        return attempts.hasFailed() && !attempts.isAwaited() ? goOnWithout(trouble, nowNanos) : List.of();
    }

    /** The reason for it is gone, or the checkpoint. */
    List<BackupEffect> giveUpAsking(String because) {
        if (!isAsking()) {
            return List.of();
        }
        phase = Phase.WATCHING;
        return List.of(new Note(AuditEvent.PROMOTION_REFUSED, "the promotion is given up: " + because));
    }

    /** Time has passed. */
    List<BackupEffect> onTick(long nowNanos) {
        if (isAsking()) {
            return attempts.isDue(nowNanos) ? ask() : List.of();
        }
        if (!isUnderWay()) {
            return List.of();
        }
        List<BackupEffect> effects = new ArrayList<>(keepLease(nowNanos));
        effects.addAll(tryAgainIfDue(nowNanos));
        return effects;
    }

    // ---- the arbiter and the fence ----

    /** The arbiter has answered. */
    List<BackupEffect> onVerdict(Claim answered, Verdict verdict, long nowNanos) {
        if (!answered.equals(claim)) {
            return List.of();
        }
        if (isUnderWay()) {
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
                following.watchOn(nowNanos);
                List<BackupEffect> effects = new ArrayList<>();
                effects.add(new Note(
                        AuditEvent.PROMOTION_REFUSED,
                        "the arbiter refuses term " + answered.wanted() + ": " + refused.reason() + "; checkpoint "
                                + following.confirmedEpoch() + " is forgotten"));
                effects.addAll(following.relinquish("the arbiter refuses term " + answered.wanted()));
                yield effects;
            }
            case Verdict.Unreachable unreachable -> onTrouble("the arbiter: " + unreachable.reason(), nowNanos);
        };
    }

    /** It is proven that the primary is gone. */
    List<BackupEffect> onFenced(long nowNanos) {
        if (phase != Phase.FENCING) {
            return List.of();
        }
        List<BackupEffect> effects = new ArrayList<>();
        effects.add(new Note(AuditEvent.FENCE, "the primary's host is fenced"));
        effects.addAll(decide(nowNanos));
        return effects;
    }

    /** It is not proven that the primary is gone. */
    List<BackupEffect> onFenceFailed(String reason, long nowNanos) {
        return phase == Phase.FENCING ? onTrouble("the fence: " + reason, nowNanos) : List.of();
    }

    private List<BackupEffect> startAsking(long nowNanos) {
        trouble = "";
        attempts.begin(nowNanos);
        List<BackupEffect> effects = new ArrayList<>();
        if (!cause.equals(BY_OPERATOR) && !isSaidByThePrimary()) {
            effects.addAll(following.takeForDead(nowNanos));
        }
        effects.addAll(ask());
        return effects;
    }

    private List<BackupEffect> ask() {
        attempts.onAsked();
        Claim asked = claim;
        return phase == Phase.CLAIMING && asked != null
                ? List.of(new AskArbiter(asked))
                : List.of(new Fence(following.term()));
    }

    /** A guess is tried again as long as the primary is lost; an operator is told, and decides. */
    private List<BackupEffect> onTrouble(String newTrouble, long nowNanos) {
        boolean known = newTrouble.equals(trouble);
        trouble = newTrouble;
        attempts.onFailed(nowNanos);
        if (forced) {
            return goOnWithout(newTrouble, nowNanos);
        }
        if (cause.equals(BY_HAND_OVER) && following.isConnected()) {
            phase = Phase.WATCHING; // The guest stands still meanwhile, and can go on where it is.
            return following.relinquish("cannot take over: " + newTrouble);
        }
        if (cause.equals(BY_OPERATOR)) {
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
        effects.add(new Note(AuditEvent.PROMOTION_FORCED, "the operator answers for it (" + why + "): " + missing));
        effects.addAll(phase == Phase.CLAIMING ? fenceOrDecide(nowNanos) : decide(nowNanos));
        return effects;
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
        return cause.equals(BY_REPORT) || cause.equals(BY_HAND_OVER);
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

    // ---- decided ----

    private List<BackupEffect> decide(long nowNanos) {
        phase = Phase.STORING;
        followed = following.term();
        following.claimTerm(host);
        attempts.begin(AloneClaims.renewalNanos(aloneRight.leaseUntilNanos(), nowNanos));
        decidedNanos = nowNanos;
        retries.begin(decidedNanos);
        guestHasRun = true;
        Term term = following.term();
        String without = overridden.isEmpty() ? "" : "; WITHOUT " + String.join(" and ", overridden);
        List<BackupEffect> effects = new ArrayList<>();
        effects.add(new Note(
                AuditEvent.PROMOTION,
                "promoting at checkpoint " + following.confirmedEpoch() + ", term " + term + ": " + why + " (" + cause
                        + ")" + without));
        effects.addAll(following.dropSession("promoting under term " + term));
        effects.add(claimTerm());
        return effects;
    }

    private ClaimTerm claimTerm() {
        retries.onAsked();
        return new ClaimTerm(following.term());
    }

    /** The term is not on disk, so nothing has changed. */
    List<BackupEffect> onTermNotStored(Term claimed, String reason, long nowNanos) {
        return phase == Phase.STORING && claimed.equals(following.term())
                ? onObstacle("its term cannot be written to disk: " + reason, nowNanos)
                : List.of();
    }

    /** The term is on disk. */
    List<BackupEffect> onTermStored(Term stored) {
        if (phase != Phase.STORING || !stored.equals(following.term())) {
            return List.of();
        }
        phase = Phase.OWNING;
        retries.begin(decidedNanos);
        serviceBegun = false;
        return List.of(new OwnWall(following.term(), following.confirmedEpoch() + 1));
    }

    /** The local wall has accepted the new term. */
    List<BackupEffect> onWallOwned() {
        if (phase != Phase.OWNING) {
            return List.of();
        }
        phase = Phase.RESTORING;
        probing = safeguards.probed();
        // The question first: the answer comes while the guest is being restored.
        return probing ? List.of(new ProbeAddresses(), storeServiceBegun()) : List.of(storeServiceBegun());
    }

    private StoreServiceBegun storeServiceBegun() {
        retries.onAsked();
        return new StoreServiceBegun();
    }

    /** It is on disk that the guest may have run under our term. */
    List<BackupEffect> onServiceBegunStored() {
        if (phase != Phase.RESTORING) {
            return List.of();
        }
        serviceBegun = true;
        return List.of(restore());
    }

    /** It is not on disk, so the guest must not run. */
    List<BackupEffect> onServiceBegunNotStored(String reason, long nowNanos) {
        return phase == Phase.RESTORING
                ? onObstacle("it cannot be written to disk that the guest may run here: " + reason, nowNanos)
                : List.of();
    }

    private RestoreGuest restore() {
        retries.onAsked();
        return new RestoreGuest(following.confirmedEpoch());
    }

    /** The guest has certainly not run, and its checkpoint is still here. */
    List<BackupEffect> onGuestNotStarted(String reason, long nowNanos) {
        return phase == Phase.RESTORING ? onObstacle("the guest does not start: " + reason, nowNanos) : List.of();
    }

    private List<BackupEffect> onObstacle(String newObstacle, long nowNanos) {
        boolean known = isObstructed();
        obstacle = newObstacle;
        retries.onFailed(nowNanos);
        return known
                ? List.of()
                : List.of(new Note(
                        AuditEvent.PROMOTION,
                        "the promotion waits, and tries again until a primary comes back that has the guest: "
                                + obstacle));
    }

    private List<BackupEffect> tryAgainIfDue(long nowNanos) {
        if (!isObstructed() || !retries.isDue(nowNanos)) {
            return List.of();
        }
        if (phase == Phase.STORING) {
            return List.of(claimTerm());
        }
        return List.of(serviceBegun ? restore() : storeServiceBegun());
    }

    /** A primary says that it has the guest. It says so again: nobody knows what becomes of an attempt that is under way. */
    List<BackupEffect> onGuestElsewhere() {
        if (!isObstructed() || retries.isAwaited()) {
            return List.of();
        }
        if (phase == Phase.STORING) {
            phase = Phase.WATCHING;
            following.withdrawTo(followed);
            return List.of(new Note(
                    AuditEvent.PROMOTION_REFUSED, "the promotion is given up: the primary is back; " + obstacle));
        }
        guestHasRun = false;
        return fail(obstacle + "; the primary is back, and goes on with it");
    }

    private boolean isObstructed() {
        return isUnderWay() && retries.hasFailed();
    }

    /** The guest runs here, behind the wall. */
    List<BackupEffect> onGuestRestored() {
        if (phase != Phase.RESTORING) {
            return List.of();
        }
        guestRuns = true;
        return completeIfReady();
    }

    /** No old owner of the guest has answered in time, or nobody could be asked. */
    List<BackupEffect> onProbeUnanswered() {
        if (phase != Phase.RESTORING || !probing) {
            return List.of();
        }
        probing = false;
        return completeIfReady();
    }

    /** The guest still speaks elsewhere. */
    List<BackupEffect> onOldOwnerFound(String answer) {
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
                new OpenWallAndAnnounce(reason(), aloneRight.leaseUntilNanos()),
                new BecomePrimary(following.term(), following.confirmedEpoch(), aloneRight));
    }

    // ---- failed ----

    /** The guest could not be resumed here: nobody serves it now. */
    List<BackupEffect> onRestoreFailed(String reason) {
        return isUnderWay() ? fail(reason) : List.of();
    }

    private List<BackupEffect> fail(String reason) {
        phase = Phase.FAILED;
        failure = reason;
        return List.of(
                new Note(
                        AuditEvent.PROMOTION_FAILED,
                        "PROMOTION FAILED at checkpoint " + following.confirmedEpoch() + ": " + reason),
                new AbandonGuest(reason));
    }

    /** Nothing runs any more of what was to be restored. */
    List<BackupEffect> onGuestAbandoned() {
        return phase == Phase.FAILED ? List.of(new StoreForgone()) : List.of();
    }

    /** It is on disk that no guest of our term will ever run here. */
    List<BackupEffect> onForgone() {
        if (phase != Phase.FAILED) {
            return List.of();
        }
        phase = Phase.WATCHING;
        guestRuns = false;
        probing = false;
        following.forgo(guestHasRun);
        return List.of(
                new Note(
                        AuditEvent.TERM_FORGONE,
                        "no guest runs here under term " + following.term() + ", and none will"),
                new StartStandby());
    }

    // ---- what others may know ----

    /** Whether there is no reason for one, and none was decided. */
    boolean isWatching() {
        return phase == Phase.WATCHING;
    }

    /** Whether there is reason for one, and it waits for the arbiter or the fence. */
    boolean isAsking() {
        return phase == Phase.CLAIMING || phase == Phase.FENCING;
    }

    /** Whether one was decided, however far it has come. */
    boolean isDecided() {
        return !isWatching() && !isAsking();
    }

    /** Whether one was decided, and has neither succeeded nor failed. */
    boolean isUnderWay() {
        return phase == Phase.STORING || phase == Phase.OWNING || phase == Phase.RESTORING;
    }

    boolean isComplete() {
        return phase == Phase.PROMOTED;
    }

    /** Whether one was decided, and what it has restored is not yet dead for certain. */
    boolean hasFailed() {
        return phase == Phase.FAILED;
    }

    /** Why one that is under way has got no further yet; empty if nothing is known against it. */
    String obstacle() {
        return isObstructed() ? obstacle : "";
    }

    /** Of the newest one that has failed. */
    String failure() {
        return failure;
    }

    /** What one waits for, in words; empty if it does not. */
    String whatItWaitsFor() {
        if (!isAsking()) {
            return "";
        }
        String whom = phase == Phase.CLAIMING ? "the arbiter's word" : "proof that the primary is gone";
        return trouble.isEmpty() ? whom : whom + " (" + trouble + ")";
    }

    /** Who or what gave the newest reason, in a word; empty before the first. */
    String cause() {
        return cause;
    }

    /** By what right the guest serves after it. */
    AloneRight aloneRight() {
        return aloneRight;
    }

    /** Why the wall is opened after it, in words. */
    String reason() {
        return "promoted at checkpoint " + following.confirmedEpoch() + " (" + cause + ")";
    }
}
