package io.holdfast.agent.engine;

import java.lang.foreign.MemorySegment;
import java.util.List;

/**
 * A hypervisor process that waits for a guest's state, silent on the network.
 *
 * <p><b>Threads.</b> One thread at a time; methods may block.
 */
public interface StandbyEngine extends AutoCloseable {

    MachineDefinition definition() throws EngineException;

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
     * Starts the guest from {@link #memory} and the given device state. This engine is used up afterwards.
     *
     * @return the running guest
     */
    CheckpointEngine promote(byte[] deviceState) throws EngineException;

    /** Ends the waiting process, unless it was promoted. */
    @Override
    void close();
}
