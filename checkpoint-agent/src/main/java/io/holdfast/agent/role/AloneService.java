package io.holdfast.agent.role;

import io.holdfast.agent.arbiter.Claim;
import io.holdfast.agent.arbiter.Verdict;
import io.holdfast.agent.role.PrimaryEffect.AskArbiter;
import io.holdfast.agent.role.PrimaryEffect.Audit;
import io.holdfast.agent.role.PrimaryEffect.GoAlone;
import io.holdfast.agent.role.PrimaryEffect.OpenWall;
import io.holdfast.agent.role.PrimaryEffect.SealWall;
import io.holdfast.audit.AuditEvent;
import io.holdfast.wall.Term;
import java.util.ArrayList;
import java.util.List;

/**
 * Decides when the wall of a guest that no backup protects is open: under which term, by what right and until when. What an arbiter is
 * asked for that is in {@link AloneClaims}.
 *
 * <p>An open wall has no checkpoints: to open it ends the chain, and the first barrier for a new backup closes it.
 *
 * <p>Not thread-safe. Times are monotonic.
 */
final class AloneService {

    private final AloneClaims claims;
    private final PrimaryGuest guest;
    private final PrimaryWall wall;
    private final KnownBackup backup;

    private Term term;
    private Term highestTermSeen;
    /** Whether the guest serves unprotected by right as long as no backup is armed. */
    private boolean servesAlone;

    /**
     * Before the first event.
     *
     * @param term ours
     * @param servesAlone whether the guest serves unprotected by right until a backup is armed
     */
    AloneService(
            Term term,
            boolean servesAlone,
            AloneClaims claims,
            PrimaryGuest guest,
            PrimaryWall wall,
            KnownBackup backup) {
        this.claims = claims;
        this.guest = guest;
        this.wall = wall;
        this.backup = backup;
        this.term = term;
        this.highestTermSeen = term;
        this.servesAlone = servesAlone;
    }

    // ---- what happens ----

    /** The first event. */
    void onStart(long nowNanos) {
        claims.onStart(nowNanos);
    }

    /** The armed backup is away. */
    void onBackupLost(long nowNanos) {
        claims.onBackupLost(nowNanos);
    }

    /** A backup has a checkpoint. */
    void onProtected() {
        servesAlone = false;
    }

    /** A backup is told that it may promote. */
    void onArmed(long nowNanos) {
        claims.onArmed(nowNanos);
    }

    /** The backup has promised not to promote. */
    void onPromise() {
        servesAlone = true;
        claims.onPromise();
    }

    /** Somebody knows a newer term. It ends nothing, but only an operator lets the guest go on from there, above it. */
    void onTermSeen(Term seen) {
        if (seen.compareTo(highestTermSeen) > 0) {
            highestTermSeen = seen;
        }
    }

    /**
     * The backup has claimed a newer term, and promises that no guest will ever run under it. So the one here is the last, and
     * goes on under a term that is newer still, which the backup can follow.
     */
    List<PrimaryEffect> onTermForgone(Term forgone, boolean isHandedOver) {
        onTermSeen(forgone);
        boolean mayGoOn = guest.isFound() && (!guest.isOver() || isHandedOver);
        if (!term.isStaleAgainst(forgone) || !mayGoOn) {
            return List.of();
        }
        String because = "the backup has claimed term " + forgone + ", and promises that no guest runs under it";
        return List.of(new GoAlone(nextTerm(term.owner()), because));
    }

    /** The right to go on alone was given and the new term is on disk. */
    void onGranted(Term aloneTerm) {
        term = aloneTerm;
        onTermSeen(aloneTerm);
        servesAlone = true;
        claims.onGoneAlone(aloneTerm);
    }

    /** The new term could not be written to disk. */
    void onNotStored(long nowNanos) {
        claims.onNotStored(nowNanos);
    }

    /** The wall has sealed our term by itself, because the lease had run out. */
    void onLeaseSealed() {
        wall.onClosed();
        claims.onTermEnded();
    }

    // ---- the wall ----

    /** The wall is ours, and was not before: it is opened if the guest serves alone. */
    List<PrimaryEffect> onWallUp() {
        boolean serves = servesNow() && !backup.isArmed() && !guest.isGone();
        return serves ? open("serves alone: no backup of term " + term.number() + " was armed") : List.of();
    }

    /** The guest serves alone from now on; the wall is not opened if the arbiter's word is missing. */
    List<PrimaryEffect> open(String reason) {
        backup.chain().breakOff();
        return claims.isRightMissing() ? List.of() : List.of(openWall(reason));
    }

    /** The barrier of a checkpoint that came to nothing has shut the wall of a guest that serves alone. */
    List<PrimaryEffect> openAgain() {
        if (!servesNow() || backup.isArmed() || !wall.isUp() || guest.isOver()) {
            return List.of();
        }
        return open("serves alone: the first checkpoint of a backup came to nothing");
    }

    private OpenWall openWall(String reason) {
        return wall.open(reason, claims.right().leaseUntilNanos());
    }

    private List<PrimaryEffect> sealTerm(String reason) {
        onLeaseSealed();
        return List.of(new SealWall(reason));
    }

    // ---- the arbiter ----

    /** Time has passed. */
    List<PrimaryEffect> onTick(long nowNanos) {
        List<PrimaryEffect> effects = new ArrayList<>(endLeaseIfOver(nowNanos));
        claims.nextClaim(situation(), nowNanos).ifPresent(claim -> effects.add(new AskArbiter(claim)));
        return effects;
    }

    private List<PrimaryEffect> endLeaseIfOver(long nowNanos) {
        if (!claims.endLeaseIfOver(nowNanos) || !wall.isOpen()) {
            return List.of();
        }
        List<PrimaryEffect> effects = new ArrayList<>();
        effects.add(new Audit(AuditEvent.ARBITER, "the arbiter's lease of term " + term + " has run out"));
        effects.addAll(sealTerm("the arbiter's lease has run out"));
        return effects;
    }

    /** The arbiter has answered. */
    List<PrimaryEffect> onVerdict(Claim answered, Verdict verdict, long nowNanos) {
        boolean servedByGrant = wall.isOpen() && isGranted();
        return switch (claims.onVerdict(answered, verdict, situation(), nowNanos)) {
            case NONE -> List.of();
            case MAY_SERVE -> serveByGrant();
            case GO_ALONE ->
                List.of(
                        new Audit(AuditEvent.ARBITER, "the arbiter grants term " + answered.wanted()),
                        new GoAlone(answered.wanted(), "the arbiter has granted term " + answered.wanted()));
            case OVERTAKEN -> onOvertaken(servedByGrant);
            case TROUBLE -> List.of(new Audit(AuditEvent.ARBITER, "the arbiter does not answer: " + claims.trouble()));
        };
    }

    /** A wall that is open already has its lease renewed; to open it while a checkpoint is under way would end that. */
    private List<PrimaryEffect> serveByGrant() {
        String reason = "serves alone: the arbiter has granted term " + term.number();
        if (wall.isOpen() && wall.isUp()) {
            return List.of(openWall(reason));
        }
        boolean armingBegun = backup.isReached();
        return wall.isUp() && !armingBegun ? open(reason) : List.of();
    }

    private List<PrimaryEffect> onOvertaken(boolean servedByGrant) {
        String text = "the arbiter knows a newer term: "
                + claims.overtakenBy().map(Term::toString).orElse("");
        List<PrimaryEffect> effects = new ArrayList<>();
        effects.add(new Audit(AuditEvent.ARBITER, text));
        if (servedByGrant) {
            effects.addAll(sealTerm(text));
        }
        return effects;
    }

    private AloneClaims.Situation situation() {
        return new AloneClaims.Situation(
                term,
                isContested(),
                guest.isFound(),
                backup.isArmed(),
                backup.isConnected(),
                servesAlone && !backup.isArmed(),
                wall.isUp());
    }

    /** Whether another host is heard to own a newer term, and has not forgone it. */
    private boolean isContested() {
        return term.compareTo(highestTermSeen) < 0;
    }

    // ---- what others may know ----

    Term term() {
        return term;
    }

    /** The term by which {@code host} goes on alone after all that was seen. */
    Term nextTerm(String host) {
        return claims.overtakenBy()
                .filter(newer -> newer.compareTo(highestTermSeen) > 0)
                .orElse(highestTermSeen)
                .aloneOf(host);
    }

    /** Whether the guest serves unprotected as long as no backup is armed, if the right to it is there. */
    boolean servesAlone() {
        return servesAlone;
    }

    /** The same, and the right is there. */
    boolean servesNow() {
        return servesAlone && !claims.isRightMissing();
    }

    /** By what right the guest serves alone, or would; meaningless while a backup is armed. */
    AloneRight right() {
        return claims.right();
    }

    /** Whether that right is the arbiter's grant. */
    boolean isGranted() {
        return claims.right().kind() == AloneRight.Kind.GRANTED;
    }

    /** What is missing for the guest to serve, in words; empty if nothing is, or if no arbiter can help. */
    String waitsForArbiter() {
        boolean rightMissing = servesAlone ? claims.isRightMissing() : backup.mayHaveTakenOver();
        if (guest.isOver() || !rightMissing || !claims.isArbitrated()) {
            return "";
        }
        if (isContested()) {
            return "the owner of term " + highestTermSeen + ", who has not given it up, or an operator's word";
        }
        return claims.overtakenBy()
                .map(newer -> "the owner of term " + newer + ", which the arbiter has granted")
                .orElse(
                        claims.trouble().isEmpty()
                                ? "the arbiter's word"
                                : "the arbiter's word (" + claims.trouble() + ")");
    }
}
