package io.holdfast.agent.engine;

import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.net.StandardProtocolFamily;
import java.net.UnixDomainSocketAddress;
import java.nio.ByteBuffer;
import java.nio.channels.SocketChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;
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
    private static final long START_LIMIT_NANOS = TimeUnit.SECONDS.toNanos(10);
    private static final long GREETING_LIMIT_NANOS = TimeUnit.SECONDS.toNanos(3);
    private static final long RESTORE_LIMIT_NANOS = TimeUnit.SECONDS.toNanos(5);
    private static final long START_POLL_NANOS = TimeUnit.MILLISECONDS.toNanos(5);
    private static final long RESTORE_POLL_NANOS = TimeUnit.MICROSECONDS.toNanos(200);
    private static final int LOG_TAIL_LINES = 5;

    private final Settings settings;
    private final QemuProcess process;
    private final QemuEvents events;
    private final QmpClient qmp;
    private final String machine;
    private final GuestMemory memory;
    private boolean used;

    /** Starts a process that waits, after making sure that no earlier one is left. */
    public static QemuStandby start(Settings settings) throws EngineException {
        if (settings.command().contains("-incoming")) {
            throw new EngineException("agent.qemu.command must not contain -incoming: the agent adds it");
        }
        removeLeftover(settings);
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
                    .formatted(process.pid(), logTail(settings)));
        }
        byte[] stream = RestoreStream.of(deviceState, machine);
        long startNanos = System.nanoTime();
        used = true;
        try {
            Files.deleteIfExists(settings.pidFile());
            inject(stream);
            awaitRunning();
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
                        .formatted(process.pid(), reason.getMessage(), logTail(settings)),
                reason);
    }

    private void inject(byte[] stream) throws IOException {
        try (SocketChannel channel = SocketChannel.open(StandardProtocolFamily.UNIX)) {
            channel.connect(UnixDomainSocketAddress.of(settings.incoming()));
            ByteBuffer buffer = ByteBuffer.wrap(stream);
            while (buffer.hasRemaining()) {
                channel.write(buffer);
            }
        }
    }

    private void awaitRunning() throws EngineException {
        long deadlineNanos = System.nanoTime() + RESTORE_LIMIT_NANOS;
        while (true) {
            String state = qmp.execute("query-status").path("status").asText();
            switch (state) {
                case "running" -> {
                    return;
                }
                case "inmigrate" -> LockSupport.parkNanos(RESTORE_POLL_NANOS);
                // The state is loaded, but was taken in a way that does not start the guest by itself.
                case "paused", "prelaunch", "finish-migrate", "postmigrate" -> {
                    qmp.call("cont", Map.of());
                    LockSupport.parkNanos(RESTORE_POLL_NANOS);
                }
                default -> throw new EngineException("after loading the state it is in state \"%s\"".formatted(state));
            }
            if (System.nanoTime() - deadlineNanos > 0) {
                throw new EngineException("still in state \"%s\" after %d s"
                        .formatted(state, TimeUnit.NANOSECONDS.toSeconds(RESTORE_LIMIT_NANOS)));
            }
        }
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
        command.addAll(List.of("-incoming", "defer"));
        try {
            Files.createDirectories(settings.runtimeDirectory());
            Files.deleteIfExists(settings.socket());
            Files.deleteIfExists(settings.incoming());
            Process started = new ProcessBuilder(command)
                    .redirectInput(Path.of("/dev/null").toFile())
                    .redirectErrorStream(true)
                    .redirectOutput(settings.log().toFile())
                    .start();
            QemuProcess process = QemuProcess.withPid(started.pid())
                    .orElseThrow(() -> new EngineException(
                            "%s ended at once%s".formatted(settings.command().getFirst(), logTail(settings))));
            process.writeTo(settings.pidFile());
            return process;
        } catch (IOException e) {
            throw new EngineException("cannot start %s: %s; check agent.qemu.command".formatted(command, e), e);
        }
    }

    private static QmpClient connect(Settings settings, QemuProcess process, QemuEvents events) throws EngineException {
        long deadlineNanos = System.nanoTime() + START_LIMIT_NANOS;
        while (true) {
            if (!process.isAlive()) {
                throw new EngineException("QEMU process %d ended before it could wait; check agent.qemu.command%s"
                        .formatted(process.pid(), logTail(settings)));
            }
            if (Files.exists(settings.socket())) {
                try {
                    return QmpClient.connect(settings.socket(), GREETING_LIMIT_NANOS, events);
                } catch (EngineException e) {
                    // The socket's file appears a moment before QEMU listens on it.
                    LOG.debug("QEMU process {} does not listen yet", process.pid(), e);
                }
            }
            if (System.nanoTime() - deadlineNanos > 0) {
                throw new EngineException(
                        "QEMU process %d does not listen on %s; agent.qemu.command must contain -qmp unix:%s,server=on,wait=off%s"
                                .formatted(process.pid(), settings.socket(), settings.socket(), logTail(settings)));
            }
            LockSupport.parkNanos(START_POLL_NANOS);
        }
    }

    private static String logTail(Settings settings) {
        try {
            List<String> lines = Files.readAllLines(settings.log());
            List<String> tail = lines.subList(Math.max(0, lines.size() - LOG_TAIL_LINES), lines.size());
            return tail.isEmpty() ? "" : "; it said: " + String.join(" / ", tail);
        } catch (IOException e) {
            return "";
        }
    }
}
