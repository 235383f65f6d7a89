package io.holdfast.agent.role;

import io.holdfast.agent.role.PrimaryEffect.CaptureState;
import io.holdfast.agent.role.PrimaryEffect.DrainWall;
import io.holdfast.agent.role.PrimaryEffect.DropCaptured;
import io.holdfast.agent.role.PrimaryEffect.Note;
import io.holdfast.agent.role.PrimaryEffect.PauseGuest;
import io.holdfast.agent.role.PrimaryEffect.PlaceBarrier;
import io.holdfast.agent.role.PrimaryEffect.Precopy;
import io.holdfast.agent.role.PrimaryEffect.Ship;
import java.util.ArrayList;
import java.util.List;

/**
 * Takes the primary's guest from one checkpoint to the next: when it is paused, when a barrier is placed, when it goes on and what is
 * shipped. Which checkpoint is the last, because the guest has ended or is handed over, is known here as well.
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
 * <p>Not thread-safe. Times are monotonic.
 */
final class CheckpointCycle {

    private enum Phase {
        /** No checkpoint is being taken. */
        RUNNING,
        /** The backup is being sent all memory, while the guest runs. */
        PRECOPYING,
        /** The guest is told to stand still, for a checkpoint. */
        PAUSING,
        /** The guest is told to stand still, because no checkpoint can make room in the wall. */
        PAUSING_FOR_ROOM,
        /** The guest stands still, and the wall closes the epoch. */
        PLACING,
        /** The state that ends the epoch is being taken. */
        CAPTURING
    }

    private static final long NO_SESSION = 0;

    private final CheckpointPace pace;
    private final int epochsInFlight;
    private final PrimaryGuest guest;
    private final PrimaryWall wall;
    private final KnownBackup backup;
    private final AloneService alone;
    private final Handover handover;

    private Phase phase = Phase.RUNNING;
    private long lastEpoch;

    /** The guest stays paused until the wall has room again. */
    private boolean atLimit;

    /** The wall has passed its high-water mark since the last barrier. */
    private boolean highWater;

    /**
     * Before the first checkpoint.
     *
     * @param epochsInFlight shipped and not yet confirmed, at most
     * @param lastEpoch the newest epoch that was ever closed, as far as known
     */
    CheckpointCycle(
            CheckpointPace pace,
            int epochsInFlight,
            long lastEpoch,
            PrimaryGuest guest,
            PrimaryWall wall,
            KnownBackup backup,
            AloneService alone,
            Handover handover) {
        this.pace = pace;
        this.epochsInFlight = epochsInFlight;
        this.lastEpoch = lastEpoch;
        this.guest = guest;
        this.wall = wall;
        this.backup = backup;
        this.alone = alone;
        this.handover = handover;
    }

    // ---- when ----

    /** The first event. */
    void onStart(long nowNanos) {
        pace.wantAtOnce(nowNanos);
    }

    /** A backup has come, and needs one. */
    void onBackupConnected(long nowNanos) {
        pace.want(nowNanos);
    }

    /** Somebody asks for a checkpoint, whatever it costs the guest. */
    void ask() {
        pace.ask();
    }

    /** The wall holds much. */
    void onHighWater(long nowNanos) {
        highWater = true;
        pace.wantAtOnce(nowNanos);
    }

    /** Output of {@code epoch} has been held for as long as it should be. */
    List<PrimaryEffect> onOutputHeld(long epoch, long nowNanos) {
        if (epoch <= lastEpoch) {
            return List.of(); // Closed meanwhile.
        }
        pace.onOutputHeld();
        return beginIfDue(nowNanos);
    }

    /** Begins a checkpoint, or a precopy before the first; if no backup can have either, and room is short, pauses the guest. */
    List<PrimaryEffect> beginIfDue(long nowNanos) {
        boolean over = guest.isGone() || guest.hasLastWords();
        if (!pace.isDue(nowNanos) || over || phase != Phase.RUNNING) {
            return List.of();
        }
        if (!backup.isConnected()) {
            return pauseForRoom();
        }
        if (!backup.isReached()) {
            phase = Phase.PRECOPYING;
            return List.of(new Precopy(backup.session()));
        }
        boolean waitsForRoom = backup.chain().inFlight() >= epochsInFlight
                || (atLimit && backup.chain().inFlight() > 0);
        if (!wall.isUp() || waitsForRoom) {
            return List.of();
        }
        pace.onBegun(nowNanos);
        if (guest.isPaused()) {
            return placeBarrier();
        }
        phase = Phase.PAUSING;
        return List.of(new PauseGuest());
    }

    /** No checkpoint can make room: the guest must not go on to send what would be dropped. */
    private List<PrimaryEffect> pauseForRoom() {
        if (!highWater || alone.servesNow() || !wall.isUp() || guest.isPaused()) {
            return List.of();
        }
        phase = Phase.PAUSING_FOR_ROOM;
        return List.of(new Note("the wall fills and there is no backup: the guest waits, paused"), new PauseGuest());
    }

    // ---- the steps ----

    /** All memory was handed out for that session, or the session ended before it was. */
    List<PrimaryEffect> onPrecopied(long ofSession, long nowNanos) {
        if (phase != Phase.PRECOPYING) {
            return List.of();
        }
        phase = Phase.RUNNING;
        if (backup.isOf(ofSession)) {
            backup.chain().begin(ofSession);
        }
        pace.want(nowNanos);
        return beginIfDue(nowNanos);
    }

    /** The guest stands still and has handed over its output. */
    List<PrimaryEffect> onGuestPaused(long nowNanos) {
        guest.onPaused();
        if (phase == Phase.PAUSING_FOR_ROOM) {
            phase = Phase.RUNNING;
            if (wall.isUp() && !alone.servesNow()) {
                atLimit = true;
                return beginIfDue(nowNanos);
            }
            return guest.resume();
        }
        if (phase != Phase.PAUSING || !wall.isUp()) {
            phase = Phase.RUNNING;
            return guest.resume();
        }
        return placeBarrier();
    }

    private List<PrimaryEffect> placeBarrier() {
        phase = Phase.PLACING;
        wall.onClosed();
        return List.of(new PlaceBarrier());
    }

    /** The wall has closed {@code epoch}, and may hardly be able to hold more. */
    List<PrimaryEffect> onBarrierPlaced(long epoch, boolean wallAtLimit) {
        lastEpoch = Math.max(lastEpoch, epoch);
        if (phase != Phase.PLACING) {
            return List.of();
        }
        atLimit = wallAtLimit;
        highWater = false;
        pace.onEpochOpened();
        phase = Phase.CAPTURING;
        boolean unbroken = backup.isReached();
        if ((guest.hasEnded() || handover.isUnderWay()) && unbroken) {
            guest.onLastWords(epoch);
            handover.onStandsStill(pace.pauseBeganNanos());
        }
        return List.of(new CaptureState(
                unbroken ? backup.session() : NO_SESSION, epoch, backup.chain().baseEpoch()));
    }

    /** The state that ends {@code epoch} is captured; the guest may go on. */
    List<PrimaryEffect> onStateCaptured(long epoch, long nowNanos) {
        if (phase != Phase.CAPTURING) {
            return List.of();
        }
        phase = Phase.RUNNING;
        pace.onEnded(nowNanos);
        List<PrimaryEffect> effects = new ArrayList<>();
        boolean unbroken = backup.isReached();
        boolean waitsForRoom = atLimit && (unbroken || !alone.servesAlone());
        if (!waitsForRoom && !guest.hasLastWordsIn(epoch)) {
            effects.addAll(guest.resume());
        }
        if (unbroken) {
            backup.chain().onShipped(epoch);
            effects.add(new Ship(backup.session(), epoch));
        } else {
            effects.add(new DropCaptured());
            effects.addAll(alone.openAgain());
        }
        effects.addAll(beginIfDue(nowNanos));
        return effects;
    }

    /** The backup has that checkpoint, and the wall is told, so that it has room again. */
    List<PrimaryEffect> onConfirmed(long epoch, long nowNanos) {
        List<PrimaryEffect> effects = new ArrayList<>();
        if (guest.hasLastWordsUpTo(epoch)) {
            guest.onGone();
            if (handover.isUnderWay()) {
                handover.onConfirmed();
                effects.add(new DrainWall());
            }
        }
        if (guestWaitsForRoom()) {
            atLimit = false;
            effects.addAll(guest.resume());
        }
        effects.addAll(beginIfDue(nowNanos));
        return effects;
    }

    /** Pausing, placing the barrier or capturing failed; the guest goes on and the chain is broken. */
    List<PrimaryEffect> onFailed(long nowNanos) {
        phase = Phase.RUNNING;
        backup.chain().end();
        pace.onFailed(nowNanos);
        guest.onCheckpointFailed();
        List<PrimaryEffect> effects = new ArrayList<>(forgetHandover("the checkpoint failed"));
        effects.addAll(guest.resume());
        effects.add(new DropCaptured());
        effects.addAll(alone.openAgain());
        return effects;
    }

    /** There is no guest any more of which a checkpoint could be under way. */
    void onGuestGone() {
        phase = Phase.RUNNING;
    }

    // ---- the wall ----

    /** The wall is ours. It may be another life of it, which asks again for what it wants. */
    List<PrimaryEffect> onWallUp(long openEpoch) {
        lastEpoch = Math.max(lastEpoch, openEpoch - 1);
        highWater = false;
        pace.onEpochOpened();
        if (!guestWaitsForRoom()) {
            return List.of();
        }
        atLimit = false;
        return guest.resume();
    }

    /** The connection to the wall is lost, and with it a barrier that was to be placed. */
    List<PrimaryEffect> onWallDown() {
        if (phase != Phase.PLACING) {
            return List.of();
        }
        phase = Phase.RUNNING;
        return guest.resume();
    }

    /** The wall is open: it needs no room. */
    List<PrimaryEffect> onWallOpened() {
        List<PrimaryEffect> effects = guestWaitsForRoom() ? guest.resume() : List.of();
        atLimit = false;
        return effects;
    }

    // ---- the last one ----

    /** The guest goes on here; where a capture is under way, after that. */
    List<PrimaryEffect> abandonHandover(String reason) {
        boolean standsStill = handover.isUnderWay() && guest.hasLastWords() && phase == Phase.RUNNING;
        List<PrimaryEffect> effects = new ArrayList<>(forgetHandover(reason));
        if (standsStill) {
            guest.takeBack();
            effects.addAll(guest.resume());
        }
        return effects;
    }

    /** The guest is not handed over; whether it goes on is decided elsewhere. */
    List<PrimaryEffect> forgetHandover(String reason) {
        if (!handover.isUnderWay()) {
            return List.of();
        }
        handover.abandon(reason);
        guest.forgetLastWords();
        return List.of(new Note("the switchover is abandoned: " + reason));
    }

    // ---- what others may know ----

    /** When one is due by time alone; a hint. */
    long dueNanos() {
        return pace.dueNanos();
    }

    /** The newest epoch closed so far. */
    long lastEpoch() {
        return lastEpoch;
    }

    /** Whether the guest is meant to run, and no pause is under way. */
    boolean guestRuns() {
        return !guest.isPaused() && !guest.isOver() && isBetweenPauses();
    }

    /** Whether the guest is paused because the wall is full. */
    boolean guestWaitsForRoom() {
        return atLimit && guest.isPaused() && !guest.hasLastWords() && isBetweenPauses();
    }

    private boolean isBetweenPauses() {
        return phase == Phase.RUNNING || phase == Phase.PRECOPYING;
    }
}
