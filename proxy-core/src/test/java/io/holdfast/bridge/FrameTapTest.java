package io.holdfast.bridge;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.holdfast.frame.FrameRing;
import io.holdfast.testkit.Allocation;
import io.holdfast.wall.BufferWall;
import io.holdfast.wall.Term;
import io.holdfast.wall.WallRefusal;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.atomic.AtomicBoolean;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

class FrameTapTest {

    private static final int PREFIX_BYTES = 10;
    private static final long LIMIT_NANOS = 1_000_000_000L;

    private final FrameRing ring = new FrameRing(4096);
    private final FrameTap tap = new FrameTap("tap0", PREFIX_BYTES);
    private final MemorySegment memory = MemorySegment.ofArray(new byte[1024]);

    @AfterEach
    void free() {
        assertThat(tap.detach(LIMIT_NANOS)).isTrue();
        ring.close();
    }

    @Test
    void shouldCopyNothingWhileNobodyLooks() {
        copy(60, 1);
        tap.attach(ring);
        copy(61, 2);
        tap.detach(LIMIT_NANOS);
        copy(62, 3);
        assertThat(lengths()).containsExactly(61 + PREFIX_BYTES);
        assertThat(tap.copiedFrames()).isEqualTo(1);
    }

    @Test
    void shouldCopyPrefixAndFrameAndWhatIsKnownOfThem() {
        tap.attach(ring);
        for (int i = 0; i < 100; i++) {
            memory.set(ValueLayout.JAVA_BYTE, i, (byte) i);
        }
        tap.copy(FrameFate.EXEMPT, 41, memory, 20, 60, 123_456_789L);
        assertThat(ring.headStamp()).isEqualTo(41);
        assertThat(ring.headTag()).isEqualTo(FrameFate.EXEMPT.tag());
        assertThat(ring.headCaptureNanos()).isEqualTo(123_456_789L);
        assertThat(ring.headLengthBytes()).isEqualTo(70);
        assertThat(ring.memory().get(ValueLayout.JAVA_BYTE, ring.headOffsetBytes()))
                .isEqualTo((byte) 10);
        assertThat(ring.memory().get(ValueLayout.JAVA_BYTE, ring.headOffsetBytes() + 69))
                .isEqualTo((byte) 79);
    }

    @Test
    void shouldTakeTheTimeItselfIfTheKernelDidNotSay() {
        tap.attach(ring);
        long before = System.currentTimeMillis();
        copy(60, 1);
        ring.headStamp();
        assertThat(ring.headCaptureNanos() / 1_000_000).isBetween(before, System.currentTimeMillis());
    }

    @Test
    void shouldCountWhatFindsTheRingFullAndGoOnWhenThereIsRoom() {
        tap.attach(ring);
        for (int i = 0; i < 10; i++) {
            copy(1_000, i);
        }
        long copied = tap.copiedFrames();
        assertThat(copied).isBetween(1L, 4L);
        assertThat(tap.missedFrames()).isEqualTo(10 - copied);
        assertThat(lengths()).hasSize((int) copied);
        copy(1_000, 10);
        assertThat(tap.copiedFrames()).isEqualTo(copied + 1);
    }

    @Test
    void shouldAllocateNothingWhetherSomebodyLooksOrNot() {
        assertThat(Allocation.bytesPerCall(() -> copy(60, 1)))
                .as("nobody looks")
                .isLessThan(1);
        tap.attach(ring);
        assertThat(Allocation.bytesPerCall(() -> {
                    copy(60, 1);
                    if (ring.headStamp() != FrameRing.EMPTY) {
                        ring.take();
                        ring.freeTaken();
                    }
                }))
                .as("somebody looks")
                .isLessThan(1);
        assertThat(Allocation.bytesPerCall(() -> copy(1_000, 1)))
                .as("the ring is full")
                .isLessThan(1);
    }

    @Test
    void shouldLetTwoNotLookAtOnce() {
        tap.attach(ring);
        assertThatThrownBy(() -> tap.attach(ring)).hasMessageContaining("tap0");
    }

    /** Freed while the lane writes into it, a ring would take the lane with it. */
    @Test
    void shouldHaveLetGoOfTheRingWhenItIsDetached() throws Exception {
        AtomicBoolean stopping = new AtomicBoolean();
        List<Throwable> failures = new ArrayList<>();
        Thread lane = new Thread(() -> {
            try {
                while (!stopping.get()) {
                    copy(1_000, 1);
                }
            } catch (Throwable e) {
                failures.add(e);
            }
        });
        lane.start();
        for (int i = 0; i < 2_000; i++) {
            try (FrameRing passing = new FrameRing(4096)) {
                tap.attach(passing);
                for (int frame = 0; frame < 20; frame++) {
                    if (passing.headStamp() != FrameRing.EMPTY) {
                        passing.take();
                        passing.freeTaken();
                    }
                }
                assertThat(tap.detach(LIMIT_NANOS)).isTrue();
            }
        }
        stopping.set(true);
        lane.join();
        assertThat(failures).isEmpty();
    }

    @Test
    void shouldShowWhatALaneDoesWithEachFrame() throws WallRefusal {
        MemoryPort guest = new MemoryPort("tap0", true);
        MemoryPort uplink = new MemoryPort("up0", true);
        BufferWall wall = new BufferWall("9f", Term.none(), false);
        try (FrameRing out = new FrameRing(1 << 16);
                FrameRing in = new FrameRing(1 << 16);
                Bridge bridge = new Bridge(
                        wall,
                        List.of(new Bridge.Nic(guest, uplink)),
                        new Bridge.Settings(4096, 4096, 1_000_000, true),
                        () -> (frame, offsetBytes, lengthBytes) -> lengthBytes == 99,
                        (nic, frame, offsetBytes, lengthBytes) -> {},
                        () -> {},
                        (lane, cause) -> {})) {
            bridge.start();
            bridge.outboundTap(0).attach(out);
            bridge.inboundTap(0).attach(in);
            guest.arrive(new byte[60]);
            uplink.arrive(new byte[60]);
            bridge.hello(1, new Term(1, Term.Claim.PROMOTION, "a"), 7);
            uplink.arrive(new byte[61]);
            guest.arrive(new byte[99]);
            guest.arrive(new byte[3_000]);
            guest.arrive(new byte[3_001]);
            bridge.discard(1, "9f", 1);
            bridge.open(1, "9f", 1, "test");
            while (bridge.counters().get(0).bufferedFrames() > 0) {
                Thread.onSpinWait();
            }
            guest.arrive(new byte[62]);
            assertThat(bridge.outboundTap(0).detach(LIMIT_NANOS)).isTrue();
            assertThat(bridge.inboundTap(0).detach(LIMIT_NANOS)).isTrue();
            assertThat(fates(out))
                    .containsExactly(
                            "DISCARDED 60 in 1",
                            "EXEMPT 99 in 7",
                            "HELD 3000 in 7",
                            "DROPPED_AT_LIMIT 3001 in 7",
                            "PASSED 62 in " + wall.openEpoch());
            assertThat(fates(in)).containsExactly("SHUT_OUT 60 in 1", "DELIVERED 61 in 7");
        }
    }

    private static List<String> fates(FrameRing ring) {
        List<String> fates = new ArrayList<>();
        for (long stamp = ring.headStamp(); stamp != FrameRing.EMPTY; stamp = ring.headStamp()) {
            for (FrameFate fate : FrameFate.values()) {
                if (fate.tag() == ring.headTag()) {
                    fates.add(fate + " " + ring.headLengthBytes() + " in " + stamp);
                }
            }
            ring.take();
            ring.freeTaken();
        }
        return fates;
    }

    private void copy(int lengthBytes, long stamp) {
        tap.copy(FrameFate.HELD, stamp, memory, PREFIX_BYTES, lengthBytes, 0);
    }

    private List<Integer> lengths() {
        List<Integer> lengths = new ArrayList<>();
        while (ring.headStamp() != FrameRing.EMPTY) {
            lengths.add(ring.headLengthBytes());
            ring.take();
            ring.freeTaken();
        }
        return lengths;
    }
}
