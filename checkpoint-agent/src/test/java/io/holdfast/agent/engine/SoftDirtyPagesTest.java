package io.holdfast.agent.engine;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.BitSet;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** On files that look like those in /proc; few kernels of clouds keep such bits. */
class SoftDirtyPagesTest {

    private static final int FIRST_PAGE = 5;
    private static final int PAGES = 100_000;
    private static final long PRESENT = 1L << 63;
    private static final long SOFT_DIRTY = 1L << 55;

    private final GuestMapping mapping =
            new GuestMapping((long) FIRST_PAGE * PageSink.PAGE_BYTES, (long) PAGES * PageSink.PAGE_BYTES);

    @TempDir
    Path process;

    @Test
    void shouldTellThePagesWhoseBitIsSet() throws Exception {
        write(0, 70_000, PAGES - 1);
        try (SoftDirtyPages pages = SoftDirtyPages.open(process, mapping)) {
            BitSet written = new BitSet();
            pages.take(written);
            assertThat(written.stream()).containsExactly(0, 70_000, PAGES - 1);
        }
    }

    @Test
    void shouldClearTheBitsItHasTaken() throws Exception {
        write(7);
        try (SoftDirtyPages pages = SoftDirtyPages.open(process, mapping)) {
            pages.take(new BitSet());
        }
        assertThat(process.resolve("clear_refs")).hasContent("4");
    }

    @Test
    void shouldRefuseAKernelThatKeepsNoBits() throws Exception {
        write();
        assertThatThrownBy(() -> SoftDirtyPages.open(process, mapping))
                .isInstanceOf(EngineException.class)
                .hasMessageContaining("CONFIG_MEM_SOFT_DIRTY");
    }

    private void write(int... dirtyPages) throws IOException {
        ByteBuffer pagemap = ByteBuffer.allocate((FIRST_PAGE + PAGES) * 8).order(ByteOrder.nativeOrder());
        for (int i = 0; i < FIRST_PAGE + PAGES; i++) {
            pagemap.putLong(i * 8, i < FIRST_PAGE ? PRESENT | SOFT_DIRTY : PRESENT);
        }
        for (int page : dirtyPages) {
            pagemap.putLong((FIRST_PAGE + page) * 8, PRESENT | SOFT_DIRTY);
        }
        Files.write(process.resolve("pagemap"), pagemap.array());
    }
}
