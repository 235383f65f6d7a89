package io.holdfast.jmh;

import io.holdfast.frame.Checksums;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.concurrent.TimeUnit;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.BenchmarkMode;
import org.openjdk.jmh.annotations.Mode;
import org.openjdk.jmh.annotations.OutputTimeUnit;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.Setup;
import org.openjdk.jmh.annotations.State;
import org.openjdk.jmh.annotations.TearDown;

/** The Internet checksum, of all bytes and after the change of one value. */
@State(Scope.Thread)
@BenchmarkMode(Mode.AverageTime)
@OutputTimeUnit(TimeUnit.NANOSECONDS)
public class ChecksumBenchmark {

    private static final int SMALL_BYTES = 60;
    private static final int FULL_BYTES = 1514;
    private static final int MERGED_BYTES = 65_226;

    private final Arena arena = Arena.ofConfined();
    private MemorySegment frame = MemorySegment.NULL;
    private int checksum = 0x1234;
    private int sequence;

    @Setup
    public void allocate() {
        frame = Frames.tcp(arena, MERGED_BYTES);
    }

    @TearDown
    public void free() {
        arena.close();
    }

    @Benchmark
    public int ipv4Header() {
        return Checksums.finish(Checksums.sum(frame, Frames.ETHERNET_BYTES, Frames.IPV4_BYTES));
    }

    @Benchmark
    public int smallFrame() {
        return ofSegmentIn(SMALL_BYTES);
    }

    @Benchmark
    public int fullFrame() {
        return ofSegmentIn(FULL_BYTES);
    }

    @Benchmark
    public int mergedFrame() {
        return ofSegmentIn(MERGED_BYTES);
    }

    @Benchmark
    public int changedWord() {
        checksum = Checksums.update16(checksum, sequence & 0xffff, ++sequence & 0xffff);
        return checksum;
    }

    @Benchmark
    public int changedSequenceNumber() {
        checksum = Checksums.update32(checksum, sequence, ++sequence);
        return checksum;
    }

    /** TCP's checksum over pseudo header, header and payload. */
    private int ofSegmentIn(int frameBytes) {
        int segmentBytes = frameBytes - Frames.ETHERNET_BYTES - Frames.IPV4_BYTES;
        return Checksums.finish(Checksums.pseudoHeaderIpv4(0x0a07_000a, 0x0a07_0001, 6, segmentBytes)
                + Checksums.sum(frame, Frames.ETHERNET_BYTES + Frames.IPV4_BYTES, segmentBytes));
    }
}
