package io.holdfast.port;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.awaitility.Awaitility.await;

import io.holdfast.testkit.Allocation;
import io.holdfast.testkit.Shell;
import io.holdfast.testkit.VethPair;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.Test;

class PacketSocketPortTest extends FramePortContract {

    private static final int PREFIX_BYTES = 10;
    private static final int SMALL_SLOTS = 8192;
    private static final byte NEEDS_CSUM = 1;
    private static final byte GSO_TCPV4 = 1;

    @Override
    FramePort open(String interfaceName) throws PortException {
        return PacketSocketPort.open(interfaceName);
    }

    @Test
    void shouldCarryAMergedFrameWithItsUnfinishedChecksumAsItIs() throws Exception {
        VethPair.create("near0", "far0");
        try (FramePort far = open("far0");
                PrefixedCapture near = new PrefixedCapture(open("near0"))) {
            byte[] merged = mergedTcpFrame(20_000, false);
            assertThat(sendWithPrefix(far, merged)).isTrue();
            assertThat(near.next()).isEqualTo(merged);
        }
    }

    @Test
    void shouldKeepAVlanTagInFrontOfAnUnfinishedChecksum() throws Exception {
        VethPair.create("near0", "far0");
        try (FramePort far = open("far0");
                PrefixedCapture near = new PrefixedCapture(open("near0"))) {
            byte[] tagged = mergedTcpFrame(20_000, true);
            assertThat(sendWithPrefix(far, tagged)).isTrue();
            assertThat(near.next()).isEqualTo(tagged);
        }
    }

    @Test
    void shouldKeepSmallAndMergedFramesInTheOrderInWhichTheyCame() throws Exception {
        VethPair.create("near0", "far0");
        int pairs = 200;
        List<Integer> lengths = new ArrayList<>();
        try (FramePort far = open("far0");
                FramePort near = open("near0")) {
            byte[] merged = mergedTcpFrame(20_000, false);
            for (int i = 0; i < pairs; i++) {
                send(far, frame(60 + i, 1));
                sendWithPrefix(far, merged);
            }
            near.capture((memory, offsetBytes, lengthBytes, time) -> {
                lengths.add(lengthBytes);
                if (lengths.size() == 2 * pairs) {
                    near.stopCapture();
                }
            });
            for (int i = 0; i < pairs; i++) {
                assertThat(lengths.subList(2 * i, 2 * i + 2)).containsExactly(60 + i, merged.length - PREFIX_BYTES);
            }
        }
    }

    @Test
    void shouldCountWhatComesWhileItsMemoryIsFull() throws Exception {
        VethPair.create("near0", "far0");
        try (FramePort far = open("far0");
                FramePort near = open("near0")) {
            for (int i = 0; i < 10_000; i++) {
                send(far, frame(60, 1));
            }
            assertThat(near.counters().kernelDroppedFrames()).isEqualTo(10_000 - SMALL_SLOTS);
            AtomicInteger captured = new AtomicInteger();
            near.capture((memory, offsetBytes, lengthBytes, time) -> {
                if (captured.incrementAndGet() == SMALL_SLOTS) {
                    near.stopCapture();
                }
            });
            assertThat(near.isDrained()).isTrue();
        }
    }

    @Test
    void shouldGoOnCapturingWhenTheInterfaceIsUpAgain() throws Exception {
        VethPair.create("near0", "far0");
        try (FramePort far = open("far0");
                PrefixedCapture near = new PrefixedCapture(open("near0"))) {
            Shell.run("ip", "link", "set", "near0", "down");
            Thread.sleep(200); // Until the capture has been told.
            Shell.run("ip", "link", "set", "near0", "up");
            byte[] merged = mergedTcpFrame(20_000, false);
            await().atMost(Duration.ofSeconds(5)).until(() -> sendWithPrefix(far, merged));
            assertThat(near.next()).isEqualTo(merged);
        }
    }

    @Test
    void shouldSayThatTheInterfaceIsGone() throws Exception {
        VethPair.create("near0", "far0");
        try (FramePort near = open("near0")) {
            CompletableFuture<PortException> end = new CompletableFuture<>();
            Thread capture = new Thread(() -> {
                try {
                    near.capture((memory, offset, length, time) -> {});
                } catch (PortException e) {
                    end.complete(e);
                }
            });
            capture.start();
            Shell.run("ip", "link", "delete", "near0");
            assertThat(end.get(5, TimeUnit.SECONDS)).hasMessageContaining("near0");
            capture.join();
        }
    }

    @Test
    void shouldRefuseAFrameOnTheHeapWhichCannotHaveItsPrefix() throws Exception {
        VethPair.create("near0", "far0");
        try (FramePort far = open("far0")) {
            assertThatThrownBy(() -> far.send(MemorySegment.ofArray(new byte[100]), PREFIX_BYTES, 60))
                    .isInstanceOf(IllegalArgumentException.class);
        }
    }

    @Test
    void shouldAllocateNothingForAFrameThatItSends() throws Exception {
        VethPair.create("near0", "far0");
        try (FramePort far = open("far0");
                Arena arena = Arena.ofConfined()) {
            MemorySegment memory = arena.allocate(PREFIX_BYTES + 60);
            memory.asSlice(PREFIX_BYTES).copyFrom(MemorySegment.ofArray(frame(60, 1)));
            assertThat(Allocation.bytesPerCall(() -> far.send(memory, PREFIX_BYTES, 60)))
                    .isLessThan(1);
        }
    }

    @Test
    void shouldAllocateNothingForAFrameThatItCaptures() throws Exception {
        VethPair.create("near0", "far0");
        Allocation.SteadyState steadyState = new Allocation.SteadyState();
        AtomicBoolean measured = new AtomicBoolean();
        try (FramePort far = open("far0");
                FramePort near = open("near0")) {
            Thread sender = new Thread(() -> {
                while (!measured.get()) {
                    send(far, frame(60, 1));
                }
            });
            sender.start();
            near.capture((memory, offsetBytes, lengthBytes, time) -> {
                steadyState.onCall();
                if (steadyState.isKnown()) {
                    near.stopCapture();
                }
            });
            measured.set(true);
            sender.join();
        }
        assertThat(steadyState.bytesPerCall()).isLessThan(1);
    }

    @Test
    void shouldSayThatItWorksHere() {
        assertThat(PacketSocketPort.whyNot()).isEmpty();
    }

    private static boolean sendWithPrefix(FramePort port, byte[] prefixed) {
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment memory = arena.allocate(prefixed.length);
            memory.copyFrom(MemorySegment.ofArray(prefixed));
            return port.send(memory, PREFIX_BYTES, prefixed.length - PREFIX_BYTES);
        }
    }

    /** TCP over IPv4 as a guest hands it over that leaves segmentation and checksum to its NIC; the prefix in front. */
    private static byte[] mergedTcpFrame(int payloadBytes, boolean tagged) {
        int layer2Bytes = tagged ? 18 : 14;
        int frameBytes = layer2Bytes + 20 + 20 + payloadBytes;
        ByteBuffer bytes = ByteBuffer.allocate(PREFIX_BYTES + frameBytes).order(ByteOrder.nativeOrder());
        bytes.put(NEEDS_CSUM).put(GSO_TCPV4);
        bytes.putShort((short) (layer2Bytes + 40)); // length of all headers
        bytes.putShort((short) 1448); // payload of one segment
        bytes.putShort((short) (layer2Bytes + 20)); // where the checksum begins
        bytes.putShort((short) 16); // where it goes, from there
        bytes.order(ByteOrder.BIG_ENDIAN);
        bytes.put(new byte[] {0x52, 0, 0, 0, 0, 1, 0x52, 0, 0, 0, 0, 2});
        if (tagged) {
            bytes.putShort((short) 0x8100).putShort((short) 0x602a);
        }
        bytes.putShort((short) 0x0800);
        bytes.put((byte) 0x45)
                .put((byte) 0)
                .putShort((short) (40 + payloadBytes))
                .putInt(0x0001_4000);
        bytes.put((byte) 64)
                .put((byte) 6)
                .putShort((short) 0)
                .putInt(0x0a00_0001)
                .putInt(0x0a00_0002);
        bytes.putShort((short) 80).putShort((short) 4000).putInt(1).putInt(1);
        bytes.putShort((short) 0x5010)
                .putShort((short) 1000)
                .putShort((short) 0x1234)
                .putShort((short) 0);
        byte[] frame = bytes.array();
        Arrays.fill(frame, bytes.position(), frame.length, (byte) 7);
        return frame;
    }

    /** Takes the first frame that comes, with its prefix. */
    private static final class PrefixedCapture implements AutoCloseable {
        private final FramePort port;
        private final Thread thread;
        private volatile byte[] first = {};

        PrefixedCapture(FramePort port) {
            this.port = port;
            this.thread = new Thread(this::run, "capture-prefixed");
            thread.start();
        }

        private void run() {
            try {
                port.capture((memory, offsetBytes, lengthBytes, time) -> {
                    first = memory.asSlice(offsetBytes - PREFIX_BYTES, lengthBytes + PREFIX_BYTES)
                            .toArray(ValueLayout.JAVA_BYTE);
                    port.stopCapture();
                });
            } catch (PortException e) {
                throw new IllegalStateException(e);
            }
        }

        byte[] next() throws InterruptedException {
            thread.join(5_000);
            return first;
        }

        @Override
        public void close() throws InterruptedException {
            port.stopCapture();
            thread.join(5_000);
            port.close();
        }
    }
}
