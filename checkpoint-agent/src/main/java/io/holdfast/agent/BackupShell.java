package io.holdfast.agent;

import com.fasterxml.jackson.databind.node.ObjectNode;
import io.holdfast.agent.PrimaryConnections.Peer;
import io.holdfast.agent.engine.StandbyEngine;
import io.holdfast.agent.link.LinkConnection;
import io.holdfast.agent.link.LinkMessage;
import io.holdfast.agent.link.StagedCheckpoint;
import io.holdfast.agent.link.WallHolder;
import io.holdfast.agent.role.BackupEffect;
import io.holdfast.agent.role.BackupRole;
import io.holdfast.agent.role.RehearsalSchedule;
import io.holdfast.audit.AuditEvent;
import io.holdfast.control.CommandException;
import io.holdfast.control.StaleTermException;
import io.holdfast.control.TermFileException;
import io.holdfast.wall.Term;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.OptionalLong;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The agent beside the waiting hypervisor: does what {@link BackupRole} decides.
 *
 * <p>Checkpoints are staged on the link's event loop, confirmed by the conductor and applied by the engine thread, in
 * order; a promotion queues up behind what is still to be applied.
 */
final class BackupShell implements Shell {

    private static final Logger log = LoggerFactory.getLogger(BackupShell.class);

    private static final long INPUT_LOG_BYTES = 16 << 20;

    private final AgentContext context;
    private final Conductor conductor;
    private final AgentMeasures measures;
    private final BackupRole role;

    // The primary.
    private final PrimaryConnections primaries;
    private final HelloCheck helloCheck;
    /** Why the primary that was heard last cannot be followed. */
    private List<String> differences = List.of();

    private final InputLog inputLog;
    private final Map<Long, StagedCheckpoint> staged = new HashMap<>();

    // The guest.
    private final Worker engineThread = new Worker("engine");
    private final TermWriter terms;
    /** Engine thread. */
    private final AppliedCheckpoint applied;

    private final WaitingHypervisor hypervisor;
    private final Rehearsals rehearsals;
    private final GuestRestoration restoration;
    private long promotionBeganNanos;

    // The wall.
    private final BackupWall wall;
    private final WayToWall wayToWall;
    /** The operator has said that the other host's proxy is dead, and the promotion is not decided yet. */
    private boolean takesUplinkOnPromotion;

    private boolean handedOver;
    private boolean closed;

    BackupShell(AgentContext context) {
        this.context = context;
        this.conductor = context.conductor();
        this.measures = context.measures();
        this.role = new BackupRole(
                context.config().host(),
                context.terms().term(),
                context.terms().isForgone(),
                context.patience(),
                context.safeguards());
        this.primaries = new PrimaryConnections(context, role, this::leadsToWall);
        this.wayToWall = new WayToWall(context);
        this.terms = new TermWriter(context, role, engineThread);
        this.applied = new AppliedCheckpoint(context.restoreAttempts() > 1);
        this.hypervisor = new WaitingHypervisor(context, role, engineThread, applied, new WaitingHypervisor.Listener() {
            @Override
            public void onReady() {
                perform(role.onStandbyReady());
            }

            @Override
            public void onLost(String reason) {
                perform(role.onStandbyLost(reason));
            }
        });
        this.rehearsals = new Rehearsals(context, engineThread, applied, this::standing, hypervisor::waiting);
        this.inputLog = new InputLog(INPUT_LOG_BYTES, measures.droppedCopies);
        this.wall = new BackupWall(context, role, new BackupWall.Listener() {
            @Override
            public void onOwned() {
                perform(role.onWallOwned());
            }

            @Override
            public void onProbeUnanswered() {
                perform(role.onProbeUnanswered());
            }

            @Override
            public void onOldOwnerFound(String answer) {
                perform(role.onOldOwnerFound(answer));
            }
        });
        this.helloCheck = new HelloCheck(context, role, hypervisor, wall);
        this.restoration = new GuestRestoration(
                context, role, engineThread, applied, hypervisor, wall, inputLog, new GuestRestoration.Listener() {
                    @Override
                    public void onRestored() {
                        perform(role.onGuestRestored());
                    }

                    @Override
                    public void onNotStarted(String reason) {
                        perform(role.onGuestNotStarted(reason, System.nanoTime()));
                    }

                    @Override
                    public void onRestoreFailed(String reason) {
                        perform(role.onRestoreFailed(reason));
                    }

                    @Override
                    public void onAbandoned() {
                        perform(role.onGuestAbandoned());
                    }
                });
    }

    @Override
    public void start() {
        log.info("backup, term {}", role.term());
        wall.start();
        perform(role.onStart());
    }

    // ---- the primary ----

    @Override
    public void onMessage(LinkConnection from, LinkMessage message) {
        Peer peer = primaries.of(from);
        switch (message) {
            case LinkMessage.Hello hello -> conductor.post(() -> onHello(peer, hello));
            case LinkMessage.CheckpointRecord record ->
                peer.stage(record).ifPresent(complete -> conductor.post(() -> onStaged(peer, complete)));
            case LinkMessage.Mirrored mirrored -> {
                if (peer.isWelcomed()) {
                    inputLog.add(mirrored.frame());
                }
            }
            case LinkMessage.Revoke revoke ->
                conductor.post(() -> perform(role.onRevoked(peer.session, revoke.reason())));
            case LinkMessage.HandOver handOver ->
                conductor.post(() -> perform(role.onHandOver(peer.session, handOver.reason(), System.nanoTime())));
            case LinkMessage.Armed armed -> conductor.post(() -> perform(role.onArmed(peer.session)));
            case LinkMessage.GuestDeath death ->
                conductor.post(() -> perform(role.onGuestDeath(
                        peer.session,
                        death.reason(),
                        death.policy() == LinkMessage.GuestDeath.Policy.PROMOTE,
                        System.nanoTime())));
            default -> {}
        }
    }

    private void onHello(Peer peer, LinkMessage.Hello hello) {
        String certifiedHost = peer.connection.peerName().orElse(hello.host());
        if (!certifiedHost.equals(hello.host())) {
            log.error("{} calls itself {}, but its certificate is {}'s", peer.connection, hello.host(), certifiedHost);
            peer.connection.close("the certificate is another host's");
            return;
        }
        if (HelloCheck.hasGuest(context.config().guest(), hello)) {
            perform(role.onGuestElsewhere());
        }
        differences = helloCheck.differences(hello);
        perform(role.onHello(peer.session, AgentContext.term(hello.term()), differences, System.nanoTime()));
    }

    private void onStaged(Peer peer, StagedCheckpoint complete) {
        staged.put(complete.epoch(), complete);
        perform(role.onStaged(peer.session, complete.epoch(), complete.baseEpoch()));
        StagedCheckpoint unused = staged.remove(complete.epoch());
        if (unused != null) {
            unused.release();
        }
    }

    @Override
    public void onBytes(LinkConnection from) {
        primaries.onBytes(from);
    }

    @Override
    public void onDown(LinkConnection down, String reason, boolean endOfFile) {
        Peer peer = primaries.onDown(down, reason);
        if (peer != null) {
            perform(role.onSessionLost(peer.session, System.nanoTime()));
        }
    }

    // ---- time ----

    @Override
    public void onTick(long nowNanos) {
        for (Peer peer : primaries.all()) {
            role.onBytes(peer.session, peer.heardNanos());
            measures.peerContact.onHeard(peer.heardNanos());
        }
        hypervisor.onTick(nowNanos);
        perform(role.onTick(nowNanos));
        rehearsals.onTick(nowNanos);
        measures.sparesWaiting = hypervisor.spares();
        wayToWall.onTick(leadsToWall(), nowNanos);
    }

    @Override
    public void onHeartbeat(long sequence) {
        primaries.heartbeat(sequence);
    }

    // ---- effects ----

    private void perform(List<BackupEffect> effects) {
        for (BackupEffect effect : effects) {
            perform(effect);
        }
    }

    private void perform(BackupEffect effect) {
        if (closed) {
            return;
        }
        switch (effect) {
            case BackupEffect.StartStandby start -> hypervisor.start();
            case BackupEffect.StoreTerm store ->
                terms.store(
                        store.term(),
                        () -> onTermStored(store.term()),
                        reason -> perform(role.onTermNotStored(store.term(), reason, System.nanoTime())));
            case BackupEffect.ClaimTerm claim -> claimTerm(claim.term());
            case BackupEffect.SendWelcome welcome -> welcome(welcome);
            case BackupEffect.SendRefusal refusal -> primaries.refuse(refusal);
            case BackupEffect.Confirm confirm -> confirm(confirm);
            case BackupEffect.Apply apply -> apply(apply.epoch());
            case BackupEffect.Relinquish relinquish -> primaries.relinquish(relinquish.session(), relinquish.reason());
            case BackupEffect.CloseSession close -> primaries.close(close.session(), close.reason());
            case BackupEffect.AskArbiter ask ->
                context.arbitration()
                        .ask(ask.claim(), verdict -> perform(role.onVerdict(ask.claim(), verdict, System.nanoTime())));
            case BackupEffect.Fence fence -> context.arbitration().fence(fence.primary(), this::onFenceEnded);
            case BackupEffect.OwnWall own -> wall.own(own);
            case BackupEffect.ProbeAddresses probe -> wall.probe();
            case BackupEffect.StoreServiceBegun begun ->
                terms.storeServiceBegun(
                        () -> perform(role.onServiceBegunStored()),
                        reason -> perform(role.onServiceBegunNotStored(reason, System.nanoTime())));
            case BackupEffect.RestoreGuest restore -> restoration.restore(restore.epoch());
            case BackupEffect.OpenWallAndAnnounce open -> openAndAnnounce(open.reason(), open.leaseUntilNanos());
            case BackupEffect.AbandonGuest abandon -> restoration.abandon(abandon.reason());
            case BackupEffect.StoreForgone forgone -> terms.storeForgone(() -> perform(role.onForgone()));
            case BackupEffect.BecomePrimary become -> becomePrimary(become);
            case BackupEffect.Note note -> context.audit().note(note.event(), role.term(), note.text());
        }
    }

    private void onTermStored(Term stored) {
        perform(role.onTermStored(stored, System.nanoTime()));
    }

    private void claimTerm(Term term) {
        rehearsals.end("a promotion");
        terms.storeClaimed(
                term,
                () -> onTermStored(term),
                reason -> perform(role.onTermNotStored(term, reason, System.nanoTime())));
        if (!role.isObstructed()) {
            promotionBeganNanos = System.nanoTime();
        }
        measures.detectedBy = role.promotionCause();
        try {
            takeUplinkIfAsked();
        } catch (CommandException e) {
            log.error("the uplink is not taken: {}", e.getMessage());
        }
    }

    private void welcome(BackupEffect.SendWelcome welcome) {
        Peer peer = primaries.ofSession(welcome.session());
        StandbyEngine waiting = hypervisor.waiting();
        if (peer == null || waiting == null) {
            return;
        }
        inputLog.clear(); // First: the next input may come at once.
        primaries.welcome(peer, welcome, waiting.memoryBytes());
    }

    private void confirm(BackupEffect.Confirm confirm) {
        Peer peer = primaries.ofSession(confirm.session());
        if (peer != null) {
            peer.connection.send(new LinkMessage.Confirm(confirm.epoch()));
            inputLog.onConfirmed(confirm.epoch());
            measures.confirmedCheckpoints.increment();
        }
    }

    /** A promotion needs the wall, to which the other host's connections are the only way if it is there. */
    private boolean leadsToWall() {
        return role.isPromotionUnderWay() && context.uplink().holder() == WallHolder.RECEIVER;
    }

    private void apply(long epoch) {
        StagedCheckpoint checkpoint = staged.remove(epoch);
        StandbyEngine waiting = hypervisor.waiting();
        if (checkpoint == null) {
            return;
        }
        if (waiting == null) {
            checkpoint.release();
            return;
        }
        wall.learn(checkpoint.guestAddressesJson());
        hypervisor.apply(checkpoint, waiting);
    }

    private void onFenceEnded(String trouble) {
        long nowNanos = System.nanoTime();
        perform(trouble.isEmpty() ? role.onFenced(nowNanos) : role.onFenceFailed(trouble, nowNanos));
    }

    private void openAndAnnounce(String reason, OptionalLong leaseUntilNanos) {
        wall.openAndAnnounce(reason, leaseUntilNanos);
        measures.promotionNanos = System.nanoTime() - promotionBeganNanos;
        measures.failovers.increment();
        long tookMillis = measures.promotionNanos / 1_000_000;
        context.audit()
                .note(
                        AuditEvent.PROMOTED,
                        role.term(),
                        "%s in %d ms".formatted(reason, tookMillis),
                        Map.of("epoch", role.confirmedEpoch(), "took_ms", tookMillis));
    }

    private void becomePrimary(BackupEffect.BecomePrimary become) {
        handedOver = true;
        context.roleChange()
                .to(new PrimaryShell(
                        context,
                        restoration.guest(),
                        become.lastEpoch(),
                        wall.addressesJson(),
                        wall.announcedIncarnation(),
                        become.aloneRight()));
    }

    // ---- the operator ----

    @Override
    public void checkpoint() throws CommandException {
        throw new CommandException("WrongRole", "this host is the backup; ask the primary for a checkpoint");
    }

    @Override
    public void switchOver(String reason) throws CommandException {
        throw new CommandException(
                "WrongRole",
                "this host is the backup; the primary hands the guest over, on whose host this is to be said");
    }

    @Override
    public void promote(String reason, boolean force) throws CommandException {
        boolean takesUplink = context.uplink().mayBeTaken();
        if (role.isPromotionUnderWay() ? !takesUplink : !role.mayPromote() || role.isPromoting()) {
            throw refused(reason, role.whyNotPromote());
        }
        if (role.isAsking() && !force) {
            throw refused(
                    reason,
                    "the promotion is under way, and waits for " + role.whatItWaitsFor()
                            + "; it goes on by itself, or with --force");
        }
        context.audit()
                .note(
                        AuditEvent.PROMOTION,
                        role.term(),
                        "promotion by the operator" + (force ? ", forced: " : ": ") + reason);
        takesUplinkOnPromotion = takesUplink;
        if (!role.isPromoting()) {
            perform(role.onPromoteAsked(reason, force, System.nanoTime()));
        }
        if (role.isPromoting()) {
            takeUplinkIfAsked();
        }
    }

    private CommandException refused(String reason, String because) {
        context.audit()
                .note(
                        AuditEvent.PROMOTION_REFUSED,
                        role.term(),
                        "the operator may not promote (%s): %s".formatted(reason, because));
        return new CommandException("CannotPromote", because);
    }

    /** Under the term of the promotion, so not before that is decided. */
    private void takeUplinkIfAsked() throws CommandException {
        if (!takesUplinkOnPromotion) {
            return;
        }
        takesUplinkOnPromotion = false;
        try {
            context.uplink().take(role.term());
        } catch (TermFileException | StaleTermException e) {
            throw new CommandException("CannotStoreTerm", "the term cannot be written to disk: " + e.getMessage());
        }
    }

    @Override
    public void alone(String reason) throws CommandException {
        if (role.isPromoting() || role.isAsking()) {
            throw new CommandException("Promoting", "this host is the backup, and " + role.whyNotPromote());
        }
        if (role.mayPromote()) {
            throw new CommandException(
                    "WrongRole", "this host is the backup, and can take over without loss: `holdfast promote`");
        }
        if (role.isPrimaryConnected()) {
            throw new CommandException("PrimaryConnected", "the primary is there, and this host follows it");
        }
        Term alone = role.term().aloneOf(context.config().host());
        try {
            context.terms().store(alone);
        } catch (TermFileException | StaleTermException e) {
            throw new CommandException("CannotStoreTerm", "the term cannot be written to disk: " + e.getMessage());
        }
        context.audit()
                .note(
                        AuditEvent.ALONE,
                        alone,
                        "there is no checkpoint here to take over from; a guest that is started here goes on alone, by the operator: "
                                + reason);
        context.roleChange().to(new PrimaryShell(context));
    }

    @Override
    public void rejoin(String reason, boolean force) throws CommandException {
        if (role.isPromoting()) {
            throw new CommandException("CannotRejoin", role.whyNotPromote());
        }
        differences = List.of(); // The operator may have mended them, which the next hello will show.
    }

    @Override
    public long rehearse() throws CommandException {
        return rehearsals.begin(System.nanoTime());
    }

    private RehearsalSchedule.Standing standing() {
        return new RehearsalSchedule.Standing(
                role.confirmedEpoch(), hypervisor.waiting() != null, role.mayPromote(), role.isPromoting());
    }

    @Override
    public AgentView view() {
        return new AgentView(
                "backup",
                role.term().number(),
                role.confirmedEpoch(),
                role.isPrimaryConnected(),
                role.mayPromote() && wall.current() != null,
                wall.current() == null ? "the proxy does not answer" : role.whyNotPromote(),
                role.whatItWaitsFor(),
                0);
    }

    @Override
    public void describe(ObjectNode status) {
        status.put("role", "backup")
                .put("peer", role.isPrimaryConnected() ? "connected" : "absent")
                .put("refuses_because", String.join("; ", differences))
                .put("standby_ready", hypervisor.waiting() != null)
                .put("confirmed_epoch", role.confirmedEpoch())
                .put("epoch", role.confirmedEpoch())
                .put("may_promote", role.mayPromote())
                .put(
                        "missing_for_promotion",
                        role.isPromotionUnderWay() && wall.current() == null
                                ? wall.whatIsMissing()
                                : role.whyNotPromote())
                .put("silence_broken_by", wall.silenceBrokenBy())
                .put("restore_attempt", restoration.attempt())
                .put("spares_waiting", hypervisor.spares())
                .put("kept_frames", inputLog.frames())
                .put("kept_bytes", inputLog.bytes());
        context.arbitration().describe(status, role.whatItWaitsFor(), 0);
    }

    /** With it the hypervisor ends that has the checkpoint, so the primary need not be silent meanwhile. */
    private void relinquishForGood() {
        perform(role.onStop("its agent stops"));
        primaries.awaitRelinquished();
    }

    @Override
    public void close() {
        relinquishForGood();
        closed = true;
        rehearsals.end("the end of this role");
        if (!handedOver) {
            rehearsals.awaitEnd();
        }
        wall.close();
        wayToWall.close();
        primaries.closeAll("this host changes its role or stops");
        staged.values().forEach(StagedCheckpoint::release);
        hypervisor.close(handedOver);
        measures.sparesWaiting = 0;
        engineThread.run(applied::close);
        engineThread.close();
    }
}
