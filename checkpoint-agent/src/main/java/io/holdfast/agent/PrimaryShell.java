package io.holdfast.agent;

import com.fasterxml.jackson.databind.node.ObjectNode;
import io.holdfast.agent.engine.CheckpointEngine;
import io.holdfast.agent.engine.GuestEventListener.GuestEvent;
import io.holdfast.agent.engine.MachineDefinition;
import io.holdfast.agent.link.LinkConnection;
import io.holdfast.agent.link.LinkMessage;
import io.holdfast.agent.role.AloneRight;
import io.holdfast.agent.role.BackupRole;
import io.holdfast.agent.role.PrimaryEffect;
import io.holdfast.agent.role.PrimaryRole;
import io.holdfast.control.CommandException;
import io.holdfast.control.StaleTermException;
import io.holdfast.control.TermFileException;
import io.holdfast.wall.Term;
import java.util.List;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The agent beside the running guest: tells {@link PrimaryRole} what happens, and does what it decides. The guest is left
 * to a {@link GuestWorker}, because that takes time; the wall is commanded by the conductor itself, through a {@link
 * WallKeeper}; what the backup says and is told goes through a {@link BackupLink}.
 */
final class PrimaryShell implements Shell {

    private static final Logger log = LoggerFactory.getLogger(PrimaryShell.class);

    private static final long RESUME_RETRY_MILLIS = 100;

    private final AgentContext context;
    private final Conductor conductor;
    private final AgentMeasures measures;
    private final PrimaryRole role;
    private final TermLedger ledger;
    private final GuestWorker guest;
    private final WallKeeper wall;
    private final PrimaryStanding standing;
    private final BackupLink backup;
    private boolean closed;

    // Conductor.
    private @Nullable CheckpointEngine promoted;
    /** For which a tick of its own is under way. */
    private long tickNanos;

    /**
     * A shell for a guest that is already attached, after a promotion, or still to be found.
     *
     * @param promoted drives the running guest; or null to look for it
     * @param lastEpoch the newest epoch that was ever closed, as far as known
     * @param addressesJson what is known of the guest's addresses; empty if nothing
     * @param announcedIncarnation the life of the wall that announces them already; empty if none does
     * @param aloneRight by which the guest serves until a backup is armed, if it does
     */
    PrimaryShell(
            AgentContext context,
            @Nullable CheckpointEngine promoted,
            long lastEpoch,
            String addressesJson,
            String announcedIncarnation,
            AloneRight aloneRight) {
        this.context = context;
        this.conductor = context.conductor();
        this.measures = context.measures();
        this.promoted = promoted;
        this.guest = new GuestWorker(context, new GuestListener());
        this.role = PrimaryBeginning.role(context, lastEpoch, aloneRight);
        this.ledger = new TermLedger(context, role::term);
        this.wall = new WallKeeper(
                context, role::term, role::lastEpoch, addressesJson, announcedIncarnation, new WallListener());
        this.standing = new PrimaryStanding(context, role, wall);
        this.backup = new BackupLink(context, standing::hello, new BackupListener());
    }

    /** A shell for a guest that is still to be found, and may have served for long. */
    PrimaryShell(AgentContext context) {
        this(context, null, 0, "", "", PrimaryBeginning.rightOnDisk(context));
    }

    // ---- the guest ----

    @Override
    public void start() {
        log.info("primary, term {}", role.term());
        wall.start();
        if (promoted == null) {
            log.info("looking for the guest at {}", context.agent().qemu().qmp());
            guest.find(true);
        } else {
            guest.adopt(promoted);
        }
    }

    private final class GuestListener implements GuestWorker.Listener {

        /** Only a backup that is armed gains from knowing. */
        @Override
        public void onNoGuest() {
            standing.onNoGuest();
            if (context.terms().isBackupArmed()) {
                perform(role.onStartWithoutGuest());
                backup.start();
            }
        }

        @Override
        public void onUnreachable(String reason) {
            if (standing.onRefused("the guest cannot be attached to: " + reason)) {
                log.error("cannot attach to the guest, trying again: {}", reason);
            }
        }

        @Override
        public void onGuestFound(GuestWorker.Found guestFound) {
            if (closed) {
                return;
            }
            if (role.isGuestGone()) {
                beginAnew("a guest has appeared");
                return;
            }
            standing.onGuestFound(guestFound);
            if (!guestFound.exits().isEmpty()) {
                String exits = "the guest can reach the world past the wall: " + String.join("; ", guestFound.exits());
                standing.onRefused(exits);
                log.error("not protecting this guest (INV-8): {}", exits);
                if (guestFound.paused()) {
                    guest.resume();
                }
                return;
            }
            MachineDefinition machine = guestFound.machine();
            log.info(
                    "guest found{}: {} MiB, {}",
                    guestFound.paused() ? ", paused by an earlier agent" : "",
                    guestFound.memoryBytes() >> 20,
                    machine.properties().get("machine"));
            log.debug("its machine: {}", machine.properties());
            perform(role.onStart(guestFound.paused(), System.nanoTime()));
            backup.start();
        }

        @Override
        public void onGuestEvent(GuestEvent event) {
            log.warn("guest: {}", event);
            switch (event) {
                case SHUTDOWN -> perform(role.onGuestEnded("the guest has shut down", System.nanoTime()));
                case PANICKED -> perform(role.onGuestEnded("the guest's kernel has panicked", System.nanoTime()));
                case HYPERVISOR_GONE -> {
                    perform(role.onHypervisorGone());
                    guest.find(false);
                }
                case RESET -> {
                    if (role.isGuestGone()) {
                        beginAnew("the guest was started again");
                    }
                }
            }
        }

        @Override
        public void onPrecopied(long ofSession) {
            perform(role.onPrecopied(ofSession, System.nanoTime()));
        }

        @Override
        public void onPaused() {
            perform(role.onGuestPaused(System.nanoTime()));
        }

        @Override
        public void onCaptured(long epoch) {
            perform(role.onStateCaptured(epoch, System.nanoTime()));
        }

        @Override
        public void onCheckpointFailed() {
            measures.failedCheckpoints.increment();
            perform(role.onCheckpointFailed(System.nanoTime()));
        }

        @Override
        public void onCheckpointsWrong(String reason) {
            measures.failedCheckpoints.increment();
            perform(role.onShippedStateWrong(reason, System.nanoTime()));
        }

        @Override
        public void onResumeFailed() {
            conductor.postAfter(RESUME_RETRY_MILLIS, () -> {
                // A pause that is under way ends with a resumption of its own.
                if (role.guestRuns() && !closed) {
                    guest.resume();
                }
            });
        }

        @Override
        public void onNotShipped(long ofSession) {
            LinkConnection broken = backup.connectionOf(ofSession);
            if (broken != null) {
                broken.close("a checkpoint could not be sent");
            }
        }
    }

    private void beginAnew(String why) {
        log.info("{}: beginning anew", why);
        context.roleChange()
                .to(new PrimaryShell(context, null, role.lastEpoch(), "", "", PrimaryBeginning.rightOnDisk(context)));
    }

    // ---- the wall ----

    private final class WallListener implements WallKeeper.Listener {

        @Override
        public void onOwned(long openEpoch) {
            perform(role.onWallUp(openEpoch, System.nanoTime()));
        }

        @Override
        public void onLost() {
            perform(role.onWallDown(System.nanoTime()));
        }

        @Override
        public void onLeaseSealed() {
            perform(role.onLeaseSealed());
        }

        @Override
        public void onTermSeen(Term seen) {
            perform(role.onTermSeenAtWall(seen, context.isInline()));
        }

        @Override
        public void onBarrierPlaced(WallLink.Barrier barrier, long nowNanos) {
            perform(role.onBarrierPlaced(barrier.epoch(), barrier.atLimit(), nowNanos));
        }

        @Override
        public void onDrained() {
            perform(role.onWallDrained());
        }

        @Override
        public void onHighWater() {
            perform(role.onHighWater(System.nanoTime()));
        }

        @Override
        public void onOutputHeld(long epoch) {
            perform(role.onOutputHeld(epoch, System.nanoTime()));
        }

        @Override
        public void onAddressConflict() {
            if (role.isSureToOwn()) {
                wall.resolveConflicts();
            }
        }
    }

    // ---- the link ----

    private final class BackupListener implements BackupLink.Listener {

        @Override
        public void onWelcome(long session, LinkMessage.Welcome welcome, long arrivedNanos) {
            standing.onWelcome();
            Term followed = AgentContext.term(welcome.term());
            perform(role.onLinkUp(session, followed, welcome.identity(), welcome.armed(), arrivedNanos));
        }

        @Override
        public void onRefusal(LinkMessage.Refusal refusal) {
            String reasons = String.join("; ", refusal.reasons());
            if (standing.onRefused(reasons)) {
                log.warn("the backup refuses us: {} ({})", reasons, refusal.errorClass());
            }
            onRefused(refusal.errorClass(), AgentContext.term(refusal.term()));
        }

        @Override
        public void onConfirmed(long session, long epoch, long arrivedNanos) {
            wall.onConfirmed(epoch, arrivedNanos);
            perform(role.onConfirmed(session, epoch, arrivedNanos));
        }

        @Override
        public void onRelinquished(long session, String reason) {
            perform(role.onRelinquished(session, reason));
        }

        @Override
        public void onLost(long session, String reason) {
            perform(role.onLinkDown(session, reason, System.nanoTime()));
        }
    }

    /** An inline proxy has begun to see the other guest to its clients; whether this one still fits, people decide. */
    private void onRefused(String errorClass, Term theirs) {
        boolean isForPeople = context.isInline() && errorClass.equals(BackupRole.TERM_FORGONE);
        perform(role.onRefused(isForPeople ? BackupRole.TERM_UNSERVED : errorClass, theirs));
    }

    /** Somebody who takes himself for the primary has connected to us. */
    @Override
    public void onMessage(LinkConnection from, LinkMessage message) {
        if (message instanceof LinkMessage.Hello hello) {
            conductor.post(() -> onRival(from, hello));
        }
    }

    private void onRival(LinkConnection from, LinkMessage.Hello hello) {
        Term rival = AgentContext.term(hello.term());
        from.closeAfter(standing.answerToRival());
        boolean hasGuest = !hello.machine().isEmpty(); // Without one it deposes nobody: this may be the last.
        perform(role.onRefused(hasGuest ? BackupRole.STALE_TERM : BackupRole.TERM_UNSERVED, rival));
    }

    @Override
    public void onBytes(LinkConnection from) {}

    @Override
    public void onDown(LinkConnection down, String reason, boolean endOfFile) {}

    // ---- time ----

    @Override
    public void onTick(long nowNanos) {
        backup.onTick(nowNanos);
        perform(role.onTick(nowNanos));
    }

    @Override
    public void onHeartbeat(long sequence) {
        backup.send(new LinkMessage.Heartbeat(sequence, 0, 0));
    }

    // ---- effects ----

    private void perform(List<PrimaryEffect> effects) {
        for (PrimaryEffect effect : effects) {
            perform(effect);
        }
        tickInTime();
    }

    /** The regular tick is too coarse for the next checkpoint. */
    private void tickInTime() {
        long dueNanos = role.nextCheckpointNanos();
        long delayNanos = dueNanos - System.nanoTime();
        if (dueNanos != tickNanos && delayNanos > 0 && delayNanos < AgentContext.TICK_NANOS) {
            tickNanos = dueNanos;
            conductor.postAfterNanos(delayNanos, () -> perform(role.onTick(System.nanoTime())));
        }
    }

    private void perform(PrimaryEffect effect) {
        if (closed) {
            return;
        }
        switch (effect) {
            case PrimaryEffect.Precopy precopy ->
                guest.precopy(precopy.session(), backup.connectionOf(precopy.session()));
            case PrimaryEffect.PauseGuest pause -> guest.pause();
            case PrimaryEffect.PlaceBarrier place -> wall.placeBarrier();
            case PrimaryEffect.CaptureState capture -> guest.capture(capture, backup.connection());
            case PrimaryEffect.ResumeGuest resume -> guest.resume();
            case PrimaryEffect.Ship ship -> guest.ship(ship, wall.addressesJson());
            case PrimaryEffect.DropCaptured drop -> guest.drop();
            case PrimaryEffect.Commit commit -> wall.commit(commit.epoch(), commit.leaseUntilNanos());
            case PrimaryEffect.RevokeCheckpoints revoke -> {
                log.error("the backup must not take over before it has a new checkpoint: {}", revoke.reason());
                backup.send(new LinkMessage.Revoke(revoke.reason()));
            }
            case PrimaryEffect.StoreArmed store -> storeArmed(store);
            case PrimaryEffect.StoreRelinquished store -> ledger.relinquish(store.reason());
            case PrimaryEffect.SendArmed armed -> {
                log.info("protected: the backup may take over from checkpoint {} on", armed.epoch());
                backup.send(new LinkMessage.Armed(armed.epoch()));
            }
            case PrimaryEffect.SuspendWall suspend -> wall.suspend(suspend.reason());
            case PrimaryEffect.OpenWall open -> wall.open(open.reason(), open.leaseUntilNanos());
            case PrimaryEffect.AskArbiter ask ->
                context.arbitration()
                        .ask(ask.claim(), verdict -> perform(role.onVerdict(ask.claim(), verdict, System.nanoTime())));
            case PrimaryEffect.GoAlone goAlone -> goAlone(goAlone);
            case PrimaryEffect.CloseLink close -> backup.disconnect(close.reason());
            case PrimaryEffect.RefuseBackup refuse -> {
                standing.onRefused(refuse.reason());
                ledger.noteRefusal(refuse.reason());
                backup.refuse();
            }
            case PrimaryEffect.Audit audit -> context.audit().note(audit.event(), role.term(), audit.text());
            case PrimaryEffect.DiscardHeld discard -> wall.discard();
            case PrimaryEffect.SealWall seal -> {
                log.error("wall sealed: {}", seal.reason());
                wall.seal(role.term(), seal.reason());
            }
            case PrimaryEffect.ReportGuestDeath death ->
                backup.send(new LinkMessage.GuestDeath(
                        death.failover() ? LinkMessage.GuestDeath.Policy.PROMOTE : LinkMessage.GuestDeath.Policy.STAY,
                        death.reason()));
            case PrimaryEffect.DrainWall drain -> wall.drain();
            case PrimaryEffect.HandOver handOver -> {
                log.info("handing the guest over: {}", handOver.reason());
                backup.send(new LinkMessage.HandOver(handOver.reason()));
            }
            case PrimaryEffect.StepDown stepDown -> stepDown(stepDown);
            case PrimaryEffect.Note note -> log.warn("{}", note.text());
        }
    }

    private void goAlone(PrimaryEffect.GoAlone goAlone) {
        if (ledger.store(goAlone.term())) {
            goAloneUnder(goAlone.term(), goAlone.reason());
        } else {
            perform(role.onAloneNotStored(System.nanoTime()));
        }
    }

    /** The term is on disk. */
    private void goAloneUnder(Term alone, String reason) {
        ledger.noteAlone(alone, reason);
        wall.ownUnder(alone);
        perform(role.onAloneGranted(alone, reason));
    }

    private void storeArmed(PrimaryEffect.StoreArmed store) {
        String trouble = ledger.storeArmed(store.backup());
        standing.onArming(trouble);
        perform(trouble.isEmpty() ? role.onArmedStored(store) : role.onArmingFailed(store, trouble));
    }

    private void stepDown(PrimaryEffect.StepDown stepDown) {
        if (role.isHandedOver()) {
            ledger.noteSwitchover(stepDown.newer(), role.handoverPausedNanos());
        } else {
            ledger.noteSteppingDown(stepDown.newer(), stepDown.reason());
        }
        if (!context.isInline()) { // There the wall is the new primary's, and lets nothing of this guest through.
            wall.seal(stepDown.newer(), stepDown.reason());
        }
        // If it is not on disk the guest must end all the same; after a restart this host hears of the newer term
        // again.
        ledger.store(stepDown.newer());
        guest.kill();
        context.roleChange().to(new BackupShell(context));
    }

    // ---- the operator ----

    @Override
    public void checkpoint() throws CommandException {
        standing.admitCheckpoint();
        perform(role.onCheckpointAsked(System.nanoTime()));
    }

    @Override
    public void switchOver(String reason) throws CommandException {
        standing.admitSwitchover();
        ledger.noteSwitchoverAsked(reason);
        perform(role.onSwitchoverAsked(reason, System.nanoTime()));
    }

    @Override
    public void promote(String reason, boolean force) throws CommandException {
        throw standing.whyNotPromote();
    }

    @Override
    public long rehearse() throws CommandException {
        throw standing.whyNotRehearse(backup.peerName());
    }

    @Override
    public void alone(String reason) throws CommandException {
        standing.admitAlone();
        Term alone = role.nextAloneTerm(context.config().host());
        ledger.storeAsked(alone);
        goAloneUnder(alone, "the operator: " + reason);
    }

    @Override
    public void rejoin(String reason, boolean force) throws CommandException {
        standing.admitRejoin(force);
        forgo(reason);
    }

    /** The wall first: should the guest run after all, unseen, then it says nothing. */
    private void forgo(String reason) throws CommandException {
        try {
            if (!context.isInline()) {
                wall.sealOrThrow("the operator gives up this host's guest: " + reason);
            }
            ledger.forgo(reason);
        } catch (WallGoneException | TermFileException | StaleTermException e) {
            throw new CommandException("CannotForgo", "the term cannot be given up: " + e.getMessage());
        }
        guest.kill();
        context.roleChange().to(new BackupShell(context));
    }

    @Override
    public AgentView view() {
        return standing.view();
    }

    @Override
    public void describe(ObjectNode status) {
        standing.describe(status);
    }

    @Override
    public void close() {
        closed = true;
        backup.close();
        wall.close();
        guest.close(!role.isGuestGone());
    }
}
