package io.holdfast.agent;

import com.fasterxml.jackson.databind.node.ObjectNode;
import io.holdfast.agent.engine.CheckpointEngine;
import io.holdfast.agent.engine.EngineException;
import io.holdfast.agent.engine.GuestEventListener.GuestEvent;
import io.holdfast.agent.engine.MachineDefinition;
import io.holdfast.agent.engine.QemuEngine;
import io.holdfast.agent.link.Backoff;
import io.holdfast.agent.link.CheckpointWriter;
import io.holdfast.agent.link.LinkClient;
import io.holdfast.agent.link.LinkConnection;
import io.holdfast.agent.link.LinkException;
import io.holdfast.agent.link.LinkListener;
import io.holdfast.agent.link.LinkMessage;
import io.holdfast.agent.role.FailureDetector;
import io.holdfast.agent.role.PrimaryEffect;
import io.holdfast.agent.role.PrimaryRole;
import io.holdfast.control.CommandException;
import io.holdfast.control.StaleTermException;
import io.holdfast.control.TermFileException;
import io.holdfast.wall.Epoch;
import io.holdfast.wall.Term;
import java.util.List;
import java.util.Random;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The agent beside the running guest: does what {@link PrimaryRole} decides.
 *
 * <p>The engine thread pauses, captures and resumes; the shipper thread sends what was captured, so that a slow link does
 * not keep the next checkpoint waiting; the wall is commanded by the conductor itself.
 */
final class PrimaryShell implements Shell {

    private static final Logger log = LoggerFactory.getLogger(PrimaryShell.class);

    private static final long ATTACH_RETRY_MILLIS = 250;
    private static final long RESUME_RETRY_MILLIS = 100;
    private static final long SHIP_STALL_NANOS = 2_000_000_000L;
    private static final long FIRST_RECONNECT_NANOS = 20_000_000L;
    private static final long LONGEST_RECONNECT_NANOS = 500_000_000L;
    private static final long CHECKPOINT_RETRY_NANOS = 500_000_000L;

    private final AgentContext context;
    private final Conductor conductor;
    private final AgentMeasures measures;
    private final PrimaryRole role;
    private final long lastEpochBefore;
    private final FailureDetector detector;
    private final Worker engineThread = new Worker("engine");
    private final Worker shipperThread = new Worker("shipper");
    private final LinkClient linkClient;
    private final WallLink.Connector wallConnector;
    private boolean closed;

    // Conductor.
    private @Nullable CheckpointEngine engine;
    private @Nullable MachineDefinition machine;
    private @Nullable WallLink wall;
    private @Nullable LinkConnection connection;
    private long nextSession = 1;
    private long session;
    private long barrierEpoch;
    private long barrierNanos;
    private long knownAddressesVersion = -1;
    private String addressesJson = "";
    private long lastBytesNanos;
    private String refusedBecause = "";
    private boolean linkStarted;

    /** Engine thread. Known here before the conductor hears of it. */
    private @Nullable CheckpointEngine attachedGuest;

    // Engine thread, handed to the shipper with the checkpoint.
    private @Nullable CheckpointWriter writer;
    private byte[] deviceState = {};
    private long pauseBeganNanos;

    /** The newest bytes from the backup. */
    private volatile long heardNanos;

    /**
     * A shell for a guest that is already attached, after a promotion, or still to be found.
     *
     * @param engine of the running guest, or null to look for it
     * @param lastEpoch the newest epoch that was ever closed, as far as known
     */
    PrimaryShell(AgentContext context, @Nullable CheckpointEngine engine, long lastEpoch, String addressesJson) {
        this.context = context;
        this.conductor = context.conductor();
        this.measures = context.measures();
        this.engine = engine;
        this.lastEpochBefore = lastEpoch;
        this.addressesJson = addressesJson;
        Term term = context.terms().term();
        boolean armed = context.terms().isBackupArmed();
        boolean servesAlone = !armed && (term.number() > 1 || context.passesBeforeArming());
        this.role = new PrimaryRole(
                new PrimaryRole.Settings(
                        context.agent().interval().toNanos(),
                        context.agent().epochsInFlight(),
                        CHECKPOINT_RETRY_NANOS,
                        context.leaseNanos()),
                term,
                lastEpoch,
                armed,
                servesAlone);
        this.detector = new FailureDetector(context.patience());
        this.linkClient = new LinkClient(
                context.eventLoop(),
                context.agent().link().peer(),
                context.security(),
                new BackupListener(),
                new Backoff(FIRST_RECONNECT_NANOS, LONGEST_RECONNECT_NANOS, new Random()));
        this.wallConnector = new WallLink.Connector(
                context.config().proxySocket(),
                conductor,
                this::onWallConnected,
                pastHighWater -> perform(role.onWallPressure(pastHighWater, System.nanoTime())),
                this::onWallGone);
    }

    // ---- the guest ----

    @Override
    public void start() {
        log.info("primary, term {}", role.term());
        wallConnector.start();
        CheckpointEngine attached = engine;
        if (attached == null) {
            log.info("looking for the guest at {}", context.agent().qemu().qmp());
            engineThread.run(() -> findGuest(true));
        } else {
            engineThread.run(() -> examine(attached));
        }
    }

    /** Engine thread. */
    private void findGuest(boolean first) {
        try {
            CheckpointEngine found = QemuEngine.attach(
                    context.agent().qemu().qmp(), context.agent().qemu().memory());
            examine(found);
        } catch (EngineException e) {
            if (first) {
                log.info("no guest yet: {}", e.getMessage());
                conductor.post(this::onNoGuest);
            }
            conductor.postAfter(ATTACH_RETRY_MILLIS, () -> engineThread.run(() -> findGuest(false)));
        }
    }

    /** Engine thread. */
    private void examine(CheckpointEngine found) {
        attachedGuest = found;
        try {
            MachineDefinition definition = found.definition();
            List<String> exits = found.exitsPastTheWall(context.wallGuestPorts());
            boolean paused = found.isPaused();
            found.onGuestEvent(event -> conductor.post(() -> onGuestEvent(event)));
            conductor.post(() -> onGuestFound(found, definition, exits, paused));
        } catch (EngineException e) {
            log.error("cannot examine the guest: {}", e.getMessage());
            conductor.post(() -> perform(role.onHypervisorGone()));
        }
    }

    /** Only a backup that is armed gains from knowing. */
    private void onNoGuest() {
        if (context.terms().isBackupArmed()) {
            perform(role.onStartWithoutGuest());
            startLink();
        }
    }

    private void onGuestFound(
            CheckpointEngine found, MachineDefinition definition, List<String> exits, boolean paused) {
        if (closed) {
            return;
        }
        if (role.isGuestGone()) {
            found.close();
            beginAnew("a guest has appeared");
            return;
        }
        engine = found;
        machine = definition;
        if (!exits.isEmpty()) {
            refusedBecause = "the guest can reach the world past the wall: " + String.join("; ", exits);
            log.error("not protecting this guest (INV-8): {}", refusedBecause);
            if (paused) {
                resumeGuest();
            }
            return;
        }
        log.info(
                "guest found{}: {} MiB, {}",
                paused ? ", paused by an earlier agent" : "",
                found.memoryBytes() >> 20,
                definition.properties().get("machine"));
        log.debug("its machine: {}", definition.properties());
        perform(role.onStart(paused, System.nanoTime()));
        startLink();
    }

    private void startLink() {
        if (!linkStarted) {
            linkStarted = true;
            linkClient.start();
        }
    }

    private void onGuestEvent(GuestEvent event) {
        log.warn("guest: {}", event);
        switch (event) {
            case SHUTDOWN -> perform(role.onGuestEnded("the guest has shut down", System.nanoTime()));
            case PANICKED -> perform(role.onGuestEnded("the guest's kernel has panicked", System.nanoTime()));
            case HYPERVISOR_GONE -> {
                perform(role.onHypervisorGone());
                engineThread.run(() -> findGuest(false));
            }
            case RESET -> {
                if (role.isGuestGone()) {
                    beginAnew("the guest was started again");
                }
            }
        }
    }

    private void beginAnew(String why) {
        log.info("{}: beginning anew", why);
        context.roleChange().to(new PrimaryShell(context, null, role.lastEpoch(), addressesJson));
    }

    // ---- the wall ----

    private void onWallConnected(WallLink connected) {
        wall = connected;
        long openEpochAtLeast = Math.max(role.lastEpoch(), lastEpochBefore) + 1;
        try {
            WallLink.Owned owned = connected.hello(
                    role.term(),
                    openEpochAtLeast,
                    context.agent().latencyTarget().toNanos());
            log.info("the wall is ours, incarnation {}, epoch {}", owned.incarnation(), owned.openEpoch());
            perform(role.onWallUp(owned.openEpoch(), System.nanoTime()));
        } catch (CommandException e) {
            log.warn("the wall refuses us: {}", e.getMessage());
            learnTermOf(connected);
            dropWall();
        } catch (WallGoneException e) {
            dropWall();
        }
    }

    private void learnTermOf(WallLink connected) {
        try {
            perform(role.onNewerTerm(connected.seenTerm()));
        } catch (CommandException | WallGoneException e) {
            log.debug("cannot ask the wall for its term", e);
        }
    }

    private void onWallGone() {
        if (wall != null) {
            log.warn("the proxy is gone; nothing leaves until it is back");
            dropWall();
        }
    }

    private void dropWall() {
        wall = null;
        wallConnector.onLost();
        perform(role.onWallDown(System.nanoTime()));
    }

    private interface WallCommand {
        void on(WallLink wall) throws WallGoneException, CommandException;
    }

    private void command(WallCommand command) {
        WallLink addressed = wall;
        if (addressed == null) {
            return;
        }
        try {
            command.on(addressed);
        } catch (WallGoneException e) {
            log.warn("the proxy does not answer: {}", e.getMessage());
            dropWall();
        } catch (CommandException e) {
            log.warn("the wall refuses: {} ({})", e.getMessage(), e.errorClass());
            if (!e.errorClass().equals("LeaseExpired")) {
                dropWall(); // And says hello again: whoever displaced us, or a restart, shows there.
            }
        }
    }

    // ---- the link ----

    private final class BackupListener implements LinkListener {

        @Override
        public void onUp(LinkConnection up) {
            heardNanos = System.nanoTime();
            conductor.post(() -> sayHello(up));
        }

        @Override
        public void onMessage(LinkConnection up, LinkMessage message) {
            conductor.post(() -> onAnswer(up, message));
        }

        @Override
        public void onBytes(LinkConnection up) {
            heardNanos = System.nanoTime();
        }

        @Override
        public void onDown(LinkConnection down, String reason, boolean endOfFile) {
            conductor.post(() -> onBackupLost(down, reason));
        }
    }

    private void sayHello(LinkConnection up) {
        connection = up;
        // A backup that never answers must not keep us from connecting anew.
        detector.onConnected(System.nanoTime());
        MachineDefinition definition = machine;
        CheckpointEngine found = engine;
        long memoryBytes = found == null ? 4096 : found.memoryBytes();
        up.send(new LinkMessage.Hello(
                context.protocol(),
                context.config().guest(),
                context.config().host(),
                context.claim(role.term()),
                memoryBytes,
                definition == null ? new java.util.TreeMap<>() : definition.properties()));
    }

    private void onAnswer(LinkConnection from, LinkMessage message) {
        if (from != connection || closed) {
            return;
        }
        long nowNanos = System.nanoTime();
        switch (message) {
            case LinkMessage.Welcome welcome -> {
                session = nextSession++;
                refusedBecause = "";
                detector.onConnected(nowNanos);
                log.info("backup at {} is ready", from.peerAddress());
                perform(role.onLinkUp(session, nowNanos));
            }
            case LinkMessage.Refusal refusal -> {
                String reasons = String.join("; ", refusal.reasons());
                if (!reasons.equals(refusedBecause)) {
                    refusedBecause = reasons;
                    log.warn("the backup refuses us: {} ({})", reasons, refusal.errorClass());
                }
                perform(role.onNewerTerm(AgentContext.term(refusal.term())));
            }
            case LinkMessage.Confirm confirm -> {
                if (confirm.epoch() == barrierEpoch) {
                    measures.confirmNanos.record(nowNanos - barrierNanos);
                }
                perform(role.onConfirmed(session, confirm.epoch(), nowNanos));
            }
            case LinkMessage.Goodbye goodbye -> log.info("the backup leaves: {}", goodbye.reason());
            default -> {}
        }
    }

    private void onBackupLost(LinkConnection down, String reason) {
        if (down != connection) {
            return;
        }
        connection = null;
        detector.stop();
        if (session != 0) {
            long lost = session;
            session = 0;
            log.warn("backup lost: {}", reason);
            perform(role.onLinkDown(lost, reason, System.nanoTime()));
        }
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
        from.closeAfter(new LinkMessage.Refusal(
                "StaleTerm",
                List.of("host " + context.config().host() + " runs the guest under term " + role.term()),
                context.claim(role.term())));
        perform(role.onNewerTerm(rival));
    }

    @Override
    public void onBytes(LinkConnection from) {}

    @Override
    public void onDown(LinkConnection down, String reason, boolean endOfFile) {}

    // ---- time ----

    @Override
    public void onTick(long nowNanos) {
        if (heardNanos != lastBytesNanos) {
            lastBytesNanos = heardNanos;
            detector.onBytes(lastBytesNanos);
        }
        LinkConnection silent = connection;
        if (detector.isPeerDead(nowNanos) && silent != null) {
            silent.close("nothing heard for " + context.agent().silenceLimit().toMillis() + " ms");
        }
        perform(role.onTick(nowNanos));
    }

    @Override
    public void onHeartbeat(long sequence) {
        LinkConnection up = connection;
        if (up != null) {
            up.send(new LinkMessage.Heartbeat(sequence, 0, 0));
        }
    }

    // ---- effects ----

    private void perform(List<PrimaryEffect> effects) {
        for (PrimaryEffect effect : effects) {
            perform(effect);
        }
    }

    private void perform(PrimaryEffect effect) {
        if (closed) {
            return;
        }
        switch (effect) {
            case PrimaryEffect.Precopy precopy -> precopy(precopy.session());
            case PrimaryEffect.PauseGuest pause -> pauseGuest();
            case PrimaryEffect.PlaceBarrier place -> placeBarrier();
            case PrimaryEffect.CaptureState capture -> capture(capture);
            case PrimaryEffect.ResumeGuest resume -> resumeGuest();
            case PrimaryEffect.Ship ship -> ship(ship);
            case PrimaryEffect.DropCaptured drop -> engineThread.run(this::dropWriter);
            case PrimaryEffect.Commit commit ->
                command(addressed -> addressed.commit(commit.epoch(), commit.leaseUntilNanos()));
            case PrimaryEffect.StoreArmed store -> storeArmed();
            case PrimaryEffect.SendArmed armed -> {
                log.info("protected: the backup may take over from checkpoint {} on", armed.epoch());
                send(new LinkMessage.Armed(armed.epoch()));
            }
            case PrimaryEffect.SuspendWall suspend -> {
                log.warn("wall suspended: {}", suspend.reason());
                command(addressed -> addressed.suspend(suspend.reason()));
            }
            case PrimaryEffect.OpenWall open -> {
                log.warn("wall open, output leaves unprotected: {}", open.reason());
                command(addressed -> addressed.open(open.reason()));
            }
            case PrimaryEffect.SealWall seal -> {
                log.error("wall sealed: {}", seal.reason());
                command(addressed -> addressed.seal(role.term(), seal.reason()));
            }
            case PrimaryEffect.ReportGuestDeath death ->
                send(new LinkMessage.GuestDeath(
                        death.failover() ? LinkMessage.GuestDeath.Policy.PROMOTE : LinkMessage.GuestDeath.Policy.STAY,
                        death.reason()));
            case PrimaryEffect.StepDown stepDown -> stepDown(stepDown);
            case PrimaryEffect.Note note -> log.warn("{}", note.text());
        }
    }

    private void precopy(long ofSession) {
        LinkConnection to = connection;
        CheckpointEngine from = engine;
        if (to == null || from == null || ofSession != session) {
            conductor.post(() -> perform(role.onPrecopied(ofSession, System.nanoTime())));
            return;
        }
        engineThread.run(() -> {
            dropWriter();
            CheckpointWriter full = CheckpointWriter.full(to, SHIP_STALL_NANOS);
            writer = full;
            try {
                long beganNanos = System.nanoTime();
                from.precopy(full);
                full.collect();
                log.info(
                        "precopy: {} MiB in {} ms",
                        full.byteCount() >> 20,
                        (System.nanoTime() - beganNanos) / 1_000_000);
                conductor.post(() -> perform(role.onPrecopied(ofSession, System.nanoTime())));
            } catch (EngineException e) {
                checkpointFailed("precopy", e);
            }
        });
    }

    private void pauseGuest() {
        onEngine("pause", guest -> {
            pauseBeganNanos = System.nanoTime();
            guest.pause();
            conductor.post(() -> perform(role.onGuestPaused(System.nanoTime())));
        });
    }

    private void placeBarrier() {
        command(addressed -> {
            WallLink.Barrier barrier = addressed.barrier();
            barrierEpoch = barrier.epoch();
            barrierNanos = System.nanoTime();
            perform(role.onBarrierPlaced(barrier.epoch(), barrier.atLimit(), barrierNanos));
            if (barrier.addressesVersion() != knownAddressesVersion) {
                addressesJson = addressed.addresses(); // The engine captures meanwhile.
                knownAddressesVersion = barrier.addressesVersion();
            }
        });
    }

    private void capture(PrimaryEffect.CaptureState capture) {
        LinkConnection to = connection;
        onEngine("capture", guest -> {
            CheckpointWriter pages = writerFor(capture, to);
            if (pages == null) {
                deviceState = guest.capture((firstPage, count, memory, offsetBytes) -> {});
            } else {
                long precopiedPages = pages.pageCount();
                deviceState = guest.capture(pages);
                measures.dirtyPages.add(pages.pageCount() - precopiedPages);
            }
            measures.checkpoints.increment();
            conductor.post(() -> perform(role.onStateCaptured(capture.epoch(), System.nanoTime())));
        });
    }

    /** What a precopy has begun takes the first capture too; one that nobody can use goes nowhere. Engine thread. */
    private @Nullable CheckpointWriter writerFor(PrimaryEffect.CaptureState capture, @Nullable LinkConnection to) {
        if (capture.session() == 0 || to == null) {
            return null;
        }
        if (capture.baseEpoch() == Epoch.NONE) {
            measures.fullCheckpoints.increment();
        } else {
            writer = CheckpointWriter.delta(to, SHIP_STALL_NANOS, capture.baseEpoch());
        }
        return writer;
    }

    private void resumeGuest() {
        onEngine("resume", guest -> {
            try {
                guest.resume();
                if (pauseBeganNanos != 0) {
                    long pausedNanos = System.nanoTime() - pauseBeganNanos;
                    measures.pauseNanos.record(pausedNanos);
                    measures.pausedNanos.add(pausedNanos);
                    pauseBeganNanos = 0;
                }
            } catch (EngineException e) {
                log.error("the guest does not go on, trying again: {}", e.getMessage());
                conductor.postAfter(RESUME_RETRY_MILLIS, () -> {
                    if (!role.isGuestGone() && !closed) {
                        resumeGuest();
                    }
                });
            }
        });
    }

    private void ship(PrimaryEffect.Ship ship) {
        String addresses = addressesJson;
        engineThread.run(() -> {
            CheckpointWriter captured = writer;
            byte[] devices = deviceState;
            writer = null;
            if (captured != null) {
                shipperThread.run(() -> ship(ship, captured, devices, addresses));
            }
        });
    }

    private void ship(PrimaryEffect.Ship ship, CheckpointWriter captured, byte[] devices, String addresses) {
        try (captured) {
            captured.finish(ship.epoch(), devices, addresses);
            measures.shippedBytes.add(captured.byteCount() + devices.length);
        } catch (LinkException e) {
            log.warn("checkpoint {} was not sent: {}", ship.epoch(), e.getMessage());
            conductor.post(() -> {
                LinkConnection broken = connection;
                if (broken != null && session == ship.session()) {
                    broken.close("a checkpoint could not be sent");
                }
            });
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }

    /** Engine thread. */
    private void dropWriter() {
        if (writer != null) {
            writer.close();
            writer = null;
        }
    }

    private void storeArmed() {
        try {
            context.terms().storeArmed();
        } catch (TermFileException | StaleTermException e) {
            // Not knowing it after a restart would let this host serve alone while a backup may promote.
            throw new IllegalStateException("cannot write the term: " + e.getMessage(), e);
        }
    }

    private void stepDown(PrimaryEffect.StepDown stepDown) {
        log.error("stepping down: {}", stepDown.reason());
        command(addressed -> addressed.seal(stepDown.newer(), stepDown.reason()));
        try {
            context.terms().store(stepDown.newer());
        } catch (TermFileException | StaleTermException e) {
            throw new IllegalStateException("cannot write the term: " + e.getMessage(), e);
        }
        engineThread.run(this::killDeposedGuest);
        context.roleChange().to(new BackupShell(context));
    }

    /** Also one that we have not yet looked for: the newer term may be the first thing that we hear. Engine thread. */
    private void killDeposedGuest() {
        CheckpointEngine deposed = attachedGuest;
        if (deposed != null) {
            deposed.kill();
            return;
        }
        try (CheckpointEngine found = QemuEngine.attach(
                context.agent().qemu().qmp(), context.agent().qemu().memory())) {
            found.kill();
        } catch (EngineException e) {
            log.info("no guest to end here: {}", e.getMessage());
        }
    }

    private interface EngineTask {
        void on(CheckpointEngine guest) throws EngineException;
    }

    private void onEngine(String what, EngineTask task) {
        CheckpointEngine guest = engine;
        if (guest == null) {
            return;
        }
        engineThread.run(() -> {
            try {
                task.on(guest);
            } catch (EngineException e) {
                checkpointFailed(what, e);
            }
        });
    }

    private void checkpointFailed(String what, EngineException cause) {
        log.error("checkpoint failed at {}: {}", what, cause.getMessage());
        conductor.post(() -> {
            measures.failedCheckpoints.increment();
            perform(role.onCheckpointFailed(System.nanoTime()));
        });
    }

    private void send(LinkMessage message) {
        LinkConnection up = connection;
        if (up != null) {
            up.send(message);
        }
    }

    // ---- the operator ----

    @Override
    public void checkpoint() throws CommandException {
        if (!role.isBackupConnected()) {
            throw new CommandException("NoBackup", "no backup is connected: " + refusedBecause);
        }
        perform(role.onCheckpointAsked(System.nanoTime()));
    }

    @Override
    public void promote(String reason) throws CommandException {
        throw new CommandException("WrongRole", "this host is the primary already, under term " + role.term());
    }

    @Override
    public void alone(String reason) throws CommandException {
        Term alone = role.term().aloneOf(context.config().host());
        try {
            context.terms().store(alone);
        } catch (TermFileException | StaleTermException e) {
            throw new CommandException("CannotStoreTerm", "the term cannot be written to disk: " + e.getMessage());
        }
        log.warn("AUDIT going alone under term {}: {}", alone, reason);
        WallLink connected = wall;
        if (connected != null) {
            try {
                connected.hello(
                        alone,
                        role.lastEpoch() + 1,
                        context.agent().latencyTarget().toNanos());
            } catch (WallGoneException e) {
                dropWall();
            }
        }
        perform(role.onAloneGranted(alone, "the operator: " + reason));
    }

    @Override
    public AgentView view() {
        boolean guestRuns = engine != null && !role.isGuestGone();
        boolean ready = guestRuns && wall != null && role.isBackupConnected() && role.isBackupArmed();
        String because = ready
                ? "protected"
                : !guestRuns
                        ? "no guest"
                        : wall == null
                                ? "the proxy does not answer"
                                : refusedBecause.isEmpty() ? "no backup is armed" : refusedBecause;
        return new AgentView(
                "primary", role.term().number(), role.lastEpoch(), role.isBackupConnected(), ready, because);
    }

    @Override
    public void describe(ObjectNode status) {
        status.put("role", "primary")
                .put("guest_found", engine != null && !role.isGuestGone())
                .put("peer", role.isBackupConnected() ? "connected" : "absent")
                .put("armed", role.isBackupArmed())
                .put("epoch", role.lastEpoch())
                .put("epochs_in_flight", role.epochsInFlight())
                .put("guest_waits_for_room", role.guestWaitsForRoom())
                .put("refused_because", refusedBecause);
    }

    @Override
    public void close() {
        closed = true;
        linkClient.close();
        wallConnector.close();
        CheckpointEngine guest = engine;
        if (guest != null && !role.isGuestGone()) {
            engineThread.run(() -> {
                try {
                    if (guest.isPaused()) {
                        guest.resume();
                    }
                } catch (EngineException e) {
                    log.error("the guest may be left paused: {}", e.getMessage());
                }
            });
        }
        engineThread.run(() -> {
            dropWriter();
            if (guest != null) {
                guest.close();
            }
            // Another one only if the conductor never heard of it; closing twice does nothing.
            if (attachedGuest != null) {
                attachedGuest.close();
            }
        });
        engineThread.close();
        shipperThread.close();
    }
}
