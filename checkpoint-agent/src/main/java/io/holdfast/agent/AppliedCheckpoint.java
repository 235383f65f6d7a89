package io.holdfast.agent;

import io.holdfast.agent.engine.CheckpointEngine;
import io.holdfast.agent.engine.EngineException;
import io.holdfast.agent.engine.GuestNotStartedException;
import io.holdfast.agent.engine.PageSink;
import io.holdfast.agent.engine.SpareMemories;
import io.holdfast.agent.engine.StandbyEngine;
import io.holdfast.agent.link.StagedCheckpoint;
import io.holdfast.memory.MappedMemory;
import io.holdfast.wall.Epoch;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The newest checkpoint in the memory of the waiting hypervisor. A guest that runs there changes that memory; so, where the
 * checkpoint may be restored more than once, there is a copy that no guest ever runs in. It is kept up to date with every
 * checkpoint, after the backup has confirmed it, so that a failover need not wait for as much memory as the guest has.
 *
 * <p>Confined to the engine thread.
 */
final class AppliedCheckpoint implements AutoCloseable {

    private static final Logger log = LoggerFactory.getLogger(AppliedCheckpoint.class);

    private static final long NO_CHECKPOINT = -1;
    private static final MemorySegment ZEROS = MemorySegment.ofArray(new byte[PageSink.PAGE_BYTES]);
    /** That are given it, one after the other. */
    private static final int PROCESSES = 3;

    private final boolean copying;
    private Arena arena = Arena.ofShared();
    private @Nullable MemorySegment copy;
    private byte[] deviceState = {};
    private String guestAddressesJson = "";
    private long epoch = Epoch.NONE;
    /** For a rehearsal, while it is being made. */
    private @Nullable CheckpointCopy rehearsed;

    /** @param copying whether it can be restored more than once; costs as much memory as the guest has */
    AppliedCheckpoint(boolean copying) {
        this.copying = copying;
    }

    /** A fresh hypervisor waits, its memory all zero. */
    @SuppressWarnings("MustBeClosed") // The arena lives until the next hypervisor waits, or the end.
    void begin(long memoryBytes) throws EngineException {
        loseCopyForRehearsal("the waiting hypervisor is another one");
        epoch = Epoch.NONE;
        copy = null;
        arena.close();
        arena = Arena.ofShared();
        try {
            copy = copying ? MappedMemory.allocate(arena, memoryBytes) : null;
        } catch (OutOfMemoryError e) {
            throw new EngineException(
                    "no memory for a copy of the checkpoint: %s; `restore-attempts: 1` does without"
                            .formatted(e.getMessage()),
                    e);
        }
    }

    /**
     * Writes the next checkpoint over the one before. After a failure the memory is that of none.
     *
     * @throws IllegalStateException if it builds on another one than is here
     */
    void apply(StagedCheckpoint next, MemorySegment memory) {
        boolean continues = next.baseEpoch() == Epoch.NONE || next.baseEpoch() == epoch;
        epoch = NO_CHECKPOINT; // Until the last page is written.
        if (!continues) {
            throw new IllegalStateException("its base, " + next.baseEpoch() + ", was not applied");
        }
        next.applyTo(memory);
        if (copy != null) {
            next.applyTo(copy);
        }
        if (rehearsed != null) {
            rehearsed.follow(next);
        }
        deviceState = next.deviceState();
        guestAddressesJson = next.guestAddressesJson();
        epoch = next.epoch();
    }

    /**
     * Makes another part of a copy for a rehearsal, which follows all checkpoints that are applied until it is whole. Nothing
     * else waits for longer than a part takes.
     *
     * @param memory of the waiting hypervisor
     * @return whether there is more to do
     */
    boolean copyForRehearsal(CheckpointCopy copy, MemorySegment memory) {
        if (!copy.equals(rehearsed)) {
            loseCopyForRehearsal("another copy was begun");
            rehearsed = copy;
        }
        if (epoch == NO_CHECKPOINT || epoch == Epoch.NONE) {
            loseCopyForRehearsal("no checkpoint is applied");
        } else if (copy.copyPart(memory)) {
            copy.complete(epoch, deviceState, guestAddressesJson);
        }
        if (copy.isOver()) {
            rehearsed = null;
        }
        return rehearsed != null;
    }

    private void loseCopyForRehearsal(String reason) {
        if (rehearsed != null) {
            rehearsed.fail(reason);
            rehearsed = null;
        }
    }

    /**
     * Gives a hypervisor the memory that another one's guest has changed.
     *
     * @param fresh its memory all zero, and so it stays where the checkpoint's is: all of it may need more room than there is
     */
    void copyTo(StandbyEngine fresh) throws EngineException {
        MemorySegment from = copy;
        if (from == null) {
            throw new EngineException("there is no copy of checkpoint " + epoch);
        }
        MemorySegment to = fresh.memory();
        try {
            for (long at = 0; at < from.byteSize(); at += PageSink.PAGE_BYTES) {
                MemorySegment page = from.asSlice(at, Math.min(PageSink.PAGE_BYTES, from.byteSize() - at));
                if (MemorySegment.mismatch(page, 0, page.byteSize(), ZEROS, 0, page.byteSize()) >= 0) {
                    MemorySegment.copy(page, 0, to, at, page.byteSize());
                }
            }
        } catch (InternalError e) { // A memory file that finds no room ends in one.
            throw new EngineException(
                    "checkpoint %d does not find room in the memory of another hypervisor".formatted(epoch), e);
        }
    }

    /** Has memory made for further hypervisors, as long as this checkpoint is the newest. */
    void fill(SpareMemories spares) {
        if (copy != null) {
            spares.fillFrom(copy);
        }
    }

    /** Has another process wait in place of one that has failed. */
    interface Restart {
        void restart(StandbyEngine failed) throws EngineException;
    }

    /**
     * Starts the guest of the checkpoint that ends an epoch. Until it has run, the memory is the checkpoint's; and as nobody else
     * serves its clients, the failure of a process must not be the end.
     */
    CheckpointEngine promote(StandbyEngine waiting, long expectedEpoch, Restart another) throws EngineException {
        loseCopyForRehearsal("the guest is restored in earnest");
        if (epoch != expectedEpoch) {
            throw new EngineException("checkpoint " + expectedEpoch + " is not applied, but " + epoch);
        }
        for (int process = 1; ; process++) {
            try {
                if (process > 1) {
                    another.restart(waiting);
                }
                return waiting.promote(deviceState);
            } catch (GuestNotStartedException e) {
                if (process == PROCESSES || Thread.currentThread().isInterrupted()) {
                    throw e;
                }
                log.error("{}; the guest has not run, so another process gets checkpoint {}", e.getMessage(), epoch);
            }
        }
    }

    /** Frees the copy. */
    @Override
    public void close() {
        loseCopyForRehearsal("this host changes its role or stops");
        copy = null;
        arena.close();
    }
}
