package io.holdfast.agent.link;

import static org.assertj.core.api.Assertions.assertThat;

import io.holdfast.agent.link.LinkMessage.CheckpointEnd;
import io.holdfast.agent.link.LinkMessage.Heartbeat;
import io.holdfast.agent.link.LinkMessage.Mirrored;
import io.holdfast.control.ClientFrame;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.util.concurrent.Semaphore;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.locks.LockSupport;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.extension.ExtendWith;

/** Clients send without an end, and the link takes a few megabytes in a second. */
@ExtendWith(LeakCheck.class)
@Timeout(120)
class CopiesOnASlowLinkTest {

    private static final int CHUNK_BYTES = 16 << 10;
    private static final long CHUNK_NANOS = 4_000_000; // 4 MB/s
    private static final int CHECKPOINTS = 6;
    private static final int PAGES = 200;
    private static final long STALL_NANOS = 60_000 * LinkFixture.MS;

    private final LinkFixture link = new LinkFixture();
    private final Backup backup = new Backup();
    private final AtomicBoolean stopping = new AtomicBoolean();

    private static final class Backup implements LinkListener {
        final Semaphore checkpoints = new Semaphore(0);
        final AtomicLong copies = new AtomicLong();
        final AtomicLong longestHeartbeatNanos = new AtomicLong();

        @Override
        public void onUp(LinkConnection connection) {}

        @Override
        public void onMessage(LinkConnection connection, LinkMessage message) {
            switch (message) {
                case CheckpointEnd end -> checkpoints.release();
                case Mirrored mirrored -> copies.incrementAndGet();
                case Heartbeat heartbeat ->
                    longestHeartbeatNanos.accumulateAndGet(System.nanoTime() - heartbeat.sequence(), Math::max);
                default -> {}
            }
        }

        @Override
        public void onBytes(LinkConnection connection) {}

        @Override
        public void onDown(LinkConnection connection, String reason, boolean endOfFile) {}
    }

    @AfterEach
    void close() {
        stopping.set(true);
        link.close();
    }

    @Test
    void shouldLetCheckpointsAndHeartbeatsPassThoughClientsFlood() throws Exception {
        LinkSecurity plain = LinkSecurity.insecure();
        InetSocketAddress loopback = new InetSocketAddress(InetAddress.getLoopbackAddress(), 0);
        LinkServer server = link.serve(plain, loopback, backup);
        try (ServerSocket slow = new ServerSocket()) {
            slow.setReceiveBufferSize(4 * CHUNK_BYTES);
            slow.bind(loopback);
            Thread.ofPlatform().daemon().start(() -> relay(slow, server.address()));
            link.connect((InetSocketAddress) slow.getLocalSocketAddress(), plain);
            LinkConnection primary = link.primary.connection(0);

            long quietNanos = ship(primary);
            long quietHeartbeatNanos = backup.longestHeartbeatNanos.get();
            Thread flood = Thread.ofPlatform().daemon().start(() -> flood(primary));
            Thread.sleep(500);
            backup.longestHeartbeatNanos.set(0);
            long floodedNanos = ship(primary);
            stopping.set(true);
            flood.join();

            assertThat(floodedNanos / (double) quietNanos)
                    .as("what checkpoints take under a flood, %d ms without", quietNanos / 1_000_000)
                    .isLessThan(1.6);
            assertThat(backup.longestHeartbeatNanos.get() / (double) quietHeartbeatNanos)
                    .as("what a heartbeat takes behind them, %d ms without", quietHeartbeatNanos / 1_000_000)
                    .isLessThan(1.6);
            assertThat(backup.copies.get()).as("copies that found room").isPositive();
        }
    }

    /** As a primary does: one checkpoint after the other, and heartbeats in between; until the backup has them. */
    private long ship(LinkConnection primary) throws Exception {
        long beganNanos = System.nanoTime();
        MemorySegment memory = Arena.ofAuto().allocate((long) PAGES * CheckpointWriter.PAGE_BYTES);
        memory.fill((byte) 1);
        for (int epoch = 1; epoch <= CHECKPOINTS; epoch++) {
            primary.send(new Heartbeat(System.nanoTime(), 0, 0));
            try (CheckpointWriter writer = CheckpointWriter.delta(primary, STALL_NANOS, epoch)) {
                writer.onPages(0, PAGES, memory, 0);
                writer.finish(epoch + 1, new byte[100], "");
            }
        }
        assertThat(backup.checkpoints.tryAcquire(CHECKPOINTS, 60, TimeUnit.SECONDS))
                .isTrue();
        return System.nanoTime() - beganNanos;
    }

    private void flood(LinkConnection primary) {
        ClientFrame frame = new ClientFrame(0, 1, 10, new byte[1_524]);
        while (!stopping.get()) {
            if (!primary.offer(frame)) {
                LockSupport.parkNanos(50_000);
            }
        }
    }

    private void relay(ServerSocket slow, InetSocketAddress to) {
        try (Socket primary = slow.accept();
                Socket onward = new Socket(to.getAddress(), to.getPort())) {
            Thread back = Thread.ofPlatform().daemon().start(() -> copy(onward, primary, 0));
            copy(primary, onward, CHUNK_NANOS);
            back.join();
        } catch (IOException e) {
            throw new IllegalStateException(e);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }

    private static void copy(Socket from, Socket to, long chunkNanos) {
        byte[] chunk = new byte[CHUNK_BYTES];
        long dueNanos = System.nanoTime();
        try {
            InputStream in = from.getInputStream();
            OutputStream out = to.getOutputStream();
            for (int bytes = in.read(chunk); bytes > 0; bytes = in.read(chunk)) {
                dueNanos = Math.max(dueNanos, System.nanoTime() - 10 * chunkNanos) + chunkNanos * bytes / CHUNK_BYTES;
                while (dueNanos - System.nanoTime() > 0) {
                    LockSupport.parkNanos(dueNanos - System.nanoTime());
                }
                out.write(chunk, 0, bytes);
            }
            to.shutdownOutput();
        } catch (IOException e) {
            // One of the ends has closed.
            closeQuietly(from);
            closeQuietly(to);
        }
    }

    private static void closeQuietly(Socket socket) {
        try {
            socket.close();
        } catch (IOException e) {
            throw new IllegalStateException(e);
        }
    }
}
