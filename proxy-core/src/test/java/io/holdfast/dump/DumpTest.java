package io.holdfast.dump;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import io.holdfast.bridge.FrameFate;
import io.holdfast.bridge.FrameTap;
import io.holdfast.dump.Pcapng.Block;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.net.UnixDomainSocketAddress;
import java.nio.ByteBuffer;
import java.nio.channels.SocketChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class DumpTest {

    private static final Duration LIMIT = Duration.ofSeconds(10);
    private static final DumpLimits NONE = new DumpLimits(Long.MAX_VALUE, Long.MAX_VALUE, Long.MAX_VALUE);
    private static final int PREFIX_BYTES = 10;

    @TempDir
    Path directory;

    private final FrameTap outbound = new FrameTap("tap0", PREFIX_BYTES);
    private final FrameTap inbound = new FrameTap("up0", PREFIX_BYTES);
    private final CompletableFuture<DumpReport> report = new CompletableFuture<>();

    @Test
    void shouldStreamTheFramesOfAllLanesInTheOrderOfTheirTimes() throws Exception {
        try (Dump dump = start(NONE);
                SocketChannel reader = connect()) {
            awaitLook();
            frame(outbound, FrameFate.HELD, 41, 60, 300);
            frame(outbound, FrameFate.PASSED, 42, 61, 500);
            frame(inbound, FrameFate.DELIVERED, 42, 62, 400);
            frame(inbound, FrameFate.SHUT_OUT, 43, 63, 600);
            reader.shutdownOutput();
            List<Block> blocks = Pcapng.read(readAll(reader));

            assertThat(blocks).extracting(Block::type).containsExactly(Pcapng.SECTION_HEADER, 1, 1, 6, 6, 6, 6, 5, 5);
            assertThat(blocks.get(0).text(1)).isEqualTo("guest redis");
            assertThat(blocks.get(1).text(2)).isEqualTo("tap0");
            assertThat(blocks.get(1).text(3)).startsWith("net0 outbound");
            assertThat(blocks.get(2).text(2)).isEqualTo("up0");
            List<Block> packets = Pcapng.ofType(blocks, Pcapng.ENHANCED_PACKET);
            assertThat(packets).extracting(Block::interfaceNumber).containsExactly(0, 1, 0, 1);
            assertThat(packets).extracting(Block::time).containsExactly(300L, 400L, 500L, 600L);
            assertThat(packets).extracting(packet -> packet.data().remaining()).containsExactly(60, 62, 61, 63);
            assertThat(packets)
                    .extracting(packet -> packet.options().containsKey(1) ? packet.text(1) : "")
                    .containsExactly("epoch 41, held", "", "epoch 42, passed", "epoch 43, shut out");
            assertThat(report()).isEqualTo(new DumpReport(DumpEnd.ASKED, 4, lengthOf(blocks), 0));
        }
    }

    @Test
    void shouldCountWhatASlowReaderMissesWhileTheLaneGoesOn() throws Exception {
        int frames = 1_500;
        try (Dump dump = start(NONE);
                SocketChannel reader = connect()) {
            awaitLook();
            long began = System.nanoTime();
            for (int i = 0; i < frames; i++) {
                frame(outbound, FrameFate.HELD, 1, 65_000, i);
            }
            assertThat(Duration.ofNanos(System.nanoTime() - began)).isLessThan(LIMIT);
            reader.shutdownOutput();
            List<Block> blocks = Pcapng.read(readAll(reader));
            int written = Pcapng.ofType(blocks, Pcapng.ENHANCED_PACKET).size();
            Block statistics =
                    Pcapng.ofType(blocks, Pcapng.INTERFACE_STATISTICS).get(0);
            assertThat(statistics.number(4)).as("isb_ifrecv").isEqualTo(frames);
            assertThat(statistics.number(5)).as("isb_ifdrop").isEqualTo(frames - written);
            assertThat(report().missedFrames()).isEqualTo(frames - written).isPositive();
        }
    }

    @Test
    void shouldEndAtTheFrameThatIsTheLast() throws Exception {
        try (Dump dump = start(new DumpLimits(3, Long.MAX_VALUE, Long.MAX_VALUE));
                SocketChannel reader = connect()) {
            awaitLook();
            for (int i = 0; i < 10; i++) {
                frame(outbound, FrameFate.HELD, 1, 60, i);
            }
            assertThat(Pcapng.ofType(Pcapng.read(readAll(reader)), Pcapng.ENHANCED_PACKET))
                    .hasSize(3);
            assertThat(report().end()).isEqualTo(DumpEnd.FRAMES);
        }
    }

    @Test
    void shouldNeverBeLongerThanItMay() throws Exception {
        try (Dump dump = start(new DumpLimits(Long.MAX_VALUE, DumpLimits.LEAST_BYTES, Long.MAX_VALUE));
                SocketChannel reader = connect()) {
            awaitLook();
            for (int i = 0; i < 300; i++) {
                frame(outbound, FrameFate.HELD, 1, 1_000, i);
            }
            byte[] stream = readAll(reader);
            assertThat(stream.length)
                    .isLessThanOrEqualTo((int) DumpLimits.LEAST_BYTES)
                    .isGreaterThan((int) DumpLimits.LEAST_BYTES - 1_100);
            assertThat(Pcapng.ofType(Pcapng.read(stream), Pcapng.INTERFACE_STATISTICS))
                    .hasSize(2);
            assertThat(report().end()).isEqualTo(DumpEnd.MAX_BYTES);
            assertThat(report().writtenBytes()).isEqualTo(stream.length);
        }
    }

    @Test
    void shouldEndWhenItsTimeIsOver() throws Exception {
        try (Dump dump = start(new DumpLimits(Long.MAX_VALUE, Long.MAX_VALUE, 50_000_000L));
                SocketChannel reader = connect()) {
            assertThat(Pcapng.read(readAll(reader))).hasSize(5);
            assertThat(report().end()).isEqualTo(DumpEnd.SECONDS);
        }
    }

    @Test
    void shouldStopCopyingWhenItsReaderIsGone() throws Exception {
        try (Dump dump = start(NONE)) {
            SocketChannel reader = connect();
            awaitLook();
            reader.close();
            assertThat(report().end()).isEqualTo(DumpEnd.READER_GONE);
            assertThatNobodyLooks();
        }
    }

    @Test
    void shouldEndWellWhenTheProxyEnds() throws Exception {
        Dump dump = start(NONE);
        try (SocketChannel reader = connect()) {
            awaitLook();
            frame(outbound, FrameFate.HELD, 1, 60, 1);
            dump.close();
            assertThat(dump.isRunning()).isFalse();
            List<Block> blocks = Pcapng.read(readAll(reader));
            assertThat(blocks).hasSize(6);
            assertThat(report().end()).isEqualTo(DumpEnd.PROXY_ENDS);
            assertThatNobodyLooks();
        }
    }

    @Test
    void shouldEndWithTheProxyAlsoWhenItsReaderTakesNothing() throws Exception {
        Dump dump = start(NONE);
        try (SocketChannel reader = connect()) {
            awaitLook();
            for (int i = 0; i < 100; i++) {
                frame(outbound, FrameFate.HELD, 1, 65_000, i);
            }
            dump.close();
            assertThat(dump.isRunning()).isFalse();
            assertThatNobodyLooks();
        }
    }

    @Test
    void shouldBeReadableForTheGroupThatMayCommandAndForOneReader() throws Exception {
        try (Dump dump = start(NONE)) {
            assertThat(PosixFilePermissions.toString(Files.getPosixFilePermissions(socket())))
                    .isEqualTo("rw-rw----");
            try (SocketChannel reader = connect()) {
                awaitLook();
                assertThat(socket()).doesNotExist();
            }
        }
    }

    @Test
    void shouldLeaveNoSocketBehindIfItEndsBeforeAnybodyComes() throws Exception {
        Dump dump = start(NONE);
        dump.close();
        assertThat(socket()).doesNotExist();
        assertThat(report().end()).isEqualTo(DumpEnd.NOBODY_CAME);
    }

    private Dump start(DumpLimits limits) throws IOException {
        return Dump.start(
                socket(),
                List.of(new DumpSource("net0", true, outbound), new DumpSource("net0", false, inbound)),
                limits,
                "holdfast test",
                "guest redis",
                report::complete);
    }

    private Path socket() {
        return directory.resolve("dump.sock");
    }

    private SocketChannel connect() throws IOException {
        return SocketChannel.open(UnixDomainSocketAddress.of(socket()));
    }

    private DumpReport report() throws Exception {
        return report.get(LIMIT.toSeconds(), TimeUnit.SECONDS);
    }

    /** The last lane is attached last. */
    private void awaitLook() {
        await().atMost(LIMIT).pollInterval(Duration.ofMillis(1)).until(() -> inbound.isWatched());
    }

    private void assertThatNobodyLooks() {
        assertThat(List.of(outbound, inbound)).noneMatch(FrameTap::isWatched);
    }

    private static void frame(FrameTap tap, FrameFate fate, long stamp, int lengthBytes, long epochNanos) {
        byte[] bytes = new byte[PREFIX_BYTES + lengthBytes];
        tap.copy(fate, stamp, MemorySegment.ofArray(bytes), PREFIX_BYTES, lengthBytes, epochNanos);
    }

    private static long lengthOf(List<Block> blocks) {
        return blocks.stream().mapToLong(Block::totalBytes).sum();
    }

    private static byte[] readAll(SocketChannel reader) throws IOException {
        ByteArrayOutputStream out = new ByteArrayOutputStream();
        ByteBuffer buffer = ByteBuffer.allocate(65_536);
        while (reader.read(buffer.clear()) >= 0) {
            out.write(buffer.array(), 0, buffer.position());
        }
        return out.toByteArray();
    }
}
