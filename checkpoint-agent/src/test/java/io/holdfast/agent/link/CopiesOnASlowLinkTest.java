package io.holdfast.agent.link;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import io.holdfast.agent.link.LinkMessage.Mirrored;
import io.holdfast.agent.link.LinkMessage.Pages;
import io.holdfast.control.ClientFrame;
import io.netty.buffer.Unpooled;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.locks.LockSupport;
import java.util.function.BooleanSupplier;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.extension.ExtendWith;

/** Clients send without an end, and the backup does not read. */
@ExtendWith(LeakCheck.class)
@Timeout(60)
class CopiesOnASlowLinkTest {

    private static final int PAGES = 64;
    private static final long SETTLED_NANOS = 300 * LinkFixture.MS;

    private final LinkFixture link = new LinkFixture();
    private final Backup backup = new Backup();
    /** What stands between the two hands nothing on. */
    private volatile boolean stalled;

    private static final class Backup implements LinkListener {
        final AtomicLong copies = new AtomicLong();
        final AtomicLong pageRuns = new AtomicLong();

        @Override
        public void onUp(LinkConnection connection) {}

        @Override
        public void onMessage(LinkConnection connection, LinkMessage message) {
            switch (message) {
                case Pages pages -> pageRuns.incrementAndGet();
                case Mirrored mirrored -> copies.incrementAndGet();
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
        stalled = false;
        link.close();
    }

    @Test
    void shouldLeaveMostOfTheQueueToCheckpointsThoughClientsFlood() throws Exception {
        LinkConnection primary = connect();
        stalled = true;
        long copies = flood(primary);

        assertThat(primary.awaitWritable(0))
                .as("there is room for a checkpoint")
                .isTrue();
        stalled = false;
        await().until(() -> backup.copies.get() == copies);
    }

    @Test
    void shouldTakeNoCopyWhileACheckpointWaits() throws Exception {
        LinkConnection primary = connect();
        stalled = true;
        long runs = 0;
        while (primary.awaitWritable(SETTLED_NANOS)) {
            primary.send(new Pages(0, PAGES, false, Unpooled.directBuffer().writeZero(PAGES * 4096)));
            runs++;
        }
        assertThat(primary.offer(frame())).isFalse();

        long all = runs;
        stalled = false;
        await().until(() -> backup.pageRuns.get() == all);
        await().until(() -> primary.offer(frame()));
    }

    /** Until for a while no copy has found room; how many have. */
    private static long flood(LinkConnection primary) {
        long copies = 0;
        long refusedNanos = System.nanoTime();
        while (System.nanoTime() - refusedNanos < SETTLED_NANOS) {
            if (primary.offer(frame())) {
                copies++;
                refusedNanos = System.nanoTime();
            } else {
                LockSupport.parkNanos(50_000);
            }
        }
        return copies;
    }

    private static ClientFrame frame() {
        return new ClientFrame(0, 1, 10, new byte[1_524]);
    }

    // ---- what stands between ----

    private LinkConnection connect() throws Exception {
        LinkSecurity plain = LinkSecurity.insecure();
        InetSocketAddress loopback = new InetSocketAddress(InetAddress.getLoopbackAddress(), 0);
        LinkServer server = link.serve(plain, loopback, backup);
        ServerSocket between = new ServerSocket();
        between.bind(loopback);
        Thread.ofPlatform().daemon().start(() -> relay(between, server.address()));
        link.connect((InetSocketAddress) between.getLocalSocketAddress(), plain);
        return link.primary.connection(0);
    }

    private void relay(ServerSocket between, InetSocketAddress to) {
        try (between;
                Socket primary = between.accept();
                Socket onward = new Socket(to.getAddress(), to.getPort())) {
            Thread back = Thread.ofPlatform().daemon().start(() -> copy(onward, primary, () -> false));
            copy(primary, onward, () -> stalled);
            back.join();
        } catch (IOException e) {
            throw new IllegalStateException(e);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }

    private static void copy(Socket from, Socket to, BooleanSupplier stalled) {
        byte[] chunk = new byte[16 << 10];
        try {
            InputStream in = from.getInputStream();
            OutputStream out = to.getOutputStream();
            for (int bytes = in.read(chunk); bytes > 0; bytes = in.read(chunk)) {
                while (stalled.getAsBoolean()) {
                    LockSupport.parkNanos(LinkFixture.MS);
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
