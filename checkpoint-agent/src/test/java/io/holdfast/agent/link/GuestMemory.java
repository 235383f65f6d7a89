package io.holdfast.agent.link;

import static io.holdfast.agent.engine.PageSink.PAGE_BYTES;

import io.holdfast.agent.engine.PageSink;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.SplittableRandom;

/** A guest's memory that changes as the seed says. */
final class GuestMemory {

    private final int pages;
    private final MemorySegment memory;
    private final SplittableRandom random;

    GuestMemory(int pages, long seed) {
        this.pages = pages;
        this.memory = Arena.ofAuto().allocate((long) pages * PAGE_BYTES, PAGE_BYTES);
        this.random = new SplittableRandom(seed);
    }

    long bytes() {
        return memory.byteSize();
    }

    MemorySegment segment() {
        return memory;
    }

    MemorySegment copy() {
        return Arena.ofAuto().allocate(memory.byteSize()).copyFrom(memory);
    }

    /** Hands out all memory: zero pages as such. */
    void precopy(PageSink sink) {
        for (int page = 0; page < pages; ) {
            int end = page + 1;
            boolean zero = isZero(page);
            while (end < pages && isZero(end) == zero) {
                end++;
            }
            sink.onPages(page, end - page, zero ? null : memory, (long) page * PAGE_BYTES);
            page = end;
        }
    }

    /** Changes runs of pages, sometimes back to zero, and hands them out. */
    void change(int runs, PageSink sink) {
        for (int i = 0; i < runs; i++) {
            int page = random.nextInt(pages);
            int length = 1 + random.nextInt(Math.min(8, pages - page));
            long from = (long) page * PAGE_BYTES;
            boolean zero = random.nextInt(4) == 0;
            if (zero) {
                memory.asSlice(from, (long) length * PAGE_BYTES).fill((byte) 0);
            } else {
                for (long word = 0; word < (long) length * PAGE_BYTES; word += Long.BYTES) {
                    memory.set(ValueLayout.JAVA_LONG, from + word, random.nextLong());
                }
            }
            sink.onPages(page, length, zero ? null : memory, from);
        }
    }

    private boolean isZero(int page) {
        for (long word = 0; word < PAGE_BYTES; word += Long.BYTES) {
            if (memory.get(ValueLayout.JAVA_LONG, (long) page * PAGE_BYTES + word) != 0) {
                return false;
            }
        }
        return true;
    }
}
