package io.holdfast.agent.engine;

import java.util.BitSet;

/**
 * Knows from the kernel which pages of a guest's memory were written, so that not all of it has to be compared.
 *
 * <p><b>Threads.</b> One at a time.
 */
interface DirtyPages extends AutoCloseable {

    /** As in the configuration: {@code pagemap-scan}. */
    String method();

    /** Counts all that was written so far as seen. */
    void restart() throws EngineException;

    /**
     * Sets the pages that were written since the last call or restart, and counts them as seen. More may be set than were
     * written, none may be missing. The guest must stand still: what is written during the call may be counted as seen.
     */
    void take(BitSet pages) throws EngineException;

    @Override
    void close();
}
