package io.holdfast.agent.engine;

import io.holdfast.config.DirtyPagesMethod;
import java.util.List;

/**
 * Drives one running guest and takes its checkpoints.
 *
 * <p><b>Threads.</b> All methods are called by one thread at a time and may block for milliseconds; events come on a
 * thread of the engine's own.
 */
public interface CheckpointEngine extends AutoCloseable {

    /** What the guest's machine is made of; a backup must be made of the same. */
    MachineDefinition definition() throws EngineException;

    /**
     * The ways by which the guest could tell the world something past the wall (INV-8), one sentence each; empty if there
     * are none.
     *
     * @param wallGuestPorts names of the guest ports behind which the wall stands, such as {@code tap0}; what a guest sends
     *     on one of them passes the wall whatever its MAC
     */
    List<String> exitsPastTheWall(List<String> wallGuestPorts) throws EngineException;

    /** Whether the hypervisor lives, and answers as far as is known. Any thread; does not block. */
    boolean isAlive();

    /** Whether the guest's processors stand still. */
    boolean isPaused() throws EngineException;

    /** Stops the guest; when this returns it executes nothing and has handed over all output. */
    void pause() throws EngineException;

    /** Lets the guest go on. */
    void resume() throws EngineException;

    /** Size of the guest's memory in bytes. */
    long memoryBytes();

    /** Chooses how changed pages are found, from the next {@link #precopy} on. Where it does not work, all is compared. */
    void trackChanges(DirtyPagesMethod wanted);

    /** How they are found, and, after a colon, why not faster if that was wanted. */
    String changeTracking();

    /**
     * Forgets what was captured and hands all memory to {@code sink}, while the guest runs. The next {@link #captureMemory} is
     * relative to what was handed out here. Must have been called before the first capture, and again after one that failed.
     */
    void precopy(PageSink sink) throws EngineException;

    /**
     * With the guest paused: the state of processors and devices, without memory. Before {@link #captureMemory}: should a
     * device touch memory while it saves itself, that belongs to this checkpoint.
     */
    byte[] saveDevices() throws EngineException;

    /** With the guest paused: hands every page to {@code sink} that changed since the last time, or since precopy. */
    void captureMemory(PageSink sink) throws EngineException;

    /** Reports what happens to the guest without our doing. Replaces an earlier listener. */
    void onGuestEvent(GuestEventListener listener);

    /**
     * Kills the guest; when this returns it executes nothing. Used only when this host has lost its right to run it. May be
     * called by any thread, also while another one waits in a method of this engine.
     */
    void kill();

    /** Lets go of the guest, which stays as it is. Idempotent. */
    @Override
    void close();
}
