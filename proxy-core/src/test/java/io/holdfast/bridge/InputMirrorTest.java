package io.holdfast.bridge;

import static org.assertj.core.api.Assertions.assertThat;

import io.holdfast.testkit.Allocation;
import io.holdfast.wall.BufferWall;
import io.holdfast.wall.Term;
import io.holdfast.wall.WallRefusal;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.locks.LockSupport;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

class InputMirrorTest {

    private static final int PREFIX_BYTES = 10;
    private static final long STAMP = 41;

    private final InputMirror mirror = new InputMirror("up0", PREFIX_BYTES);
    private final MemorySegment memory = MemorySegment.ofArray(new byte[1 << 16]);

    @AfterEach
    void close() {
        mirror.close();
    }

    @Test
    void shouldHandOutPrefixAndFrameWithTheirStampInOrder() {
        mirror.open(everything());
        memory.set(ValueLayout.JAVA_BYTE, 0, (byte) 7);
        deliver(STAMP, 60);
        deliver(STAMP + 1, 61);
        List<String> copies = new ArrayList<>();
        assertThat(mirror.drainTo((stamp, copy, offsetBytes, lengthBytes) ->
                        copies.add(stamp + ": " + lengthBytes + ", " + copy.get(ValueLayout.JAVA_BYTE, offsetBytes))))
                .isTrue();
        assertThat(copies).containsExactly("41: 70, 7", "42: 71, 7");
        assertThat(drain()).isEmpty();
    }

    @Test
    void shouldCopyNothingWhileNobodyTakesIt() {
        deliver(STAMP, 60);
        mirror.open(everything());
        deliver(STAMP, 61);
        mirror.close();
        deliver(STAMP, 62);
        mirror.open(everything());
        assertThat(drain()).isEmpty();
        assertThat(mirror.copiedFrames()).isEqualTo(1);
        assertThat(mirror.missedFrames()).isZero();
    }

    @Test
    void shouldCopyOnlyWhatIsWanted() {
        mirror.open((frame, offsetBytes, lengthBytes) -> lengthBytes == 60);
        deliver(STAMP, 60);
        deliver(STAMP, 61);
        assertThat(drain()).containsExactly(60 + PREFIX_BYTES);
        assertThat(mirror.missedFrames()).isZero();
    }

    /** A copy that is made before delays the guest's frame. */
    @Test
    void shouldNotCopyBeforeTheGuestHasTheFrame() {
        mirror.open(everything());
        mirror.note(STAMP, memory, PREFIX_BYTES, 60);
        assertThat(drain()).isEmpty();
        mirror.copyNoted();
        assertThat(drain()).hasSize(1);
    }

    @Test
    void shouldCopyTheFirstOfAnEpochAndCountTheRest() {
        mirror.open(everything());
        int lengthBytes = 1 << 15;
        int room = InputMirror.EPOCH_BYTES / lengthBytes;
        for (int i = 0; i < room + 3; i++) {
            deliver(STAMP, lengthBytes);
            drain();
        }
        assertThat(mirror.copiedFrames()).isEqualTo(room);
        assertThat(mirror.missedFrames()).isEqualTo(3);
        deliver(STAMP + 1, lengthBytes);
        assertThat(drain()).hasSize(1);
    }

    @Test
    void shouldTakeAllCopiesOfAnEpochThoughTheReaderSleeps() {
        mirror.open(everything());
        for (int bytes = 0; bytes < InputMirror.EPOCH_BYTES; bytes += 60) {
            deliver(STAMP, 60);
        }
        assertThat(mirror.missedFrames()).isLessThanOrEqualTo(1);
        assertThat(drain()).hasSize(InputMirror.EPOCH_BYTES / 60);
    }

    @Test
    void shouldCountWhatFindsNoRoomAndGoOnWhenThereIsRoom() {
        mirror.open(everything());
        for (int epoch = 0; epoch < 4; epoch++) {
            for (int i = 0; i < 16; i++) {
                deliver(epoch, 60_000);
            }
        }
        long copied = mirror.copiedFrames();
        assertThat(copied).isBetween(16L, 40L);
        assertThat(mirror.missedFrames()).isEqualTo(64 - copied);
        assertThat(drain()).hasSize((int) copied);
        deliver(5, 60_000);
        assertThat(drain()).hasSize(1);
    }

    @Test
    void shouldWakeItsReader() throws InterruptedException {
        List<Integer> copies = new ArrayList<>();
        Thread reader = new Thread(() -> {
            mirror.open(everything());
            while (copies.isEmpty()) {
                LockSupport.park();
                copies.addAll(drain());
            }
        });
        reader.start();
        while (reader.getState() != Thread.State.WAITING) {
            Thread.onSpinWait();
        }
        deliver(STAMP, 60);
        reader.join(5_000);
        assertThat(copies).containsExactly(60 + PREFIX_BYTES);
    }

    @Test
    void shouldAllocateNothingWhetherSomebodyTakesCopiesOrNot() {
        assertThat(Allocation.bytesPerCall(() -> deliver(STAMP, 60)))
                .as("nobody takes copies")
                .isLessThan(1);
        mirror.open(everything());
        InputMirror.Sink<RuntimeException> nowhere = (stamp, copy, offsetBytes, lengthBytes) -> {};
        long[] epoch = {STAMP};
        assertThat(Allocation.bytesPerCall(() -> {
                    deliver(epoch[0]++, 60);
                    mirror.drainTo(nowhere);
                }))
                .as("somebody takes copies")
                .isLessThan(1);
        assertThat(Allocation.bytesPerCall(() -> deliver(epoch[0]++, 60)))
                .as("the ring is full")
                .isLessThan(1);
    }

    @Test
    void shouldCopyOfALaneOnlyWhatTheGuestGets() throws WallRefusal {
        MemoryPort guest = new MemoryPort("tap0", true, PREFIX_BYTES);
        MemoryPort uplink = new MemoryPort("up0", true, PREFIX_BYTES);
        BufferWall wall = new BufferWall("9f", Term.none(), false);
        try (Arena arena = Arena.ofConfined();
                Bridge bridge = new Bridge(
                        wall,
                        List.of(new Bridge.Nic(guest, uplink)),
                        new Bridge.Settings(4096, 4096, 1_000_000, true),
                        () -> Exemption.NONE,
                        (nic, frame, offsetBytes, lengthBytes) -> {},
                        () -> {},
                        (lane, cause) -> {})) {
            bridge.start();
            InputMirror mirrored = bridge.inputMirrors().get(0);
            mirrored.open(everything());
            MemorySegment frame = arena.allocate(100, 8);
            uplink.arrive(frame, 70);
            bridge.hello(1, new Term(1, Term.Claim.PROMOTION, "a"), 7);
            uplink.arrive(frame, 71);
            List<Long> stamps = new ArrayList<>();
            mirrored.drainTo((stamp, copy, offsetBytes, lengthBytes) -> stamps.add(stamp));
            assertThat(stamps).containsExactly(7L);
            assertThat(bridge.counters().get(0).mirroredFrames()).isEqualTo(1);
            assertThat(guest.sent()).hasSize(1);
            mirrored.close();
        }
    }

    private static InputMirror.Filter everything() {
        return (memory, offsetBytes, lengthBytes) -> true;
    }

    private void deliver(long stamp, int lengthBytes) {
        mirror.note(stamp, memory, PREFIX_BYTES, lengthBytes);
        mirror.copyNoted();
    }

    private List<Integer> drain() {
        List<Integer> lengths = new ArrayList<>();
        mirror.drainTo((stamp, copy, offsetBytes, lengthBytes) -> lengths.add(lengthBytes));
        return lengths;
    }
}
