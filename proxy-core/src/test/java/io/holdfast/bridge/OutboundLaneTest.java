package io.holdfast.bridge;

import static org.assertj.core.api.Assertions.assertThat;

import io.holdfast.port.FrameBurst;
import io.holdfast.wall.BufferWall;
import io.holdfast.wall.Epoch;
import io.holdfast.wall.Term;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;

/** What a lane does with a batch in which this process was stopped. */
class OutboundLaneTest {

    private static final long LEASE_NANOS = 200_000_000L;
    private static final int FRAME_BYTES = 60;

    private final BatchingPort uplink = new BatchingPort();
    private final BufferWall wall = new BufferWall("9f", Term.none(), false);
    private final OutboundLane lane = new OutboundLane(
            0,
            new MemoryPort("guest0", true),
            uplink,
            wall,
            1 << 16,
            1 << 15,
            true,
            Exemption.NONE,
            (nic, memory, offsetBytes, lengthBytes) -> {},
            () -> {},
            (name, cause) -> {});

    /** INV-6: as after SIGSTOP and SIGCONT. */
    @Test
    void shouldNotSendABatchThatWasBegunInTimeWhenTheLeaseHasRunOutMeanwhile() throws Exception {
        open();
        try (Arena arena = Arena.ofConfined()) {
            lane.onFrame(arena.allocate(FRAME_BYTES), 0, FRAME_BYTES, 0);
            assertThat(uplink.waiting).isEqualTo(1);
            TimeUnit.NANOSECONDS.sleep(LEASE_NANOS);
            lane.onBatchEnd();
        }
        assertThat(uplink.flushed).isZero();
        assertThat(lane.discardedAtCaptureFrames.value()).isEqualTo(1);
    }

    @Test
    void shouldSendABatchThatEndsBeforeTheLease() throws Exception {
        open();
        try (Arena arena = Arena.ofConfined()) {
            lane.onFrame(arena.allocate(FRAME_BYTES), 0, FRAME_BYTES, 0);
            lane.onBatchEnd();
        }
        assertThat(uplink.flushed).isEqualTo(1);
    }

    private void open() throws Exception {
        wall.hello(1, new Term(1, Term.Claim.PROMOTION, "a"), Epoch.FIRST);
        long nowNanos = System.nanoTime();
        wall.openUntil(1, "9f", 1, "test", nowNanos + LEASE_NANOS, nowNanos);
    }

    private static final class BatchingPort extends MemoryPort {

        int waiting;
        int flushed;

        BatchingPort() {
            super("up0", true);
        }

        @Override
        public FrameBurst newBurst() {
            return new FrameBurst() {
                @Override
                public void add(MemorySegment memory, long offsetBytes, int lengthBytes) {
                    waiting++;
                }

                @Override
                public boolean isFull() {
                    return false;
                }

                @Override
                public void flush() {
                    flushed += waiting;
                    waiting = 0;
                }

                @Override
                public void drop() {
                    waiting = 0;
                }
            };
        }
    }
}
