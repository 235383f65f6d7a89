package io.holdfast.agent.engine;

import io.holdfast.agent.engine.QmpClient.Reply;
import io.holdfast.config.DirtyPagesMethod;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Checkpoints a stock QEMU from outside: the guest's memory is a shared file that we map and compare, the state of
 * processors and devices comes over QMP ({@code xen-save-devices-state}, which despite its name needs no Xen).
 *
 * <p>A pause is made of: {@code stop}, device state, changed memory, {@code cont}. Where all memory must be compared to find
 * what has changed, that is most of it.
 */
public final class QemuEngine implements CheckpointEngine {

    private static final Logger LOG = LoggerFactory.getLogger(QemuEngine.class);
    private static final long GREETING_LIMIT_NANOS = TimeUnit.SECONDS.toNanos(3);
    private static final long RESUME_LIMIT_NANOS = TimeUnit.SECONDS.toNanos(2);
    private static final String WAITING_FOR_A_GUEST = "inmigrate";
    private static final Path SHARED_MEMORY = Path.of("/dev/shm");
    private static final long RETRY_NANOS = TimeUnit.MILLISECONDS.toNanos(1);

    private final Path socket;
    private final Path memoryFile;
    private final QmpClient qmp;
    private final QemuEvents events;
    private final GuestMemory memory;
    private final Optional<QemuProcess> process;
    /** QEMU writes the device state here. */
    private final Path deviceState;
    /** Made when it is first needed: a restored guest must not wait for as much memory as it has itself. */
    private @Nullable ShadowCopy shadow;

    private ChangeTracking tracking = ChangeTracking.comparison("");

    /**
     * Attaches to a running or paused guest, and leaves it as it is.
     *
     * @param socket QMP socket of the guest's QEMU, with no other client on it
     * @param memoryFile the file of its {@code memory-backend-file}, which must be shared
     * @throws GuestUnreachableException if there may be a guest all the same: some process has the memory, or the socket
     * @throws EngineException otherwise if there is none, or one that does not run yet
     */
    public static QemuEngine attach(Path socket, Path memoryFile) throws EngineException {
        try {
            return attachTo(socket, memoryFile);
        } catch (GuestNotStartedException | GuestUnreachableException e) {
            throw e;
        } catch (EngineException e) {
            if (isHeld(memoryFile)) {
                throw new GuestUnreachableException(String.valueOf(e.getMessage()), e);
            }
            throw e;
        }
    }

    /** Whether some process has that memory, or nobody can tell. */
    private static boolean isHeld(Path memoryFile) {
        if (!Files.exists(memoryFile)) {
            return false;
        }
        try {
            return QemuProcess.holding(memoryFile).isPresent();
        } catch (EngineException e) {
            LOG.warn("{}", e.getMessage());
            return Files.exists(memoryFile);
        }
    }

    /**
     * Kills the QEMU that has that memory, for whom {@link #attach} has failed.
     *
     * @return whether one was seen
     * @throws EngineException if it survives, or if it cannot be found out which one it is
     */
    public static boolean killHolder(Path memoryFile) throws EngineException {
        Optional<QemuProcess> holder = QemuProcess.holding(memoryFile);
        if (holder.isPresent() && !holder.get().kill()) {
            throw new EngineException("QEMU process %d survives SIGKILL; look for I/O that hangs"
                    .formatted(holder.get().pid()));
        }
        return holder.isPresent();
    }

    private static QemuEngine attachTo(Path socket, Path memoryFile) throws EngineException {
        GuestMemory memory = GuestMemory.mapReadOnly(memoryFile);
        QemuEvents events = new QemuEvents();
        QmpClient qmp = null;
        try {
            Optional<QemuProcess> process = QemuProcess.holding(memoryFile);
            if (process.isEmpty()) {
                LOG.warn("no process has {} open as far as we may see; kill() will need QMP", memoryFile);
            }
            qmp = QmpClient.connect(socket, GREETING_LIMIT_NANOS, events);
            long guestBytes =
                    qmp.execute("query-memory-size-summary").path("base-memory").asLong();
            if (guestBytes != memory.segment().byteSize()) {
                throw new EngineException(
                        "%s has %d bytes but the guest at %s has %d: name the mem-path of its memory-backend-file"
                                .formatted(memoryFile, memory.segment().byteSize(), socket, guestBytes));
            }
            QemuEngine engine = new QemuEngine(socket, memoryFile, memory, process, qmp, events);
            String state = engine.runState();
            if (state.equals(WAITING_FOR_A_GUEST)) {
                throw new GuestNotStartedException(
                        "the QEMU at " + socket + " waits for a checkpoint; there is no guest in it");
            }
            events.onFoundInState(state);
            return engine;
        } catch (EngineException e) {
            if (qmp != null) {
                qmp.close();
            }
            events.close();
            memory.close();
            throw e;
        }
    }

    /** Takes over all that it is given. */
    QemuEngine(
            Path socket,
            Path memoryFile,
            GuestMemory memory,
            Optional<QemuProcess> process,
            QmpClient qmp,
            QemuEvents events) {
        this.socket = socket;
        this.memoryFile = memoryFile;
        this.memory = memory;
        this.process = process;
        this.qmp = qmp;
        this.events = events;
        this.deviceState = deviceStateFile(memoryFile);
    }

    /** Beside the memory file if that is in memory: a pause must not wait for a disk. */
    static Path deviceStateFile(Path memoryFile) {
        Path sibling = memoryFile.resolveSibling(memoryFile.getFileName() + ".devices");
        try {
            if (Files.getFileStore(memoryFile).type().equals("tmpfs")) {
                return sibling;
            }
        } catch (IOException e) {
            LOG.warn("cannot tell whether {} is in memory: {}", memoryFile, e.toString());
        }
        return SHARED_MEMORY.resolve(
                sibling.toAbsolutePath().toString().substring(1).replace('/', '-'));
    }

    @Override
    public MachineDefinition definition() throws EngineException {
        return QemuMachine.definition(qmp);
    }

    @Override
    public List<String> exitsPastTheWall(List<String> wallGuestPorts) throws EngineException {
        List<String> exits = new ArrayList<>(ExitSearch.exits(qmp, wallGuestPorts));
        VhostNet.exitOf(process).ifPresent(exits::add);
        return List.copyOf(exits);
    }

    @Override
    public boolean isAlive() {
        return qmp.isConnected() && process.map(QemuProcess::isAlive).orElse(true);
    }

    @Override
    public boolean isPaused() throws EngineException {
        return !qmp.execute("query-status").path("running").asBoolean();
    }

    @Override
    public void pause() throws EngineException {
        // The reply comes when the processors stand still and QEMU has flushed the queues of its NICs.
        qmp.execute("stop");
    }

    /** Also tries again for a while if QEMU still ends a migration. */
    @Override
    public void resume() throws EngineException {
        long deadlineNanos = System.nanoTime() + RESUME_LIMIT_NANOS;
        while (qmp.call("cont", Map.of()) instanceof Reply.Refused refused) {
            boolean willPass = refused.description().contains("not finalized");
            if (!willPass || System.nanoTime() - deadlineNanos > 0) {
                throw new EngineException("the guest at %s does not go on: %s (%s); it is in state \"%s\""
                        .formatted(socket, refused.description(), refused.errorClass(), runState()));
            }
            LockSupport.parkNanos(RETRY_NANOS);
        }
    }

    @Override
    public long memoryBytes() {
        return memory.segment().byteSize();
    }

    @Override
    public void trackChanges(DirtyPagesMethod wanted) {
        track(ChangeTracking.choose(wanted, process, memoryFile, memoryBytes()));
    }

    void track(ChangeTracking chosen) {
        stopTracking("");
        tracking = chosen;
    }

    @Override
    public String changeTracking() {
        return tracking.because().isEmpty() ? tracking.method() : tracking.method() + ": " + tracking.because();
    }

    private void stopTracking(String because) {
        if (tracking.pages() != null) {
            tracking.pages().close();
        }
        tracking = ChangeTracking.comparison(because);
    }

    @Override
    public void precopy(PageSink sink) throws EngineException {
        if (shadow == null) {
            shadow = new ShadowCopy(memory.segment(), memory.arena());
        }
        DirtyPages pages = tracking.pages();
        if (pages != null) {
            try {
                pages.restart(); // Before the copy is made: what is written meanwhile is looked at again.
            } catch (EngineException e) {
                compareFromNowOn(e);
            }
        }
        shadow.handOutAll(sink);
    }

    @Override
    public byte[] saveDevices() throws EngineException {
        // live=false keeps QEMU from handing disks over to another process, which is what Xen would want.
        qmp.execute("xen-save-devices-state", Map.of("filename", deviceState.toString(), "live", false));
        try {
            return Files.readAllBytes(deviceState);
        } catch (IOException e) {
            throw new EngineException(
                    "cannot read the device state that QEMU wrote to %s: %s; agent and QEMU must see the same folder"
                            .formatted(deviceState, e),
                    e);
        }
    }

    @Override
    public void captureMemory(PageSink sink) throws EngineException {
        if (shadow == null || !shadow.isWhole()) {
            throw new EngineException(
                    "the guest's memory was never handed out, or not to its end: precopy before the next checkpoint");
        }
        DirtyPages pages = tracking.pages();
        if (pages == null) {
            shadow.handOutChanges(sink);
            return;
        }
        long missed;
        try {
            missed = shadow.handOutWritten(pages, sink);
        } catch (EngineException e) {
            compareFromNowOn(e);
            shadow.handOutChanges(sink);
            return;
        }
        if (missed != ShadowCopy.NO_PAGE) {
            String fault = "page %d changed without %s having reported it".formatted(missed, pages.method());
            stopTracking(fault);
            throw new MissedPageException(fault + "; all memory is handed out anew, and compared from now on");
        }
    }

    /** Comparison needs nobody who could fail. */
    private void compareFromNowOn(EngineException because) {
        LOG.warn("changed memory is found by comparison from now on: {}", because.getMessage());
        stopTracking(String.valueOf(because.getMessage()));
    }

    @Override
    public void onGuestEvent(GuestEventListener listener) {
        events.deliverTo(listener);
    }

    @Override
    public void kill() {
        if (process.isPresent()) {
            if (!process.get().kill()) {
                LOG.error(
                        "QEMU process {} survives SIGKILL; look for I/O that hangs",
                        process.get().pid());
            }
            return;
        }
        try {
            qmp.execute("quit");
        } catch (EngineException e) {
            LOG.error("cannot kill the guest at {}: its process is unknown, and QMP fails: {}", socket, e.getMessage());
        }
    }

    @Override
    public void close() {
        qmp.close();
        events.close();
        stopTracking("");
        memory.close();
        try {
            Files.deleteIfExists(deviceState);
        } catch (IOException e) {
            LOG.warn("cannot delete {}", deviceState, e);
        }
    }

    private String runState() throws EngineException {
        return qmp.execute("query-status").path("status").asText();
    }
}
