package io.holdfast.control;

import java.io.EOFException;
import java.io.IOException;
import java.net.StandardProtocolFamily;
import java.net.UnixDomainSocketAddress;
import java.nio.channels.ServerSocketChannel;
import java.nio.channels.SocketChannel;
import java.nio.file.Path;
import java.util.concurrent.locks.LockSupport;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Serves {@link FrameChannel}s to one agent at a time; one that comes later takes the place of the one before, which may hang.
 *
 * <p><b>Threads.</b> One accepts and writes to the agent, one for each connection reads.
 */
public final class FrameServer implements AutoCloseable {

    /** The proxy's side of a connection. */
    public interface Exchange {

        /**
         * Writes frames, as they come, until the channel fails.
         *
         * @throws IOException if the channel does
         */
        void serve(FrameChannel agent) throws IOException;

        /** Takes a frame for the guest. */
        void inject(ClientFrame frame);
    }

    private static final Logger log = LoggerFactory.getLogger(FrameServer.class);

    private final SocketFile file;
    private final ServerSocketChannel listener;
    private final Exchange exchange;
    private volatile @Nullable FrameChannel agent;
    private volatile @Nullable Thread writer;
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
            listener.bind(UnixDomainSocketAddress.of(path), 1);
            file.restrictToGroup();
        } catch (IOException | RuntimeException e) {
            listener.close();
            file.close();
            throw e;
        }
        FrameServer server = new FrameServer(file, listener, exchange);
        Thread.ofPlatform().name("frames-accept").daemon().start(server::accept);
        return server;
    }

    private void accept() {
        while (!closed) {
            try {
                SocketChannel connected = listener.accept();
                endAgent();
                FrameChannel channel = new FrameChannel(connected);
                agent = channel;
                Thread.ofPlatform().name("frames-in").daemon().start(() -> read(channel));
                writer = Thread.ofPlatform().name("frames-out").daemon().start(() -> write(channel));
            } catch (IOException e) {
                if (!closed) {
                    log.warn("no agent for frames: {}", e.getMessage());
                }
            } catch (InterruptedException e) {
                return;
            }
        }
    }

    private void read(FrameChannel channel) {
        try {
            while (true) {
                exchange.inject(channel.read());
            }
        } catch (EOFException e) {
            log.debug("the agent has ended its connection for frames");
        } catch (IOException e) {
            if (!closed && agent == channel) {
                log.warn("the agent's connection for frames: {}", e.getMessage());
            }
        } finally {
            channel.close();
        }
    }

    private void write(FrameChannel channel) {
        try {
            exchange.serve(channel);
        } catch (IOException e) {
            log.debug("no more frames for the agent: {}", e.getMessage());
        } finally {
            channel.close();
        }
    }

    /** There is one writer at a time, because copies have one reader. */
    private void endAgent() throws InterruptedException {
        FrameChannel ended = agent;
        if (ended != null) {
            ended.close();
        }
        Thread ending = writer;
        if (ending != null) {
            LockSupport.unpark(ending);
            ending.join();
        }
    }

    @Override
    public void close() {
        closed = true;
        try {
            listener.close();
            file.close();
            endAgent();
        } catch (IOException e) {
            log.warn("closing the socket for frames: {}", e.getMessage());
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }
}
