package io.holdfast.agent.rehearsal;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class RoomTest {

    private static final long GUEST_BYTES = 1L << 30;
    private static final long ENOUGH_BYTES = GUEST_BYTES + Room.MARGIN_BYTES;
    private static final long ENOUGH_SHARED_BYTES = GUEST_BYTES + Room.SHARED_MARGIN_BYTES;
    private static final long PROMISED_BYTES = 1L << 29;

    @Test
    void shouldTakeWhatIsJustEnough() {
        assertThat(new Room(ENOUGH_BYTES, ENOUGH_SHARED_BYTES, 0).shortageFor(GUEST_BYTES))
                .isEmpty();
    }

    @Test
    void shouldNameTheFiguresWhenMemoryIsShort() {
        assertThat(new Room(ENOUGH_BYTES - 1, ENOUGH_SHARED_BYTES, 0).shortageFor(GUEST_BYTES))
                .hasValueSatisfying(why -> assertThat(why).contains("1536 MiB", "1535 MiB are available"));
    }

    @Test
    void shouldNameTheFiguresWhenSharedMemoryIsShort() {
        assertThat(new Room(ENOUGH_BYTES, ENOUGH_SHARED_BYTES - 1, 0).shortageFor(GUEST_BYTES))
                .hasValueSatisfying(why -> assertThat(why).contains("/dev/shm", "1040 MiB", "1039 MiB are free"));
    }

    /** Or the next checkpoint with a page that the guest had not touched before would be lost. */
    @Test
    void shouldLeaveTheQemuThatWaitsTheRoomThatItsMemoryMayYetTake() {
        long sharedBytes = ENOUGH_SHARED_BYTES + PROMISED_BYTES;
        assertThat(new Room(ENOUGH_BYTES, sharedBytes, PROMISED_BYTES).shortageFor(GUEST_BYTES))
                .isEmpty();
        assertThat(new Room(ENOUGH_BYTES, sharedBytes - 1, PROMISED_BYTES).shortageFor(GUEST_BYTES))
                .isPresent();
    }

    @Test
    void shouldFindOutWhatThereIsHere() throws Exception {
        Path memory = Files.createTempFile(Path.of("/dev/shm"), "holdfast", ".ram");
        try {
            Room here = Room.beside(memory, GUEST_BYTES);
            assertThat(here.availableBytes()).isPositive();
            assertThat(here.sharedMemoryBytes()).isPositive();
            assertThat(here.promisedBytes()).isEqualTo(GUEST_BYTES);
        } finally {
            Files.delete(memory);
        }
    }

    @Test
    void shouldCountOnlyAMemoryThatIsInTheSamePlace(@TempDir Path elsewhere) throws Exception {
        Path memory = Files.createFile(elsewhere.resolve("ram"));
        assertThat(Room.beside(memory, GUEST_BYTES).promisedBytes()).isZero();
        assertThat(Room.beside(elsewhere.resolve("missing"), GUEST_BYTES).promisedBytes())
                .isZero();
    }
}
