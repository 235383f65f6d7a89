package io.holdfast.agent.rehearsal;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;

class RoomTest {

    private static final long GUEST_BYTES = 1L << 30;
    private static final long ENOUGH_BYTES = GUEST_BYTES + Room.MARGIN_BYTES;

    @Test
    void shouldTakeWhatIsJustEnough() {
        assertThat(new Room(ENOUGH_BYTES, GUEST_BYTES).shortageFor(GUEST_BYTES)).isEmpty();
    }

    @Test
    void shouldNameTheFiguresWhenMemoryIsShort() {
        assertThat(new Room(ENOUGH_BYTES - 1, GUEST_BYTES).shortageFor(GUEST_BYTES))
                .hasValueSatisfying(why -> assertThat(why).contains("1536 MiB", "1535 MiB are available"));
    }

    @Test
    void shouldNameTheFiguresWhenSharedMemoryIsShort() {
        assertThat(new Room(ENOUGH_BYTES, GUEST_BYTES - 1).shortageFor(GUEST_BYTES))
                .hasValueSatisfying(why -> assertThat(why).contains("/dev/shm", "1024 MiB", "1023 MiB are free"));
    }

    @Test
    void shouldFindOutWhatThereIsHere() throws Exception {
        Room here = Room.now();
        assertThat(here.availableBytes()).isPositive();
        assertThat(here.sharedMemoryBytes()).isPositive();
    }
}
