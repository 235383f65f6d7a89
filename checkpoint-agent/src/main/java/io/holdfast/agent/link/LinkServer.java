package io.holdfast.agent.link;

import io.netty.bootstrap.ServerBootstrap;
import io.netty.channel.Channel;
import io.netty.channel.ChannelFuture;
import io.netty.channel.ChannelInitializer;
import io.netty.channel.ChannelOption;
import io.netty.channel.EventLoopGroup;
import io.netty.channel.group.ChannelGroup;
import io.netty.channel.group.DefaultChannelGroup;
import io.netty.channel.socket.nio.NioServerSocketChannel;
import java.net.InetSocketAddress;
import java.net.SocketAddress;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The listening end of the link, the backup's.
 *
 * <p>Every connection that comes up is handed to the listener, also while others are up: which of two primaries is right is
 * a matter of terms, and not decided here.
 */
public final class LinkServer implements AutoCloseable {

    /** Connections at one time, coming up or up. There should be one. */
    static final int MAX_CONNECTIONS = 8;

    private static final Logger LOG = LoggerFactory.getLogger(LinkServer.class);

    private final Channel listening;
    private final ChannelGroup connections;

    private LinkServer(Channel listening, ChannelGroup connections) {
        this.listening = listening;
        this.connections = connections;
    }

    /**
     * @param loop of a single thread, on which the listener is called
     * @param address port 0 takes any free one
     * @throws LinkException if nobody can listen there
     */
    public static LinkServer bind(
            EventLoopGroup loop, InetSocketAddress address, LinkSecurity security, LinkListener listener)
            throws LinkException {
        if (security.isInsecure()) {
            LOG.warn("replication link on {} is not protected: `insecure: true`", address);
        }
        ChannelGroup connections = new DefaultChannelGroup(loop.next());
        ChannelFuture bound = new ServerBootstrap()
                .group(loop)
                .channel(NioServerSocketChannel.class)
                .childOption(ChannelOption.TCP_NODELAY, true)
                .childOption(ChannelOption.WRITE_BUFFER_WATER_MARK, LinkOptions.WATER_MARK)
                .childHandler(new ChannelInitializer<>() {
                    @Override
                    protected void initChannel(Channel channel) {
                        accept(channel, connections, security, listener);
                    }
                })
                .bind(address)
                .awaitUninterruptibly();
        if (!bound.isSuccess()) {
            throw new LinkException(
                    "cannot listen on %s (`link.listen`): %s"
                            .formatted(address, bound.cause().getMessage()),
                    bound.cause());
        }
        return new LinkServer(bound.channel(), connections);
    }

    /** Where it listens, with the port that it got. */
    public InetSocketAddress address() {
        return (InetSocketAddress) listening.localAddress();
    }

    /** Stops listening and closes all connections; their listeners are told. Not on the event loop. */
    @Override
    public void close() {
        listening.close().awaitUninterruptibly();
        connections.close().awaitUninterruptibly();
    }

    private static void accept(
            Channel channel, ChannelGroup connections, LinkSecurity security, LinkListener listener) {
        SocketAddress peer = channel.remoteAddress();
        if (connections.size() >= MAX_CONNECTIONS) {
            channel.close()
                    .addListener(ignored -> LOG.warn("refused {}: {} connections are open", peer, MAX_CONNECTIONS));
            return;
        }
        connections.add(channel);
        LinkConnection connection = new LinkConnection(channel, true, security, listener);
        channel.closeFuture().addListener(ignored -> {
            if (!connection.wasUp()) {
                LOG.warn("a connection from {} did not come up: {}", peer, connection.reasonOfEnd());
            }
        });
    }
}
