package io.holdfast.memory;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

class SparseFileTest {

    private static final long SIZE_BYTES = 1L << 20;
    private static final int PAGE_BYTES = 4096;

    private Path file;

    @BeforeEach
    void create() throws Exception {
        file = Files.createTempFile(Path.of("/dev/shm"), "holdfast", ".sparse");
    }

    @AfterEach
    void delete() throws Exception {
        Files.deleteIfExists(file);
    }

    @Test
    void shouldMissWhatWasNeverWritten() throws Exception {
        write(SIZE_BYTES - PAGE_BYTES, PAGE_BYTES);
        assertThat(Files.size(file)).isEqualTo(SIZE_BYTES);
        assertThat(SparseFile.missingBytes(file, SIZE_BYTES)).isEqualTo(SIZE_BYTES - PAGE_BYTES);
    }

    @Test
    void shouldMissNothingOfWhatWasWrittenAsAWhole() throws Exception {
        write(0, (int) SIZE_BYTES);
        assertThat(SparseFile.missingBytes(file, SIZE_BYTES)).isZero();
    }

    @Test
    void shouldMissAllOfAFileThatIsNotThere() throws Exception {
        Files.delete(file);
        assertThat(SparseFile.missingBytes(file, SIZE_BYTES)).isEqualTo(SIZE_BYTES);
    }

    private void write(long at, int bytes) throws Exception {
        try (FileChannel channel = FileChannel.open(file, StandardOpenOption.WRITE)) {
            channel.write(ByteBuffer.allocate(bytes), at);
        }
    }
}
