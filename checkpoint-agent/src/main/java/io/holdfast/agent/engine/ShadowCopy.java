package io.holdfast.agent.engine;

import io.holdfast.memory.MappedMemory;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.BitSet;
import java.util.stream.IntStream;
import java.util.stream.Stream;

/**
 * A second copy of a guest's memory, which is what the backup has been told, and the comparison that finds what to tell it
 * next.
 *
 * <p>Pages are always handed out of the copy, never out of the memory itself: what the sink gets is exactly what later
 * comparisons start from, even while the guest writes.
 *
 * <p>Plain comparison costs the same whatever the guest does, about 0.1 ms per MB, and needs nothing of the kernel or of
 * QEMU. Where the kernel knows which pages were written, only these are compared; a part of all others with them, in turns,
 * so that a page of which the kernel did not know is found before long.
 */
final class ShadowCopy {

    /** See {@link #handOutWritten}. */
    static final long NO_PAGE = -1;

    private static final int PAGE_BYTES = PageSink.PAGE_BYTES;
    /** Memory is copied and compared in pieces of this size: 1 MiB. */
    private static final int CHUNK_PAGES = 256;

    /**
     * When the kernel says what was written, this part of all memory is compared all the same in every capture: small, for
     * the guest stands still meanwhile. 128 MiB take 512 captures, and larger guests more.
     */
    private static final long SCRUB_SHARE = 512;

    private static final long LARGEST_SCRUB_PAGES = CHUNK_PAGES;

    private static final long CHUNK_BYTES = (long) CHUNK_PAGES * PAGE_BYTES;
    /** Longest run of pages with content, so that a message which carries one is bounded. */
    private static final int MAX_RUN_PAGES = CHUNK_PAGES;

    private final MemorySegment memory;
    private final MemorySegment copy;
    private final MemorySegment zeroPage;
    /** For each chunk its pages that differ; filled by one thread per chunk. */
    private final BitSet[] changed;

    private final BitSet written = new BitSet();
    private final long scrubPages;
    private long nextScrubPage;
    /** Whether the copy is what the backup has; not so if a sink failed, for it has not got what was copied for it. */
    private boolean whole;

    /**
     * @param memory a multiple of {@link PageSink#PAGE_BYTES} long
     * @param arena owns the copy
     */
    ShadowCopy(MemorySegment memory, Arena arena) {
        if (memory.byteSize() % PAGE_BYTES != 0) {
            throw new IllegalArgumentException("not a whole number of pages: " + memory.byteSize());
        }
        this.memory = memory;
        this.copy = MappedMemory.allocate(arena, memory.byteSize());
        this.zeroPage = arena.allocate(PAGE_BYTES, PAGE_BYTES);
        this.scrubPages = Math.clamp(Math.ceilDiv(memory.byteSize() / PAGE_BYTES, SCRUB_SHARE), 1, LARGEST_SCRUB_PAGES);
        int chunks = Math.toIntExact((memory.byteSize() + CHUNK_BYTES - 1) / CHUNK_BYTES);
        this.changed =
                Stream.generate(() -> new BitSet(CHUNK_PAGES)).limit(chunks).toArray(BitSet[]::new);
    }

    /** Whether changes can be handed out: everything was, and no sink has failed since. */
    boolean isWhole() {
        return whole;
    }

    /** Copies everything and hands it out, page for page. The memory may change meanwhile. */
    void handOutAll(PageSink sink) {
        whole = false;
        Runs runs = new Runs(sink);
        for (long chunk = 0; chunk < memory.byteSize(); chunk += CHUNK_BYTES) {
            long end = Math.min(chunk + CHUNK_BYTES, memory.byteSize());
            if (MemorySegment.mismatch(memory, chunk, end, copy, chunk, end) >= 0) {
                MemorySegment.copy(memory, chunk, copy, chunk, end - chunk);
            }
            for (long page = chunk; page < end; page += PAGE_BYTES) {
                runs.add(page / PAGE_BYTES);
            }
        }
        runs.end();
        whole = true;
    }

    /** Copies and hands out the pages that differ from the copy. The memory must stand still. */
    void handOutChanges(PageSink sink) {
        whole = false;
        // The guest stands still, so its processors' time is free for this.
        IntStream.range(0, changed.length).parallel().forEach(this::findChanges);
        Runs runs = new Runs(sink);
        for (int chunk = 0; chunk < changed.length; chunk++) {
            BitSet pages = changed[chunk];
            for (int i = pages.nextSetBit(0); i >= 0; i = pages.nextSetBit(i + 1)) {
                long page = (long) chunk * CHUNK_PAGES + i;
                MemorySegment.copy(memory, page * PAGE_BYTES, copy, page * PAGE_BYTES, PAGE_BYTES);
                runs.add(page);
            }
        }
        runs.end();
        whole = true;
    }

    /**
     * Likewise, but looks only at the pages that were written.
     *
     * @return a page that has changed without having been written, as far as {@code pages} knows: then nothing that was
     *     handed out is of use. {@link #NO_PAGE} if there is none.
     */
    long handOutWritten(DirtyPages pages, PageSink sink) throws EngineException {
        whole = false;
        Runs runs = new Runs(sink);
        handOutWritten(pages, runs);
        long begin = nextScrubPage * PAGE_BYTES;
        long end = Math.min(begin + scrubPages * PAGE_BYTES, memory.byteSize());
        nextScrubPage = end == memory.byteSize() ? 0 : end / PAGE_BYTES;
        long changedAt = MemorySegment.mismatch(memory, begin, end, copy, begin, end);
        if (changedAt >= 0) {
            handOutWritten(pages, runs); // It may have been written just now, by a device that had not ended.
            changedAt = MemorySegment.mismatch(memory, begin, end, copy, begin, end);
        }
        runs.end();
        whole = changedAt < 0;
        return whole ? NO_PAGE : (begin + changedAt) / PAGE_BYTES;
    }

    private void handOutWritten(DirtyPages pages, Runs runs) throws EngineException {
        written.clear();
        pages.take(written);
        for (int page = written.nextSetBit(0); page >= 0; page = written.nextSetBit(page + 1)) {
            long offset = (long) page * PAGE_BYTES;
            long end = offset + PAGE_BYTES;
            if (MemorySegment.mismatch(memory, offset, end, copy, offset, end) >= 0) {
                MemorySegment.copy(memory, offset, copy, offset, PAGE_BYTES);
                runs.add(page);
            }
        }
    }

    private void findChanges(int chunk) {
        BitSet pages = changed[chunk];
        pages.clear();
        long start = chunk * CHUNK_BYTES;
        long end = Math.min(start + CHUNK_BYTES, memory.byteSize());
        long from = start;
        while (from < end) {
            long same = MemorySegment.mismatch(memory, from, end, copy, from, end);
            if (same < 0) {
                return;
            }
            int page = (int) ((from + same - start) / PAGE_BYTES);
            pages.set(page);
            from = start + (page + 1L) * PAGE_BYTES;
        }
    }

    /** Joins neighbouring pages of one kind, with content or without, into runs. */
    private final class Runs {

        private final PageSink sink;
        private long firstPage;
        private int pages;
        private boolean zero;

        Runs(PageSink sink) {
            this.sink = sink;
        }

        void add(long page) {
            long offset = page * PAGE_BYTES;
            boolean pageIsZero = MemorySegment.mismatch(copy, offset, offset + PAGE_BYTES, zeroPage, 0, PAGE_BYTES) < 0;
            boolean joins = pages > 0
                    && page == firstPage + pages
                    && pageIsZero == zero
                    && (zero ? pages < Integer.MAX_VALUE : pages < MAX_RUN_PAGES);
            if (!joins) {
                end();
                firstPage = page;
                zero = pageIsZero;
            }
            pages++;
        }

        void end() {
            if (pages > 0) {
                sink.onPages(firstPage, pages, zero ? null : copy, zero ? 0 : firstPage * PAGE_BYTES);
            }
            pages = 0;
        }
    }
}
