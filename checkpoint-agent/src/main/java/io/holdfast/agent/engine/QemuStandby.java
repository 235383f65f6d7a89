package io.holdfast.agent.engine;

import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
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
    private final QemuProcess process;
    private final QemuEvents events;
    private final QmpClient qmp;
    private final String machine;
    private final GuestMemory memory;
    private boolean used;

    /** Starts a process that waits with memory of zeros, after making sure that no earlier one is left. */
    public static QemuStandby start(Settings settings) throws EngineException {
        return start(settings, Optional.empty());
    }

    /**
     * The same with another memory.
     *
     * @param filled a file that has as much as the guest, beside {@link Settings#memory}, which it becomes
     */
    public static QemuStandby start(Settings settings, Path filled) throws EngineException {
        return start(settings, Optional.of(filled));
    }

    private static QemuStandby start(Settings settings, Optional<Path> filled) throws EngineException {
        if (settings.command().contains("-incoming")) {
            throw new EngineException("agent.qemu.command must not contain -incoming: the agent adds it");
        }
        removeLeftover(settings);
        if (filled.isPresent()) {
            putInPlace(filled.get(), settings.memory());
        }
        QemuProcess process = launch(settings);
        QemuEvents events = new QemuEvents();
        try {
            return new QemuStandby(settings, process, events, connect(settings, process, events));
        } catch (EngineException e) {
            events.close();
            process.kill();
            throw e;
        }
    }

    private QemuStandby(Settings settings, QemuProcess process, QemuEvents events, QmpClient qmp)
            throws EngineException {
        this.settings = settings;
        this.process = process;
        this.events = events;
        this.qmp = qmp;
        try {
            this.machine = QemuMachine.versionedName(qmp);
            qmp.execute("migrate-incoming", Map.of("uri", "unix:" + settings.incoming()));
            this.memory = GuestMemory.mapWritable(settings.memory());
        } catch (EngineException e) {
            qmp.close();
            throw e;
        }
        LOG.info("QEMU process {} waits for a state", process.pid());
    }

    @Override
    public MachineDefinition definition() throws EngineException {
        return QemuMachine.definition(qmp);
    }

    @Override
    public List<String> exitsPastTheWall(List<String> wallGuestPorts) throws EngineException {
        return ExitSearch.exits(qmp, wallGuestPorts);
    }

    @Override
    public boolean isReady() {
        return !used && qmp.isConnected() && process.isAlive();
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
        if (!isReady()) {
            throw new EngineException("the waiting QEMU process %d is used up or dead: start a new one%s"
                    .formatted(process.pid(), IncomingQemu.tailOf(settings.log())));
        }
        byte[] stream = RestoreStream.of(deviceState, machine);
        long startNanos = System.nanoTime();
        used = true;
        try {
            Files.deleteIfExists(settings.pidFile());
            IncomingQemu.load(qmp, stream, settings.incoming());
            LOG.info(
                    "QEMU process {} runs the guest, {} ms after it was given the state",
                    process.pid(),
                    TimeUnit.NANOSECONDS.toMillis(System.nanoTime() - startNanos));
            return new QemuEngine(settings.socket(), settings.memory(), memory, Optional.of(process), qmp, events);
        } catch (IOException e) {
            throw failed(e);
        } catch (EngineException e) {
            throw failed(e);
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
        qmp.close();
        events.close();
        if (!process.kill()) {
            LOG.error("QEMU process {} survives SIGKILL; look for I/O that hangs", process.pid());
        }
        memory.close();
        try {
            Files.deleteIfExists(settings.pidFile());
        } catch (IOException e) {
            LOG.warn("cannot delete {}", settings.pidFile(), e);
        }
    }

    /** Half a restored guest is none: nobody knows what it would do. */
    private EngineException failed(Exception reason) {
        end();
        return new EngineException(
                "the waiting QEMU process %d did not take the checkpoint and was killed: %s%s"
                        .formatted(process.pid(), reason.getMessage(), IncomingQemu.tailOf(settings.log())),
                reason);
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
            // A new file is all zero, which is what a first checkpoint leaves out.
            Files.delete(settings.memory());
        } catch (IOException e) {
            throw new EngineException(
                    "cannot clear away what an earlier backup left in %s and %s: %s"
                            .formatted(settings.runtimeDirectory(), settings.memory(), e),
                    e);
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
            throw new EngineException(
                    "QEMU process %d, left by an earlier agent, survives SIGKILL; look for I/O that hangs"
                            .formatted(leftover.pid()));
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

    private static QemuProcess launch(Settings settings) throws EngineException {
        List<String> command = new ArrayList<>();
        // A session of its own: the guest must survive the end of the agent and of the agent's terminal.
        command.add("setsid");
        command.addAll(settings.command());
        try {
            Files.createDirectories(settings.runtimeDirectory());
            Files.deleteIfExists(settings.socket());
            Files.deleteIfExists(settings.incoming());
            QemuProcess process = IncomingQemu.launch(command, settings.log());
            process.writeTo(settings.pidFile());
            return process;
        } catch (IOException e) {
            throw new EngineException("cannot start %s: %s; check agent.qemu.command".formatted(command, e), e);
        }
    }

    private static QmpClient connect(Settings settings, QemuProcess process, QemuEvents events) throws EngineException {
        return IncomingQemu.connect(process, settings.socket(), settings.socket(), settings.log(), events);
    }
}
