package io.holdfast.agent.engine;

import java.lang.foreign.MemorySegment;

/** Takes pages of guest memory. */
@FunctionalInterface
public interface PageSink {

    /** Bytes of one page. */
    int PAGE_BYTES = 4096;

    /**
     * A run of neighbouring pages.
     *
     * @param firstPage number of the first page: its offset in guest memory divided by {@link #PAGE_BYTES}
     * @param pages how many
     * @param memory holds them from {@code offsetBytes} on, valid only during the call; null if all are zero
     */
    void onPages(long firstPage, int pages, @org.jspecify.annotations.Nullable MemorySegment memory, long offsetBytes);
}
