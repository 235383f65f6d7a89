package io.holdfast.agent.role;

import io.holdfast.agent.arbiter.Claim;
import io.holdfast.agent.arbiter.Verdict;
import io.holdfast.agent.role.BackupEffect.Note;
import io.holdfast.agent.role.BackupEffect.SendRefusal;
import io.holdfast.agent.role.BackupEffect.StartStandby;
import io.holdfast.audit.AuditEvent;
import io.holdfast.wall.Term;
import java.util.ArrayList;
import java.util.List;

/**
 * Decides what the backup's agent does: whom it accepts, what it confirms, when there is reason to promote. Answers each event with
 * the effects to carry out.
 *
 * <p>It <i>follows</i> a primary, see {@link Following}, until there is reason to take over; how it does, and what becomes of it if it
 * cannot, is a {@link Promotion}. As long as that only asks whether it may, nothing has changed, and a primary that comes back is
 * followed again.
 *
 * <p>It promotes the newest checkpoint that it ever confirmed, and only if the primary had told it that it may: a
 * checkpoint whose confirmation never arrived may have been overtaken by a primary that goes on alone.
 *
 * <p>Not thread-safe: one thread gives the events. A session is one life of the link; events of an older one are ignored.
 */
public final class BackupRole {

    /** A refusal's class: the guest has not run under the term that it names, or does not now, and may yet. */
    public static final String TERM_UNSERVED = "TermUnserved";

    /** A refusal's class: the guest has not run under the term that it names, and never will; that is on disk. */
    public static final String TERM_FORGONE = "TermForgone";

    /** A refusal's class: the guest of the primary that is refused is over, and another one runs, or has run. */
    public static final String STALE_TERM = "StaleTerm";

    /** A refusal's class: this host could not take over from the primary, until the operator has changed something. */
    static final String INCOMPATIBLE = "Incompatible";

    private final String host;
    private final Following following;
    private final Promotion promotion;

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
        this.following = new Following(term, forgone, new FailureDetector(patience));
        this.promotion = new Promotion(host, safeguards, following);
    }

    /** The first event. */
    public List<BackupEffect> onStart() {
        return List.of(new StartStandby());
    }

    // ---- the waiting hypervisor ----

    public List<BackupEffect> onStandbyReady() {
        following.onStandbyReady();
        return List.of();
    }

    /** The waiting hypervisor is gone, and with it the memory that checkpoints were applied to. */
    public List<BackupEffect> onStandbyLost(String reason) {
        if (isPromoting()) {
            return List.of();
        }
        following.onStandbyLost();
        List<BackupEffect> effects = new ArrayList<>(promotion.giveUpAsking("the standby is lost"));
        effects.add(new Note(
                AuditEvent.DISARMED,
                "standby lost: " + reason + "; checkpoint " + confirmedEpoch() + " is gone with it"));
        effects.addAll(following.relinquish("standby lost: " + reason));
        effects.add(new StartStandby());
        return effects;
    }

    /** This agent ends, and its hypervisor with it. */
    public List<BackupEffect> onStop(String reason) {
        return isPromoting() ? List.of() : following.relinquish(reason);
    }

    // ---- the primary ----

    /**
     * A primary introduces itself.
     *
     * @param differences because of which we could not take over from it, one sentence each
     */
    public List<BackupEffect> onHello(long newSession, Term primaryTerm, List<String> differences, long nowNanos) {
        Term term = following.term();
        if (promotion.hasFailed()) {
            return List.of(new SendRefusal(
                    newSession,
                    TERM_UNSERVED,
                    List.of("host " + host + " has tried to take over under term " + term + " and failed: "
                            + promotion.failure()
                            + "; the guest that it has restored must be dead before another goes on"),
                    term));
        }
        if (isPromotionUnderWay() || (isAsking() && promotionCause().equals(Promotion.BY_OPERATOR))) {
            // Our term deposes nobody before the guest runs here: the primary's may be the last one.
            return List.of(new SendRefusal(
                    newSession, Following.NOT_READY, List.of("host " + host + " is taking over"), primaryTerm));
        }
        if (isForgone() && primaryTerm.isStaleAgainst(term)) {
            // The promise holds when nothing is left of a hypervisor that has run the guest.
            return List.of(
                    following.hasLeftovers()
                            ? Following.refuseUntilStandby(newSession, primaryTerm)
                            : refuseAsForgone(newSession));
        }
        if (promotion.isComplete() || primaryTerm.isStaleAgainst(term)) {
            return List.of(new SendRefusal(
                    newSession, STALE_TERM, List.of("term " + term + " is newer than " + primaryTerm), term));
        }
        if (!differences.isEmpty()) {
            return List.of(new SendRefusal(newSession, INCOMPATIBLE, differences, term));
        }
        if (!following.isStandbyReady()) {
            return List.of(Following.refuseUntilStandby(newSession, term));
        }
        List<BackupEffect> effects = new ArrayList<>(promotion.giveUpAsking("the primary is back"));
        effects.addAll(following.dropSession("another connection of the primary"));
        effects.addAll(
                following.mustStore(primaryTerm)
                        ? following.welcomeUnder(primaryTerm, newSession)
                        : following.welcome(newSession, nowNanos));
        return effects;
    }

    /** A primary says that the guest runs there, or stands still and can go on. To be told before {@link #onHello}. */
    public List<BackupEffect> onGuestElsewhere() {
        return promotion.onGuestElsewhere();
    }

    private SendRefusal refuseAsForgone(long newSession) {
        return new SendRefusal(
                newSession,
                TERM_FORGONE,
                List.of("host " + host + " has claimed term " + term() + ", but no guest runs there, and none will"),
                term());
    }

    /** Bytes of that session came, whatever they say. */
    public void onBytes(long ofSession, long nowNanos) {
        following.onBytes(ofSession, nowNanos);
    }

    /** A complete checkpoint on an unbroken chain is staged (INV-11). */
    public List<BackupEffect> onStaged(long ofSession, long epoch, long baseEpoch) {
        if (!promotion.isWatching() || !following.isOf(ofSession) || !following.isStandbyReady()) {
            return List.of();
        }
        return following.onStaged(epoch, baseEpoch);
    }

    /** The primary allows promotion from now on. */
    public List<BackupEffect> onArmed(long ofSession) {
        following.onArmed(ofSession);
        return List.of();
    }

    /** The primary has shipped something else than the guest's state; all that is here builds on it. */
    public List<BackupEffect> onRevoked(long ofSession, String reason) {
        if (!following.isOf(ofSession) || isPromoting()) {
            return List.of();
        }
        List<BackupEffect> effects = new ArrayList<>(promotion.giveUpAsking("the checkpoint is revoked"));
        effects.add(new Note(AuditEvent.DISARMED, "checkpoint " + confirmedEpoch() + " is revoked: " + reason));
        following.forgetCheckpoint();
        return effects;
    }

    /** The link of that session is lost. */
    public List<BackupEffect> onSessionLost(long ofSession, long nowNanos) {
        following.onSessionLost(ofSession, nowNanos);
        return List.of();
    }

    /**
     * The primary says what became of the guest.
     *
     * @param failover false if the guest ended by its own or its owner's will
     */
    public List<BackupEffect> onGuestDeath(long ofSession, String reason, boolean failover, long nowNanos) {
        if (!following.isOf(ofSession) || !promotion.isWatching()) {
            return List.of();
        }
        if (failover) {
            return promote(Promotion.BY_REPORT, "the primary reports: " + reason, nowNanos);
        }
        following.onGuestEnded();
        return List.of(new Note(AuditEvent.PROMOTION_REFUSED, "no failover: " + reason));
    }

    /**
     * The primary wants us to take over. Its guest stands still where the newest checkpoint ends, and goes on there if we
     * cannot.
     */
    public List<BackupEffect> onHandOver(long ofSession, String reason, long nowNanos) {
        if (!following.isOf(ofSession) || !promotion.isWatching()) {
            return List.of();
        }
        if (!mayPromote()) {
            return following.relinquish("cannot take over: " + whyNotPromote());
        }
        return promote(Promotion.BY_HAND_OVER, "the primary hands over: " + reason, nowNanos);
    }

    // ---- time and the operator ----

    /** Time has passed; to be called every tick of the detector. */
    public List<BackupEffect> onTick(long nowNanos) {
        if (!promotion.isWatching()) {
            return promotion.onTick(nowNanos);
        }
        if (!following.isPrimaryDead(nowNanos)) {
            return List.of();
        }
        return mayPromote()
                ? promote(following.deathCause(), "the primary is lost", nowNanos)
                : following.onLostInVain(nowNanos);
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
            return promotion.begin(Promotion.BY_OPERATOR, reason, force, nowNanos);
        }
        if (!force) {
            return List.of(new Note(AuditEvent.PROMOTION_REFUSED, "promotion is under way: " + whatItWaitsFor()));
        }
        return promotion.force(reason, nowNanos);
    }

    /** Nobody answers for what a guess, or the primary, would have to wait for. */
    private List<BackupEffect> promote(String cause, String why, long nowNanos) {
        return mayPromote()
                ? promotion.begin(cause, why, false, nowNanos)
                : List.of(new Note(AuditEvent.PROMOTION_REFUSED, why + ", but " + whyNotPromote()));
    }

    // ---- the promotion ----

    /** The arbiter has answered. */
    public List<BackupEffect> onVerdict(Claim answered, Verdict verdict, long nowNanos) {
        return promotion.onVerdict(answered, verdict, nowNanos);
    }

    /** It is proven that the primary is gone. */
    public List<BackupEffect> onFenced(long nowNanos) {
        return promotion.onFenced(nowNanos);
    }

    /** It is not proven that the primary is gone. */
    public List<BackupEffect> onFenceFailed(String reason, long nowNanos) {
        return promotion.onFenceFailed(reason, nowNanos);
    }

    /** The term is on disk: ours, or that of a primary that is to be welcomed. */
    public List<BackupEffect> onTermStored(Term stored, long nowNanos) {
        return promotion.isWatching() ? following.onTermStored(stored, nowNanos) : promotion.onTermStored(stored);
    }

    /** That term, ours or the primary's, could not be written to disk, so it does not count yet. */
    public List<BackupEffect> onTermNotStored(Term unstored, String reason, long nowNanos) {
        return promotion.isWatching()
                ? following.onTermNotStored(
                        unstored, "host " + host + " cannot follow before the term is on its disk: " + reason)
                : promotion.onTermNotStored(unstored, reason, nowNanos);
    }

    /** The local wall has accepted the new term. */
    public List<BackupEffect> onWallOwned() {
        return promotion.onWallOwned();
    }

    /** It is on disk that the guest may have run under our term: it must not be given up any more by who finds it there. */
    public List<BackupEffect> onServiceBegunStored() {
        return promotion.onServiceBegunStored();
    }

    /** That could not be written to disk, so the guest must not run yet. */
    public List<BackupEffect> onServiceBegunNotStored(String reason, long nowNanos) {
        return promotion.onServiceBegunNotStored(reason, nowNanos);
    }

    /** The guest runs here, behind the wall. */
    public List<BackupEffect> onGuestRestored() {
        return promotion.onGuestRestored();
    }

    /** No old owner of the guest has answered in time, or nobody could be asked. */
    public List<BackupEffect> onProbeUnanswered() {
        return promotion.onProbeUnanswered();
    }

    /**
     * The guest still speaks elsewhere.
     *
     * @param answer who has answered, for which address, and where
     */
    public List<BackupEffect> onOldOwnerFound(String answer) {
        return promotion.onOldOwnerFound(answer);
    }

    /** The guest could not be started here. It has certainly not run, and its checkpoint is as it was. */
    public List<BackupEffect> onGuestNotStarted(String reason, long nowNanos) {
        return promotion.onGuestNotStarted(reason, nowNanos);
    }

    /** The guest could not be resumed here, though it may have run: nobody serves it now. */
    public List<BackupEffect> onRestoreFailed(String reason) {
        return promotion.onRestoreFailed(reason);
    }

    /** Nothing runs any more of what was to be restored. */
    public List<BackupEffect> onGuestAbandoned() {
        return promotion.onGuestAbandoned();
    }

    /** It is on disk that no guest of our term will ever run here. */
    public List<BackupEffect> onForgone() {
        return promotion.onForgone();
    }

    // ---- what others may know ----

    /** Whether a lost primary would be replaced. */
    public boolean mayPromote() {
        return following.mayPromote();
    }

    public long confirmedEpoch() {
        return following.confirmedEpoch();
    }

    public Term term() {
        return following.term();
    }

    public boolean isPrimaryConnected() {
        return following.isConnected();
    }

    /** Whether there is reason for a promotion, and it waits for the arbiter or the fence. */
    public boolean isAsking() {
        return promotion.isAsking();
    }

    /** What a promotion waits for, in words; empty if it does not. */
    public String whatItWaitsFor() {
        return promotion.whatItWaitsFor();
    }

    /** Whether a promotion was decided, however far it has come. */
    public boolean isPromoting() {
        return promotion.isDecided();
    }

    /** Whether something is tried again before it can go on. */
    public boolean isObstructed() {
        return !promotion.obstacle().isEmpty();
    }

    /** Whether it has neither succeeded nor failed. */
    public boolean isPromotionUnderWay() {
        return promotion.isUnderWay();
    }

    /** {@code eof}, {@code silence}, {@code death}, {@code switchover}, {@code operator}; empty before a promotion. */
    public String promotionCause() {
        return promotion.cause();
    }

    /** By what right the guest serves after the promotion. */
    public AloneRight aloneRight() {
        return promotion.aloneRight();
    }

    /** Why the wall is opened after it, in words. */
    public String promotionReason() {
        return promotion.reason();
    }

    /** Whether the newest term is this host's, and no guest of it runs or ever will. */
    public boolean isForgone() {
        return following.isForgone();
    }

    /** What is missing for a promotion, in words. */
    public String whyNotPromote() {
        if (!isPromoting()) {
            return following.whatIsMissing();
        }
        if (promotion.hasFailed()) {
            return "the promotion has failed: " + promotion.failure();
        }
        String obstacle = promotion.obstacle();
        return "a promotion is already under way" + (obstacle.isEmpty() ? "" : ", and tries again: " + obstacle);
    }
}
