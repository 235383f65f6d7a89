package io.holdfast.demo.bench;

import io.holdfast.control.CommandException;
import io.holdfast.demo.Percentiles;
import io.holdfast.port.FramePort;
import io.holdfast.port.PortException;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteOrder;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Locale;
import java.util.concurrent.Callable;
import java.util.concurrent.locks.LockSupport;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;

/**
 * Measures the release of held frames: from the moment at which the commit is sent to the proxy until the client has the
 * last of them. Sends the guest's frames and takes the client's itself.
 *
 * <p>Prints a line of JSON for each number of frames.
 */
@Command(name = "release-bench", mixinStandardHelpOptions = true, description = "Measures the release of held frames.")
final class ReleaseBench implements Callable<Integer> {

    private static final ValueLayout.OfShort NETWORK_SHORT =
            ValueLayout.JAVA_SHORT_UNALIGNED.withOrder(ByteOrder.BIG_ENDIAN);
    /** For experiments at home (IEEE 802, 0x88B5), so that nobody else's frames are counted. */
    private static final short ETHER_TYPE = (short) 0x88b5;

    private static final int SMALL_FRAME_BYTES = 60;
    private static final int FULL_FRAME_BYTES = 1514;
    private static final long LIMIT_NANOS = 5_000_000_000L;

    @Option(names = "--socket", required = true, description = "the proxy's control socket")
    private Path socket = Path.of("");

    @Option(names = "--guest-namespace", required = true, description = "where the guest's end of the cable is eth0")
    private String guestNamespace = "";

    @Option(names = "--client-namespace", required = true, description = "where the client's end of the cable is eth0")
    private String clientNamespace = "";

    @Option(names = "--frames", split = ",", description = "numbers of small frames that are held, each often")
    private int[] smallFrames = {};

    @Option(names = "--mebibytes", split = ",", description = "held in full frames, each some times")
    private int[] mebibytes = {};

    private final Arena arena = Arena.ofShared();
    /** The capture thread's. */
    private long countedFrames;

    private volatile long arrivedFrames;
    private volatile long expectedFrames = Long.MAX_VALUE;
    private volatile long lastArrivedNanos;

    public static void main(String[] arguments) {
        System.exit(new CommandLine(new ReleaseBench()).execute(arguments));
    }

    @Override
    public Integer call() throws Exception {
        try (EngineSession wall = EngineSession.own(socket);
                FramePort guest = NamespacePort.open(guestNamespace, "eth0");
                FramePort client = NamespacePort.open(clientNamespace, "eth0")) {
            Thread arrivals = Thread.ofPlatform().daemon().start(() -> capture(client));
            for (int frames : smallFrames) {
                int rounds = Math.clamp(200_000 / frames, 50, 400);
                print("frames", frames, frames, measure(wall, guest, frames, SMALL_FRAME_BYTES, rounds));
            }
            for (int size : mebibytes) {
                int frames = (int) (((long) size << 20) / FULL_FRAME_BYTES);
                print("mebibytes", size, frames, measure(wall, guest, frames, FULL_FRAME_BYTES, 6));
            }
            client.stopCapture();
            arrivals.join();
        }
        return 0;
    }

    private void capture(FramePort client) {
        try {
            client.capture((memory, offsetBytes, lengthBytes, kernelEpochNanos) -> {
                if (memory.get(NETWORK_SHORT, offsetBytes + 12) == ETHER_TYPE && ++countedFrames == expectedFrames) {
                    lastArrivedNanos = System.nanoTime();
                    arrivedFrames = countedFrames;
                }
            });
        } catch (PortException e) {
            throw new IllegalStateException("the client's end of the cable fails", e);
        }
    }

    /** Sorted nanoseconds from commit to the last frame, without the first fifth of the rounds. */
    private long[] measure(EngineSession wall, FramePort guest, int frames, int frameBytes, int rounds)
            throws IOException, CommandException {
        long[] nanos = new long[rounds];
        for (int round = 0; round < rounds; round++) {
            expectedFrames = arrivedFrames + frames;
            send(guest, frames, frameBytes);
            long deadlineNanos = System.nanoTime() + LIMIT_NANOS;
            while (wall.heldFrames() < frames) {
                requireBefore(deadlineNanos, "the wall does not hold " + frames + " frames");
                LockSupport.parkNanos(1_000_000);
            }
            long epoch = wall.barrier();
            long committedNanos = System.nanoTime();
            wall.commit(epoch);
            while (arrivedFrames < expectedFrames) {
                requireBefore(deadlineNanos, "not all of " + frames + " frames have arrived");
                LockSupport.parkNanos(20_000);
            }
            nanos[round] = lastArrivedNanos - committedNanos;
        }
        long[] warm = Arrays.copyOfRange(nanos, rounds / 5, rounds);
        Arrays.sort(warm);
        return warm;
    }

    private static void requireBefore(long deadlineNanos, String otherwise) {
        if (System.nanoTime() - deadlineNanos > 0) {
            throw new IllegalStateException(otherwise);
        }
    }

    private void send(FramePort guest, int frames, int frameBytes) {
        MemorySegment prefixed = arena.allocate(guest.prefixBytes() + FULL_FRAME_BYTES, 8);
        long offsetBytes = guest.prefixBytes();
        prefixed.asSlice(offsetBytes, 6).fill((byte) 0xff);
        prefixed.set(ValueLayout.JAVA_BYTE, offsetBytes + 6, (byte) 0x02);
        prefixed.set(NETWORK_SHORT, offsetBytes + 12, ETHER_TYPE);
        for (int i = 0; i < frames; i++) {
            guest.send(prefixed, offsetBytes, frameBytes);
        }
    }

    private static void print(String what, int size, int frames, long[] sortedNanos) {
        System.out.printf(
                Locale.ROOT,
                "{\"%s\":%d,\"p50_ms\":%.4f,\"p99_ms\":%.4f,\"p50_ns_per_frame\":%d}%n",
                what,
                size,
                Percentiles.of(sortedNanos, 50) / 1e6,
                Percentiles.of(sortedNanos, 99) / 1e6,
                Percentiles.of(sortedNanos, 50) / frames);
    }
}
