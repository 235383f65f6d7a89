package io.holdfast.agent.link;

import static io.holdfast.agent.engine.PageSink.PAGE_BYTES;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.awaitility.Awaitility.await;

import io.holdfast.agent.link.LinkMessage.CheckpointRecord;
import io.holdfast.agent.link.LinkMessage.Confirm;
import io.holdfast.agent.link.LinkMessage.GuestDeath;
import io.holdfast.agent.link.LinkMessage.Heartbeat;
import io.holdfast.agent.link.LinkMessage.Refusal;
import io.holdfast.agent.link.LinkMessage.Relinquish;
import io.netty.buffer.ByteBuf;
import io.netty.buffer.ByteBufUtil;
import io.netty.buffer.UnpooledByteBufAllocator;
import io.netty.channel.Channel;
import io.netty.channel.ChannelInitializer;
import io.netty.channel.embedded.EmbeddedChannel;
import io.netty.util.ReferenceCountUtil;
import java.io.IOException;
import java.io.InputStream;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.net.BindException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.SplittableRandom;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicReference;
import java.util.function.BooleanSupplier;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.extension.ExtendWith;

/** Server and client over real sockets, without TLS. */
@ExtendWith(LeakCheck.class)
@Timeout(60)
class LinkTest {

    private static final LinkSecurity PLAIN = LinkSecurity.insecure();
    private static final InetSocketAddress LOOPBACK = new InetSocketAddress(InetAddress.getLoopbackAddress(), 0);
    private static final byte[] GREETING = {'H', 'F', 'L', 'K', 0, 1, 0, 0};
    private static final long STALL_NANOS = 10_000 * LinkFixture.MS;

    private final LinkFixture link = new LinkFixture();

    @AfterEach
    void close() {
        link.close();
    }

    @Test
    void shouldCarryEveryMessageBothWays() throws Exception {
        LinkServer server = link.serve(PLAIN);
        link.connect(server.address(), PLAIN);
        List<LinkMessage> samples = SampleMessages.all();
        SampleMessages.all().forEach(link.primary.connection(0)::send);
        SampleMessages.all().forEach(link.backup.connection(0)::send);

        link.backup.awaitMessages(samples.size());
        link.primary.awaitMessages(samples.size());
        assertThat(link.backup.messages()).isEqualTo(samples);
        assertThat(link.primary.messages()).isEqualTo(samples);
        assertThat(link.backup.events().getFirst()).isEqualTo("up");
        assertThat(link.backup.bytesCalls()).isPositive();
        assertThat(link.backup.connection(0).isAccepted()).isTrue();
        assertThat(link.primary.connection(0).peerName()).isEmpty();
        samples.forEach(ReferenceCountUtil::release);
    }

    @Test
    void shouldTellAnEndOfFileFromItsOwnClosing() throws Exception {
        LinkServer server = link.serve(PLAIN);
        link.connect(server.address(), PLAIN);
        link.backup.connection(0);
        link.primary.connection(0).close("test");

        assertThat(link.primary.awaitDown()).isEqualTo("down: closed here: test");
        assertThat(link.backup.awaitDown()).isEqualTo("down by end of file: the peer closed the connection");
    }

    @Test
    void shouldTakeAResetForAnEndOfFile() throws Exception {
        LinkServer server = link.serve(PLAIN);
        try (Socket dying =
                new Socket(server.address().getAddress(), server.address().getPort())) {
            dying.getOutputStream().write(GREETING);
            link.backup.connection(0);
            // What the kernel does for a process that dies with bytes unread.
            dying.setSoLinger(true, 0);
        }
        assertThat(link.backup.awaitDown()).startsWith("down by end of file");
    }

    @Test
    void shouldDeliverTheLastWordBeforeTheEndOfFile() throws Exception {
        LinkServer server = link.serve(PLAIN);
        link.connect(server.address(), PLAIN);
        link.backup.connection(0);
        LinkConnection dying = link.primary.connection(0);
        dying.send(new GuestDeath(GuestDeath.Policy.PROMOTE, "killed"));
        dying.closeAfter(new Relinquish("bye"));

        assertThat(link.backup.awaitDown()).startsWith("down by end of file");
        assertThat(link.backup.events().subList(0, 3)).containsExactly("up", "GuestDeath", "Relinquish");
    }

    @Test
    void shouldLetThePeerReadARefusalThoughItIsStillSending() throws Exception {
        Refusal refusal = new Refusal("Incompatible", List.of("cpu: a on host a, b on host b"), SampleMessages.TERM);
        LinkServer server = link.serve(PLAIN, LOOPBACK, new RefusesEverybody(refusal));
        try (Socket busy =
                new Socket(server.address().getAddress(), server.address().getPort())) {
            busy.getOutputStream().write(GREETING);
            for (int i = 0; i < 100; i++) {
                busy.getOutputStream().write(encode(new Relinquish("x".repeat(4_000))));
            }
            Thread.sleep(200); // By now a reset would have thrown away what this side has not read yet.
            busy.shutdownOutput();
            assertThat(busy.getInputStream().readNBytes(GREETING.length)).isEqualTo(GREETING);
            assertThat(busy.getInputStream().readAllBytes()).isEqualTo(encode(refusal));
        }
    }

    @Test
    void shouldCloseSoonAfterTheLastWordThoughThePeerStays() throws Exception {
        LinkServer server = link.serve(PLAIN);
        try (Socket staying =
                new Socket(server.address().getAddress(), server.address().getPort())) {
            staying.getOutputStream().write(GREETING);
            link.backup.connection(0).closeAfter(new Relinquish("bye"));
            assertThat(link.backup.awaitDown()).isEqualTo("down: closed here: Relinquish");
        }
    }

    @Test
    void shouldNotWaitForAGreetingForEver() {
        EmbeddedChannel channel = new EmbeddedChannel(new ChannelInitializer<>() {
            @Override
            protected void initChannel(Channel fresh) {
                new LinkConnection(
                        fresh, true, PLAIN, link.backup, over -> link.backup.onDown(over, over.reasonOfEnd(), false));
            }
        });
        channel.freezeTime();
        channel.advanceTimeBy(LinkConnection.GREETING_TIMEOUT_MILLIS / 2, TimeUnit.MILLISECONDS);
        channel.runScheduledPendingTasks();
        assertThat(channel.isOpen()).isTrue();
        channel.advanceTimeBy(LinkConnection.GREETING_TIMEOUT_MILLIS / 2, TimeUnit.MILLISECONDS);
        channel.runScheduledPendingTasks();
        assertThat(channel.isOpen()).isFalse();
        assertThat(link.backup.awaitDown()).isEqualTo("down: the peer did not greet within 5000 ms");
        channel.finishAndReleaseAll();
    }

    @Test
    void shouldCloseOnTheFirstByteThatIsWrongAndSayWhy() throws Exception {
        LinkServer server = link.serve(PLAIN);
        try (Socket peer =
                new Socket(server.address().getAddress(), server.address().getPort())) {
            peer.getOutputStream().write(GREETING);
            link.backup.connection(0);
            peer.getOutputStream().write(new byte[] {0x48, 0x46, 99, 0, 0, 0, 0, 0});
            assertThat(link.backup.awaitDown()).isEqualTo("down: a record from the peer has the unknown type 99");
            assertThat(peer.getInputStream().readAllBytes()).isEqualTo(GREETING);
        }
    }

    @Test
    void shouldLogWhoConnectedWithoutBeingAnAgent() throws Exception {
        try (LogCapture log = new LogCapture(LinkServer.class)) {
            LinkServer server = link.serve(PLAIN);
            try (Socket peer =
                    new Socket(server.address().getAddress(), server.address().getPort())) {
                peer.getOutputStream().write("GET / HTTP/1.1\r\n\r\n".getBytes(StandardCharsets.UTF_8));
                peer.getInputStream().readAllBytes();
            }
            log.awaitLine("did not greet");
        }
        assertThat(link.backup.events()).isEmpty();
    }

    @Test
    void shouldRefuseMoreConnectionsThanThereCanBe() throws Exception {
        LinkServer server = link.serve(PLAIN);
        List<Socket> sockets = new ArrayList<>();
        try (LogCapture log = new LogCapture(LinkServer.class)) {
            for (int i = 0; i < LinkServer.MAX_CONNECTIONS; i++) {
                Socket socket = new Socket(
                        server.address().getAddress(), server.address().getPort());
                socket.getInputStream().readNBytes(GREETING.length);
                sockets.add(socket);
            }
            try (Socket tooMany =
                    new Socket(server.address().getAddress(), server.address().getPort())) {
                assertThat(tooMany.getInputStream().readAllBytes()).isEmpty();
            }
            log.awaitLine("8 connections are open");
            sockets.removeFirst().close();
            await().untilAsserted(() -> {
                try (Socket next = new Socket(
                        server.address().getAddress(), server.address().getPort())) {
                    assertThat(next.getInputStream().readNBytes(GREETING.length))
                            .isEqualTo(GREETING);
                }
            });
        } finally {
            for (Socket socket : sockets) {
                socket.close();
            }
        }
    }

    @Test
    void shouldSayThatItCannotListen() throws Exception {
        LinkServer server = link.serve(PLAIN);
        assertThatThrownBy(() -> link.serve(PLAIN, server.address()))
                .isInstanceOf(LinkException.class)
                .hasMessageContaining("link.listen");
    }

    @Test
    void shouldHandUpTwoPrimariesAtOnce() throws Exception {
        LinkServer server = link.serve(PLAIN);
        try (Witness other = new Witness()) {
            link.connect(server.address(), PLAIN);
            link.connect(server.address(), PLAIN, other);
            link.backup.connection(1).send(new Confirm(2));
            link.backup.connection(0).send(new Confirm(1));
            link.primary.awaitMessages(1);
            other.awaitMessages(1);
            assertThat(link.backup.events()).containsExactly("up", "up");
        }
    }

    @Test
    void shouldConnectWhenThePeerIsThereAtLastAndAgainWhenItComesBack() throws Exception {
        InetSocketAddress address = new InetSocketAddress(InetAddress.getLoopbackAddress(), portOfNobody());
        try (LogCapture log = new LogCapture(LinkClient.class)) {
            link.connect(address, PLAIN);
            log.awaitLine("Connection refused");
            Thread.sleep(300);
            assertThat(log.lines().stream().filter(line -> line.contains("cannot connect")))
                    .as("the same complaint again and again")
                    .hasSize(1);

            for (int life = 0; life < 3; life++) {
                LinkServer server = serveAsSoonAsThePortIsFree(address);
                link.primary.connection(life).send(new Confirm(life + 1));
                link.backup.awaitMessages(life + 1);
                server.close();
            }
        }
        await().until(() -> link.primary.events().size() == 6);
        assertThat(link.primary.events())
                .filteredOn(event -> event.startsWith("down"))
                .hasSize(3)
                .allMatch(event -> event.startsWith("down by end of file"));
        assertThat(link.backup.events())
                .filteredOn(event -> event.startsWith("down"))
                .allMatch(event -> event.startsWith("down: closed here"));
    }

    /**
     * A port on which nobody listens, and below those that the kernel gives to clients: one who connects to such a port again
     * and again may get the very same as his own, and so connect to himself.
     */
    private static int portOfNobody() throws IOException {
        int port = 20_000 + (int) (ProcessHandle.current().pid() % 10_000);
        while (!isFree(port)) {
            port++;
        }
        return port;
    }

    /** One that was closed listens on until the selector has let go of it, a moment later. */
    private LinkServer serveAsSoonAsThePortIsFree(InetSocketAddress address) {
        return await().ignoreException(LinkException.class).until(() -> link.serve(PLAIN, address), server -> true);
    }

    private static boolean isFree(int port) throws IOException {
        try (ServerSocket free = new ServerSocket(port, 1, InetAddress.getLoopbackAddress())) {
            return free.isBound();
        } catch (BindException e) {
            return false;
        }
    }

    @Test
    void shouldConnectNoMoreAfterItWasClosed() throws Exception {
        LinkServer server = link.serve(PLAIN);
        LinkClient client = link.connect(server.address(), PLAIN);
        link.primary.connection(0);
        client.close();
        link.primary.awaitDown();
        Thread.sleep(200);
        assertThat(link.primary.connectionCount()).isEqualTo(1);
    }

    @Test
    void shouldCloseAConnectionWhoseListenerFails() throws Exception {
        LinkServer server = link.serve(PLAIN);
        link.connect(server.address(), PLAIN, new LinkListener() {
            @Override
            public void onUp(LinkConnection connection) {}

            @Override
            public void onMessage(LinkConnection connection, LinkMessage message) {
                throw new IllegalStateException("on purpose");
            }

            @Override
            public void onBytes(LinkConnection connection) {}

            @Override
            public void onDown(LinkConnection connection, String reason, boolean endOfFile) {
                link.primary.onDown(connection, reason, endOfFile);
            }
        });
        SampleMessages.all().forEach(link.backup.connection(0)::send);
        assertThat(link.primary.awaitDown()).contains("the listener failed", "on purpose");
    }

    @Test
    void shouldMakeTheSenderWaitForAPeerThatDoesNotRead() throws Exception {
        LinkServer server = link.serve(PLAIN);
        try (Socket stalled =
                new Socket(server.address().getAddress(), server.address().getPort())) {
            stalled.getOutputStream().write(GREETING);
            LinkConnection connection = link.backup.connection(0);
            MemorySegment memory = Arena.ofAuto().allocate(64L * PAGE_BYTES);
            long limit = 64 << 20;
            long sent = 0;
            while (connection.awaitWritable(50 * LinkFixture.MS) && sent < limit) {
                try (CheckpointWriter writer = CheckpointWriter.full(connection, STALL_NANOS)) {
                    writer.onPages(0, 64, memory, 0);
                }
                sent += memory.byteSize();
            }
            assertThat(sent).as("bytes until it had to wait").isLessThan(limit);

            // A reader that goes on gets everything, and the sender may go on.
            AtomicReference<Boolean> writable = new AtomicReference<>();
            Thread waiting = Thread.ofPlatform().start(() -> {
                try {
                    writable.set(connection.awaitWritable(STALL_NANOS));
                } catch (InterruptedException e) {
                    throw new IllegalStateException(e);
                }
            });
            InputStream in = stalled.getInputStream();
            byte[] buffer = new byte[1 << 20];
            for (long read = 0; read < sent; ) {
                read += in.read(buffer);
            }
            waiting.join();
            assertThat(writable.get()).isTrue();
        }
    }

    @Test
    void shouldWakeTheSenderWhenTheConnectionGoesDown() throws Exception {
        LinkServer server = link.serve(PLAIN);
        Socket stalled =
                new Socket(server.address().getAddress(), server.address().getPort());
        stalled.getOutputStream().write(GREETING);
        LinkConnection connection = link.backup.connection(0);
        MemorySegment memory = Arena.ofAuto().allocate(64L << 20);
        CountDownLatch failed = new CountDownLatch(1);
        Thread shipping = Thread.ofPlatform().start(() -> {
            try (CheckpointWriter writer = CheckpointWriter.delta(connection, 60_000 * LinkFixture.MS, 1)) {
                writer.onPages(0, 64 << 8, memory, 0);
                writer.finish(2, new byte[1], "");
            } catch (LinkException e) {
                failed.countDown();
            } catch (InterruptedException e) {
                throw new IllegalStateException(e);
            }
        });
        await().until(() -> shipping.getState() == Thread.State.TIMED_WAITING);
        stalled.close();
        shipping.join(Duration.ofSeconds(10));
        assertThat(failed.getCount()).isZero();
        assertThat(connection.isUp()).isFalse();
    }

    @Test
    void shouldNotMakeAHeartbeatWaitBehindAWholeCheckpoint() throws Exception {
        LinkServer server = link.serve(PLAIN);
        try (Socket slow = new Socket()) {
            slow.setReceiveBufferSize(64 << 10);
            slow.connect(server.address());
            slow.getOutputStream().write(GREETING);
            LinkConnection connection = link.backup.connection(0);
            MemorySegment memory = Arena.ofAuto().allocate(64L << 20);
            Thread shipping = Thread.ofPlatform().start(() -> {
                try (CheckpointWriter writer = CheckpointWriter.full(connection, STALL_NANOS)) {
                    writer.onPages(0, 64 << 8, memory, 0);
                }
            });
            await().until(() -> shipping.getState() == Thread.State.TIMED_WAITING);
            connection.send(new Heartbeat(1, 0, 0));

            assertThat(bytesBeforeHeartbeat(slow.getInputStream()))
                    .as("1 MiB of ours, the rest is the kernel's send buffer")
                    .isLessThan(16 << 20);
            connection.close("the test has seen enough");
            shipping.join();
        }
    }

    private static long bytesBeforeHeartbeat(InputStream in) throws IOException {
        in.skipNBytes(GREETING.length);
        long bytes = 0;
        while (true) {
            ByteBuffer header = ByteBuffer.wrap(in.readNBytes(RecordLayout.HEADER_BYTES));
            if (header.get(RecordLayout.TYPE_OFFSET) == RecordType.HEARTBEAT.number()) {
                return bytes;
            }
            int bodyBytes = header.getInt(RecordLayout.LENGTH_OFFSET);
            in.skipNBytes(bodyBytes);
            bytes += RecordLayout.HEADER_BYTES + bodyBytes;
        }
    }

    /** INV-11: whatever the network does to a stream of checkpoints, the backup's memory is that of a confirmed one. */
    @Test
    void shouldNeverConfirmATornCheckpointOverALinkThatFlaps() throws Exception {
        long seed = Long.getLong("holdfast.seed", System.nanoTime());
        System.out.println("LinkTest.shouldNeverConfirmATornCheckpointOverALinkThatFlaps: seed " + seed);
        SplittableRandom random = new SplittableRandom(seed);
        GuestMemory guest = new GuestMemory(512, seed);
        guest.change(200, (page, pages, memory, offset) -> {});
        StagingBackup backup = new StagingBackup(guest.bytes());
        LinkServer server = link.serve(PLAIN, LOOPBACK, backup);
        link.connect(server.address(), PLAIN);

        long epoch = 0;
        int completed = 0;
        for (int life = 1; life <= 12; life++) {
            LinkConnection connection = link.primary.connection(life - 1);
            // On a busy machine none may be confirmed in time; so the last life is as long as that takes.
            boolean last = life == 12;
            int limitMillis = last ? 10_000 : random.nextInt(60);
            Thread cutter = Thread.ofPlatform()
                    .start(() -> cutAfter(connection, limitMillis, () -> last && backup.confirmed.get() > 0));
            long base = 0;
            try {
                while (true) {
                    try (CheckpointWriter writer = base == 0
                            ? CheckpointWriter.full(connection, STALL_NANOS)
                            : CheckpointWriter.delta(connection, STALL_NANOS, base)) {
                        if (base == 0) {
                            guest.precopy(writer);
                            writer.collect();
                        }
                        guest.change(4, writer);
                        epoch++;
                        backup.expect(epoch, guest.copy());
                        writer.finish(epoch, new byte[] {1, 2, 3}, "");
                        base = epoch;
                        completed++;
                    }
                }
            } catch (LinkException e) {
                cutter.join();
            }
        }
        await().until(() -> backup.down.get() == 12);
        System.out.printf("%d checkpoints sent, %d confirmed%n", completed, backup.confirmed.get());
        assertThat(backup.problems).isEmpty();
        assertThat(backup.confirmed.get()).isPositive();
    }

    private static void cutAfter(LinkConnection connection, int limitMillis, BooleanSupplier earlier) {
        try {
            for (int millis = 0; millis < limitMillis && !earlier.getAsBoolean(); millis++) {
                Thread.sleep(1);
            }
        } catch (InterruptedException e) {
            throw new IllegalStateException(e);
        }
        connection.close("cut by the test");
    }

    /**
     * Stages on the event loop what the newest connection brings, and compares each checkpoint with the memory that it
     * was taken of.
     */
    private static final class StagingBackup implements LinkListener {

        private final long memoryBytes;
        private final MemorySegment memory;
        private final Map<Long, MemorySegment> expected = new ConcurrentHashMap<>();
        private final ConcurrentLinkedQueue<String> problems = new ConcurrentLinkedQueue<>();
        private @Nullable LinkConnection current;
        private CheckpointStage stage;
        private final AtomicInteger confirmed = new AtomicInteger();
        private final AtomicInteger down = new AtomicInteger();

        StagingBackup(long memoryBytes) {
            this.memoryBytes = memoryBytes;
            this.memory = Arena.ofAuto().allocate(memoryBytes);
            this.stage = new CheckpointStage(memoryBytes, 64 << 20, 0);
        }

        void expect(long epoch, MemorySegment content) {
            expected.put(epoch, content);
        }

        @Override
        public void onUp(LinkConnection connection) {
            current = connection;
            stage.discard();
            stage = new CheckpointStage(memoryBytes, 64 << 20, stage.confirmedEpoch());
        }

        @Override
        public void onMessage(LinkConnection connection, LinkMessage message) {
            if (connection != current) {
                return;
            }
            try {
                stage.accept((CheckpointRecord) message).ifPresent(checkpoint -> {
                    checkpoint.applyTo(memory);
                    MemorySegment content = expected.remove(checkpoint.epoch());
                    if (content == null || content.mismatch(memory) != -1) {
                        problems.add("checkpoint %d is not what was sent".formatted(checkpoint.epoch()));
                    }
                    checkpoint.release();
                    confirmed.incrementAndGet();
                });
            } catch (TornCheckpointException e) {
                problems.add(String.valueOf(e.getMessage()));
            }
        }

        @Override
        public void onBytes(LinkConnection connection) {}

        @Override
        public void onDown(LinkConnection connection, String reason, boolean endOfFile) {
            if (connection == current) {
                stage.discard();
            }
            down.incrementAndGet();
        }
    }

    private record RefusesEverybody(Refusal refusal) implements LinkListener {

        @Override
        public void onUp(LinkConnection connection) {
            connection.closeAfter(refusal);
        }

        @Override
        public void onMessage(LinkConnection connection, LinkMessage message) {}

        @Override
        public void onBytes(LinkConnection connection) {}

        @Override
        public void onDown(LinkConnection connection, String reason, boolean endOfFile) {}
    }

    private static byte[] encode(LinkMessage message) {
        ByteBuf record = LinkCodec.encode(message, UnpooledByteBufAllocator.DEFAULT);
        byte[] bytes = ByteBufUtil.getBytes(record);
        record.release();
        return bytes;
    }
}
