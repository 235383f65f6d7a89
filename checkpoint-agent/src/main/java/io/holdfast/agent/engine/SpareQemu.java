package io.holdfast.agent.engine;

import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.util.Map;
import java.util.concurrent.atomic.AtomicReference;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * A second QEMU of the guest's command line, unchanged, in which a checkpoint can be restored beside the QEMU that waits and
 * unseen by everybody else.
 *
 * <ul>
 *   <li>It has a network namespace of its own, in which there is nothing but the taps that it makes itself: no frame of its
 *       guest has anywhere to go (INV-9), and no port or abstract socket of it meets another's.
 *   <li>It has a mount namespace of its own, in which every directory that the command line names is covered by an overlay:
 *       it reads what is there, and what it writes, makes or deletes is its own. Its memory is a file of its own.
 *   <li>It ends with the thread that started it, however that ends, and is the first that the kernel kills when memory runs
 *       out.
 * </ul>
 *
 * <p>It takes root, Linux with overlayfs, and mount, setpriv and unshare of util-linux 2.33 or newer.
 *
 * <p><b>Threads.</b> One, which lives until {@link #close}; but for {@link #kill}.
 */
public final class SpareQemu implements AutoCloseable {

    private static final Logger LOG = LoggerFactory.getLogger(SpareQemu.class);

    private final QemuStandby.Settings settings;
    private final SpareDirectory directory;
    private final QemuEvents events = new QemuEvents();
    private final AtomicReference<@Nullable QemuProcess> process = new AtomicReference<>();
    private volatile boolean killed;
    private @Nullable GuestMemory memory;
    private @Nullable QmpClient qmp;

    private SpareQemu(QemuStandby.Settings settings, SpareDirectory directory) {
        this.settings = settings;
        this.directory = directory;
    }

    /**
     * Takes the memory for one, and starts nothing yet.
     *
     * @param standby how the QEMU is started that waits
     * @param memoryBytes of the guest
     */
    public static SpareQemu prepare(QemuStandby.Settings standby, long memoryBytes) throws EngineException {
        SpareQemu spare = new SpareQemu(standby, SpareDirectory.make(standby));
        try {
            spare.directory.reserveMemory(memoryBytes);
            spare.memory = GuestMemory.mapWritable(spare.directory.memory());
            return spare;
        } catch (Throwable e) {
            spare.close();
            throw e;
        }
    }

    /** Ends and removes what a spare has left whose agent died. */
    public static void clear(QemuStandby.Settings standby) throws EngineException {
        SpareDirectory.clear(standby);
    }

    /**
     * The guest's memory, to be filled before {@link #start}.
     *
     * @throws IllegalStateException after it
     */
    public MemorySegment memory() {
        if (memory == null) {
            throw new IllegalStateException("the spare QEMU was started, and has its memory now");
        }
        return memory.segment();
    }

    /** Starts the process, which then waits for a state. Nobody may write to {@link #memory} any more. */
    public void start() throws EngineException {
        unmap();
        QemuProcess started = IncomingQemu.launch(directory.command(), directory.log());
        process.set(started);
        if (killed) {
            kill();
        }
        try {
            started.writeTo(directory.pidFile());
        } catch (IOException e) {
            throw new EngineException("cannot note the spare QEMU's process: " + e, e);
        }
        qmp = IncomingQemu.connect(started, directory.socket(), settings.socket(), directory.log(), events);
    }

    /**
     * The process, in whose network namespace the guest's taps are.
     *
     * @throws IllegalStateException before {@link #start}
     */
    public long pid() {
        return started().pid();
    }

    /** Gives it the devices' part of the checkpoint whose memory it has, and returns when the guest runs. */
    public void load(byte[] deviceState) throws EngineException {
        QmpClient connected = qmp;
        if (connected == null) {
            throw new IllegalStateException("the spare QEMU was not started");
        }
        byte[] stream = RestoreStream.of(deviceState, QemuMachine.versionedName(connected));
        try {
            connected.execute("migrate-incoming", Map.of("uri", "unix:" + settings.incoming()));
            IncomingQemu.load(connected, stream, directory.incoming());
            IncomingQemu.resume(connected);
        } catch (EngineException e) {
            throw new EngineException(
                    "the spare QEMU did not take the checkpoint: %s%s"
                            .formatted(e.getMessage(), IncomingQemu.tailOf(directory.log())),
                    e);
        }
    }

    /** Ends the process at once, also one that is just being started. Any thread; does not wait. */
    public void kill() {
        killed = true;
        QemuProcess running = process.get();
        if (running != null) {
            running.strike();
        }
    }

    /** Ends the process, and leaves nothing of it. */
    @Override
    public void close() {
        if (qmp != null) {
            qmp.close();
        }
        events.close();
        unmap();
        try {
            QemuProcess running = process.get();
            if (running != null && !running.kill()) {
                LOG.error("the spare QEMU, process {}, survives SIGKILL; look for I/O that hangs", running.pid());
                return;
            }
            directory.remove();
        } catch (EngineException e) {
            LOG.error("a spare QEMU has left something: {}", e.getMessage());
        }
    }

    private QemuProcess started() {
        QemuProcess running = process.get();
        if (running == null) {
            throw new IllegalStateException("the spare QEMU was not started");
        }
        return running;
    }

    private void unmap() {
        if (memory != null) {
            memory.close();
            memory = null;
        }
    }
}
