package io.holdfast.jmh;

import io.holdfast.arp.AddressBook;
import io.holdfast.arp.AddressProber;
import io.holdfast.arp.ConflictWatch;
import io.holdfast.arp.GuestAddresses;
import io.holdfast.arp.Ownership;
import io.holdfast.frame.MacAddress;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import java.util.stream.IntStream;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.BenchmarkMode;
import org.openjdk.jmh.annotations.Mode;
import org.openjdk.jmh.annotations.OutputTimeUnit;
import org.openjdk.jmh.annotations.Param;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.Setup;
import org.openjdk.jmh.annotations.State;
import org.openjdk.jmh.annotations.TearDown;

/** What a frame from the network costs those who guard the guest's addresses, before the guest has it. */
@State(Scope.Thread)
@BenchmarkMode(Mode.AverageTime)
@OutputTimeUnit(TimeUnit.NANOSECONDS)
public class InboundObserverBenchmark {

    private static final String NIC = "net0";
    private static final int DATA_BYTES = 1514;

    /** Of the guest; half of them IPv6 if there are several. */
    @Param({"1", "64"})
    public int addresses;

    private final Arena arena = Arena.ofConfined();
    private final AddressBook book = new AddressBook(List.of(NIC));
    private final ConflictWatch watch =
            new ConflictWatch(book, nic -> Ownership.Standing.OWNER, System::nanoTime, () -> {});
    private final ConflictWatch.Guard guard = watch.guard(NIC);
    private final AddressProber prober = new AddressProber(Map.of(), ended -> {});
    private MemorySegment data = MemorySegment.NULL;
    private MemorySegment arp = MemorySegment.NULL;
    private MemorySegment advertisement = MemorySegment.NULL;

    @Setup
    public void prepare() {
        data = Frames.tcp(arena, DATA_BYTES);
        arp = Frames.arp(arena);
        advertisement = Frames.neighborAdvertisement(arena);
        int ipv6 = addresses / 2;
        GuestAddresses.Station station = new GuestAddresses.Station(
                MacAddress.parse("52:54:00:12:34:56"),
                List.of(),
                false,
                IntStream.rangeClosed(1, addresses - ipv6)
                        .mapToObj(i -> "10.0.0." + i)
                        .toList(),
                IntStream.rangeClosed(1, ipv6).mapToObj(i -> "2001:db8::" + i).toList());
        book.adopt(new GuestAddresses(1, List.of(new GuestAddresses.Nic(NIC, List.of(station)))));
    }

    @TearDown
    public void free() {
        prober.close();
        arena.close();
        if (!watch.conflicts().isEmpty()) {
            throw new IllegalStateException("a frame of another station was taken for a conflict");
        }
    }

    /** Of another station, as nearly all are. */
    @Benchmark
    public void conflictWatchOnData() {
        guard.onFrame(data, 0, DATA_BYTES);
    }

    /** Of another station, about another address. */
    @Benchmark
    public void conflictWatchOnArp() {
        guard.onFrame(arp, 0, (int) arp.byteSize());
    }

    /** The same for IPv6: the longest way through the watch. */
    @Benchmark
    public void conflictWatchOnNeighborAdvertisement() {
        guard.onFrame(advertisement, 0, (int) advertisement.byteSize());
    }

    /** While nothing is asked. */
    @Benchmark
    public void proberAtRest() {
        prober.onInboundFrame(NIC, data, 0, DATA_BYTES);
    }
}
