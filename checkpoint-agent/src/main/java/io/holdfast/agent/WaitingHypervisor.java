package io.holdfast.agent;

import io.holdfast.agent.engine.EngineException;
import io.holdfast.agent.engine.MachineDefinition;
import io.holdfast.agent.engine.QemuStandby;
import io.holdfast.agent.engine.SpareMemories;
import io.holdfast.agent.engine.StandbyEngine;
import io.holdfast.agent.link.StagedCheckpoint;
import io.holdfast.agent.role.BackupRole;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.concurrent.atomic.AtomicReference;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The hypervisor that waits on a backup for its guest, the checkpoints that are written to its memory, and further ones where
 * a checkpoint may be restored more than once.
 *
 * <p><b>Threads.</b> The conductor, unless a method says else; what blocks is done by the engine thread, in order.
 */
final class WaitingHypervisor {

    private static final Logger log = LoggerFactory.getLogger(WaitingHypervisor.class);

    private static final long START_RETRY_MILLIS = 1_000;
    private static final long CHECK_NANOS = 200_000_000L;
    /** For how long a process must have waited to be replaced by another one on its memory. */
    private static final long STEADY_NANOS = 10_000_000_000L;

    /** Hears what becomes of it. On the conductor. */
    interface Listener {

        /** It waits, its memory all zero. */
        void onReady();

        /** Its process is gone, or its memory is that of no checkpoint. */
        void onLost(String reason);
    }

    /** Starts one that waits. On the engine thread. */
    @FunctionalInterface
    interface Starter {

        /** @param filled the file with the memory that it gets; empty for one that is all zero */
        StandbyEngine start(Optional<Path> filled) throws EngineException;
    }

    private final AgentContext context;
    private final BackupRole role;
    private final Worker engineThread;
    private final Listener listener;
    private final Starter starter;

    /** Engine thread. */
    private final AppliedCheckpoint applied;

    /** For further attempts behind an inline proxy. */
    private final SpareMemories spares;

    /** Started, and not yet known to the conductor. Whoever takes it from here has to end it. */
    private final AtomicReference<@Nullable StandbyEngine> arrived = new AtomicReference<>();

    private volatile boolean closed;

    private @Nullable StandbyEngine waiting;
    private @Nullable MachineDefinition machine;
    private long checkedNanos;
    private boolean restarting;
    private OptionalLong goneNanos = OptionalLong.empty();

    /** @param role is asked only */
    WaitingHypervisor(
            AgentContext context, BackupRole role, Worker engineThread, AppliedCheckpoint applied, Listener listener) {
        this(
                context,
                role,
                engineThread,
                applied,
                listener,
                filled -> filled.isPresent()
                        ? QemuStandby.start(context.standbySettings(), filled.get())
                        : QemuStandby.start(context.standbySettings()));
    }

    WaitingHypervisor(
            AgentContext context,
            BackupRole role,
            Worker engineThread,
            AppliedCheckpoint applied,
            Listener listener,
            Starter starter) {
        this.context = context;
        this.role = role;
        this.engineThread = engineThread;
        this.applied = applied;
        this.listener = listener;
        this.starter = starter;
        this.spares = new SpareMemories(context.standbySettings().memory(), context.spares());
    }

    /** Tries until one waits, or the role ends. */
    void start() {
        engineThread.run(() -> {
            if (closed) {
                return;
            }
            try {
                StandbyEngine started = startWithoutMemory();
                prepare(started);
                arrived.set(started);
            } catch (EngineException | RuntimeException e) {
                log.error("the waiting hypervisor does not start, trying again: {}", e.getMessage());
                context.conductor().postAfter(START_RETRY_MILLIS, this::start);
                return;
            }
            if (closed) { // So long ago, perhaps, that the thread ends before what close() has given it.
                endArrived();
            } else {
                context.conductor().post(this::onArrived);
            }
        });
    }

    private void onArrived() {
        StandbyEngine started = closed ? null : arrived.getAndSet(null);
        if (started != null) {
            waiting = started;
            machine = started.definition();
            listener.onReady();
        }
    }

    /** The role has ended meanwhile. What nobody knows of would keep the guest's tap, memory and socket from everybody else. */
    private void endArrived() {
        StandbyEngine unknown = arrived.getAndSet(null);
        if (unknown != null) {
            unknown.close();
        }
    }

    private void prepare(StandbyEngine started) throws EngineException {
        try {
            spares.empty();
            applied.begin(started.memoryBytes());
        } catch (EngineException | RuntimeException e) {
            started.close();
            throw e;
        }
    }

    /**
     * Starts another one, with the checkpoint's memory; what was made beforehand saves the clients, who wait, the time that it
     * takes to copy all of it. On the engine thread.
     */
    StandbyEngine startAnother() throws EngineException {
        Optional<Path> filled = spares.take();
        if (filled.isPresent()) {
            context.measures().usedSpares.increment();
            return checked(starter.start(filled));
        }
        StandbyEngine fresh = startWithoutMemory();
        try {
            applied.copyTo(fresh);
        } catch (EngineException | RuntimeException e) {
            fresh.close();
            throw e;
        }
        return fresh;
    }

    private StandbyEngine startWithoutMemory() throws EngineException {
        return checked(starter.start(Optional.empty()));
    }

    /** From which the guest has no exit past the wall once it runs there (INV-8). */
    private StandbyEngine checked(StandbyEngine started) throws EngineException {
        try {
            List<String> exits = started.exitsPastTheWall(context.wallGuestPorts());
            if (!exits.isEmpty()) {
                throw new EngineException(
                        "the guest could reach the world past the wall (INV-8): " + String.join("; ", exits));
            }
            return started;
        } catch (EngineException | RuntimeException e) {
            started.close();
            throw e;
        }
    }

    /** Has memory made for {@link #startAnother}, as long as the applied checkpoint is the newest. On the engine thread. */
    void fillSpares() {
        applied.fill(spares);
    }

    /** Any thread. */
    int spares() {
        return spares.waiting();
    }

    /** Null while none waits. */
    @Nullable
    StandbyEngine waiting() {
        return waiting;
    }

    /** Of the last one that waited; null before the first. */
    @Nullable
    MachineDefinition machine() {
        return machine;
    }

    /** Writes the checkpoint to the memory of the one that waits, and frees it. */
    void apply(StagedCheckpoint checkpoint, StandbyEngine target) {
        long epoch = checkpoint.epoch();
        engineThread.run(() -> {
            try {
                applied.apply(checkpoint, target.memory());
            } catch (Throwable e) { // A memory file that finds no room ends in an Error.
                log.error("checkpoint {} could not be applied", epoch, e);
                context.conductor().post(() -> lose(target, "checkpoint " + epoch + " could not be applied: " + e));
            } finally {
                checkpoint.release();
            }
        });
    }

    /** Looks from time to time whether it still waits. */
    void onTick(long nowNanos) {
        StandbyEngine watched = waiting;
        if (watched != null && nowNanos - checkedNanos > CHECK_NANOS) {
            checkedNanos = nowNanos;
            if (!role.isPromoting() && !restarting && !watched.isReady()) {
                onProcessGone(watched, nowNanos);
            }
        }
    }

    /** The checkpoint in its memory is still there; but a process that ends again and again would not run it either. */
    private void onProcessGone(StandbyEngine watched, long nowNanos) {
        context.measures().failedStandbys.increment();
        boolean again = goneNanos.isPresent() && nowNanos - goneNanos.getAsLong() < STEADY_NANOS;
        goneNanos = OptionalLong.of(nowNanos);
        if (again) {
            lose(watched, "its process is gone, so soon after another one");
            return;
        }
        restarting = true;
        engineThread.run(() -> {
            try {
                watched.restart();
                context.conductor().post(() -> restarting = false);
            } catch (EngineException | RuntimeException e) {
                log.error("the waiting hypervisor is gone, and no other one gets its memory: {}", e.getMessage());
                context.conductor().post(() -> {
                    restarting = false;
                    lose(watched, "its process is gone, and another one does not start: " + e.getMessage());
                });
            }
        });
    }

    private void lose(StandbyEngine lost, String reason) {
        if (!lost.equals(waiting) || role.isPromoting()) {
            return;
        }
        waiting = null;
        // After the checkpoints that are still being applied: they write to its memory.
        engineThread.run(lost::close);
        listener.onLost(reason);
    }

    /** Leaves it to the caller, who closes it. Null if none waits. */
    @Nullable
    StandbyEngine take() {
        StandbyEngine taken = waiting;
        waiting = null;
        return taken;
    }

    /**
     * Also ends the one that is just being started.
     *
     * @param guestGoesOn whether a guest runs in the one that has waited, which it is then left to
     */
    void close(boolean guestGoesOn) {
        closed = true;
        StandbyEngine left = waiting;
        if (left != null && !guestGoesOn) {
            engineThread.run(left::close);
        }
        engineThread.run(this::endArrived); // After the start that is under way.
        engineThread.run(spares::close);
    }
}
