package io.holdfast.agent;

import io.holdfast.agent.engine.CheckpointEngine;
import io.holdfast.agent.engine.EngineException;
import io.holdfast.agent.engine.GuestEventListener.GuestEvent;
import io.holdfast.agent.engine.GuestUnreachableException;
import io.holdfast.agent.engine.MachineDefinition;
import io.holdfast.agent.engine.MissedPageException;
import io.holdfast.agent.engine.QemuEngine;
import io.holdfast.agent.link.CheckpointWriter;
import io.holdfast.agent.link.LinkConnection;
import io.holdfast.agent.link.LinkException;
import io.holdfast.agent.role.PrimaryEffect;
import io.holdfast.wall.Epoch;
import java.util.List;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * All that is done to the running guest: it is looked for, paused, captured, resumed, ended; and what was captured is sent.
 *
 * <p><b>Threads.</b> Commands come from the conductor and return at once. The engine thread carries them out one after
 * another; the shipper thread sends, so that a slow link does not keep the next checkpoint waiting. Every answer comes on
 * the conductor.
 */
final class GuestWorker {

    private static final Logger log = LoggerFactory.getLogger(GuestWorker.class);

    private static final long ATTACH_RETRY_MILLIS = 250;
    private static final long SHIP_STALL_NANOS = 2_000_000_000L;

    /**
     * What a guest was found to be.
     *
     * @param exits ways past the wall, one sentence each (INV-8)
     */
    record Found(MachineDefinition machine, long memoryBytes, List<String> exits, boolean paused) {}

    /** Hears what became of the commands. On the conductor. */
    interface Listener {

        /** The first look has found no guest; it goes on. */
        void onNoGuest();

        /** There may be a guest, which cannot be attached to; it is looked for again. */
        void onUnreachable(String reason);

        void onGuestFound(Found found);

        void onGuestEvent(GuestEvent event);

        /** All memory was handed out for that session, or there was nobody to hand it to. */
        void onPrecopied(long session);

        void onPaused();

        void onCaptured(long epoch);

        void onCheckpointFailed();

        /** What was captured before was not what the guest had. */
        void onCheckpointsWrong(String reason);

        /** The guest does not go on. */
        void onResumeFailed();

        /** The checkpoint did not get through to the backup of that session. */
        void onNotShipped(long session);
    }

    private final AgentContext context;
    private final Conductor conductor;
    private final AgentMeasures measures;
    private final Listener listener;
    private final Worker engineThread = new Worker("engine");
    private final Worker shipperThread = new Worker("shipper");

    // Engine thread; the writer is handed to the shipper with the checkpoint.
    private volatile @Nullable CheckpointEngine guest;
    private @Nullable CheckpointWriter writer;
    private byte[] deviceState = {};
    private @Nullable Exception notSaved;
    private long pauseBeganNanos;

    GuestWorker(AgentContext context, Listener listener) {
        this.context = context;
        this.conductor = context.conductor();
        this.measures = context.measures();
        this.listener = listener;
    }

    // ---- the guest ----

    /** Takes over a guest that was just restored here. */
    void adopt(CheckpointEngine restored) {
        engineThread.run(() -> examine(restored));
    }

    /** Looks for a guest until one is found. */
    void find(boolean first) {
        engineThread.run(() -> {
            try {
                examine(attach());
            } catch (GuestUnreachableException e) {
                // It may serve as well as ever: only a look that finds no guest is proof of its death.
                if (first) {
                    conductor.post(() -> listener.onUnreachable(String.valueOf(e.getMessage())));
                }
                conductor.postAfter(ATTACH_RETRY_MILLIS, () -> find(first));
            } catch (EngineException e) {
                if (first) {
                    log.info("no guest yet: {}", e.getMessage());
                    conductor.post(listener::onNoGuest);
                }
                conductor.postAfter(ATTACH_RETRY_MILLIS, () -> find(false));
            }
        });
    }

    private QemuEngine attach() throws EngineException {
        return QemuEngine.attach(
                context.agent().qemu().qmp(), context.agent().qemu().memory());
    }

    private void examine(CheckpointEngine attached) {
        if (guest != null) {
            guest.close(); // An earlier one, whose hypervisor is gone.
        }
        guest = attached;
        attached.trackChanges(context.agent().qemu().dirtyPages());
        measures.changeTracking = attached.changeTracking();
        log.info("changed memory is found by {}", measures.changeTracking);
        try {
            Found found = new Found(
                    attached.definition(),
                    attached.memoryBytes(),
                    attached.exitsPastTheWall(context.wallGuestPorts()),
                    attached.isPaused());
            attached.onGuestEvent(event -> conductor.post(() -> listener.onGuestEvent(event)));
            conductor.post(() -> listener.onGuestFound(found));
        } catch (EngineException e) {
            // That it does not answer is no proof of its death: only a new look that finds no guest is.
            log.error("cannot examine the guest, trying again: {}", e.getMessage());
            attached.close();
            guest = null;
            conductor.postAfter(ATTACH_RETRY_MILLIS, () -> find(true));
        }
    }

    /** Ends the guest of a host that has lost its right to run it, also one that nobody has looked for yet. */
    void kill() {
        CheckpointEngine deposed = guest;
        if (deposed != null) {
            deposed.kill(); // At once, and not after what the engine thread still has to do.
            return;
        }
        engineThread.run(() -> {
            CheckpointEngine late = guest;
            if (late != null) {
                late.kill();
                return;
            }
            try (CheckpointEngine found = attach()) {
                found.kill();
            } catch (GuestUnreachableException e) {
                killUnreachable(String.valueOf(e.getMessage()));
            } catch (EngineException e) {
                log.info("no guest to end here: {}", e.getMessage());
            }
        });
    }

    private void killUnreachable(String because) {
        try {
            if (QemuEngine.killHolder(context.agent().qemu().memory())) {
                log.warn("killed a guest that could not be attached to: {}", because);
            } else {
                log.error("a guest may run on here, whose process cannot be seen: {}", because);
            }
        } catch (EngineException e) {
            log.error("a guest may run on here: {}", e.getMessage());
        }
    }

    // ---- a checkpoint, in the order of its steps ----

    /** Hands all memory to a backup while the guest runs. */
    void precopy(long session, @Nullable LinkConnection to) {
        engineThread.run(() -> {
            CheckpointEngine from = guest;
            if (to == null || from == null) {
                conductor.post(() -> listener.onPrecopied(session));
                return;
            }
            dropWriter();
            CheckpointWriter full = CheckpointWriter.full(to, SHIP_STALL_NANOS);
            writer = full;
            try {
                long beganNanos = System.nanoTime();
                from.precopy(full);
                full.collect();
                long tookNanos = System.nanoTime() - beganNanos;
                log.info("precopy: {} MiB in {} ms", full.byteCount() >> 20, tookNanos / 1_000_000);
                conductor.post(() -> listener.onPrecopied(session));
            } catch (Throwable e) {
                checkpointFailed("precopy", e);
                noteTracking(from);
            }
        });
    }

    void pause() {
        onGuest("pause", paused -> {
            pauseBeganNanos = System.nanoTime();
            paused.pause();
            conductor.post(listener::onPaused);
            // While the barrier is being placed; whoever captures is told if it fails.
            try {
                notSaved = null;
                deviceState = paused.saveDevices();
            } catch (EngineException | RuntimeException e) {
                notSaved = e;
            }
        });
    }

    void capture(PrimaryEffect.CaptureState capture, @Nullable LinkConnection to) {
        onGuest("capture", captured -> {
            if (notSaved != null) {
                throw new EngineException("devices: " + notSaved.getMessage(), notSaved);
            }
            CheckpointWriter pages = writerFor(capture, to);
            if (pages == null) {
                captured.captureMemory((firstPage, count, memory, offsetBytes) -> {});
            } else {
                long precopiedPages = pages.pageCount();
                captured.captureMemory(pages);
                measures.dirtyPages.add(pages.pageCount() - precopiedPages);
            }
            measures.checkpoints.increment();
            conductor.post(() -> listener.onCaptured(capture.epoch()));
        });
    }

    /** What a precopy has begun takes the first capture too; one that nobody can use goes nowhere. */
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

    void resume() {
        onGuest("resume", resumed -> {
            try {
                resumed.resume();
            } catch (EngineException e) {
                log.error("the guest does not go on, trying again: {}", e.getMessage());
                conductor.post(listener::onResumeFailed);
                return;
            }
            if (pauseBeganNanos != 0) {
                long pausedNanos = System.nanoTime() - pauseBeganNanos;
                measures.pauseNanos.record(pausedNanos);
                measures.pausedNanos.add(pausedNanos);
                pauseBeganNanos = 0;
            }
        });
    }

    void ship(PrimaryEffect.Ship ship, String addresses) {
        engineThread.run(() -> {
            CheckpointWriter captured = writer;
            byte[] devices = deviceState;
            writer = null;
            if (captured != null) {
                shipperThread.run(() -> finish(ship, captured, devices, addresses));
            }
        });
    }

    private void finish(PrimaryEffect.Ship ship, CheckpointWriter captured, byte[] devices, String addresses) {
        try (captured) {
            captured.finish(ship.epoch(), devices, addresses);
            measures.shippedBytes.add(captured.byteCount() + devices.length);
        } catch (LinkException e) {
            log.warn("checkpoint {} was not sent: {}", ship.epoch(), e.getMessage());
            conductor.post(() -> listener.onNotShipped(ship.session()));
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }

    /** Forgets what was captured; nobody can use it. */
    void drop() {
        engineThread.run(this::dropWriter);
    }

    private void dropWriter() {
        if (writer != null) {
            writer.close();
            writer = null;
        }
    }

    // ---- the end ----

    /**
     * Lets go of the guest.
     *
     * @param running whether it must not be left paused
     */
    void close(boolean running) {
        engineThread.run(() -> {
            dropWriter();
            if (running) {
                leaveRunning();
            }
            if (guest != null) {
                guest.close();
            }
        });
        engineThread.close();
        shipperThread.close();
    }

    private void leaveRunning() {
        try {
            if (guest != null && guest.isPaused()) {
                guest.resume();
            }
        } catch (EngineException e) {
            log.error("the guest may be left paused: {}", e.getMessage());
        }
    }

    private interface Task {
        void on(CheckpointEngine guest) throws EngineException;
    }

    private void onGuest(String what, Task task) {
        engineThread.run(() -> {
            CheckpointEngine addressed = guest;
            if (addressed == null) {
                return;
            }
            try {
                task.on(addressed);
            } catch (MissedPageException e) {
                log.error("checkpoints were wrong: {}", e.getMessage());
                conductor.post(() -> listener.onCheckpointsWrong(String.valueOf(e.getMessage())));
                noteTracking(addressed);
            } catch (Throwable e) {
                checkpointFailed(what, e); // Whatever it was, the guest must not stay paused for it.
                noteTracking(addressed);
            }
        });
    }

    /** It changes when the kernel has failed to report a page. */
    private void noteTracking(CheckpointEngine of) {
        if (!of.changeTracking().equals(measures.changeTracking)) {
            measures.changeTracking = of.changeTracking();
            measures.trackingFaults.increment();
        }
    }

    private void checkpointFailed(String what, Throwable cause) {
        log.error(
                "checkpoint failed at {}: {}",
                what,
                cause.getMessage(),
                cause instanceof EngineException ? null : cause);
        conductor.post(listener::onCheckpointFailed);
    }
}
