package io.holdfast.control;

import io.netty.bootstrap.ServerBootstrap;
import io.netty.channel.Channel;
import io.netty.channel.ChannelFuture;
import io.netty.channel.ChannelInitializer;
import io.netty.channel.EventLoopGroup;
import io.netty.channel.socket.nio.NioServerDomainSocketChannel;
import java.io.IOException;
import java.net.UnixDomainSocketAddress;
import java.nio.file.Path;
import java.util.concurrent.atomic.AtomicInteger;

/**
 * A control socket of somebody who is elsewhere: whoever connects here talks to the {@link ControlExit} at the other end of
 * a tunnel. To its clients it is the socket itself.
 */
public final class ControlEntrance implements AutoCloseable {

    private final SocketFile file;
    private final LineCarrier carrier;
    private final LineRelay relay;
    private final AtomicInteger lastStream = new AtomicInteger();
    private final Channel listener;

    private ControlEntrance(Path path, EventLoopGroup group, LineCarrier carrier, SocketFile file) throws IOException {
        this.file = file;
        this.carrier = carrier;
        this.relay = new LineRelay(carrier);
        ChannelFuture bound = new ServerBootstrap()
                .group(group)
                .channel(NioServerDomainSocketChannel.class)
                .childHandler(new ChannelInitializer<Channel>() {
                    @Override
                    protected void initChannel(Channel channel) {
                        accept(channel);
                    }
                })
                .bind(UnixDomainSocketAddress.of(path))
                .awaitUninterruptibly();
        if (!bound.isSuccess()) {
            throw new IOException(
                    "cannot listen at " + path + ": " + bound.cause().getMessage(), bound.cause());
        }
        listener = bound.channel();
        file.restrictToGroup();
    }

    /**
     * Listens from now on. Not on an event loop of the group.
     *
     * @param carrier takes the lines to the other end
     * @throws IOException if another process listens there, or if the socket cannot be made
     */
    public static ControlEntrance listen(Path path, EventLoopGroup group, LineCarrier carrier) throws IOException {
        SocketFile file = SocketFile.claim(path);
        try {
            return new ControlEntrance(path, group, carrier, file);
        } catch (IOException e) {
            file.close();
            throw e;
        }
    }

    private void accept(Channel channel) {
        int stream = lastStream.incrementAndGet();
        channel.pipeline().addLast(NettySession.lineDecoder(), new HearsWhenAnswered(), relay.reader(stream));
        relay.add(stream, channel.newSucceededFuture());
        carrier.onBegin(stream);
    }

    /** A line from the other end. */
    public void say(int stream, String line) {
        relay.say(stream, line);
    }

    /** The other end has closed that connection. */
    public void end(int stream) {
        relay.end(stream);
    }

    /** There is no other end any more. */
    public void endAll() {
        relay.endAll();
    }

    /** Not on an event loop of the group. */
    @Override
    public void close() throws IOException {
        listener.close().awaitUninterruptibly();
        relay.endAll();
        file.close();
    }
}
