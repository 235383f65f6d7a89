package io.holdfast.agent.rehearsal;

import io.holdfast.agent.engine.EngineException;
import java.lang.foreign.MemorySegment;

/** Where a rehearsal has its checkpoint from. */
@FunctionalInterface
public interface CheckpointSource {

    /**
     * What is copied beside the memory.
     *
     * @param epoch the one that the checkpoint ends
     * @param deviceState of processors and devices; shared, to be read only
     * @param guestAddressesJson what was known of the guest's addresses; empty if nothing
     */
    @SuppressWarnings("ArrayRecordComponent") // As large as the state of all devices, and never compared.
    record Copied(long epoch, byte[] deviceState, String guestAddressesJson) {}

    /**
     * Copies the memory of the newest checkpoint, and waits until it is done. Nobody writes to {@code target} when this has
     * returned or thrown.
     *
     * @throws EngineException if there is no checkpoint, or not any more
     * @throws InterruptedException if it is not wanted any more
     */
    Copied copyTo(MemorySegment target) throws EngineException, InterruptedException;
}
