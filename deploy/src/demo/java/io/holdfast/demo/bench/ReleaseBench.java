package io.holdfast.demo.bench;

import io.holdfast.cli.bench.EngineSession;
import io.holdfast.cli.bench.NetworkNamespace;
import io.holdfast.control.CommandException;
import io.holdfast.port.FramePort;
import io.holdfast.port.PacketSocketPort;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteOrder;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.concurrent.Callable;
import java.util.concurrent.locks.LockSupport;
import java.util.stream.Collectors;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;

/**
 * Measures the release of held frames: from the moment at which the commit is sent to the proxy until the client has the
 * last of them. Sends the guest's frames and takes the client's itself.
 *
 * <p>Prints a line of JSON for each number of frames, with every duration that was measured: who measures in several
 * rounds makes percentiles of all of them.
 */
@Command(name = "release-bench", mixinStandardHelpOptions = true, description = "Measures the release of held frames.")
final class ReleaseBench implements Callable<Integer> {

    private static final ValueLayout.OfShort NETWORK_SHORT =
            ValueLayout.JAVA_SHORT_UNALIGNED.withOrder(ByteOrder.BIG_ENDIAN);
    /** For experiments at home (IEEE 802, 0x88B5), so that nobody else's frames are counted. */
    private static final short ETHER_TYPE = (short) 0x88b5;

    private static final int SMALL_FRAME_BYTES = 60;
    private static final int FULL_FRAME_BYTES = 1514;
    private static final long LIMIT_NANOS = 20_000_000_000L;
    private static final ValueLayout.OfInt NETWORK_INT = ValueLayout.JAVA_INT_UNALIGNED.withOrder(ByteOrder.BIG_ENDIAN);

    /** Sent at once: what the proxy's port has room for, however long the proxy does not get a processor. */
    private static final int BATCH_FRAMES = 5_000;

    /** What compiles the proxy's release before anything is measured. */
    private static final int WARM_UP_FRAMES = 1_000;

    private static final int WARM_UP_REPETITIONS = 60;

    @Option(names = "--socket", required = true, description = "the proxy's control socket")
    private Path socket = Path.of("");

    @Option(names = "--guest-namespace", required = true, description = "where the guest's end of the cable is eth0")
    private String guestNamespace = "";

    @Option(names = "--client-namespace", required = true, description = "where the client's end of the cable is eth0")
    private String clientNamespace = "";

    @Option(names = "--frames", split = ",", description = "numbers of small frames that are held")
    private int[] smallFrames = {};

    @Option(names = "--frames-repetitions", defaultValue = "50", description = "of each (${DEFAULT-VALUE})")
    private int smallRepetitions;

    @Option(names = "--mebibytes", split = ",", description = "held in full frames")
    private int[] mebibytes = {};

    @Option(names = "--mebibytes-repetitions", defaultValue = "7", description = "of each (${DEFAULT-VALUE})")
    private int fullRepetitions;

    private MemorySegment frame = MemorySegment.NULL;
    private int newestMark;

    public static void main(String[] arguments) {
        System.exit(new CommandLine(new ReleaseBench()).execute(arguments));
    }

    @Override
    public Integer call() throws Exception {
        try (Arena arena = Arena.ofConfined();
                EngineSession wall = EngineSession.own(socket);
                FramePort guest = NetworkNamespace.open(guestNamespace, () -> PacketSocketPort.open("eth0"));
                MarkedFrames client =
                        NetworkNamespace.open(clientNamespace, () -> MarkedFrames.on("eth0", ETHER_TYPE & 0xffff))) {
            frame = broadcast(arena, guest);
            measure(wall, guest, client, WARM_UP_FRAMES, SMALL_FRAME_BYTES, WARM_UP_REPETITIONS);
            for (int frames : smallFrames) {
                print(
                        "frames",
                        frames,
                        frames,
                        measure(wall, guest, client, frames, SMALL_FRAME_BYTES, smallRepetitions));
            }
            for (int size : mebibytes) {
                int frames = (int) (((long) size << 20) / FULL_FRAME_BYTES);
                print(
                        "mebibytes",
                        size,
                        frames,
                        measure(wall, guest, client, frames, FULL_FRAME_BYTES, fullRepetitions));
            }
        }
        return 0;
    }

    /** Nanoseconds from commit to the last frame; frames leave in order. */
    private long[] measure(
            EngineSession wall, FramePort guest, MarkedFrames client, int frames, int frameBytes, int repetitions)
            throws IOException, CommandException {
        long[] nanos = new long[repetitions];
        for (int repetition = 0; repetition < repetitions; repetition++) {
            long deadlineNanos = System.nanoTime() + LIMIT_NANOS;
            newestMark++;
            hold(wall, guest, frames, frameBytes, deadlineNanos);
            long epoch = wall.barrier();
            long committedEpochNanos = MarkedFrames.nowEpochNanos();
            wall.commit(epoch);
            while (client.newest() != newestMark) {
                requireBefore(deadlineNanos, "the last of " + frames + " frames does not arrive");
                LockSupport.parkNanos(20_000);
            }
            nanos[repetition] = client.newestEpochNanos() - committedEpochNanos;
        }
        return nanos;
    }

    /** Sends frames no faster than the wall takes them, since a frame that a full socket loses is never held. */
    private void hold(EngineSession wall, FramePort guest, int frames, int frameBytes, long deadlineNanos)
            throws IOException, CommandException {
        for (int sent = 0; sent < frames; ) {
            int batch = Math.min(BATCH_FRAMES, frames - sent);
            sent += batch;
            send(guest, batch, frameBytes, sent == frames ? newestMark : 0);
            while (wall.heldFrames() < sent) {
                requireBefore(deadlineNanos, "the wall does not hold " + sent + " frames");
                LockSupport.parkNanos(200_000);
            }
        }
    }

    private static void requireBefore(long deadlineNanos, String otherwise) {
        if (System.nanoTime() - deadlineNanos > 0) {
            throw new IllegalStateException(otherwise);
        }
    }

    /** The last of them has the mark. */
    private void send(FramePort guest, int frames, int frameBytes, int mark) {
        long offsetBytes = guest.prefixBytes();
        for (int i = 0; i < frames; i++) {
            frame.set(NETWORK_INT, offsetBytes + MarkedFrames.MARK_OFFSET, i == frames - 1 ? mark : 0);
            guest.send(frame, offsetBytes, frameBytes);
        }
    }

    /** A broadcast with room before it for what the port prefixes. */
    private static MemorySegment broadcast(Arena arena, FramePort port) {
        long offsetBytes = port.prefixBytes();
        MemorySegment prefixed = arena.allocate(offsetBytes + FULL_FRAME_BYTES, 8);
        prefixed.asSlice(offsetBytes, 6).fill((byte) 0xff);
        prefixed.set(ValueLayout.JAVA_BYTE, offsetBytes + 6, (byte) 0x02);
        prefixed.set(NETWORK_SHORT, offsetBytes + 12, ETHER_TYPE);
        return prefixed;
    }

    private static void print(String what, int size, int frames, long[] nanos) {
        String each = Arrays.stream(nanos).mapToObj(Long::toString).collect(Collectors.joining(","));
        System.out.println("{\"release\":{\"" + what + "\":" + size + "},\"frames_released\":" + frames + ",\"nanos\":["
                + each + "]}");
    }
}
