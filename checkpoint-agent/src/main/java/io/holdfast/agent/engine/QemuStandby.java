package io.holdfast.agent.engine;

import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.TimeUnit;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * A QEMU process started with {@code -incoming defer}: it has the guest's machine and memory, runs nothing and sends nothing
 * until it is given a device state.
 *
 * <p><b>Whose process is it?</b> The process outlives the agent, so a new agent may find the one of its predecessor. While a
 * process waits, its pid and start time are noted in {@code standby.pid} in the runtime directory; the note is removed
 * <em>before</em> the process is given a state. So whoever is noted there never ran the guest and may be killed. A process
 * without a note that has our memory open is killed only if it says that it waits; else it may be the guest, and starting
 * is refused.
 *
 * <p><b>Whose is the memory?</b> Ours as long as the guest has not run: a process that waits, or takes a state, does not write to
 * it, and it outlives the process. So what was written to it is worth another process.
 */
public final class QemuStandby implements StandbyEngine {

    /**
     * Where things are.
     *
     * @param command what starts the guest, without {@code -incoming}
     * @param socket the agent's QMP socket in {@code command}
     * @param memory the file of {@code memory-backend-file} in {@code command}
     * @param incoming Unix socket that takes the device state; made by QEMU
     * @param runtimeDirectory for the note of the pid and the log; made if missing
     */
    public record Settings(List<String> command, Path socket, Path memory, Path incoming, Path runtimeDirectory) {

        public Settings {
            command = List.copyOf(command);
        }

        Path pidFile() {
            return runtimeDirectory.resolve("standby.pid");
        }

        Path log() {
            return runtimeDirectory.resolve("standby.log");
        }
    }

    private static final Logger LOG = LoggerFactory.getLogger(QemuStandby.class);
    private static final long GREETING_LIMIT_NANOS = TimeUnit.SECONDS.toNanos(3);

    private final Settings settings;
    private final GuestMemory memory;
    private final boolean memoryIsDiscarded;
    /** Replaced by {@link #restart}. */
    private volatile WaitingQemu waiting;

    private volatile boolean used;

    /** Starts a process that waits with memory of zeros, after making sure that no earlier one is left. */
    public static QemuStandby start(Settings settings) throws EngineException {
        removeLeftover(settings);
        removeMemory(settings);
        return startOver(settings);
    }

    /**
     * The same with another memory.
     *
     * @param filled a file that has as much as the guest, beside {@link Settings#memory}, which it becomes
     */
    public static QemuStandby start(Settings settings, Path filled) throws EngineException {
        removeLeftover(settings);
        putInPlace(filled, settings.memory());
        return startOver(settings);
    }

    private static QemuStandby startOver(Settings settings) throws EngineException {
        WaitingQemu started = WaitingQemu.launch(settings);
        try {
            return new QemuStandby(settings, started);
        } catch (EngineException e) {
            started.end();
            throw e;
        }
    }

    private QemuStandby(Settings settings, WaitingQemu started) throws EngineException {
        this.settings = settings;
        this.waiting = started;
        this.memoryIsDiscarded = QemuMachine.discardsMemory(started.qmp());
        this.memory = GuestMemory.mapWritable(settings.memory());
    }

    @Override
    public MachineDefinition definition() {
        return waiting.definition();
    }

    @Override
    public List<String> exitsPastTheWall(List<String> wallGuestPorts) throws EngineException {
        return ExitSearch.exits(waiting.qmp(), wallGuestPorts);
    }

    @Override
    public boolean isReady() {
        return !used && waiting.isReady();
    }

    @Override
    public long memoryBytes() {
        return memory.segment().byteSize();
    }

    @Override
    public MemorySegment memory() {
        return memory.segment();
    }

    @Override
    public QemuEngine promote(byte[] deviceState) throws EngineException {
        if (used) {
            throw new EngineException("the waiting QEMU process is used up: start a new one");
        }
        WaitingQemu promoted = waiting;
        byte[] stream = RestoreStream.of(deviceState, promoted.definition().machine());
        long startNanos = System.nanoTime();
        try {
            Files.deleteIfExists(settings.pidFile());
            IncomingQemu.load(promoted.qmp(), stream, settings.incoming());
        } catch (IOException | EngineException e) {
            promoted.end(); // Whatever became of it, it is not to run the guest later.
            throw new GuestNotStartedException(
                    "the waiting QEMU process %d did not take the checkpoint and was killed: %s%s"
                            .formatted(promoted.process().pid(), e.getMessage(), IncomingQemu.tailOf(settings.log())),
                    e);
        }
        used = true;
        try {
            IncomingQemu.resume(promoted.qmp());
        } catch (EngineException e) {
            end();
            throw new EngineException(
                    "QEMU process %d has taken the checkpoint but does not run the guest, and was killed: %s%s"
                            .formatted(promoted.process().pid(), e.getMessage(), IncomingQemu.tailOf(settings.log())),
                    e);
        }
        LOG.info(
                "QEMU process {} runs the guest, {} ms after it was given the state",
                promoted.process().pid(),
                TimeUnit.NANOSECONDS.toMillis(System.nanoTime() - startNanos));
        return new QemuEngine(
                settings.socket(),
                settings.memory(),
                memory,
                Optional.of(promoted.process()),
                promoted.qmp(),
                promoted.events());
    }

    @Override
    public void restart() throws EngineException {
        if (used) {
            throw new IllegalStateException("the guest may have run in this memory");
        }
        WaitingQemu failed = waiting;
        if (!failed.end()) {
            throw new GuestNotStartedException(survivesKill(failed.process()));
        }
        LOG.warn(
                "QEMU process {} is dead, and another one is started in its place{}",
                failed.process().pid(),
                IncomingQemu.tailOf(settings.log()));
        if (memoryIsDiscarded) {
            throw new EngineException(
                    "QEMU process %d may have thrown the guest's memory away at its end: leave discard-data=on out of agent.qemu.command"
                            .formatted(failed.process().pid()));
        }
        memory.requireToBe(settings.memory());
        removeLeftover(settings);
        WaitingQemu started = launchAgain();
        try {
            memory.requireToBe(settings.memory());
            requireTheSame(failed.definition(), started.definition());
        } catch (EngineException e) {
            started.end();
            throw e;
        }
        waiting = started;
    }

    private WaitingQemu launchAgain() throws GuestNotStartedException {
        try {
            return WaitingQemu.launch(settings);
        } catch (EngineException e) {
            throw new GuestNotStartedException(String.valueOf(e.getMessage()), e);
        }
    }

    /** With the same command line and the same machine, it has no exit either that the first had not (INV-8). */
    private static void requireTheSame(MachineDefinition before, MachineDefinition now)
            throws GuestNotStartedException {
        if (!now.equals(before)) {
            throw new GuestNotStartedException(
                    "QEMU %s makes another machine of the same command than QEMU %s did before, so the checkpoint may not fit"
                            .formatted(now.hypervisorVersion(), before.hypervisorVersion()));
        }
    }

    @Override
    public void close() {
        if (!used) {
            used = true;
            end();
        }
    }

    private void end() {
        if (!waiting.end()) {
            LOG.error("{}", survivesKill(waiting.process()));
        }
        memory.close();
        try {
            Files.deleteIfExists(settings.pidFile());
        } catch (IOException e) {
            LOG.warn("cannot delete {}", settings.pidFile(), e);
        }
    }

    private static String survivesKill(QemuProcess process) {
        return "QEMU process %d survives SIGKILL; look for I/O that hangs".formatted(process.pid());
    }

    private static void removeLeftover(Settings settings) throws EngineException {
        try {
            Optional<QemuProcess> noted =
                    QemuProcess.notedIn(settings.pidFile()).filter(QemuProcess::isAlive);
            if (noted.isPresent()) {
                killLeftover(noted.get());
            }
            Files.deleteIfExists(settings.pidFile());
            if (!Files.exists(settings.memory())) {
                return;
            }
            Optional<QemuProcess> holder = QemuProcess.holding(settings.memory());
            if (holder.isPresent()) {
                if (!waits(settings)) {
                    throw new EngineException(
                            "QEMU process %d runs a guest in %s: a backup cannot be started over it; end that guest, or start this agent as its primary"
                                    .formatted(holder.get().pid(), settings.memory()));
                }
                killLeftover(holder.get());
            }
        } catch (IOException e) {
            throw new EngineException(
                    "cannot clear away what an earlier backup left in %s and %s: %s"
                            .formatted(settings.runtimeDirectory(), settings.memory(), e),
                    e);
        }
    }

    /** A new file is all zero, which is what a first checkpoint leaves out. */
    private static void removeMemory(Settings settings) throws EngineException {
        try {
            Files.deleteIfExists(settings.memory());
        } catch (IOException e) {
            throw new EngineException("cannot remove the memory of an earlier backup: " + e, e);
        }
    }

    private static void putInPlace(Path filled, Path memory) throws EngineException {
        try {
            Files.move(filled, memory, StandardCopyOption.ATOMIC_MOVE);
        } catch (IOException e) {
            throw new EngineException("cannot make %s the memory of the guest, %s: %s".formatted(filled, memory, e), e);
        }
    }

    private static void killLeftover(QemuProcess leftover) throws EngineException {
        LOG.info("killing QEMU process {}, which an earlier agent left waiting", leftover.pid());
        if (!leftover.kill()) {
            throw new EngineException("left by an earlier agent, " + survivesKill(leftover));
        }
    }

    private static boolean waits(Settings settings) {
        try (QemuEvents unheard = new QemuEvents();
                QmpClient qmp = QmpClient.connect(settings.socket(), GREETING_LIMIT_NANOS, unheard)) {
            return qmp.execute("query-status").path("status").asText().equals("inmigrate");
        } catch (EngineException e) {
            LOG.warn("cannot ask who has {} open: {}", settings.memory(), e.getMessage());
            return false;
        }
    }
}
