package io.holdfast.agent.engine;

import java.lang.foreign.MemorySegment;
import org.jspecify.annotations.Nullable;

/** Stands in for the backup: applies every page that it is given to a memory of its own, and counts. */
final class Checkpoints implements PageSink {

    private final MemorySegment memory;
    private long runs;
    private long pagesWithContent;
    private long zeroPages;

    Checkpoints(long bytes) {
        this(MemorySegment.ofArray(new byte[Math.toIntExact(bytes)]));
    }

    Checkpoints(MemorySegment memory) {
        this.memory = memory;
    }

    @Override
    public void onPages(long firstPage, int pages, @Nullable MemorySegment content, long offsetBytes) {
        long at = firstPage * PAGE_BYTES;
        long length = (long) pages * PAGE_BYTES;
        runs++;
        if (content == null) {
            memory.asSlice(at, length).fill((byte) 0);
            zeroPages += pages;
        } else {
            MemorySegment.copy(content, offsetBytes, memory, at, length);
            pagesWithContent += pages;
        }
    }

    MemorySegment memory() {
        return memory;
    }

    long runs() {
        return runs;
    }

    long pagesWithContent() {
        return pagesWithContent;
    }

    long zeroPages() {
        return zeroPages;
    }

    long pages() {
        return pagesWithContent + zeroPages;
    }
}
