package io.holdfast.agent.role;

import io.holdfast.agent.arbiter.Claim;
import io.holdfast.agent.arbiter.Verdict;
import io.holdfast.agent.role.PrimaryEffect.AskArbiter;
import io.holdfast.agent.role.PrimaryEffect.Audit;
import io.holdfast.agent.role.PrimaryEffect.CaptureState;
import io.holdfast.agent.role.PrimaryEffect.CloseLink;
import io.holdfast.agent.role.PrimaryEffect.Commit;
import io.holdfast.agent.role.PrimaryEffect.DiscardHeld;
import io.holdfast.agent.role.PrimaryEffect.DrainWall;
import io.holdfast.agent.role.PrimaryEffect.DropCaptured;
import io.holdfast.agent.role.PrimaryEffect.GoAlone;
import io.holdfast.agent.role.PrimaryEffect.HandOver;
import io.holdfast.agent.role.PrimaryEffect.Note;
import io.holdfast.agent.role.PrimaryEffect.OpenWall;
import io.holdfast.agent.role.PrimaryEffect.PauseGuest;
import io.holdfast.agent.role.PrimaryEffect.PlaceBarrier;
import io.holdfast.agent.role.PrimaryEffect.Precopy;
import io.holdfast.agent.role.PrimaryEffect.RefuseBackup;
import io.holdfast.agent.role.PrimaryEffect.ReportGuestDeath;
import io.holdfast.agent.role.PrimaryEffect.ResumeGuest;
import io.holdfast.agent.role.PrimaryEffect.RevokeCheckpoints;
import io.holdfast.agent.role.PrimaryEffect.SealWall;
import io.holdfast.agent.role.PrimaryEffect.SendArmed;
import io.holdfast.agent.role.PrimaryEffect.Ship;
import io.holdfast.agent.role.PrimaryEffect.StepDown;
import io.holdfast.agent.role.PrimaryEffect.StoreArmed;
import io.holdfast.agent.role.PrimaryEffect.StoreRelinquished;
import io.holdfast.agent.role.PrimaryEffect.SuspendWall;
import io.holdfast.audit.AuditEvent;
import io.holdfast.wall.Epoch;
import io.holdfast.wall.Term;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * Decides what the primary's agent does: when the guest is paused, when a barrier is placed, what is shipped, what the
 * wall is told. Answers each event with the effects to carry out.
 *
 * <p>A checkpoint goes through these steps; an event that says a step is done asks for the next:
 *
 * <pre>
 *   RUNNING ── PauseGuest ─► PAUSING ── PlaceBarrier ─► PLACING ── CaptureState ─► CAPTURING ── ResumeGuest, Ship ─► RUNNING
 *                                                                                                     Confirmed ─► Commit
 * </pre>
 *
 * When nothing is held, a checkpoint is taken at the interval. Output that waits brings the next one forward, but not so far
 * that pauses take more of the guest's time than their budget.
 *
 * <p>The first checkpoint for a backup is preceded by a precopy of all memory while the guest runs. Several shipped
 * checkpoints may wait for their confirmation.
 *
 * <p>The backup must not promote before it was <i>armed</i>: told so after its first confirmation. Until then this side
 * knows that nobody can contradict it, and a guest that served alone before goes on alone if the arming breaks off.
 * From then on the loss of the backup suspends the wall, unless the backup has relinquished: a backup that can be reached
 * and says that it has nothing to promote contradicts nobody, and the guest goes on alone until it is armed again. Where there is
 * an arbiter, it may give the right to go on alone as well: see {@link AloneClaims}.
 *
 * <p>A promise counts only if the backup that was armed gives it. One that has lost its memory knows as little of a promotion as
 * one that has come in its place, so it is not let in before somebody answers for the old one (INV-9).
 *
 * <p>A switchover is a checkpoint after which the guest does not go on. When the backup has it and all that the guest has
 * said has left, the backup is told to take over: nothing is taken back, and nothing is lost.
 *
 * <p>Not thread-safe: one thread gives the events. A session is one life of the link; events of an older one are ignored.
 */
public final class PrimaryRole {

    /**
     * When to do what.
     *
     * @param intervalNanos between the beginnings of two checkpoints, at most
     * @param pauseBudgetPercent share of the guest's time that checkpoints may take from it, 1 to 99
     * @param epochsInFlight shipped and not yet confirmed, at most
     * @param retryNanos after a checkpoint that failed
     * @param leaseNanos how long after a confirmation the commit may be carried out; less than the backup's patience
     */
    public record Settings(
            long intervalNanos, int pauseBudgetPercent, int epochsInFlight, long retryNanos, long leaseNanos) {}

    /**
     * What is remembered of the term when the role begins.
     *
     * @param lastEpoch the newest epoch that was ever closed, as far as known
     * @param backupArmed whether some backup may hold a checkpoint that it may promote; true when in doubt
     * @param armedBackup which one, by the identity that its welcome gives; empty if that is not known
     * @param servesAlone whether the guest serves unprotected by right until a backup is armed
     */
    public record Beginning(Term term, long lastEpoch, boolean backupArmed, String armedBackup, boolean servesAlone) {}

    private enum Phase {
        RUNNING,
        PRECOPYING,
        PAUSING,
        PAUSING_FOR_ROOM,
        PLACING,
        CAPTURING
    }

    private static final long NO_SESSION = 0;

    private final Settings settings;
    private final AloneClaims alone;
    private Term term;
    private Term highestTermSeen;

    private boolean wallUp;
    /** It was opened, and nothing has closed it since, by this side's knowledge. */
    private boolean wallOpen;

    private long session = NO_SESSION;
    private Phase phase = Phase.RUNNING;
    private boolean guestPaused;
    private boolean guestFound;
    private boolean guestGone;

    /** The guest stands still for good, by its own doing; one more checkpoint lets its last words leave. */
    private boolean guestEnded;

    private long lastWordsEpoch = Epoch.NONE;
    private @Nullable ReportGuestDeath guestDeath;

    private final Handover handover = new Handover();

    /** The guest stays paused until the wall has room again. */
    private boolean atLimit;

    /** The wall has passed its high-water mark since the last barrier. */
    private boolean highWater;

    /** Whether a backup may promote, by this side's knowledge. */
    private boolean backupArmed;
    /** Which one that is, if known. */
    private String armedBackup;
    /** Which one is connected. */
    private String backup = "";
    /** Whether the guest serves unprotected by right as long as no backup is armed. */
    private boolean servesAlone;

    private final CheckpointChain chain = new CheckpointChain();

    /** The session whose backup was told that it may promote. */
    private long armedSession = NO_SESSION;

    private final CheckpointPace pace;
    private long lastEpoch;

    /**
     * Begins the role.
     *
     * @param alone what an arbiter is asked, if there is one
     */
    PrimaryRole(Settings settings, Beginning beginning, AloneClaims alone) {
        this.settings = settings;
        this.pace = new CheckpointPace(settings);
        this.alone = alone;
        this.term = beginning.term();
        this.highestTermSeen = term;
        this.lastEpoch = beginning.lastEpoch();
        this.backupArmed = beginning.backupArmed();
        this.armedBackup = beginning.armedBackup();
        this.servesAlone = beginning.servesAlone();
    }

    /** Begins the role where nobody arbitrates. */
    public static PrimaryRole withoutArbiter(Settings settings, Beginning beginning) {
        AloneClaims none = new AloneClaims(beginning.term().owner(), false, 0, AloneRight.uncontested());
        return new PrimaryRole(settings, beginning, none);
    }

    /**
     * Begins the role where an arbiter says who may own the guest.
     *
     * @param graceNanos how long an armed backup may be away before the arbiter is asked
     * @param right by which the guest serves alone, if it does
     */
    public static PrimaryRole withArbiter(Settings settings, Beginning beginning, long graceNanos, AloneRight right) {
        return new PrimaryRole(
                settings, beginning, new AloneClaims(beginning.term().owner(), true, graceNanos, right));
    }

    /** The first event where no guest is found: whoever has a checkpoint of it may go on. */
    public List<PrimaryEffect> onStartWithoutGuest() {
        loseGuest("no guest runs here");
        return List.of();
    }

    /**
     * The first event where the guest is found. One that an earlier agent left paused goes on: its output is held all the
     * same.
     */
    public List<PrimaryEffect> onStart(boolean foundPaused, long nowNanos) {
        guestFound = true;
        pace.wantAtOnce(nowNanos);
        alone.onStart(nowNanos);
        return foundPaused ? List.of(new ResumeGuest()) : List.of();
    }

    // ---- the wall ----

    /** The wall is ours: hello has been answered. */
    public List<PrimaryEffect> onWallUp(long openEpoch, long nowNanos) {
        wallUp = true;
        lastEpoch = Math.max(lastEpoch, openEpoch - 1);
        highWater = false; // It may be another life of the wall; if not, it asks again.
        pace.onEpochOpened();
        List<PrimaryEffect> effects = new ArrayList<>();
        if (guestWaitsForRoom()) {
            atLimit = false;
            effects.addAll(resume());
        }
        if (servesAlone && !backupArmed && !guestGone && !alone.isRightMissing()) {
            chain.breakOff();
            effects.add(openWall("serves alone: no backup of term " + term.number() + " was armed"));
            return effects;
        }
        effects.addAll(beginIfDue(nowNanos));
        return effects;
    }

    /** The connection to the wall is lost. Nothing leaves; the guest goes on, unless it waits for room. */
    public List<PrimaryEffect> onWallDown(long nowNanos) {
        wallUp = false;
        if (handover.isDraining()) {
            return onWallDrained(); // What it held is gone with it.
        }
        List<PrimaryEffect> effects = new ArrayList<>(abandonHandover("the proxy is gone"));
        if (phase == Phase.PLACING) {
            phase = Phase.RUNNING;
            effects.addAll(resume());
        }
        return effects;
    }

    /** The wall holds much. Without a backup to take a checkpoint, the guest must wait (INV-5). */
    public List<PrimaryEffect> onHighWater(long nowNanos) {
        highWater = true;
        pace.wantAtOnce(nowNanos);
        return beginIfDue(nowNanos);
    }

    /** Output of {@code epoch} has been held for as long as it should be. */
    public List<PrimaryEffect> onOutputHeld(long epoch, long nowNanos) {
        if (epoch <= lastEpoch) {
            return List.of(); // Closed meanwhile.
        }
        pace.onOutputHeld();
        return beginIfDue(nowNanos);
    }

    // ---- the link ----

    /**
     * A backup has welcomed us. It starts from a full checkpoint, whatever it had.
     *
     * @param identity tells it from one that has lost its memory; empty if it has none
     * @param mayPromote whether it holds a checkpoint that it may promote
     */
    public List<PrimaryEffect> onLinkUp(long newSession, String identity, boolean mayPromote, long nowNanos) {
        if (backupArmed && !armedBackup.isEmpty() && !armedBackup.equals(identity)) {
            return List.of(
                    new RefuseBackup(
                            "this is not the backup that was told it may take over, or it has lost its memory, and the old one may run the"
                                    + " guest. Make sure that it does not; then `holdfast alone --force --reason ...` lets this one in"));
        }
        session = newSession;
        backup = identity;
        chain.breakOff();
        pace.want(nowNanos);
        if (handover.isGiven() && mayPromote) {
            return List.of(new HandOver(newSession, handover.reason()));
        }
        if (guestDeath != null) {
            return List.of(guestDeath);
        }
        List<PrimaryEffect> effects = new ArrayList<>();
        if (!mayPromote) {
            effects.addAll(onRelinquished(newSession, "it has come without a checkpoint that it may promote"));
        }
        effects.addAll(beginIfDue(nowNanos));
        return effects;
    }

    /**
     * The backup has nothing that it could promote, and will not before it is armed again. So nobody can contradict what the
     * guest says meanwhile.
     */
    public List<PrimaryEffect> onRelinquished(long ofSession, String reason) {
        if (ofSession != session || !backupArmed || (isGuestGone() && !handover.isUnderWay())) {
            return List.of();
        }
        backupArmed = false;
        armedSession = NO_SESSION;
        servesAlone = true;
        alone.onPromise();
        String because = "the backup cannot take over: " + reason;
        List<PrimaryEffect> effects = new ArrayList<>(abandonHandover(because));
        effects.add(new StoreRelinquished(because));
        if (wallUp) {
            effects.addAll(serveAlone(because));
        } else {
            chain.breakOff(); // Opened when the wall is back.
        }
        return effects;
    }

    /** The link of that session is lost. */
    public List<PrimaryEffect> onLinkDown(long lostSession, String reason, long nowNanos) {
        if (lostSession != session) {
            return List.of();
        }
        session = NO_SESSION;
        chain.breakOff();
        if (backupArmed) {
            alone.onBackupLost(nowNanos);
        }
        if (!wallUp || isGuestGone()) {
            return List.of();
        }
        if (backupArmed) {
            wallOpen = false;
            List<PrimaryEffect> effects = new ArrayList<>();
            effects.add(new SuspendWall("backup lost: " + reason));
            effects.addAll(abandonHandover("backup lost: " + reason));
            return effects;
        }
        return servesAlone ? serveAlone("serves alone: backup lost before it was armed: " + reason) : List.of();
    }

    /** The backup has every byte of that checkpoint, on an unbroken chain (INV-1, INV-11). */
    public List<PrimaryEffect> onConfirmed(long ofSession, long epoch, long nowNanos) {
        if (ofSession != session || !chain.confirm(epoch)) {
            return List.of();
        }
        List<PrimaryEffect> effects = new ArrayList<>();
        if (!backupArmed) {
            backupArmed = true;
            armedBackup = backup;
            effects.add(new StoreArmed(backup));
        }
        servesAlone = false;
        if (armedSession != session && !guestEnded) {
            armedSession = session;
            alone.onArmed(nowNanos);
            effects.add(new SendArmed(session, epoch));
        }
        if (wallUp) {
            effects.add(new Commit(epoch, nowNanos + settings.leaseNanos()));
        }
        if (lastWordsEpoch != Epoch.NONE && epoch >= lastWordsEpoch) {
            guestGone = true;
            if (handover.isUnderWay()) {
                handover.onConfirmed();
                effects.add(new DrainWall());
            }
        }
        if (guestWaitsForRoom()) {
            atLimit = false;
            effects.addAll(resume());
        }
        effects.addAll(beginIfDue(nowNanos));
        return effects;
    }

    /** That the backup may promote could not be written to disk, so it was not told, and nothing was committed. */
    public List<PrimaryEffect> onArmingFailed() {
        backupArmed = false;
        chain.breakOff();
        return List.of();
    }

    /**
     * A backup, or a rival, has turned us away.
     *
     * @param errorClass decides what its term means; only {@link BackupRole#STALE_TERM} ends ours
     * @param theirs the newest term that it knows
     */
    public List<PrimaryEffect> onRefused(String errorClass, Term theirs) {
        return switch (errorClass) {
            case BackupRole.STALE_TERM -> onNewerTerm(theirs);
            case BackupRole.TERM_FORGONE -> onTermForgone(theirs);
            case BackupRole.TERM_UNSERVED -> {
                onTermSeen(theirs);
                yield List.of();
            }
            default -> List.of();
        };
    }

    /** Somebody knows a newer term. It ends nothing, but the next one that is claimed here must be above it. */
    private void onTermSeen(Term seen) {
        if (seen.compareTo(highestTermSeen) > 0) {
            highestTermSeen = seen;
        }
    }

    /**
     * The backup has claimed a newer term, and promises that no guest will ever run under it. So the one here is the last, and
     * goes on under a term that is newer still, which the backup can follow.
     */
    private List<PrimaryEffect> onTermForgone(Term forgone) {
        onTermSeen(forgone);
        boolean mayGoOn = guestFound && (!isGuestGone() || isHandedOver());
        if (!term.isStaleAgainst(forgone) || !mayGoOn) {
            return List.of();
        }
        String because = "the backup has claimed term " + forgone + ", and promises that no guest runs under it";
        return List.of(new GoAlone(nextAloneTerm(term.owner()), because));
    }

    /** Somebody knows a newer term: ours is over. */
    public List<PrimaryEffect> onNewerTerm(Term newer) {
        if (!term.isStaleAgainst(newer)) {
            return List.of();
        }
        guestGone = true;
        return List.of(new StepDown(newer, "term " + newer + " is newer than ours, " + term));
    }

    // ---- the guest ----

    /** All memory was handed out for that session, or the session ended before it was. */
    public List<PrimaryEffect> onPrecopied(long ofSession, long nowNanos) {
        if (phase != Phase.PRECOPYING) {
            return List.of();
        }
        phase = Phase.RUNNING;
        if (ofSession == session) {
            chain.begin(session);
        }
        pace.want(nowNanos);
        return beginIfDue(nowNanos);
    }

    /** The guest stands still and has handed over its output. */
    public List<PrimaryEffect> onGuestPaused(long nowNanos) {
        guestPaused = true;
        if (phase == Phase.PAUSING_FOR_ROOM) {
            phase = Phase.RUNNING;
            if (wallUp && !servesNow()) {
                atLimit = true;
                return beginIfDue(nowNanos);
            }
            return resume();
        }
        if (phase != Phase.PAUSING || !wallUp) {
            phase = Phase.RUNNING;
            return resume();
        }
        return placeBarrier();
    }

    private List<PrimaryEffect> placeBarrier() {
        phase = Phase.PLACING;
        wallOpen = false;
        return List.of(new PlaceBarrier());
    }

    /**
     * The wall has closed {@code epoch}.
     *
     * @param wallAtLimit whether it can hardly hold more: then the guest stays paused until a commit (INV-5)
     */
    public List<PrimaryEffect> onBarrierPlaced(long epoch, boolean wallAtLimit, long nowNanos) {
        lastEpoch = Math.max(lastEpoch, epoch);
        if (phase != Phase.PLACING) {
            return List.of();
        }
        atLimit = wallAtLimit;
        highWater = false;
        pace.onEpochOpened();
        phase = Phase.CAPTURING;
        boolean unbroken = chain.reaches(session);
        if ((guestEnded || handover.isUnderWay()) && unbroken) {
            lastWordsEpoch = epoch;
            handover.onStandsStill(pace.pauseBeganNanos());
        }
        return List.of(new CaptureState(unbroken ? session : NO_SESSION, epoch, chain.baseEpoch()));
    }

    /** The state that ends {@code epoch} is captured; the guest may go on. */
    public List<PrimaryEffect> onStateCaptured(long epoch, long nowNanos) {
        if (phase != Phase.CAPTURING) {
            return List.of();
        }
        phase = Phase.RUNNING;
        pace.onEnded(nowNanos);
        List<PrimaryEffect> effects = new ArrayList<>();
        boolean unbroken = chain.reaches(session);
        boolean waitsForRoom = atLimit && (unbroken || !servesAlone);
        if (!waitsForRoom && lastWordsEpoch != epoch) {
            effects.addAll(resume());
        }
        if (unbroken) {
            chain.onShipped(epoch);
            effects.add(new Ship(session, epoch));
        } else {
            effects.add(new DropCaptured());
            effects.addAll(openAgain());
        }
        effects.addAll(beginIfDue(nowNanos));
        return effects;
    }

    /** Pausing, placing the barrier or capturing failed; the guest goes on and the chain is broken. */
    public List<PrimaryEffect> onCheckpointFailed(long nowNanos) {
        phase = Phase.RUNNING;
        chain.end();
        pace.onFailed(nowNanos);
        guestGone |= guestEnded;
        List<PrimaryEffect> effects = new ArrayList<>(forgetHandover("the checkpoint failed"));
        effects.addAll(resume());
        effects.add(new DropCaptured());
        effects.addAll(openAgain());
        return effects;
    }

    /**
     * What was shipped is not what the guest had: a change of its memory was missed. What the backup has confirmed is of no
     * use, what it will confirm must not be committed (INV-1), and it must not promote (INV-11). The guest goes on; the next
     * checkpoint begins with all memory.
     */
    public List<PrimaryEffect> onShippedStateWrong(String reason, long nowNanos) {
        List<PrimaryEffect> effects = new ArrayList<>();
        if (session != NO_SESSION) {
            effects.add(new RevokeCheckpoints(session, reason));
        }
        effects.addAll(onCheckpointFailed(nowNanos));
        chain.breakOff();
        armedSession = NO_SESSION;
        return effects;
    }

    /** The hypervisor process is gone: a backup that is armed may take over at once. */
    public List<PrimaryEffect> onHypervisorGone() {
        if (isGuestGone() && !isHandedOver()) {
            guestGone = true;
            return List.of();
        }
        ReportGuestDeath report = loseGuest("the hypervisor process is gone");
        List<PrimaryEffect> effects = new ArrayList<>(forgetHandover(report.reason()));
        // A guest that is started again here may be protected under this term, unless a backup has this one.
        if (backupArmed) {
            effects.add(new SealWall(report.reason()));
        } else {
            effects.add(new SuspendWall(report.reason()));
            effects.add(new DiscardHeld());
        }
        effects.add(report);
        return effects;
    }

    /**
     * The guest has ended by its own doing, and stands still: powered off, or its kernel panicked. Not a failure of this
     * host; its backup would do the same, and nobody resurrects a guest that was powered off.
     *
     * <p>The backup is told first. What it confirms after that is of a guest that it will not promote, and the last output
     * leaves with it.
     */
    public List<PrimaryEffect> onGuestEnded(String reason, long nowNanos) {
        if (isGuestGone()) {
            return List.of();
        }
        List<PrimaryEffect> effects = new ArrayList<>(forgetHandover(reason));
        guestEnded = true;
        guestPaused = true;
        guestDeath = new ReportGuestDeath(reason, false);
        pace.ask();
        effects.add(guestDeath);
        effects.addAll(beginIfDue(nowNanos));
        return effects;
    }

    // ---- time and the operator ----

    /** Time has passed. */
    public List<PrimaryEffect> onTick(long nowNanos) {
        List<PrimaryEffect> effects = new ArrayList<>();
        if (!isGuestGone()) {
            effects.addAll(endLeaseIfOver(nowNanos));
            alone.nextClaim(situation, nowNanos).ifPresent(claim -> effects.add(new AskArbiter(claim)));
        }
        effects.addAll(beginIfDue(nowNanos));
        return effects;
    }

    /** The operator wants a checkpoint now. */
    public List<PrimaryEffect> onCheckpointAsked(long nowNanos) {
        pace.ask();
        return beginIfDue(nowNanos);
    }

    /** The operator wants the backup to have the guest, which {@link #whyNotSwitchOver} does not forbid. */
    public List<PrimaryEffect> onSwitchoverAsked(String reason, long nowNanos) {
        handover.begin(reason);
        pace.ask();
        return beginIfDue(nowNanos);
    }

    /** All that the guest has said and that may leave has left. */
    public List<PrimaryEffect> onWallDrained() {
        if (!handover.isDraining()) {
            return List.of();
        }
        handover.onDrained();
        List<PrimaryEffect> effects = new ArrayList<>();
        if (wallUp) {
            effects.add(new SuspendWall("the guest is handed over: " + handover.reason()));
        }
        if (session != NO_SESSION) {
            effects.add(new HandOver(session, handover.reason()));
        }
        return effects;
    }

    /**
     * The right to go on alone was given and the new term is on disk.
     *
     * @param aloneTerm newer than the one before
     */
    public List<PrimaryEffect> onAloneGranted(Term aloneTerm, String reason) {
        term = aloneTerm;
        onTermSeen(aloneTerm);
        backupArmed = false;
        armedBackup = "";
        servesAlone = true;
        alone.onGoneAlone(aloneTerm);
        List<PrimaryEffect> effects = new ArrayList<>(abandonHandover(reason));
        effects.addAll(serveAlone(reason));
        if (session != NO_SESSION) {
            effects.add(
                    new CloseLink("going on under term " + aloneTerm)); // It has come back too late, and follows anew.
        }
        return effects;
    }

    /** The new term could not be written to disk. */
    public List<PrimaryEffect> onAloneNotStored(long nowNanos) {
        alone.onNotStored(nowNanos);
        return List.of();
    }

    // ---- the arbiter ----

    private final AloneClaims.Situation situation = new AloneClaims.Situation() {
        @Override
        public Term term() {
            return term;
        }

        @Override
        public Term highestTermSeen() {
            return highestTermSeen;
        }

        @Override
        public boolean isBackupArmed() {
            return backupArmed;
        }

        @Override
        public boolean isBackupConnected() {
            return session != NO_SESSION;
        }

        @Override
        public boolean servesAlone() {
            return servesAlone && !backupArmed;
        }

        @Override
        public boolean isWallUp() {
            return wallUp;
        }
    };

    /** The arbiter has answered. */
    public List<PrimaryEffect> onVerdict(Claim answered, Verdict verdict, long nowNanos) {
        if (isGuestGone()) {
            return List.of();
        }
        boolean servedByGrant = wallOpen && alone.right().kind() == AloneRight.Kind.GRANTED;
        return switch (alone.onVerdict(answered, verdict, situation, nowNanos)) {
            case NONE -> List.of();
            case MAY_SERVE -> serveByGrant();
            case GO_ALONE ->
                List.of(
                        new Audit(AuditEvent.ARBITER, "the arbiter grants term " + answered.wanted()),
                        new GoAlone(answered.wanted(), "the arbiter has granted term " + answered.wanted()));
            case OVERTAKEN -> onOvertaken(servedByGrant);
            case TROUBLE -> List.of(new Audit(AuditEvent.ARBITER, "the arbiter does not answer: " + alone.trouble()));
        };
    }

    /** A wall that is open already has its lease renewed; to open it while a checkpoint is under way would end that. */
    private List<PrimaryEffect> serveByGrant() {
        String reason = "serves alone: the arbiter has granted term " + term.number();
        if (wallOpen && wallUp) {
            return List.of(openWall(reason));
        }
        boolean armingBegun = chain.reaches(session);
        return wallUp && !armingBegun ? serveAlone(reason) : List.of();
    }

    private List<PrimaryEffect> onOvertaken(boolean servedByGrant) {
        String text = "the arbiter knows a newer term: "
                + alone.overtakenBy().map(Term::toString).orElse("");
        List<PrimaryEffect> effects = new ArrayList<>();
        effects.add(new Audit(AuditEvent.ARBITER, text));
        if (servedByGrant) {
            effects.addAll(sealTerm(text));
        }
        return effects;
    }

    private List<PrimaryEffect> endLeaseIfOver(long nowNanos) {
        if (!alone.endLeaseIfOver(nowNanos) || !wallOpen) {
            return List.of();
        }
        List<PrimaryEffect> effects = new ArrayList<>();
        effects.add(new Audit(AuditEvent.ARBITER, "the arbiter's lease of term " + term + " has run out"));
        effects.addAll(sealTerm("the arbiter's lease has run out"));
        return effects;
    }

    private List<PrimaryEffect> sealTerm(String reason) {
        wallOpen = false;
        alone.onTermEnded();
        return List.of(new SealWall(reason));
    }

    /** The wall has sealed our term by itself, because the lease had run out. */
    public List<PrimaryEffect> onLeaseSealed() {
        wallOpen = false;
        alone.onTermEnded();
        return List.of();
    }

    /** When {@link #onTick} may next do something; a hint. */
    public long nextCheckpointNanos() {
        return pace.dueNanos();
    }

    /** Whether there is no guest any more, or never was. */
    public boolean isGuestGone() {
        return guestGone || guestEnded;
    }

    /**
     * Whether a primary of an older term must end its guest because of ours. Not for a term that was claimed here and under which
     * no guest was ever seen: that promotion may have died on its way, and the older guest may be the last one.
     */
    public boolean deposes() {
        return guestFound;
    }

    /** Whether the guest is meant to run, and no pause is under way. */
    public boolean guestRuns() {
        return !guestPaused && !isGuestGone() && (phase == Phase.RUNNING || phase == Phase.PRECOPYING);
    }

    /** Whether the guest is paused because the wall is full. */
    public boolean guestWaitsForRoom() {
        return atLimit
                && guestPaused
                && lastWordsEpoch == Epoch.NONE
                && (phase == Phase.RUNNING || phase == Phase.PRECOPYING);
    }

    public Term term() {
        return term;
    }

    /** The newest epoch closed so far. */
    public long lastEpoch() {
        return lastEpoch;
    }

    public boolean isBackupArmed() {
        return backupArmed;
    }

    public boolean isBackupConnected() {
        return session != NO_SESSION;
    }

    /** Whether the backup that is connected may take over; {@link #isBackupArmed} may speak of one that was. */
    public boolean isProtected() {
        return session != NO_SESSION && armedSession == session;
    }

    /**
     * Whether nobody else can have the guest by right (INV-10): the backup that could is connected, and follows; or the guest
     * was taken over here, and the host that had it before gets no commit any more; or it goes on alone by the arbiter's grant.
     * One that goes on alone by an operator's word may have been deposed in the meantime, and hears of it only when it sees the
     * other host again.
     */
    public boolean isSureToOwn() {
        boolean granted = alone.right().kind() == AloneRight.Kind.GRANTED;
        boolean uncontested = isBackupConnected() || term.claim() == Term.Claim.PROMOTION || granted;
        return !isGuestGone() && uncontested && !isDeposable();
    }

    /** Out of sight, an armed backup may have taken over. */
    private boolean isDeposable() {
        return backupArmed && !isBackupConnected();
    }

    /** What keeps the guest from being handed over to the backup, in words; empty if nothing. */
    public String whyNotSwitchOver() {
        if (handover.isUnderWay()) {
            return "the guest is being handed over already: " + handover.progress();
        }
        if (isGuestGone()) {
            return "no guest runs here";
        }
        if (!wallUp) {
            return "the proxy does not answer";
        }
        return isProtected() ? "" : "no backup is armed that could take over";
    }

    /** How far a switchover is, or how one ended that came to nothing, in words; empty if there was none. */
    public String switchoverProgress() {
        return handover.progress();
    }

    /** Whether the backup has, or is about to have, the right to the guest, which stands still here. */
    public boolean isHandedOver() {
        return handover.isDraining() || handover.isGiven();
    }

    /** Since when the guest stands still that was handed over; monotonic. */
    public long handoverPausedNanos() {
        return handover.pausedNanos();
    }

    /** The term by which {@code host} goes on alone after all that was seen. */
    public Term nextAloneTerm(String host) {
        return alone.overtakenBy()
                .filter(newer -> newer.compareTo(highestTermSeen) > 0)
                .orElse(highestTermSeen)
                .aloneOf(host);
    }

    /** By what right the guest serves alone, or would; meaningless while a backup is armed. */
    public AloneRight aloneRight() {
        return alone.right();
    }

    /** What is missing for the guest to serve, in words; empty if nothing is, or if no arbiter can help. */
    public String waitsForArbiter() {
        boolean wantsToServe = !isGuestGone() && (servesAlone ? alone.isRightMissing() : isDeposable());
        if (!wantsToServe || !alone.isArbitrated()) {
            return "";
        }
        return alone.overtakenBy()
                .map(newer -> "the owner of term " + newer + ", which the arbiter has granted")
                .orElse(
                        alone.trouble().isEmpty()
                                ? "the arbiter's word"
                                : "the arbiter's word (" + alone.trouble() + ")");
    }

    /** Checkpoints that were shipped and are not yet confirmed. */
    public int epochsInFlight() {
        return chain.inFlight();
    }

    private List<PrimaryEffect> beginIfDue(long nowNanos) {
        boolean over = guestGone || lastWordsEpoch != Epoch.NONE;
        if (!pace.isDue(nowNanos) || over || phase != Phase.RUNNING) {
            return List.of();
        }
        if (session == NO_SESSION) {
            return pauseForRoom();
        }
        if (!chain.reaches(session)) {
            phase = Phase.PRECOPYING;
            return List.of(new Precopy(session));
        }
        boolean waitsForRoom = chain.inFlight() >= settings.epochsInFlight() || (atLimit && chain.inFlight() > 0);
        if (!wallUp || waitsForRoom) {
            return List.of();
        }
        pace.onBegun(nowNanos);
        if (guestPaused) {
            return placeBarrier();
        }
        phase = Phase.PAUSING;
        return List.of(new PauseGuest());
    }

    /** The guest goes on here; where a capture is under way, after that. */
    private List<PrimaryEffect> abandonHandover(String reason) {
        boolean standsStill = handover.isUnderWay() && lastWordsEpoch != Epoch.NONE && phase == Phase.RUNNING;
        List<PrimaryEffect> effects = new ArrayList<>(forgetHandover(reason));
        if (standsStill) {
            guestGone = false;
            effects.addAll(resume());
        }
        return effects;
    }

    private List<PrimaryEffect> forgetHandover(String reason) {
        if (!handover.isUnderWay()) {
            return List.of();
        }
        handover.abandon(reason);
        lastWordsEpoch = Epoch.NONE;
        return List.of(new Note("the switchover is abandoned: " + reason));
    }

    private List<PrimaryEffect> serveAlone(String reason) {
        chain.breakOff();
        if (alone.isRightMissing()) {
            return List.of();
        }
        List<PrimaryEffect> effects = new ArrayList<>();
        effects.add(openWall(reason));
        if (guestWaitsForRoom()) {
            effects.addAll(resume());
        }
        atLimit = false;
        return effects;
    }

    private OpenWall openWall(String reason) {
        wallOpen = true;
        return new OpenWall(reason, alone.right().leaseUntilNanos());
    }

    private boolean servesNow() {
        return servesAlone && !alone.isRightMissing();
    }

    /** The barrier of a checkpoint that came to nothing has shut the wall of a guest that serves alone. */
    private List<PrimaryEffect> openAgain() {
        if (!servesNow() || backupArmed || !wallUp || isGuestGone()) {
            return List.of();
        }
        chain.breakOff();
        return List.of(openWall("serves alone: the first checkpoint of a backup came to nothing"));
    }

    /** No checkpoint can make room: the guest must not go on to send what would be dropped. */
    private List<PrimaryEffect> pauseForRoom() {
        if (!highWater || servesNow() || !wallUp || guestPaused) {
            return List.of();
        }
        phase = Phase.PAUSING_FOR_ROOM;
        return List.of(new Note("the wall fills and there is no backup: the guest waits, paused"), new PauseGuest());
    }

    /** Also for a backup that connects later. */
    private ReportGuestDeath loseGuest(String reason) {
        guestGone = true;
        phase = Phase.RUNNING;
        guestDeath = new ReportGuestDeath(reason, true);
        return guestDeath;
    }

    private List<PrimaryEffect> resume() {
        if (isGuestGone()) {
            return List.of();
        }
        guestPaused = false;
        return List.of(new ResumeGuest());
    }
}
