package io.holdfast.agent.role;

import io.holdfast.agent.role.BackupEffect.Apply;
import io.holdfast.agent.role.BackupEffect.CloseSession;
import io.holdfast.agent.role.BackupEffect.Confirm;
import io.holdfast.agent.role.BackupEffect.Note;
import io.holdfast.agent.role.BackupEffect.Relinquish;
import io.holdfast.agent.role.BackupEffect.SendRefusal;
import io.holdfast.agent.role.BackupEffect.SendWelcome;
import io.holdfast.agent.role.BackupEffect.StoreTerm;
import io.holdfast.audit.AuditEvent;
import io.holdfast.wall.Epoch;
import io.holdfast.wall.Term;
import java.util.List;

/**
 * Whom a backup follows, under which term, and what it has from it: the waiting hypervisor's memory, the newest checkpoint that was
 * confirmed, the leave to promote it. It knows of no promotion; a {@link Promotion} takes from here what it needs.
 *
 * <p>Not thread-safe. Times are monotonic.
 */
final class Following {

    /** A refusal's class: nothing is known against the primary, which may come again. */
    static final String NOT_READY = "NotReady";

    private static final long NO_SESSION = 0;

    private final FailureDetector detector;

    private Term term;
    /** Whether it may be forgotten with this agent. Then nobody is welcomed under it (INV-7). */
    private boolean termUnstored;
    /** Whether the term is ours, and no guest of it runs or ever will. */
    private boolean forgone;

    private long session = NO_SESSION;
    /** Of which it was said that it is silent, and that nothing follows. */
    private long silentSession = NO_SESSION;

    private long sessionAwaitingTerm = NO_SESSION;

    private boolean standbyReady;
    /** Whether a hypervisor that has run the guest under a term that is forgone may be left. */
    private boolean leftovers;

    private long confirmedEpoch = Epoch.NONE;
    private boolean armed;

    Following(Term term, boolean forgone, FailureDetector detector) {
        this.term = term;
        this.forgone = forgone;
        this.leftovers = forgone;
        this.detector = detector;
    }

    // ---- the waiting hypervisor ----

    /** After whatever was left of another one is gone. */
    void onStandbyReady() {
        standbyReady = true;
        leftovers = false;
    }

    void onStandbyLost() {
        standbyReady = false;
    }

    // ---- the connection ----

    /** Accepts a primary of our term. */
    List<BackupEffect> welcome(long newSession, long nowNanos) {
        session = newSession;
        detector.onConnected(nowNanos);
        return List.of(new SendWelcome(session, term, confirmedEpoch, armed));
    }

    /** Whether a primary of that term, which is not older than ours, must wait until the term is on disk. */
    boolean mustStore(Term ofPrimary) {
        return termUnstored || ofPrimary.compareTo(term) > 0;
    }

    /**
     * Accepts a primary of a newer term, when that is on disk. What we confirmed belongs to a term that is over; the new one need not
     * descend from it.
     */
    List<BackupEffect> welcomeUnder(Term newer, long newSession) {
        forgetCheckpoint();
        term = newer;
        termUnstored = true;
        forgone = false;
        sessionAwaitingTerm = newSession;
        return List.of(new StoreTerm(term));
    }

    /** The term is on disk. */
    List<BackupEffect> onTermStored(Term stored, long nowNanos) {
        if (!stored.equals(term)) {
            return List.of();
        }
        termUnstored = false;
        if (sessionAwaitingTerm == NO_SESSION) {
            return List.of();
        }
        long welcomed = sessionAwaitingTerm;
        sessionAwaitingTerm = NO_SESSION;
        // The hypervisor may have died while the disk was busy.
        return standbyReady ? welcome(welcomed, nowNanos) : List.of(refuseUntilStandby(welcomed, term));
    }

    /** The term may not be on disk: the primary of it has to come again, and people to know why. */
    List<BackupEffect> onTermNotStored(Term unstored, String reason) {
        if (sessionAwaitingTerm == NO_SESSION || !unstored.equals(term)) {
            return List.of();
        }
        long refused = sessionAwaitingTerm;
        sessionAwaitingTerm = NO_SESSION;
        return List.of(new SendRefusal(refused, NOT_READY, List.of(reason), term));
    }

    /** Turns a primary away that may come again soon. */
    static SendRefusal refuseUntilStandby(long newSession, Term newest) {
        return new SendRefusal(
                newSession, NOT_READY, List.of("the waiting hypervisor is not ready yet; try again"), newest);
    }

    void onBytes(long ofSession, long nowNanos) {
        if (ofSession == session) {
            detector.onBytes(nowNanos);
        }
    }

    void onSessionLost(long ofSession, long nowNanos) {
        if (ofSession == sessionAwaitingTerm) {
            sessionAwaitingTerm = NO_SESSION;
        }
        if (ofSession == session) {
            session = NO_SESSION;
            detector.onDisconnected(nowNanos);
        }
    }

    List<BackupEffect> dropSession(String reason) {
        if (session == NO_SESSION) {
            return List.of();
        }
        long dropped = session;
        session = NO_SESSION;
        return List.of(new CloseSession(dropped, reason));
    }

    /** One that lives though nothing is heard of it has to say hello again, and so to be noticed. */
    List<BackupEffect> takeForDead(long nowNanos) {
        List<BackupEffect> effects = dropSession("the primary is taken for dead");
        detector.onDisconnected(nowNanos);
        return effects;
    }

    // ---- the checkpoints ----

    /** A complete checkpoint on an unbroken chain is staged (INV-11). */
    List<BackupEffect> onStaged(long epoch, long baseEpoch) {
        boolean unbroken = baseEpoch == Epoch.NONE || baseEpoch == confirmedEpoch;
        if (!unbroken || (baseEpoch != Epoch.NONE && epoch <= confirmedEpoch)) {
            return dropSession(
                    "checkpoint " + epoch + " builds on " + baseEpoch + ", but " + confirmedEpoch + " is here");
        }
        confirmedEpoch = epoch;
        return List.of(new Confirm(session, epoch), new Apply(epoch));
    }

    /** The primary allows promotion from now on. */
    void onArmed(long ofSession) {
        if (ofSession == session && confirmedEpoch != Epoch.NONE) {
            armed = true;
        }
    }

    /** The guest has ended by its own or its owner's will: nobody is to be replaced. */
    void onGuestEnded() {
        detector.stop();
        armed = false;
    }

    void forgetCheckpoint() {
        confirmedEpoch = Epoch.NONE;
        armed = false;
    }

    /** What is forgotten first cannot be promoted later, whatever is still on its way here. */
    List<BackupEffect> relinquish(String reason) {
        forgetCheckpoint();
        if (session == NO_SESSION) {
            return List.of();
        }
        long told = session;
        session = NO_SESSION;
        return List.of(new Relinquish(told, reason));
    }

    // ---- the term that is claimed here ----

    /** The next term is {@code host}'s. */
    void claimTerm(String host) {
        term = term.promotionOf(host);
    }

    /** That term is not on disk, and the one before goes on. */
    void withdrawTo(Term before) {
        term = before;
    }

    /**
     * No guest will run here under our term.
     *
     * @param guestHasRun whether one may have
     */
    void forgo(boolean guestHasRun) {
        forgone = true;
        standbyReady = false;
        leftovers = guestHasRun;
        forgetCheckpoint();
        detector.stop();
    }

    // ---- time ----

    /** Whether the primary is to be taken for dead. To be asked often and evenly, while it is watched. */
    boolean isPrimaryDead(long nowNanos) {
        return detector.isPeerDead(nowNanos);
    }

    /** By which the primary is taken for dead. */
    String deathCause() {
        return detector.cause();
    }

    /** Nothing follows from the primary's death now. */
    void watchOn(long nowNanos) {
        detector.watchOn(nowNanos);
    }

    /** It may only have been slow to send all memory, and arm us yet: who is connected stays watched, and is told of once. */
    List<BackupEffect> onLostInVain(long nowNanos) {
        String cause = deathCause();
        watchOn(nowNanos);
        boolean saidBefore = session != NO_SESSION && session == silentSession;
        silentSession = session;
        return saidBefore
                ? List.of()
                : List.of(new Note(
                        AuditEvent.PROMOTION_REFUSED, "the primary is lost (" + cause + "), but " + whatIsMissing()));
    }

    // ---- what others may know ----

    boolean isOf(long theSession) {
        return theSession == session;
    }

    boolean isConnected() {
        return session != NO_SESSION;
    }

    Term term() {
        return term;
    }

    boolean isForgone() {
        return forgone;
    }

    /** Whether something may be left of a guest that ran here under our term. */
    boolean hasLeftovers() {
        return leftovers;
    }

    boolean isStandbyReady() {
        return standbyReady;
    }

    long confirmedEpoch() {
        return confirmedEpoch;
    }

    boolean mayPromote() {
        return armed && standbyReady && confirmedEpoch != Epoch.NONE;
    }

    /** For a promotion, in words. */
    String whatIsMissing() {
        if (confirmedEpoch == Epoch.NONE) {
            return "this backup has never confirmed a full checkpoint";
        }
        if (!standbyReady) {
            return "the waiting hypervisor is not ready";
        }
        return armed ? "nothing is missing" : "the primary never allowed it: it may be serving alone";
    }
}
