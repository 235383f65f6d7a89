package io.holdfast.control;

import io.holdfast.control.FrameChannel.Receipt;
import java.io.IOException;
import java.net.StandardProtocolFamily;
import java.net.UnixDomainSocketAddress;
import java.nio.channels.ServerSocketChannel;
import java.nio.channels.SocketChannel;
import java.nio.file.Path;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.AtomicReference;
import java.util.concurrent.locks.LockSupport;
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.Predicate;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Serves {@link FrameChannel}s. One takes copies at a time: one that comes later takes the place of the one before, which may
 * hang. Those who inject are not disturbed by it.
 *
 * <p><b>Threads.</b> One accepts, and one serves each connection.
 */
public final class FrameServer implements AutoCloseable {

    /** The proxy's side of a connection. */
    public interface Exchange {

        /**
         * Writes frames, as they come, until the channel fails or is closed. One thread at a time.
         *
         * @param all whether all are wanted, not only those of TCP
         * @throws IOException if the channel fails
         */
        void copy(FrameChannel to, boolean all) throws IOException;

        /** Takes the frames of one connection for the guest, and says of each whether the guest gets it. */
        Predicate<ClientFrame> newInjection();
    }

    private record Connection(FrameChannel channel, Thread thread) {}

    private static final int MAX_CONNECTIONS = 8;
    private static final long ACCEPT_RETRY_NANOS = 100_000_000;
    private static final Logger log = LoggerFactory.getLogger(FrameServer.class);

    private final SocketFile file;
    private final ServerSocketChannel listener;
    private final Exchange exchange;
    private final Set<Connection> connections = ConcurrentHashMap.newKeySet();
    private final AtomicReference<@Nullable FrameChannel> copyingTo = new AtomicReference<>();
    private final ReentrantLock copying = new ReentrantLock();
    private final Thread acceptor =
            Thread.ofPlatform().name("frames-accept").daemon().unstarted(this::accept);
    private volatile boolean closed;

    private FrameServer(SocketFile file, ServerSocketChannel listener, Exchange exchange) {
        this.file = file;
        this.listener = listener;
        this.exchange = exchange;
    }

    /** Listens at {@code path}, for owner and group. */
    public static FrameServer start(Path path, Exchange exchange) throws IOException {
        SocketFile file = SocketFile.claim(path);
        ServerSocketChannel listener = ServerSocketChannel.open(StandardProtocolFamily.UNIX);
        try {
            listener.bind(UnixDomainSocketAddress.of(path), MAX_CONNECTIONS);
            file.restrictToGroup();
        } catch (IOException | RuntimeException e) {
            listener.close();
            file.close();
            throw e;
        }
        FrameServer server = new FrameServer(file, listener, exchange);
        server.acceptor.start();
        return server;
    }

    private void accept() {
        while (!closed) {
            try {
                serve(listener.accept());
            } catch (IOException e) {
                if (!closed) {
                    log.warn("nobody can connect for frames: {}", e.getMessage());
                    LockSupport.parkNanos(ACCEPT_RETRY_NANOS); // What is wrong, as too many open files, may last.
                }
            }
        }
    }

    private void serve(SocketChannel connected) throws IOException {
        connections.removeIf(before -> before.thread().getState() == Thread.State.TERMINATED);
        if (connections.size() >= MAX_CONNECTIONS) {
            log.warn("refused a connection for frames: there are {} already", MAX_CONNECTIONS);
            connected.close();
            return;
        }
        FrameChannel channel = new FrameChannel(connected);
        Thread thread = Thread.ofPlatform().name("frames").daemon().unstarted(() -> serve(channel));
        Connection connection = new Connection(channel, thread);
        connections.add(connection);
        thread.start();
    }

    private void serve(FrameChannel channel) {
        try (channel) {
            switch (channel.readPurpose()) {
                case COPY_TCP -> copy(channel, false);
                case COPY_ALL -> copy(channel, true);
                case INJECT -> inject(channel);
            }
        } catch (IOException e) {
            // Mostly its end: agents come and go. Nothing that was on its way is needed for the guest to be right.
            log.debug("a connection for frames has ended: {}", e.toString());
        } catch (RuntimeException e) {
            log.error("a connection for frames has failed", e);
        }
    }

    private void copy(FrameChannel channel, boolean all) throws IOException {
        FrameChannel before = copyingTo.getAndSet(channel);
        if (before != null) {
            before.close();
        }
        copying.lock();
        try {
            if (channel.isOpen()) {
                exchange.copy(channel, all);
            }
        } finally {
            copying.unlock();
        }
    }

    private void inject(FrameChannel channel) throws IOException {
        Predicate<ClientFrame> injection = exchange.newInjection();
        long givenFrames = 0;
        long refusedFrames = 0;
        for (Optional<ClientFrame> frame = channel.read(); frame.isPresent() && !closed; frame = channel.read()) {
            if (injection.test(frame.get())) {
                givenFrames++;
            } else {
                refusedFrames++;
            }
        }
        log.info("{} frames of clients given to the guest, {} refused", givenFrames, refusedFrames);
        channel.write(new Receipt(givenFrames, refusedFrames));
    }

    /** When it returns nobody uses the exchange any more. */
    @Override
    public void close() {
        closed = true;
        try {
            listener.close();
            file.close();
        } catch (IOException e) {
            log.warn("closing the socket for frames: {}", e.getMessage());
        }
        try {
            LockSupport.unpark(acceptor);
            acceptor.join();
            for (Connection connection : connections) {
                connection.channel().close();
            }
            for (Connection connection : connections) {
                connection.thread().join();
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }
}
