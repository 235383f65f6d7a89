package io.holdfast.agent;

import io.holdfast.agent.engine.EngineException;
import io.holdfast.agent.link.StagedCheckpoint;
import io.holdfast.agent.rehearsal.CheckpointSource.Copied;
import java.lang.foreign.MemorySegment;
import java.util.concurrent.CompletableFuture;

/**
 * A copy of the applied checkpoint that is made in parts, between which further checkpoints are applied: to the copy too, so
 * that it is always the newest one's as far as it has come. So neither they nor a promotion ever wait for as much memory as
 * the guest has.
 *
 * <p>It never fails whoever applies checkpoints: what goes wrong here ends the copy.
 *
 * <p>Confined to the engine thread, but for {@link #cancel} and {@link #outcome}.
 */
final class CheckpointCopy {

    private final MemorySegment target;
    private final long partBytes;
    private final CompletableFuture<Copied> outcome = new CompletableFuture<>();
    private volatile boolean cancelled;
    private long copiedBytes;

    /**
     * Begins one.
     *
     * @param target as large as the guest's memory; not to be freed before {@link #outcome} is there
     * @param partBytes how much is copied at a time
     */
    CheckpointCopy(MemorySegment target, long partBytes) {
        this.target = target;
        this.partBytes = partBytes;
    }

    /**
     * The whole copy, or why there is none. When it is there, nobody touches the target any more.
     */
    CompletableFuture<Copied> outcome() {
        return outcome;
    }

    /** Ends it at the next occasion. Any thread. */
    void cancel() {
        cancelled = true;
    }

    /** Whether there is nothing more to do. */
    boolean isOver() {
        return outcome.isDone();
    }

    /**
     * Copies the next part.
     *
     * @return whether it was the last one
     */
    boolean copyPart(MemorySegment source) {
        if (cancelled) {
            fail("it is not wanted any more");
        }
        if (isOver()) {
            return false;
        }
        if (source.byteSize() != target.byteSize()) {
            fail("the guest's memory has %d bytes, and there is room for %d"
                    .formatted(source.byteSize(), target.byteSize()));
            return false;
        }
        long nextBytes = Math.min(partBytes, source.byteSize() - copiedBytes);
        try {
            MemorySegment.copy(source, copiedBytes, target, copiedBytes, nextBytes);
        } catch (IllegalStateException | InternalError e) {
            fail("the waiting hypervisor's memory is gone: " + e.getMessage());
            return false;
        }
        copiedBytes += nextBytes;
        return copiedBytes == source.byteSize();
    }

    /** Applies the next checkpoint to what is copied; what is not yet will be copied with it. */
    void follow(StagedCheckpoint next) {
        try {
            next.applyTo(target);
        } catch (RuntimeException | InternalError e) { // A memory file that finds no room ends in the latter.
            fail("checkpoint " + next.epoch() + " could not be applied to it: " + e);
        }
    }

    void complete(long epoch, byte[] deviceState, String guestAddressesJson) {
        outcome.complete(new Copied(epoch, deviceState, guestAddressesJson));
    }

    void fail(String reason) {
        outcome.completeExceptionally(new EngineException("no copy of the checkpoint: " + reason));
    }
}
