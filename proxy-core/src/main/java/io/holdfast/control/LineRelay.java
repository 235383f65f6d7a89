package io.holdfast.control;

import io.netty.buffer.ByteBuf;
import io.netty.buffer.Unpooled;
import io.netty.channel.Channel;
import io.netty.channel.ChannelFuture;
import io.netty.channel.ChannelFutureListener;
import io.netty.channel.ChannelHandlerContext;
import io.netty.channel.SimpleChannelInboundHandler;
import java.nio.charset.StandardCharsets;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The connections of one end of a tunnel for the control protocol, by their numbers: what they say goes to a carrier, and
 * what a carrier brings is said to them.
 *
 * <p><b>Threads.</b> Any; lines of one connection by one at a time.
 */
final class LineRelay {

    private static final Logger LOG = LoggerFactory.getLogger(LineRelay.class);

    private final LineCarrier carrier;
    private final Map<Integer, ChannelFuture> connections = new ConcurrentHashMap<>();

    LineRelay(LineCarrier carrier) {
        this.carrier = carrier;
    }

    /** Adds a connection that is, or is being made; its channel has {@link #reader} at its end. */
    void add(int stream, ChannelFuture connecting) {
        connections.put(stream, connecting);
        connecting.channel().closeFuture().addListener(closed -> {
            if (connections.remove(stream, connecting)) {
                carrier.onEnd(stream);
            }
        });
    }

    /** What reads the lines of a connection. */
    SimpleChannelInboundHandler<ByteBuf> reader(int stream) {
        return new SimpleChannelInboundHandler<>() {
            @Override
            protected void channelRead0(ChannelHandlerContext context, ByteBuf line) {
                carrier.onLine(stream, line.toString(StandardCharsets.UTF_8));
            }

            @Override
            public void exceptionCaught(ChannelHandlerContext context, Throwable cause) {
                LOG.warn("a relayed connection ends: {}", cause.toString());
                context.close().addListener(ChannelFutureListener.FIRE_EXCEPTION_ON_FAILURE);
            }
        };
    }

    /** Says a line to a connection, as soon as it stands. */
    void say(int stream, String line) {
        ChannelFuture connecting = connections.get(stream);
        if (connecting != null) {
            connecting.addListener(made -> {
                if (made.isSuccess()) {
                    connecting
                            .channel()
                            .writeAndFlush(Unpooled.copiedBuffer(line + "\n", StandardCharsets.UTF_8))
                            .addListener(ChannelFutureListener.CLOSE_ON_FAILURE);
                }
            });
        }
    }

    /** Ends a connection, after what was said; the carrier is not told. */
    void end(int stream) {
        ChannelFuture connecting = connections.remove(stream);
        if (connecting != null) {
            close(connecting.channel());
        }
    }

    /** Ends all connections; the carrier, who is gone, is not told. */
    void endAll() {
        for (Integer stream : connections.keySet()) {
            end(stream);
        }
    }

    private static void close(Channel channel) {
        channel.close().addListener(ChannelFutureListener.FIRE_EXCEPTION_ON_FAILURE);
    }
}
