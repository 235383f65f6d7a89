package io.holdfast.agent.role;

import io.holdfast.agent.arbiter.Claim;
import io.holdfast.agent.arbiter.Verdict;
import io.holdfast.wall.Term;
import java.util.Optional;
import java.util.OptionalLong;
import org.jspecify.annotations.Nullable;

/**
 * Decides what a primary asks its arbiter, and when:
 *
 * <ul>
 *   <li>it <b>registers</b> its term, once for each backup that it arms and for each time that it serves alone, so that the other
 *       host's claims compare with it;
 *   <li>it <b>claims</b> a new term when the backup that it has armed is away for longer than the grace, and when the lease of the
 *       present one has run out while the guest served on it; not while its wall cannot be reached, nor before an agent that has
 *       restarted has found the guest, which would help nobody and bar the backup, for ever;
 *   <li>it <b>renews</b> the lease on which the guest serves alone, at a third of it.
 * </ul>
 *
 * <p>It does not step down by the arbiter's word. That another host owns a newer term does not say that the guest runs there, and
 * the one here may be the last; that host says so itself when it is seen. Until then nothing leaves, which is safe.
 *
 * <p>Nor does it claim one after a newer term of another host, though that host has no guest: clients may have been served under that
 * term before the guest was lost, and what they have seen contradicts the one here (INV-1). Only the host's promise that no guest ever
 * ran under it, or an operator's word, lets this one go on.
 *
 * <p>Not thread-safe. Times are monotonic.
 */
final class AloneClaims {

    private static final int RENEWALS_PER_LEASE = 3;

    /**
     * What a primary's agent knows when it asks.
     *
     * @param isTermContested whether another host is heard to own a newer term, and has not forgone it
     * @param isGuestFound whether a guest was seen here: the backup may have the last one
     * @param isBackupArmed whether a backup may promote, by this side's knowledge
     * @param servesAlone whether the guest serves, or would serve, unprotected
     * @param isWallUp whether there is a wall that could be opened
     */
    record Situation(
            Term term,
            boolean isTermContested,
            boolean isGuestFound,
            boolean isBackupArmed,
            boolean isBackupConnected,
            boolean servesAlone,
            boolean isWallUp) {}

    private final String host;
    private final long graceNanos;
    private final boolean arbitrated;

    private AloneRight right;
    private final Attempts attempts = new Attempts();
    private @Nullable Claim asked;
    private boolean registered;
    /** When the backup was last there, at the latest. */
    private long lostNanos;
    /** The wall is sealed, or about to be: only a newer term opens it. */
    private boolean termEnded;
    /** The newest term that the arbiter knows, if it is another host's. */
    private Optional<Term> overtakenBy = Optional.empty();
    /** A term that an earlier claim of this host's was granted, though the answer was lost. */
    private Optional<Term> grantedUnheard = Optional.empty();
    /** Granted, and on its way to the disk. */
    private Optional<Term> goingAloneUnder = Optional.empty();

    private AloneRight grantedRight = AloneRight.toBeClaimed();
    private String trouble = "";

    /**
     * Before the first question.
     *
     * @param host this host's name, the owner of the terms that it claims
     * @param arbitrated false: nothing is ever asked
     * @param graceNanos how long a backup may be away before its absence has consequences
     * @param right by which the guest serves alone under the present term, if it does
     */
    AloneClaims(String host, boolean arbitrated, long graceNanos, AloneRight right) {
        this.host = host;
        this.arbitrated = arbitrated;
        this.graceNanos = graceNanos;
        this.right = right;
    }

    /** When a lease that was granted just now is to be renewed. */
    static long renewalNanos(OptionalLong leaseUntilNanos, long nowNanos) {
        return leaseUntilNanos.isEmpty()
                ? nowNanos
                : nowNanos + Math.max(0, leaseUntilNanos.getAsLong() - nowNanos) / RENEWALS_PER_LEASE;
    }

    // ---- what happens ----

    /** The first event. */
    void onStart(long nowNanos) {
        lostNanos = nowNanos;
        attempts.begin(nowNanos);
    }

    /** The armed backup is away. */
    void onBackupLost(long nowNanos) {
        lostNanos = nowNanos;
        attempts.begin(nowNanos + graceNanos);
    }

    /** Another backup has been armed, or the same one again. */
    void onArmed(long nowNanos) {
        registered = false;
        right = arbitrated ? AloneRight.toBeClaimed() : AloneRight.uncontested(); // For the next time.
        attempts.begin(nowNanos);
    }

    /** The backup has promised not to promote. */
    void onPromise() {
        right = AloneRight.uncontested();
    }

    /** The guest goes on alone under a new term: by the arbiter's grant if it is of that term, or else by an operator's word. */
    void onGoneAlone(Term under) {
        right = goingAloneUnder.filter(under::equals).isPresent() ? grantedRight : AloneRight.uncontested();
        registered = right.kind() == AloneRight.Kind.GRANTED;
        goingAloneUnder = Optional.empty();
        grantedUnheard = Optional.empty();
        overtakenBy = Optional.empty();
        termEnded = false;
        attempts.begin(lostNanos);
    }

    /** The new term is not on disk, so it does not count yet. */
    void onNotStored(long nowNanos) {
        goingAloneUnder = Optional.empty();
        attempts.onFailed(nowNanos);
    }

    /** The present term is sealed. */
    void onTermEnded() {
        termEnded = true;
    }

    /** Takes the lease away if it has run out. */
    boolean endLeaseIfOver(long nowNanos) {
        boolean over = right.kind() == AloneRight.Kind.GRANTED && !right.holdsAt(nowNanos);
        if (over) {
            right = AloneRight.toBeClaimed();
        }
        return over;
    }

    // ---- what is asked ----

    /** The question that is due; empty if none is. To be asked at once. */
    Optional<Claim> nextClaim(Situation now, long nowNanos) {
        if (!arbitrated || goingAloneUnder.isPresent() || !attempts.isDue(nowNanos)) {
            return Optional.empty();
        }
        Optional<Claim> due = wantsAnotherTerm(now, nowNanos) ? Optional.of(aloneClaim(now)) : registration(now);
        due.ifPresent(claim -> {
            asked = claim;
            attempts.onAsked();
        });
        return due;
    }

    private boolean wantsAnotherTerm(Situation now, long nowNanos) {
        if (now.isTermContested() || isOvertaken(now)) {
            return false;
        }
        boolean backupAway = now.isBackupArmed() && !now.isBackupConnected() && nowNanos - lostNanos >= graceNanos;
        boolean couldServe = now.isGuestFound() && now.isWallUp();
        return (backupAway && couldServe) || grantedUnheard.isPresent() || (termEnded && now.servesAlone());
    }

    private Claim aloneClaim(Situation now) {
        return Claim.after(now.term(), grantedUnheard.orElse(now.term().aloneOf(host)));
    }

    private Optional<Claim> registration(Situation now) {
        boolean serves = now.servesAlone() || (now.isBackupArmed() && now.isBackupConnected());
        if (!serves || isOvertaken(now)) {
            return Optional.empty();
        }
        if (now.servesAlone() && right.kind() != AloneRight.Kind.UNCONTESTED && !endless()) {
            return Optional.of(Claim.renewal(now.term()));
        }
        return registered ? Optional.empty() : Optional.of(Claim.registration(now.term()));
    }

    private boolean endless() {
        return right.kind() == AloneRight.Kind.GRANTED
                && right.leaseUntilNanos().isEmpty();
    }

    private boolean isOvertaken(Situation now) {
        return overtakenBy.filter(newer -> now.term().compareTo(newer) < 0).isPresent();
    }

    // ---- what is answered ----

    /** What follows from an answer. */
    enum Outcome {
        /** Nothing, or it was no answer to what was asked last. */
        NONE,
        /** The right to serve alone under the present term is there, or goes on. */
        MAY_SERVE,
        /** Go on alone under the wanted term. */
        GO_ALONE,
        /** Another host owns a newer term. */
        OVERTAKEN,
        /** There is no answer, for a reason that was not known before. */
        TROUBLE
    }

    Outcome onVerdict(Claim answered, Verdict verdict, Situation now, long nowNanos) {
        if (!answered.equals(asked)) {
            return Outcome.NONE;
        }
        asked = null;
        return switch (verdict) {
            case Verdict.Granted granted -> onGranted(answered, granted.leaseUntilNanos(), now, nowNanos);
            case Verdict.Refused refused -> onRefused(refused, now, nowNanos);
            case Verdict.Unreachable unreachable -> onTrouble(unreachable.reason(), nowNanos);
        };
    }

    private Outcome onGranted(Claim answered, OptionalLong until, Situation now, long nowNanos) {
        trouble = "";
        attempts.onAnswered(renewalNanos(until, nowNanos));
        if (!answered.isRegistration()) {
            goingAloneUnder = Optional.of(answered.wanted());
            grantedRight = AloneRight.granted(until);
            return Outcome.GO_ALONE;
        }
        if (!answered.wanted().equals(now.term())) {
            return Outcome.NONE;
        }
        registered = true;
        if (!answered.leased() || !now.servesAlone()) {
            return Outcome.NONE;
        }
        right = AloneRight.granted(until);
        return Outcome.MAY_SERVE;
    }

    private Outcome onRefused(Verdict.Refused refused, Situation now, long nowNanos) {
        Optional<Term> newest = refused.newest();
        if (newest.isEmpty()) {
            return onTrouble(refused.reason(), nowNanos);
        }
        if (newest.get().owner().equals(host) && newest.get().compareTo(now.term()) > 0) {
            grantedUnheard = newest;
            attempts.onAnswered(nowNanos);
            return Outcome.NONE;
        }
        overtakenBy = newest;
        if (right.kind() == AloneRight.Kind.GRANTED) {
            right = AloneRight.toBeClaimed(); // An operator's word goes on.
        }
        attempts.onFailed(nowNanos);
        return Outcome.OVERTAKEN;
    }

    private Outcome onTrouble(String reason, long nowNanos) {
        attempts.onFailed(nowNanos);
        // Half of what is left of a lease, so that several attempts are made before it ends.
        right.leaseUntilNanos().ifPresent(until -> attempts.notAfter(nowNanos + Math.max(0, until - nowNanos) / 2));
        boolean known = reason.equals(trouble);
        trouble = reason;
        return known ? Outcome.NONE : Outcome.TROUBLE;
    }

    // ---- what others may know ----

    boolean isArbitrated() {
        return arbitrated;
    }

    /** By what right the guest serves alone, if it does. */
    AloneRight right() {
        return right;
    }

    /** Whether the arbiter is to give the right, and has not. */
    boolean isRightMissing() {
        return arbitrated && (termEnded || right.kind() == AloneRight.Kind.TO_BE_CLAIMED);
    }

    /** The newest term that the arbiter knows and that is in our way. */
    Optional<Term> overtakenBy() {
        return overtakenBy;
    }

    /** What the newest question has failed for; empty if it has not. */
    String trouble() {
        return trouble;
    }
}
