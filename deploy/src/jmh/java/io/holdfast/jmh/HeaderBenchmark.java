package io.holdfast.jmh;

import io.holdfast.frame.EthernetFrame;
import io.holdfast.frame.Ipv4Packet;
import io.holdfast.frame.TcpSegment;
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

/** From a frame's first byte to a field of its innermost header. */
@State(Scope.Thread)
@BenchmarkMode(Mode.AverageTime)
@OutputTimeUnit(TimeUnit.NANOSECONDS)
public class HeaderBenchmark {

    private static final int FRAME_BYTES = 1514;

    private final Arena arena = Arena.ofConfined();
    private final EthernetFrame ethernet = new EthernetFrame();
    private final Ipv4Packet ipv4 = new Ipv4Packet();
    private final TcpSegment tcp = new TcpSegment();
    private MemorySegment frame = MemorySegment.NULL;

    @Setup
    public void allocate() {
        frame = Frames.tcp(arena, FRAME_BYTES);
    }

    @TearDown
    public void free() {
        arena.close();
    }

    @Benchmark
    public int ethernet() {
        require(ethernet.wrap(frame, 0, FRAME_BYTES));
        return ethernet.etherType();
    }

    @Benchmark
    public int ethernetAndIpv4() {
        require(ethernet.wrap(frame, 0, FRAME_BYTES)
                && ipv4.wrap(frame, ethernet.payloadOffset(), ethernet.payloadLength()));
        return ipv4.destination();
    }

    @Benchmark
    public int ethernetAndIpv4AndTcp() {
        require(ethernet.wrap(frame, 0, FRAME_BYTES)
                && ipv4.wrap(frame, ethernet.payloadOffset(), ethernet.payloadLength())
                && tcp.wrap(frame, ipv4.payloadOffset(), ipv4.payloadLength()));
        return tcp.sequence();
    }

    private static void require(boolean isWhole) {
        if (!isWhole) {
            throw new IllegalStateException("the frame is broken");
        }
    }
}
