package io.holdfast.agent.engine;

import io.holdfast.agent.engine.QmpClient.Reply;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Checkpoints a stock QEMU from outside: the guest's memory is a shared file that we map and compare, the state of
 * processors and devices comes over QMP ({@code xen-save-devices-state}, which despite its name needs no Xen).
 *
 * <p>A pause is made of: {@code stop}, device state, comparison of all memory, {@code cont}. The comparison is most of it.
 */
public final class QemuEngine implements CheckpointEngine {

    private static final Logger LOG = LoggerFactory.getLogger(QemuEngine.class);
    private static final long GREETING_LIMIT_NANOS = TimeUnit.SECONDS.toNanos(3);
    private static final long RESUME_LIMIT_NANOS = TimeUnit.SECONDS.toNanos(2);
    private static final long RETRY_NANOS = TimeUnit.MILLISECONDS.toNanos(1);

    private final Path socket;
    private final QmpClient qmp;
    private final QemuEvents events;
    private final Optional<QemuProcess> process;
    private final GuestMemory memory;
    private final ShadowCopy shadow;
    /** QEMU writes the device state here; a sibling of the memory file, so on the same tmpfs. */
    private final Path deviceState;

    private boolean copyIsWhole;

    /**
     * Attaches to a running or paused guest, and leaves it as it is.
     *
     * @param socket QMP socket of the guest's QEMU, with no other client on it
     * @param memory the file of its {@code memory-backend-file}, which must be shared
     */
    public static QemuEngine attach(Path socket, Path memory) throws EngineException {
        QemuEvents events = new QemuEvents();
        QmpClient qmp;
        try {
            qmp = QmpClient.connect(socket, GREETING_LIMIT_NANOS, events);
        } catch (EngineException e) {
            events.close();
            throw e;
        }
        try {
            return new QemuEngine(socket, memory, qmp, events);
        } catch (EngineException e) {
            qmp.close();
            events.close();
            throw e;
        }
    }

    /** Takes over a connection. If this fails it is still the caller's. */
    QemuEngine(Path socket, Path memoryFile, QmpClient qmp, QemuEvents events) throws EngineException {
        this.socket = socket;
        this.qmp = qmp;
        this.events = events;
        this.deviceState = memoryFile.resolveSibling(memoryFile.getFileName() + ".devices");
        long expectedBytes =
                qmp.execute("query-memory-size-summary").path("base-memory").asLong();
        try {
            this.process = QemuProcess.holding(memoryFile);
        } catch (IOException e) {
            throw new EngineException("cannot find the process that has %s open: %s".formatted(memoryFile, e), e);
        }
        if (process.isEmpty()) {
            LOG.warn("no process seems to have {} open; the guest can only be killed while QMP answers", memoryFile);
        }
        this.memory = GuestMemory.mapReadOnly(memoryFile);
        try {
            if (memoryBytes() != expectedBytes) {
                throw new EngineException(
                        "%s has %d bytes but the guest at %s has %d: name the mem-path of its memory-backend-file"
                                .formatted(memoryFile, memoryBytes(), socket, expectedBytes));
            }
            this.shadow = new ShadowCopy(memory.segment(), memory.arena());
            events.onFoundInState(runState());
        } catch (EngineException e) {
            memory.close();
            throw e;
        }
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
    public void precopy(PageSink sink) throws EngineException {
        copyIsWhole = false;
        shadow.handOutAll(sink);
        copyIsWhole = true;
    }

    @Override
    public byte[] capture(PageSink sink) throws EngineException {
        if (!copyIsWhole) {
            throw new EngineException(
                    "the guest's memory was never handed out, or not to its end: precopy before the next checkpoint");
        }
        // Before the comparison: should a device touch memory while it saves itself, that belongs to this checkpoint.
        byte[] state = saveDevices();
        handOutChanges(sink);
        return state;
    }

    /** Second part of a capture. */
    void handOutChanges(PageSink sink) {
        // A sink that throws has not got what the copy already counts as handed out.
        copyIsWhole = false;
        shadow.handOutChanges(sink);
        copyIsWhole = true;
    }

    /** First part of a capture. */
    byte[] saveDevices() throws EngineException {
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
