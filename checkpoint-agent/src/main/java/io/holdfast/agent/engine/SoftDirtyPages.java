package io.holdfast.agent.engine;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.BitSet;

/**
 * The soft-dirty bit of each page of a process (Linux, admin-guide/mm/soft-dirty.rst): {@code clear_refs} clears them all,
 * the kernel sets a page's when it is written, {@code pagemap} shows them.
 *
 * <p>Reading and clearing are two steps; what is written between them would be missed, so the guest must stand still. A
 * page of shared memory that the kernel unmaps, because memory is short or to make huge pages, loses its bit; the scrub of
 * {@link ShadowCopy} is what finds that out.
 */
final class SoftDirtyPages implements DirtyPages {

    private static final String CLEAR_SOFT_DIRTY = "4";
    private static final long SOFT_DIRTY = 1L << 55;
    private static final int ENTRY_BYTES = 8;
    private static final int ENTRIES = 1 << 16;

    private final Path clearRefs;
    private final FileChannel pagemap;
    private final GuestMapping mapping;
    private final ByteBuffer entries =
            ByteBuffer.allocateDirect(ENTRIES * ENTRY_BYTES).order(ByteOrder.nativeOrder());

    private SoftDirtyPages(Path clearRefs, FileChannel pagemap, GuestMapping mapping) {
        this.clearRefs = clearRefs;
        this.pagemap = pagemap;
        this.mapping = mapping;
    }

    /**
     * @param process the directory of the guest's QEMU in /proc
     * @throws EngineException if this kernel does not keep such bits, or does not let us see them
     */
    static SoftDirtyPages open(Path process, GuestMapping mapping) throws EngineException {
        try {
            FileChannel pagemap = FileChannel.open(process.resolve("pagemap"), StandardOpenOption.READ);
            SoftDirtyPages pages = new SoftDirtyPages(process.resolve("clear_refs"), pagemap, mapping);
            try {
                pages.requireKept();
                return pages;
            } catch (EngineException e) {
                pages.close();
                throw e;
            }
        } catch (IOException e) {
            throw new EngineException("no soft-dirty bits: " + e, e);
        }
    }

    /** A guest has written some of its memory since its QEMU began; who keeps such bits shows that. */
    private void requireKept() throws EngineException {
        BitSet written = new BitSet();
        read(written);
        if (written.isEmpty()) {
            throw new EngineException("this kernel keeps no soft-dirty bits (CONFIG_MEM_SOFT_DIRTY)");
        }
    }

    @Override
    public String method() {
        return "soft-dirty";
    }

    @Override
    public void restart() throws EngineException {
        try {
            Files.writeString(clearRefs, CLEAR_SOFT_DIRTY);
        } catch (IOException e) {
            throw new EngineException("cannot clear soft-dirty bits: " + e, e);
        }
    }

    @Override
    public void take(BitSet pages) throws EngineException {
        read(pages);
        restart();
    }

    private void read(BitSet pages) throws EngineException {
        long firstPage = mapping.begin() / PageSink.PAGE_BYTES;
        int count = Math.toIntExact(mapping.bytes() / PageSink.PAGE_BYTES);
        try {
            for (int done = 0; done < count; ) {
                entries.clear().limit(Math.min(ENTRIES, count - done) * ENTRY_BYTES);
                if (pagemap.read(entries, (firstPage + done) * ENTRY_BYTES) <= 0) {
                    throw new EngineException("pagemap ends at page " + done + " of the guest's " + count);
                }
                entries.flip();
                for (; entries.remaining() >= ENTRY_BYTES; done++) {
                    if ((entries.getLong() & SOFT_DIRTY) != 0) {
                        pages.set(done);
                    }
                }
            }
        } catch (IOException e) {
            throw new EngineException("cannot read soft-dirty bits: " + e, e);
        }
    }

    @Override
    public void close() {
        try {
            pagemap.close();
        } catch (IOException e) {
            throw new IllegalStateException(e); // It was only read.
        }
    }
}
