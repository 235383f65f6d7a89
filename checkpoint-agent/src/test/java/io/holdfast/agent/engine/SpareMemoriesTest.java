package io.holdfast.agent.engine;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import io.holdfast.memory.SparseFile;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.time.Duration;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class SpareMemoriesTest {

    private static final Duration LIMIT = Duration.ofSeconds(10);
    private static final long MEMORY_BYTES = 10L << 20; // Of several parts, the last of which is smaller.

    @TempDir
    private Path directory;

    private final MemorySegment checkpoint = Arena.ofAuto().allocate(MEMORY_BYTES);
    private SpareMemories spares;

    @BeforeEach
    void begin() {
        checkpoint.fill((byte) 0x11);
        checkpoint.asSlice(MEMORY_BYTES - 1).fill((byte) 0x22);
        spares = spares(2);
    }

    @AfterEach
    void end() {
        spares.close();
    }

    @Test
    void shouldTakeNoRoomBeforeTheyAreFilled() throws IOException {
        assertThat(files()).isZero();
        assertThat(spares.waiting()).isZero();
        assertThat(spares.take()).isEmpty();
    }

    @Test
    void shouldMakeAsManyAsAreWantedAndNoMore() throws Exception {
        spares.fillFrom(checkpoint);
        awaitWaiting(2);
        Thread.sleep(50);
        assertThat(spares.waiting()).isEqualTo(2);
        assertThat(files()).isEqualTo(2);
    }

    @Test
    void shouldHaveAllMemoryOfTheCheckpoint() throws IOException {
        spares.fillFrom(checkpoint);
        Path taken = spares.take().orElseThrow(); // Waits until it is whole.
        assertThat(MemorySegment.ofArray(Files.readAllBytes(taken)).mismatch(checkpoint))
                .isEqualTo(-1);
    }

    @Test
    void shouldMakeUpForOneThatIsTakenAndGiveNoneTwice() {
        spares.fillFrom(checkpoint);
        awaitWaiting(2);
        Path first = spares.take().orElseThrow();
        awaitWaiting(2);
        assertThat(spares.take()).isPresent().isNotEqualTo(spares.take()).get().isNotEqualTo(first);
    }

    /** They are of a checkpoint that is no longer the newest. */
    @Test
    void shouldLeaveNothingWhenEmptied() throws IOException {
        spares.fillFrom(checkpoint);
        awaitWaiting(2);
        spares.empty();
        assertThat(spares.waiting()).isZero();
        assertThat(files()).isZero();
        assertThat(spares.take()).isEmpty();
    }

    /** What is read is freed afterwards. */
    @Test
    void shouldReadTheCheckpointNoMoreWhenEmptied() throws IOException {
        for (int round = 0; round < 50; round++) {
            try (Arena arena = Arena.ofShared()) {
                spares.fillFrom(arena.allocate(MEMORY_BYTES));
                spares.empty();
            }
            assertThat(files()).isZero();
        }
    }

    @Test
    void shouldBeFilledAgainAfterThatWithAnotherCheckpoint() throws IOException {
        spares.fillFrom(checkpoint);
        spares.empty();
        checkpoint.fill((byte) 0x33);
        spares.fillFrom(checkpoint);
        assertThat(Files.readAllBytes(spares.take().orElseThrow())).containsOnly(0x33);
    }

    @Test
    void shouldRemoveWhatAnEarlierAgentLeft() throws IOException {
        spares.fillFrom(checkpoint);
        awaitWaiting(2);
        try (SpareMemories next = spares(1)) {
            assertThat(files()).isZero();
            assertThat(next.waiting()).isZero();
        }
    }

    @Test
    void shouldGiveNoneWhenTheyCannotBeMade() throws IOException {
        try (SpareMemories nowhere =
                new SpareMemories(directory.resolve("missing").resolve("memory"), 1)) {
            nowhere.fillFrom(checkpoint);
            assertThat(nowhere.take()).isEmpty();
        }
    }

    /** A page of its sparse file that finds no room is its end. */
    @Test
    void shouldLeaveTheGuestTheRoomThatItMayYetTake() throws IOException {
        Path memory = directory.resolve("memory");
        try (FileChannel sparse = FileChannel.open(memory, StandardOpenOption.CREATE, StandardOpenOption.WRITE)) {
            sparse.write(ByteBuffer.allocate(1), MEMORY_BYTES - 1);
        }
        long missingBytes = SparseFile.missingBytes(memory, MEMORY_BYTES);
        assertThat(missingBytes).isPositive();
        try (SpareMemories tooLarge = new SpareMemories(memory, 1, () -> MEMORY_BYTES + missingBytes - 1)) {
            tooLarge.fillFrom(checkpoint);
            assertThat(tooLarge.take()).isEmpty();
            assertThat(files()).isOne();
        }
        try (SpareMemories fitting = new SpareMemories(memory, 1, () -> MEMORY_BYTES + missingBytes)) {
            fitting.fillFrom(checkpoint);
            assertThat(fitting.take()).isPresent();
        }
    }

    /** It would be in the way of the guest that runs. */
    @Test
    void shouldLeaveNothingOfOneThatCouldNotBeMade() throws IOException {
        MemorySegment unreadable;
        try (Arena closed = Arena.ofShared()) {
            unreadable = closed.allocate(MEMORY_BYTES);
        }
        spares.fillFrom(unreadable);
        assertThat(spares.take()).isEmpty();
        assertThat(files()).isZero();
    }

    @Test
    void shouldMakeNoneWhenNoneIsWanted() throws IOException {
        try (SpareMemories none = spares(0)) {
            none.fillFrom(checkpoint);
            assertThat(none.take()).isEmpty();
            assertThat(files()).isZero();
        }
    }

    private SpareMemories spares(int wanted) {
        return new SpareMemories(directory.resolve("memory"), wanted);
    }

    private void awaitWaiting(int count) {
        await().atMost(LIMIT).until(() -> spares.waiting() == count);
    }

    private long files() throws IOException {
        try (Stream<Path> files = Files.list(directory)) {
            return files.count();
        }
    }
}
