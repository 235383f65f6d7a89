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
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The listening end of the link, the backup's.
 *
 * <p>Every connection that comes up is handed to the listener, also while others are up: which of two primaries is
 * right is a matter of terms, and not decided here.
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
        ChannelGroup connections = new DefaultChannelGroup(loop.next(), true);
        ChannelFuture bound = new ServerBootstrap()
                .group(loop)
                .channel(NioServerSocketChannel.class)
                .childOption(ChannelOption.TCP_NODELAY, true)
                .childOption(ChannelOption.WRITE_BUFFER_WATER_MARK, LinkOptions.WATER_MARK)
                .childHandler(new Acceptor(connections, security, listener))
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

    /** Event loop only. */
    private static final class Acceptor extends ChannelInitializer<Channel> {

        private final ChannelGroup connections;
        private final LinkSecurity security;
        private final LinkListener listener;
        private String lastComplaint = "";

        Acceptor(ChannelGroup connections, LinkSecurity security, LinkListener listener) {
            this.connections = connections;
            this.security = security;
            this.listener = listener;
        }

        @Override
        protected void initChannel(Channel channel) {
            String peer =
                    ((InetSocketAddress) channel.remoteAddress()).getAddress().getHostAddress();
            if (connections.size() >= MAX_CONNECTIONS) {
                channel.close().addListener(ignored -> complain(peer, MAX_CONNECTIONS + " connections are open"));
                return;
            }
            connections.add(channel);
            new LinkConnection(channel, true, security, listener, over -> {
                if (!over.wasUp()) {
                    complain(peer, over.reasonOfEnd());
                }
            });
        }

        /** A peer tries again and again: the same complaint about it is logged once. */
        private void complain(String peer, String complaint) {
            String line = peer + ": " + complaint;
            if (!line.equals(lastComplaint)) {
                lastComplaint = line;
                LOG.warn("a connection from {} did not come up: {}", peer, complaint);
            }
        }
    }
}
