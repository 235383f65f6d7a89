package io.holdfast.jmh;

import io.holdfast.frame.FrameRing;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.concurrent.TimeUnit;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.BenchmarkMode;
import org.openjdk.jmh.annotations.Mode;
import org.openjdk.jmh.annotations.OutputTimeUnit;
import org.openjdk.jmh.annotations.Param;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.Setup;
import org.openjdk.jmh.annotations.State;
import org.openjdk.jmh.annotations.TearDown;

/** A frame into the ring and out again, on one thread: what the ring costs without two processors' caches between. */
@State(Scope.Thread)
@BenchmarkMode(Mode.AverageTime)
@OutputTimeUnit(TimeUnit.NANOSECONDS)
public class FrameRingBenchmark {

    private static final long CAPACITY_BYTES = 1 << 20;

    @Param({"60", "1514", "65226"})
    public int frameBytes;

    private final Arena arena = Arena.ofConfined();
    private final FrameRing ring = new FrameRing(CAPACITY_BYTES);
    private MemorySegment frame = MemorySegment.NULL;
    private long captureNanos;

    @Setup
    public void allocate() {
        frame = Frames.tcp(arena, frameBytes);
    }

    @TearDown
    public void free() {
        ring.close();
        arena.close();
    }

    @Benchmark
    public long offerAndTake() {
        if (!ring.offer(1, ++captureNanos, frame, 0, frameBytes)) {
            throw new IllegalStateException("the ring is full");
        }
        long stamp = ring.headStamp();
        long offsetBytes = ring.headOffsetBytes();
        ring.take();
        ring.freeTaken();
        return stamp + offsetBytes;
    }
}
