package io.holdfast.agent;

import io.holdfast.agent.engine.EngineException;
import io.holdfast.agent.rehearsal.CheckpointSource;
import java.lang.foreign.MemorySegment;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.locks.LockSupport;

/** Has the engine thread copy the applied checkpoint, a part at a time, behind whatever else it has to do. */
final class CheckpointCopier implements CheckpointSource {

    /** A few milliseconds' worth: so long whatever else there is to do may have to wait. */
    private static final long PART_BYTES = 8 << 20;

    private static final long END_POLL_NANOS = 1_000_000;

    private final Worker engineThread;
    private final AppliedCheckpoint applied;
    private final MemorySegment memory;

    /** @param memory of the waiting hypervisor, which is there as long as no copy was cancelled */
    CheckpointCopier(Worker engineThread, AppliedCheckpoint applied, MemorySegment memory) {
        this.engineThread = engineThread;
        this.applied = applied;
        this.memory = memory;
    }

    @Override
    public Copied copyTo(MemorySegment target) throws EngineException, InterruptedException {
        CheckpointCopy copy = new CheckpointCopy(target, PART_BYTES);
        copyPart(copy);
        try {
            return copy.outcome().get();
        } catch (ExecutionException e) {
            throw e.getCause() instanceof EngineException cause ? cause : new EngineException(e.toString(), e);
        } catch (InterruptedException e) {
            copy.cancel();
            awaitEndOf(copy);
            throw e;
        }
    }

    private void copyPart(CheckpointCopy copy) {
        engineThread.run(() -> {
            if (applied.copyForRehearsal(copy, memory)) {
                copyPart(copy);
            }
        });
    }

    /** Until then the engine thread may write to the target. It comes to it, at the latest when this host changes its role. */
    private static void awaitEndOf(CheckpointCopy copy) {
        while (!copy.isOver()) {
            if (!Thread.interrupted()) { // Such a thread would not be parked.
                LockSupport.parkNanos(END_POLL_NANOS);
            }
        }
    }
}
