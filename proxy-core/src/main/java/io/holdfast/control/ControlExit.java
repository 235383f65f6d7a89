package io.holdfast.control;

import io.netty.bootstrap.Bootstrap;
import io.netty.channel.Channel;
import io.netty.channel.ChannelInitializer;
import io.netty.channel.EventLoopGroup;
import io.netty.channel.socket.nio.NioDomainSocketChannel;
import java.net.UnixDomainSocketAddress;
import java.nio.file.Path;

/** The end of a tunnel beside the control socket: makes a connection to it for each one at the {@link ControlEntrance}. */
public final class ControlExit {

    private final Path path;
    private final EventLoopGroup group;
    private final LineRelay relay;

    /** @param carrier takes the answers to the other end */
    public ControlExit(Path path, EventLoopGroup group, LineCarrier carrier) {
        this.path = path;
        this.group = group;
        this.relay = new LineRelay(carrier);
    }

    /** Somebody has connected at the other end. */
    public void begin(int stream) {
        relay.add(
                stream,
                new Bootstrap()
                        .group(group)
                        .channel(NioDomainSocketChannel.class)
                        .handler(new ChannelInitializer<Channel>() {
                            @Override
                            protected void initChannel(Channel channel) {
                                channel.pipeline().addLast(NettySession.lineDecoder(), relay.reader(stream));
                            }
                        })
                        .connect(UnixDomainSocketAddress.of(path)));
    }

    /** A line from the other end. */
    public void say(int stream, String line) {
        relay.say(stream, line);
    }

    /** The other end has closed that connection. */
    public void end(int stream) {
        relay.end(stream);
    }

    /** There is no other end any more: the engine of a wall that it drove is gone. */
    public void endAll() {
        relay.endAll();
    }
}
