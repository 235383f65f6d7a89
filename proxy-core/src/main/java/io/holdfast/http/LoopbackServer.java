package io.holdfast.http;

import io.netty.bootstrap.ServerBootstrap;
import io.netty.channel.Channel;
import io.netty.channel.ChannelFuture;
import io.netty.channel.ChannelInitializer;
import io.netty.channel.ChannelOption;
import io.netty.channel.EventLoopGroup;
import io.netty.channel.MultiThreadIoEventLoopGroup;
import io.netty.channel.WriteBufferWaterMark;
import io.netty.channel.group.ChannelGroup;
import io.netty.channel.group.DefaultChannelGroup;
import io.netty.channel.nio.NioIoHandler;
import io.netty.channel.socket.nio.NioServerSocketChannel;
import io.netty.handler.codec.http.HttpContentCompressor;
import io.netty.handler.codec.http.HttpObjectAggregator;
import io.netty.handler.codec.http.HttpServerCodec;
import io.netty.handler.timeout.IdleStateHandler;
import io.netty.util.concurrent.DefaultThreadFactory;
import java.io.IOException;
import java.net.BindException;
import java.net.InetSocketAddress;
import java.util.Map;
import java.util.concurrent.TimeUnit;

/**
 * Answers GET and HEAD over HTTP at a loopback address, from one thread of its own. Nothing can be changed over it.
 *
 * <p>There is no access control but that whoever asks must be on this host, and not have been misled by a name
 * ({@link HostHeader}); whoever needs the answers elsewhere puts a proxy with access control in front.
 */
public final class LoopbackServer implements AutoCloseable {

    private static final int INITIAL_LINE_LIMIT_BYTES = 4 << 10;
    private static final int HEADER_LIMIT_BYTES = 16 << 10;
    private static final int BODY_LIMIT_BYTES = 1 << 10;
    private static final int UNREAD_LIMIT_BYTES = 4 << 20;
    private static final int CONNECTION_LIMIT = 32;
    private static final int IDLE_LIMIT_SECONDS = 60;
    private static final long CLOSE_LIMIT_SECONDS = 5;

    private final EventLoopGroup group =
            new MultiThreadIoEventLoopGroup(1, new DefaultThreadFactory("http", true), NioIoHandler.newFactory());
    private final ChannelGroup connections = new DefaultChannelGroup(group.next());
    private final Channel listener;

    private LoopbackServer(InetSocketAddress address, Map<String, Resource> resources) throws IOException {
        ChannelFuture bound = new ServerBootstrap()
                .group(group)
                .channel(NioServerSocketChannel.class)
                .option(ChannelOption.SO_REUSEADDR, true)
                .childOption(
                        ChannelOption.WRITE_BUFFER_WATER_MARK,
                        new WriteBufferWaterMark(UNREAD_LIMIT_BYTES / 2, UNREAD_LIMIT_BYTES))
                .childHandler(new ChannelInitializer<Channel>() {
                    @Override
                    protected void initChannel(Channel channel) {
                        accept(channel, new RequestHandler(resources));
                    }
                })
                .bind(address)
                .awaitUninterruptibly();
        listener = bound.channel();
        if (!bound.isSuccess()) {
            close();
            String place = address.getAddress().getHostAddress() + ":" + address.getPort();
            String advice = bound.cause() instanceof BindException
                    ? "; the port is taken or the address is not this host's: set another one with `http`"
                    : "";
            throw new IOException(
                    "cannot serve HTTP at " + place + ": " + bound.cause().getMessage() + advice, bound.cause());
        }
    }

    /**
     * Listens from now on.
     *
     * @param address a loopback address; port 0 takes any free one
     * @param resources what there is, by path
     * @throws IOException if the address is not loopback, or cannot be listened at
     */
    public static LoopbackServer start(InetSocketAddress address, Map<String, Resource> resources) throws IOException {
        if (address.isUnresolved() || !address.getAddress().isLoopbackAddress()) {
            throw new IOException("HTTP is served at a loopback address only, not at " + address);
        }
        return new LoopbackServer(address, Map.copyOf(resources));
    }

    // What becomes of a close shows as the end of the channel.
    @SuppressWarnings("FutureReturnValueIgnored")
    private void accept(Channel channel, RequestHandler handler) {
        if (connections.size() >= CONNECTION_LIMIT) {
            channel.close();
            return;
        }
        connections.add(channel);
        channel.pipeline()
                .addLast(
                        new IdleStateHandler(0, 0, IDLE_LIMIT_SECONDS),
                        new HttpServerCodec(INITIAL_LINE_LIMIT_BYTES, HEADER_LIMIT_BYTES, HEADER_LIMIT_BYTES),
                        new HttpObjectAggregator(BODY_LIMIT_BYTES),
                        new HttpContentCompressor(),
                        handler);
    }

    /** Where it listens; has the real port even if it was asked for port 0. */
    public InetSocketAddress address() {
        return (InetSocketAddress) listener.localAddress();
    }

    /** Ends all connections. */
    @Override
    public void close() {
        listener.close().awaitUninterruptibly(CLOSE_LIMIT_SECONDS, TimeUnit.SECONDS);
        connections.close().awaitUninterruptibly(CLOSE_LIMIT_SECONDS, TimeUnit.SECONDS);
        group.shutdownGracefully(0, CLOSE_LIMIT_SECONDS, TimeUnit.SECONDS)
                .awaitUninterruptibly(CLOSE_LIMIT_SECONDS, TimeUnit.SECONDS);
    }
}
