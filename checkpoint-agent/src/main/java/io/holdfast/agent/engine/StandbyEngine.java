package io.holdfast.agent.engine;

import java.lang.foreign.MemorySegment;
import java.util.List;

/**
 * A hypervisor process that waits for a guest's state, silent on the network.
 *
 * <p><b>Threads.</b> One thread at a time; methods may block.
 */
public interface StandbyEngine extends AutoCloseable {

    MachineDefinition definition();

    /**
     * As {@link CheckpointEngine#exitsPastTheWall}, of the guest that would run here.
     *
     * @param wallGuestPorts names of the host's interfaces behind which the wall stands
     */
    List<String> exitsPastTheWall(List<String> wallGuestPorts) throws EngineException;

    /** Whether the process waits and can still be given a state. */
    boolean isReady();

    /** Size of the guest's memory in bytes. */
    long memoryBytes();

    /** The guest's memory; writing here is applying a checkpoint. */
    MemorySegment memory();

    /**
     * Starts the guest from {@link #memory} and the given device state. Afterwards this engine is used up, unless the guest has
     * not run.
     *
     * @return the running guest
     * @throws GuestNotStartedException if the process has failed before: {@link #restart} may help
     * @throws EngineException if nobody knows whether the guest has run; nothing of it is left
     */
    CheckpointEngine promote(byte[] deviceState) throws EngineException;

    /**
     * Starts another process in place of one that has ended or failed, with the same memory and the same machine.
     *
     * @throws GuestNotStartedException if it does not start, makes another machine, or the first process cannot be ended; a further one
     *     may do
     * @throws EngineException if that memory is not there any more
     * @throws IllegalStateException if this engine is used up
     */
    void restart() throws EngineException;

    /** Ends the waiting process, unless it was promoted. */
    @Override
    void close();
}
