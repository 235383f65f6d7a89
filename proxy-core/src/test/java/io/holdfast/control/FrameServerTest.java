package io.holdfast.control;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.awaitility.Awaitility.await;

import io.holdfast.control.FrameChannel.Receipt;
import java.io.EOFException;
import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.net.StandardProtocolFamily;
import java.net.UnixDomainSocketAddress;
import java.nio.ByteBuffer;
import java.nio.channels.SocketChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import java.util.SplittableRandom;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.Predicate;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** Over a real socket. */
@Timeout(60)
class FrameServerTest {

    private static final Duration LIMIT = Duration.ofSeconds(10);

    private final Proxy proxy = new Proxy();
    private Path directory;
    private Path path;
    private FrameServer server;

    /** Copies what a test puts in, and keeps what is injected. */
    private static final class Proxy implements FrameServer.Exchange {
        final LinkedBlockingQueue<ClientFrame> copies = new LinkedBlockingQueue<>();
        final List<ClientFrame> injected = new CopyOnWriteArrayList<>();
        final List<Boolean> wanted = new CopyOnWriteArrayList<>();
        final AtomicInteger copying = new AtomicInteger();
        final AtomicInteger mostCopying = new AtomicInteger();
        volatile Predicate<ClientFrame> guest = frame -> true;

        @Override
        public void copy(FrameChannel to, boolean all) throws IOException {
            wanted.add(all);
            mostCopying.accumulateAndGet(copying.incrementAndGet(), Math::max);
            try {
                while (to.isOpen()) {
                    ClientFrame frame = copies.poll(5, TimeUnit.MILLISECONDS);
                    if (frame != null) {
                        to.write(frame);
                        to.flush();
                    }
                }
            } catch (InterruptedException e) {
                Thread.currentThread().interrupt();
            } finally {
                copying.decrementAndGet();
            }
        }

        @Override
        public Predicate<ClientFrame> newInjection() {
            return frame -> {
                boolean given = guest.test(frame);
                if (given) {
                    injected.add(frame);
                }
                return given;
            };
        }
    }

    @BeforeEach
    void start() throws IOException {
        directory = Sockets.temporaryDirectory();
        path = directory.resolve("frames.sock");
        server = FrameServer.start(path, proxy);
    }

    @AfterEach
    void stop() throws IOException {
        server.close();
        Sockets.remove(directory);
    }

    @Test
    void shouldCarryFramesToWhoeverTakesCopies() throws IOException {
        try (FrameChannel agent = FrameChannel.connect(path, FramePurpose.COPY_TCP)) {
            List<ClientFrame> frames = List.of(frame(0, 60), frame(3, ClientFrame.MAX_BYTES), frame(63, 11));
            proxy.copies.addAll(frames);
            for (ClientFrame frame : frames) {
                assertThat(agent.read()).contains(frame);
            }
        }
        assertThat(proxy.wanted).containsExactly(false);
    }

    @Test
    void shouldSayWhichCopiesAreWanted() throws IOException {
        try (FrameChannel agent = FrameChannel.connect(path, FramePurpose.COPY_ALL)) {
            await().atMost(LIMIT).until(() -> proxy.wanted.equals(List.of(true)));
            assertThat(agent.isOpen()).isTrue();
        }
    }

    @Test
    void shouldInjectInOrderAndTellWhatHasBecomeOfEachFrame() throws IOException {
        proxy.guest = frame -> frame.nic() != 1;
        try (FrameChannel agent = FrameChannel.connect(path, FramePurpose.INJECT)) {
            for (int i = 0; i < 1_000; i++) {
                agent.write(frame(i % 4, 60 + i));
            }
            assertThat(agent.finish()).isEqualTo(new Receipt(750, 250));
        }
        assertThat(proxy.injected).extracting(frame -> frame.bytes().length).isSorted();
    }

    @Test
    void shouldAnswerOneWhoHasNothingToInject() throws IOException {
        assertServes();
    }

    /** The one before may hang; copies have one reader. */
    @Test
    void shouldLetALaterOneTakeTheCopies() throws IOException {
        try (FrameChannel earlier = FrameChannel.connect(path, FramePurpose.COPY_TCP)) {
            awaitCopying(1);
            try (FrameChannel later = FrameChannel.connect(path, FramePurpose.COPY_TCP)) {
                assertThat(earlier.read()).isEmpty();
                awaitCopying(2);
                proxy.copies.add(frame(0, 60));
                assertThat(later.read()).contains(frame(0, 60));
            }
        }
        assertThat(proxy.mostCopying).hasValue(1);
    }

    /** As at a change of role: the new primary connects while frames of the old backup are still being given. */
    @Test
    void shouldNotDisturbAnInjectionWhenOthersTakeCopies() throws Exception {
        CountDownLatch guestRuns = new CountDownLatch(1);
        proxy.guest = frame -> awaits(guestRuns);
        try (FrameChannel backup = FrameChannel.connect(path, FramePurpose.INJECT)) {
            backup.write(frame(0, 60));
            backup.write(frame(0, 61));
            backup.flush();
            for (int i = 1; i <= 3; i++) {
                try (FrameChannel primary = FrameChannel.connect(path, FramePurpose.COPY_TCP)) {
                    awaitCopying(i);
                    proxy.copies.add(frame(0, 62));
                    assertThat(primary.read()).isPresent();
                }
            }
            guestRuns.countDown();
            assertThat(backup.finish()).isEqualTo(new Receipt(2, 0));
        }
    }

    @Test
    void shouldEndAConnectionThatSendsWhatIsNoFrameAndServeTheNext() throws Exception {
        byte[] hello = greeting(FrameChannel.MAGIC, FrameChannel.VERSION, FramePurpose.INJECT.number());
        for (byte[] malformed : List.of(
                greeting(0x47455420, FrameChannel.VERSION, 0),
                greeting(FrameChannel.MAGIC, 2, 0),
                greeting(FrameChannel.MAGIC, FrameChannel.VERSION, 3),
                joined(hello, header(0, 10, 0)),
                joined(hello, header(0, 10, -1)),
                joined(hello, header(0, 10, Integer.MAX_VALUE)),
                joined(hello, header(0, 10, ClientFrame.MAX_BYTES + 1)),
                joined(hello, header(0, 17, 100), new byte[100]),
                joined(hello, header(0, -1, 100), new byte[100]),
                joined(hello, header(0, 100, 100), new byte[100]),
                joined(hello, header(64, 10, 100), new byte[100]),
                joined(hello, header(-1, 10, 100), new byte[100]))) {
            try (SocketChannel socket = connect()) {
                socket.write(ByteBuffer.wrap(malformed));
                assertThat(ended(socket)).isTrue();
            }
        }
        assertThat(proxy.injected).isEmpty();
        assertServes();
    }

    @Test
    void shouldInjectNothingOfAFrameThatIsCutOff() throws Exception {
        try (SocketChannel socket = connect()) {
            socket.write(ByteBuffer.wrap(
                    joined(greeting(FrameChannel.MAGIC, FrameChannel.VERSION, 0), header(0, 10, 100), new byte[99])));
            socket.shutdownOutput();
            assertThat(ended(socket)).isTrue();
        }
        assertThat(proxy.injected).isEmpty();
    }

    @Test
    void shouldLiveThroughWhateverIsSent() throws Exception {
        long seed = System.nanoTime();
        SplittableRandom random = new SplittableRandom(seed);
        for (int i = 0; i < 200; i++) {
            byte[] noise = new byte[random.nextInt(200)];
            random.nextBytes(noise);
            byte[] greeting = greeting(FrameChannel.MAGIC, FrameChannel.VERSION, random.nextInt(3));
            try (SocketChannel socket = connect()) {
                socket.write(ByteBuffer.wrap(joined(random.nextBoolean() ? greeting : new byte[0], noise)));
            } catch (IOException e) {
                // The server may have ended it before all was sent.
                assertThat(e).as("seed %d", seed).isNotInstanceOf(EOFException.class);
            }
        }
        await().atMost(LIMIT).ignoreExceptions().untilAsserted(() -> {
            try (FrameChannel agent = FrameChannel.connect(path, FramePurpose.INJECT)) {
                agent.write(frame(0, 60));
                assertThat(agent.finish()).as("seed %d", seed).isEqualTo(new Receipt(1, 0));
            }
        });
    }

    @Test
    void shouldRefuseMoreConnectionsThanItHasThreadsFor() throws Exception {
        SocketChannel[] idle = new SocketChannel[8];
        try {
            for (int i = 0; i < idle.length; i++) {
                idle[i] = connect();
            }
            try (SocketChannel oneMore = connect()) {
                assertThat(ended(oneMore)).isTrue();
            }
        } finally {
            for (SocketChannel socket : idle) {
                socket.close();
            }
        }
        await().atMost(LIMIT).ignoreExceptions().untilAsserted(this::assertServes);
    }

    /** The ports are closed after it. */
    @Test
    void shouldNotHaveEndedWhileAFrameIsBeingInjected() throws Exception {
        CountDownLatch injecting = new CountDownLatch(1);
        CountDownLatch guestRuns = new CountDownLatch(1);
        proxy.guest = frame -> {
            injecting.countDown();
            return awaits(guestRuns);
        };
        try (FrameChannel agent = FrameChannel.connect(path, FramePurpose.INJECT)) {
            agent.write(frame(0, 60));
            agent.flush();
            injecting.await();
            Thread closing = new Thread(server::close);
            closing.start();
            closing.join(100);
            assertThat(closing.isAlive()).isTrue();
            guestRuns.countDown();
            closing.join(10_000);
            assertThat(closing.isAlive()).isFalse();
            assertThat(proxy.injected).hasSize(1);
            assertThatThrownBy(agent::finish).isInstanceOf(IOException.class);
        }
    }

    @Test
    void shouldEndThoughAReaderTakesNothing() throws Exception {
        try (FrameChannel hanging = FrameChannel.connect(path, FramePurpose.COPY_TCP)) {
            for (int i = 0; i < 100; i++) {
                proxy.copies.add(frame(0, ClientFrame.MAX_BYTES));
            }
            await().atMost(LIMIT).until(() -> proxy.copying.get() == 1);
            Thread closing = new Thread(server::close);
            closing.start();
            closing.join(10_000);
            assertThat(closing.isAlive()).isFalse();
            assertThat(hanging.isOpen()).isTrue();
        }
    }

    @Test
    void shouldBeForOwnerAndGroup() throws IOException {
        assertThat(PosixFilePermissions.toString(Files.getPosixFilePermissions(path)))
                .isEqualTo("rw-rw----");
    }

    @Test
    void shouldSayThatTheOtherSideHasEnded() throws IOException {
        try (FrameChannel agent = FrameChannel.connect(path, FramePurpose.COPY_TCP)) {
            await().atMost(LIMIT).until(() -> proxy.copying.get() == 1);
            server.close();
            assertThat(agent.read()).isEqualTo(Optional.empty());
        }
    }

    /** It is the turn of that connection, counted from 1. */
    private void awaitCopying(int connection) {
        await().atMost(LIMIT).until(() -> proxy.wanted.size() == connection);
    }

    private void assertServes() throws IOException {
        try (FrameChannel agent = FrameChannel.connect(path, FramePurpose.INJECT)) {
            assertThat(agent.finish()).isEqualTo(new Receipt(0, 0));
        }
    }

    private static boolean awaits(CountDownLatch latch) {
        try {
            return latch.await(10, TimeUnit.SECONDS);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            return false;
        }
    }

    private SocketChannel connect() throws IOException {
        SocketChannel socket = SocketChannel.open(StandardProtocolFamily.UNIX);
        socket.connect(UnixDomainSocketAddress.of(path));
        return socket;
    }

    private static boolean ended(SocketChannel socket) {
        try {
            return socket.read(ByteBuffer.allocate(100)) < 0;
        } catch (IOException e) {
            return true; // A reset: the server has not read all of it.
        }
    }

    private static byte[] greeting(int magic, int version, int purpose) {
        return ByteBuffer.allocate(8)
                .putInt(magic)
                .putShort((short) version)
                .putShort((short) purpose)
                .array();
    }

    private static byte[] header(int nic, int prefixBytes, int lengthBytes) {
        return ByteBuffer.allocate(20)
                .putInt(nic)
                .putInt(prefixBytes)
                .putLong(41)
                .putInt(lengthBytes)
                .array();
    }

    private static byte[] joined(byte[]... parts) {
        ByteBuffer all = ByteBuffer.allocate(1_000);
        for (byte[] part : parts) {
            all.put(part);
        }
        return MemorySegment.ofBuffer(all.flip()).toArray(java.lang.foreign.ValueLayout.JAVA_BYTE);
    }

    private static ClientFrame frame(int nic, int lengthBytes) {
        byte[] bytes = new byte[lengthBytes];
        bytes[lengthBytes - 1] = (byte) nic;
        return new ClientFrame(nic, 41, 10, bytes);
    }
}
