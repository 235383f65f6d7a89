package io.holdfast.frame;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.lang.foreign.MemorySegment;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.SplittableRandom;
import java.util.concurrent.atomic.AtomicReference;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

class FrameRingTest {

    private final FrameRing ring = new FrameRing(4096);

    @AfterEach
    void freeTheRing() {
        ring.close();
    }

    @Test
    void shouldHandOutFramesInTheOrderInWhichTheyCame() {
        offer(1, frame(60, 1));
        offer(1, frame(61, 2));
        assertThat(take()).isEqualTo(frame(60, 1));
        assertThat(take()).isEqualTo(frame(61, 2));
        assertThat(ring.headStamp()).isEqualTo(FrameRing.EMPTY);
    }

    @Test
    void shouldKeepStampAndCaptureTimeWithTheFrame() {
        ring.offer(7, 99, MemorySegment.ofArray(frame(60, 1)), 0, 60);
        assertThat(ring.headStamp()).isEqualTo(7);
        assertThat(ring.headCaptureNanos()).isEqualTo(99);
    }

    @Test
    void shouldRefuseAFrameThatFindsNoRoomAndKeepTheOthers() {
        while (offer(1, frame(1000, 3))) {
            // until full
        }
        long held = ring.heldFrames();
        assertThat(offer(1, frame(1000, 4))).isFalse();
        assertThat(ring.heldFrames()).isEqualTo(held);
        assertThat(take()).isEqualTo(frame(1000, 3));
    }

    @Test
    void shouldRefuseAFrameThatIsLargerThanTheRing() {
        assertThat(offer(1, frame(5000, 1))).isFalse();
    }

    @Test
    void shouldCountWhatItHolds() {
        offer(1, frame(60, 1));
        offer(1, frame(100, 1));
        take();
        assertThat(ring.heldFrames()).isEqualTo(1);
        assertThat(ring.heldBytes()).isEqualTo(100);
    }

    @Test
    void shouldNotTakeACapacityThatIsNoPowerOfTwo() {
        assertThatThrownBy(() -> new FrameRing(5000)).hasMessageContaining("5000");
    }

    @Test
    void shouldBehaveLikeAQueueForFramesOfAllSizes() {
        long seed = System.nanoTime();
        System.out.println("seed " + seed);
        SplittableRandom random = new SplittableRandom(seed);
        Deque<byte[]> model = new ArrayDeque<>();
        for (int step = 0; step < 200_000; step++) {
            if (random.nextInt(100) < 52) {
                byte[] frame = frame(random.nextInt(14, 1515), random.nextInt());
                if (offer(step, frame)) {
                    model.add(frame);
                } else {
                    assertThat(ring.usedBytes()).isGreaterThan(4096 - 2 * (1515 + 32));
                }
            } else if (model.isEmpty()) {
                assertThat(ring.isEmpty()).isTrue();
            } else {
                assertThat(take()).isEqualTo(model.poll());
            }
        }
    }

    @Test
    void shouldCarryFramesFromOneThreadToAnotherUntouched() throws InterruptedException {
        int frames = 300_000;
        AtomicReference<@Nullable Throwable> failure = new AtomicReference<>();
        Thread producer = new Thread(() -> {
            try {
                for (int i = 0; i < frames; ) {
                    if (offer(i, frame(14 + i % 1000, i))) {
                        i++;
                    } else {
                        Thread.onSpinWait();
                    }
                }
            } catch (RuntimeException e) {
                failure.set(e);
            }
        });
        producer.start();
        for (int i = 0; i < frames && failure.get() == null; ) {
            long stamp = ring.headStamp();
            if (stamp == FrameRing.EMPTY) {
                Thread.onSpinWait();
                continue;
            }
            if (stamp != i || ring.headLengthBytes() != 14 + i % 1000 || lastByte() != (byte) i) {
                failure.set(new AssertionError("frame " + i + " arrived as " + stamp));
            }
            ring.take();
            ring.freeTaken();
            i++;
        }
        producer.join();
        assertThat(failure.get()).isNull();
    }

    private byte lastByte() {
        long last = ring.headOffsetBytes() + ring.headLengthBytes() - 1;
        return ring.memory().get(java.lang.foreign.ValueLayout.JAVA_BYTE, last);
    }

    private boolean offer(long stamp, byte[] frame) {
        return ring.offer(stamp, 0, MemorySegment.ofArray(frame), 0, frame.length);
    }

    private byte[] take() {
        assertThat(ring.headStamp()).isNotEqualTo(FrameRing.EMPTY);
        byte[] frame = ring.memory()
                .asSlice(ring.headOffsetBytes(), ring.headLengthBytes())
                .toArray(java.lang.foreign.ValueLayout.JAVA_BYTE);
        ring.take();
        ring.freeTaken();
        return frame;
    }

    private static byte[] frame(int lengthBytes, int fill) {
        byte[] frame = new byte[lengthBytes];
        java.util.Arrays.fill(frame, (byte) fill);
        return frame;
    }
}
