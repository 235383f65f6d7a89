package io.holdfast.agent.role;

import io.holdfast.agent.arbiter.Claim;
import io.holdfast.agent.arbiter.Verdict;
import io.holdfast.agent.role.PrimaryEffect.CloseLink;
import io.holdfast.agent.role.PrimaryEffect.Commit;
import io.holdfast.agent.role.PrimaryEffect.DiscardHeld;
import io.holdfast.agent.role.PrimaryEffect.HandOver;
import io.holdfast.agent.role.PrimaryEffect.RefuseBackup;
import io.holdfast.agent.role.PrimaryEffect.ReportGuestDeath;
import io.holdfast.agent.role.PrimaryEffect.ResumeGuest;
import io.holdfast.agent.role.PrimaryEffect.RevokeCheckpoints;
import io.holdfast.agent.role.PrimaryEffect.SealWall;
import io.holdfast.agent.role.PrimaryEffect.SendArmed;
import io.holdfast.agent.role.PrimaryEffect.StepDown;
import io.holdfast.agent.role.PrimaryEffect.StoreArmed;
import io.holdfast.agent.role.PrimaryEffect.StoreRelinquished;
import io.holdfast.agent.role.PrimaryEffect.SuspendWall;
import io.holdfast.wall.Term;
import java.util.ArrayList;
import java.util.List;

/**
 * Decides what the primary's agent does: when the guest is paused, when a barrier is placed, what is shipped, what the
 * wall is told. Answers each event with the effects to carry out.
 *
 * <p>It is the door to four subjects, and decides what an event of one means for the others: what becomes of the guest here
 * ({@link PrimaryGuest}), which backup has what of it ({@link KnownBackup}), how it gets from one checkpoint to the next ({@link
 * CheckpointCycle}), and by what right it serves without a backup ({@link AloneService}).
 *
 * <p>The backup must not promote before it was <i>armed</i>: told so after its first confirmation. Until then this side
 * knows that nobody can contradict it, and a guest that served alone before goes on alone if the backup breaks off.
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

    private final Settings settings;
    private final PrimaryGuest guest = new PrimaryGuest();
    private final PrimaryWall wall = new PrimaryWall();
    private final Handover handover = new Handover();
    private final KnownBackup backup;
    private final AloneService alone;
    private final CheckpointCycle cycle;

    private PrimaryRole(Settings settings, Beginning beginning, AloneClaims claims) {
        this.settings = settings;
        this.backup = new KnownBackup(beginning.backupArmed(), beginning.armedBackup());
        this.alone = new AloneService(beginning.term(), beginning.servesAlone(), claims, guest, wall, backup);
        CheckpointPace pace =
                new CheckpointPace(settings.intervalNanos(), settings.pauseBudgetPercent(), settings.retryNanos());
        this.cycle = new CheckpointCycle(
                pace, settings.epochsInFlight(), beginning.lastEpoch(), guest, wall, backup, alone, handover);
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
        guest.die("no guest runs here");
        return List.of();
    }

    /**
     * The first event where the guest is found. One that an earlier agent left paused goes on: its output is held all the
     * same.
     */
    public List<PrimaryEffect> onStart(boolean foundPaused, long nowNanos) {
        guest.onFound();
        cycle.onStart(nowNanos);
        alone.onStart(nowNanos);
        return foundPaused ? List.of(new ResumeGuest()) : List.of();
    }

    // ---- the wall ----

    /** The wall is ours: hello has been answered. */
    public List<PrimaryEffect> onWallUp(long openEpoch, long nowNanos) {
        wall.onUp();
        List<PrimaryEffect> effects = new ArrayList<>(cycle.onWallUp(openEpoch));
        List<PrimaryEffect> opened = alone.onWallUp();
        effects.addAll(opened.isEmpty() ? cycle.beginIfDue(nowNanos) : opened);
        return effects;
    }

    /** The connection to the wall is lost. Nothing leaves; the guest goes on, unless it waits for room. */
    public List<PrimaryEffect> onWallDown(long nowNanos) {
        wall.onDown();
        if (handover.isDraining()) {
            return onWallDrained(); // What it held is gone with it.
        }
        List<PrimaryEffect> effects = new ArrayList<>(cycle.abandonHandover("the proxy is gone"));
        effects.addAll(cycle.onWallDown());
        return effects;
    }

    /** The wall holds much. Without a backup to take a checkpoint, the guest must wait (INV-5). */
    public List<PrimaryEffect> onHighWater(long nowNanos) {
        cycle.onHighWater(nowNanos);
        return cycle.beginIfDue(nowNanos);
    }

    /** Output of {@code epoch} has been held for as long as it should be. */
    public List<PrimaryEffect> onOutputHeld(long epoch, long nowNanos) {
        return cycle.onOutputHeld(epoch, nowNanos);
    }

    /** All that the guest has said and that may leave has left. */
    public List<PrimaryEffect> onWallDrained() {
        if (!handover.isDraining()) {
            return List.of();
        }
        handover.onDrained();
        List<PrimaryEffect> effects = new ArrayList<>();
        if (wall.isUp()) {
            effects.add(new SuspendWall("the guest is handed over: " + handover.reason()));
        }
        if (backup.isConnected()) {
            effects.add(new HandOver(backup.session(), handover.reason()));
        }
        return effects;
    }

    // ---- the link ----

    /**
     * A backup has welcomed us. It starts from a full checkpoint, whatever it had.
     *
     * <p>One that answers a hello of before we went on alone believes in a term that is over, and would claim the next one after
     * it, which may be ours or older (INV-9). It is asked again.
     *
     * @param followed the term that it follows
     * @param identity tells it from one that has lost its memory; empty if it has none
     * @param mayPromote whether it holds a checkpoint that it may promote
     */
    public List<PrimaryEffect> onLinkUp(
            long newSession, Term followed, String identity, boolean mayPromote, long nowNanos) {
        if (!followed.equals(term())) {
            return List.of(
                    new CloseLink("the backup follows term " + followed + ", and ours is " + term() + " by now"));
        }
        if (!backup.admits(identity)) {
            return List.of(
                    new RefuseBackup(
                            "this is not the backup that was told it may take over, or it has lost its memory, and the old one may run the"
                                    + " guest. Make sure that it does not; then `holdfast alone --force --reason ...` lets this one in"));
        }
        backup.onConnected(newSession, identity);
        cycle.onBackupConnected(nowNanos);
        if (handover.isGiven() && mayPromote) {
            return List.of(new HandOver(newSession, handover.reason()));
        }
        if (guest.death().isPresent()) {
            return List.of(guest.death().get());
        }
        List<PrimaryEffect> effects = new ArrayList<>();
        if (!mayPromote) {
            effects.addAll(onRelinquished(newSession, "it has come without a checkpoint that it may promote"));
        }
        effects.addAll(cycle.beginIfDue(nowNanos));
        return effects;
    }

    /**
     * The backup has nothing that it could promote, and will not before it is armed again. So nobody can contradict what the
     * guest says meanwhile.
     */
    public List<PrimaryEffect> onRelinquished(long ofSession, String reason) {
        boolean guestIsOver = guest.isOver() && !handover.isUnderWay();
        if (!backup.isOf(ofSession) || !backup.isArmed() || guestIsOver) {
            return List.of();
        }
        backup.onPromise();
        alone.onPromise();
        String because = "the backup cannot take over: " + reason;
        List<PrimaryEffect> effects = new ArrayList<>(cycle.abandonHandover(because));
        effects.add(new StoreRelinquished(because));
        if (wall.isUp()) {
            effects.addAll(serveAlone(because));
        } else {
            backup.chain().breakOff(); // Opened when the wall is back.
        }
        return effects;
    }

    /** The link of that session is lost. */
    public List<PrimaryEffect> onLinkDown(long lostSession, String reason, long nowNanos) {
        if (!backup.isOf(lostSession)) {
            return List.of();
        }
        backup.onDisconnected();
        if (backup.isArmed()) {
            alone.onBackupLost(nowNanos);
        }
        if (!wall.isUp() || guest.isOver()) {
            return List.of();
        }
        if (backup.isArmed()) {
            wall.onClosed();
            List<PrimaryEffect> effects = new ArrayList<>();
            effects.add(new SuspendWall("backup lost: " + reason));
            effects.addAll(cycle.abandonHandover("backup lost: " + reason));
            return effects;
        }
        return alone.servesAlone() ? serveAlone("serves alone: backup lost before it was armed: " + reason) : List.of();
    }

    /** The backup has every byte of that checkpoint, on an unbroken chain (INV-1, INV-11). */
    public List<PrimaryEffect> onConfirmed(long ofSession, long epoch, long nowNanos) {
        if (!backup.isOf(ofSession) || !backup.chain().confirm(epoch)) {
            return List.of();
        }
        return backup.isArmed()
                ? commit(epoch, nowNanos)
                : List.of(new StoreArmed(ofSession, backup.identity(), epoch, nowNanos));
    }

    /**
     * It is on disk that the backup may promote. Until then it is not told so, nothing is committed, and a guest that serves alone
     * goes on with that if the backup is lost.
     */
    public List<PrimaryEffect> onArmedStored(StoreArmed stored) {
        if (!backup.isOf(stored.session())) {
            return List.of();
        }
        backup.onArmed();
        return commit(stored.epoch(), stored.confirmedNanos());
    }

    /**
     * It cannot be written to disk that the backup may promote. A restarted agent would not know of it and serve alone, so the backup
     * has to come again, until the disk can be written.
     */
    public List<PrimaryEffect> onArmingFailed(StoreArmed failed, String reason) {
        if (!backup.isOf(failed.session())) {
            return List.of();
        }
        backup.chain().breakOff();
        return List.of(new CloseLink(reason));
    }

    /** Its lease counts from the confirmation. */
    private List<PrimaryEffect> commit(long epoch, long confirmedNanos) {
        List<PrimaryEffect> effects = new ArrayList<>();
        alone.onProtected();
        if (!backup.mayTakeOver() && !guest.hasEnded()) {
            backup.onTold();
            alone.onArmed(confirmedNanos);
            effects.add(new SendArmed(backup.session(), epoch));
        }
        if (wall.isUp()) {
            effects.add(new Commit(epoch, confirmedNanos + settings.leaseNanos()));
        }
        effects.addAll(cycle.onConfirmed(epoch, confirmedNanos));
        return effects;
    }

    // ---- newer terms ----

    /**
     * A backup, or a rival, has turned us away.
     *
     * @param errorClass decides what its term means; only {@link BackupRole#STALE_TERM} ends ours
     * @param theirs the newest term that it knows
     */
    public List<PrimaryEffect> onRefused(String errorClass, Term theirs) {
        return switch (errorClass) {
            case BackupRole.STALE_TERM -> onNewerTerm(theirs);
            case BackupRole.TERM_FORGONE -> alone.onTermForgone(theirs, isHandedOver());
            case BackupRole.TERM_UNSERVED -> {
                alone.onTermSeen(theirs);
                yield List.of();
            }
            default -> List.of();
        };
    }

    /**
     * The wall has refused us. If it is of this host alone, a newer term there is this host's own, or the operator's: ours is over. If
     * it stands before both hosts, the other one introduces itself there before its guest runs, and the guest here may be the last one.
     * So it goes on, unheard, until the other host says that it runs the guest.
     *
     * @param seen the newest term that the wall knows
     * @param beforeBoth whether it is the wall of both hosts
     */
    public List<PrimaryEffect> onTermSeenAtWall(Term seen, boolean beforeBoth) {
        return onRefused(beforeBoth ? BackupRole.TERM_UNSERVED : BackupRole.STALE_TERM, seen);
    }

    /** Somebody knows a newer term: ours is over. */
    public List<PrimaryEffect> onNewerTerm(Term newer) {
        if (!term().isStaleAgainst(newer)) {
            return List.of();
        }
        guest.onGone();
        return List.of(new StepDown(newer, "term " + newer + " is newer than ours, " + term()));
    }

    // ---- the guest ----

    /** All memory was handed out for that session, or the session ended before it was. */
    public List<PrimaryEffect> onPrecopied(long ofSession, long nowNanos) {
        return cycle.onPrecopied(ofSession, nowNanos);
    }

    /** The guest stands still and has handed over its output. */
    public List<PrimaryEffect> onGuestPaused(long nowNanos) {
        return cycle.onGuestPaused(nowNanos);
    }

    /**
     * The wall has closed {@code epoch}.
     *
     * @param wallAtLimit whether it can hardly hold more: then the guest stays paused until a commit (INV-5)
     */
    public List<PrimaryEffect> onBarrierPlaced(long epoch, boolean wallAtLimit, long nowNanos) {
        return cycle.onBarrierPlaced(epoch, wallAtLimit);
    }

    /** The state that ends {@code epoch} is captured; the guest may go on. */
    public List<PrimaryEffect> onStateCaptured(long epoch, long nowNanos) {
        return cycle.onStateCaptured(epoch, nowNanos);
    }

    /** Pausing, placing the barrier or capturing failed; the guest goes on and the chain is broken. */
    public List<PrimaryEffect> onCheckpointFailed(long nowNanos) {
        return cycle.onFailed(nowNanos);
    }

    /**
     * What was shipped is not what the guest had: a change of its memory was missed. What the backup has confirmed is of no
     * use, what it will confirm must not be committed (INV-1), and it must not promote (INV-11). The guest goes on; the next
     * checkpoint begins with all memory.
     */
    public List<PrimaryEffect> onShippedStateWrong(String reason, long nowNanos) {
        List<PrimaryEffect> effects = new ArrayList<>();
        if (backup.isConnected()) {
            effects.add(new RevokeCheckpoints(backup.session(), reason));
        }
        effects.addAll(cycle.onFailed(nowNanos));
        backup.onRevoked();
        return effects;
    }

    /** The hypervisor process is gone: a backup that is armed may take over at once. */
    public List<PrimaryEffect> onHypervisorGone() {
        if (guest.isOver() && !isHandedOver()) {
            guest.onGone();
            return List.of();
        }
        ReportGuestDeath report = guest.die("the hypervisor process is gone");
        cycle.onGuestGone();
        List<PrimaryEffect> effects = new ArrayList<>(cycle.forgetHandover(report.reason()));
        // A guest that is started again here may be protected under this term, unless a backup has this one.
        if (backup.isArmed()) {
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
        if (guest.isOver()) {
            return List.of();
        }
        List<PrimaryEffect> effects = new ArrayList<>(cycle.forgetHandover(reason));
        effects.add(guest.end(reason));
        cycle.ask();
        effects.addAll(cycle.beginIfDue(nowNanos));
        return effects;
    }

    // ---- time, the arbiter and the operator ----

    /** Time has passed. */
    public List<PrimaryEffect> onTick(long nowNanos) {
        List<PrimaryEffect> effects = new ArrayList<>();
        if (!guest.isOver()) {
            effects.addAll(alone.onTick(nowNanos));
        }
        effects.addAll(cycle.beginIfDue(nowNanos));
        return effects;
    }

    /** The operator wants a checkpoint now. */
    public List<PrimaryEffect> onCheckpointAsked(long nowNanos) {
        cycle.ask();
        return cycle.beginIfDue(nowNanos);
    }

    /** The operator wants the backup to have the guest, which {@link #whyNotSwitchOver} does not forbid. */
    public List<PrimaryEffect> onSwitchoverAsked(String reason, long nowNanos) {
        handover.begin(reason);
        cycle.ask();
        return cycle.beginIfDue(nowNanos);
    }

    /** The arbiter has answered. */
    public List<PrimaryEffect> onVerdict(Claim answered, Verdict verdict, long nowNanos) {
        if (guest.isOver()) {
            return List.of();
        }
        boolean wasOpen = wall.isOpen();
        List<PrimaryEffect> effects = new ArrayList<>(alone.onVerdict(answered, verdict, nowNanos));
        if (wall.isOpen() && !wasOpen) {
            effects.addAll(cycle.onWallOpened());
        }
        return effects;
    }

    /**
     * The right to go on alone was given and the new term is on disk.
     *
     * @param aloneTerm newer than the one before
     */
    public List<PrimaryEffect> onAloneGranted(Term aloneTerm, String reason) {
        backup.onNewTerm();
        alone.onGranted(aloneTerm);
        List<PrimaryEffect> effects = new ArrayList<>(cycle.abandonHandover(reason));
        effects.addAll(serveAlone(reason));
        if (backup.isConnected()) {
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

    /** The wall has sealed our term by itself, because the lease had run out. */
    public List<PrimaryEffect> onLeaseSealed() {
        alone.onLeaseSealed();
        return List.of();
    }

    private List<PrimaryEffect> serveAlone(String reason) {
        List<PrimaryEffect> effects = new ArrayList<>(alone.open(reason));
        if (!effects.isEmpty()) {
            effects.addAll(cycle.onWallOpened());
        }
        return effects;
    }

    // ---- what others may know ----

    /** When {@link #onTick} may next do something; a hint. */
    public long nextCheckpointNanos() {
        return cycle.dueNanos();
    }

    /** Whether there is no guest any more, or never was. */
    public boolean isGuestGone() {
        return guest.isOver();
    }

    /** Whether nothing is left here that could go on. */
    public boolean isGuestLost() {
        return guest.isGone() && !isHandedOver();
    }

    /**
     * Whether a primary of an older term must end its guest because of ours. Not for a term that was claimed here and under which
     * no guest was ever seen: that promotion may have died on its way, and the older guest may be the last one.
     */
    public boolean deposes() {
        return guest.isFound();
    }

    /** Whether the guest is meant to run, and no pause is under way. */
    public boolean guestRuns() {
        return cycle.guestRuns();
    }

    /** Whether the guest is paused because the wall is full. */
    public boolean guestWaitsForRoom() {
        return cycle.guestWaitsForRoom();
    }

    public Term term() {
        return alone.term();
    }

    /** The newest epoch closed so far. */
    public long lastEpoch() {
        return cycle.lastEpoch();
    }

    /** Checkpoints that were shipped and are not yet confirmed. */
    public int epochsInFlight() {
        return backup.chain().inFlight();
    }

    public boolean isBackupArmed() {
        return backup.isArmed();
    }

    public boolean isBackupConnected() {
        return backup.isConnected();
    }

    /** Whether the backup that is connected may take over; {@link #isBackupArmed} may speak of one that was. */
    public boolean isProtected() {
        return backup.mayTakeOver();
    }

    /**
     * Whether nobody else can have the guest by right (INV-10): the backup that could is connected, and follows; or the guest
     * was taken over here, and the host that had it before gets no commit any more; or it goes on alone by the arbiter's grant.
     * One that goes on alone by an operator's word may have been deposed in the meantime, and hears of it only when it sees the
     * other host again.
     */
    public boolean isSureToOwn() {
        boolean uncontested = backup.isConnected() || term().claim() == Term.Claim.PROMOTION || alone.isGranted();
        return !guest.isOver() && uncontested && !backup.mayHaveTakenOver();
    }

    /** What keeps the guest from being handed over to the backup, in words; empty if nothing. */
    public String whyNotSwitchOver() {
        if (handover.isUnderWay()) {
            return "the guest is being handed over already: " + handover.progress();
        }
        if (guest.isOver()) {
            return "no guest runs here";
        }
        if (!wall.isUp()) {
            return "the proxy does not answer";
        }
        return backup.mayTakeOver() ? "" : "no backup is armed that could take over";
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
        return alone.nextTerm(host);
    }

    /** By what right the guest serves alone, or would; meaningless while a backup is armed. */
    public AloneRight aloneRight() {
        return alone.right();
    }

    /** What is missing for the guest to serve, in words; empty if nothing is, or if no arbiter can help. */
    public String waitsForArbiter() {
        return alone.waitsForArbiter();
    }
}
