package io.holdfast.agent.link;

import io.netty.bootstrap.Bootstrap;
import io.netty.channel.Channel;
import io.netty.channel.ChannelFutureListener;
import io.netty.channel.ChannelInitializer;
import io.netty.channel.ChannelOption;
import io.netty.channel.EventLoop;
import io.netty.channel.EventLoopGroup;
import io.netty.channel.socket.nio.NioSocketChannel;
import io.netty.util.concurrent.Future;
import java.net.InetSocketAddress;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The connecting end of the link, the primary's: keeps one connection up, and tries again as its {@link Backoff}
 * says.
 */
public final class LinkClient implements AutoCloseable {

    private static final Logger LOG = LoggerFactory.getLogger(LinkClient.class);

    private final EventLoop loop;
    private final String host;
    private final int port;
    private final LinkSecurity security;
    private final LinkListener listener;
    private final Backoff backoff;

    // Event loop only.
    private @Nullable Channel channel;
    private @Nullable Future<?> nextAttempt;
    private String lastComplaint = "";
    private boolean closed;

    /**
     * Does nothing before {@link #start}.
     *
     * @param loop of a single thread, on which the listener is called
     * @param peer need not be resolved: its name is looked up at every attempt
     */
    public LinkClient(
            EventLoopGroup loop,
            InetSocketAddress peer,
            LinkSecurity security,
            LinkListener listener,
            Backoff backoff) {
        this.loop = loop.next();
        this.host = peer.getHostString();
        this.port = peer.getPort();
        this.security = security;
        this.listener = listener;
        this.backoff = backoff;
    }

    /** Begins to connect, and goes on until {@link #close}. */
    public void start() {
        if (security.isInsecure()) {
            LOG.warn("replication link to {}:{} is not protected: `insecure: true`", host, port);
        }
        loop.execute(this::connect);
    }

    /** Closes the connection, if one is up, and connects no more. Not on the event loop. */
    @Override
    public void close() {
        loop.submit(this::closeOnLoop).awaitUninterruptibly();
    }

    private void closeOnLoop() {
        closed = true;
        if (nextAttempt != null) {
            nextAttempt.cancel(false);
        }
        if (channel != null) {
            channel.close().addListener(ChannelFutureListener.FIRE_EXCEPTION_ON_FAILURE);
        }
    }

    private void connect() {
        if (closed) {
            return;
        }
        channel = new Bootstrap()
                .group(loop)
                .channel(NioSocketChannel.class)
                .option(ChannelOption.TCP_NODELAY, true)
                .option(ChannelOption.CONNECT_TIMEOUT_MILLIS, LinkOptions.CONNECT_TIMEOUT_MILLIS)
                .option(ChannelOption.WRITE_BUFFER_WATER_MARK, LinkOptions.WATER_MARK)
                .handler(new ChannelInitializer<>() {
                    @Override
                    protected void initChannel(Channel fresh) {
                        new LinkConnection(fresh, false, security, new Observed(), LinkClient.this::onOver);
                    }
                })
                .connect(InetSocketAddress.createUnresolved(host, port))
                .channel();
    }

    private void onOver(LinkConnection connection) {
        if (!connection.wasUp()) {
            complain(connection.reasonOfEnd());
        }
        connectLater();
    }

    private void connectLater() {
        if (!closed) {
            long waitNanos = backoff.onFailure(System.nanoTime());
            nextAttempt = loop.schedule(this::connect, waitNanos, TimeUnit.NANOSECONDS);
        }
    }

    /** The same complaint is logged once, not with every attempt. */
    private void complain(String complaint) {
        if (!closed && !complaint.equals(lastComplaint)) {
            lastComplaint = complaint;
            LOG.warn("cannot connect to {}:{}, will try again: {}", host, port, complaint);
        }
    }

    /** Passes on, and tells the backoff. */
    private final class Observed implements LinkListener {

        @Override
        public void onUp(LinkConnection up) {
            backoff.onUp(System.nanoTime());
            lastComplaint = "";
            listener.onUp(up);
        }

        @Override
        public void onMessage(LinkConnection up, LinkMessage message) {
            listener.onMessage(up, message);
        }

        @Override
        public void onBytes(LinkConnection up) {
            listener.onBytes(up);
        }

        @Override
        public void onDown(LinkConnection down, String reason, boolean endOfFile) {
            listener.onDown(down, reason, endOfFile);
        }
    }
}
