package io.holdfast.control;

import com.fasterxml.jackson.databind.node.ObjectNode;
import io.netty.buffer.ByteBuf;
import io.netty.buffer.ByteBufUtil;
import io.netty.buffer.Unpooled;
import io.netty.channel.Channel;
import io.netty.channel.ChannelHandlerContext;
import io.netty.channel.SimpleChannelInboundHandler;
import io.netty.handler.codec.LineBasedFrameDecoder;
import io.netty.handler.codec.TooLongFrameException;
import java.nio.ByteBuffer;
import java.time.InstantSource;
import java.util.concurrent.Executor;
import java.util.concurrent.RejectedExecutionException;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * One connection: whole lines in, replies and events out.
 *
 * <p>The channel's event loop parses and writes; the command thread executes. While a request is being executed nothing
 * more is read from its connection. That bounds what a client can queue, and it keeps the channel from noticing the end of
 * input, on which it closes at once, before the replies are out: {@code echo '{...}' | socat - UNIX-CONNECT:...} gets its
 * answer.
 *
 * <p>What goes out is bounded as well: a client that does not read loses its connection, not the server its memory.
 */
// What becomes of a write or a close shows as the end of the channel, which is watched.
@SuppressWarnings("FutureReturnValueIgnored")
final class NettySession extends SimpleChannelInboundHandler<ByteBuf> implements ControlSession {

    private static final Logger LOG = LoggerFactory.getLogger(NettySession.class);

    private static final byte[] NEWLINE = {'\n'};

    private final long id;
    private final Channel channel;
    private final Commands commands;
    private final Executor commandThread;
    private final InstantSource wallClock;
    private final byte[] greeting;

    /** On the event loop. */
    private int unanswered;

    private volatile boolean subscribed;

    NettySession(
            long id,
            Channel channel,
            Commands commands,
            Executor commandThread,
            InstantSource wallClock,
            ObjectNode greeting) {
        this.id = id;
        this.channel = channel;
        this.commands = commands;
        this.commandThread = commandThread;
        this.wallClock = wallClock;
        this.greeting = Messages.encode(greeting);
    }

    /** Splits the bytes into lines; a longer one gives an exception as soon as it is too long and is then skipped. */
    static LineBasedFrameDecoder lineDecoder() {
        return new LineBasedFrameDecoder(Messages.LINE_LIMIT_BYTES, true, true);
    }

    @Override
    public long id() {
        return id;
    }

    @Override
    public void onClose(Runnable action) {
        channel.closeFuture().addListener(closed -> runOnCommandThread(action));
    }

    @Override
    public void emit(String event, ObjectNode data) {
        if (subscribed) {
            send(Messages.encode(Messages.event(event, data, wallClock.instant())));
        }
    }

    @Override
    public void close() {
        channel.close();
    }

    void subscribe() {
        subscribed = true;
    }

    @Override
    public void channelActive(ChannelHandlerContext context) {
        send(greeting);
    }

    @Override
    protected void channelRead0(ChannelHandlerContext context, ByteBuf line) {
        if (!line.isReadable()) {
            return;
        }
        try {
            Request request = Messages.parseRequest(ByteBuffer.wrap(ByteBufUtil.getBytes(line)));
            unanswered++;
            channel.config().setAutoRead(false);
            runOnCommandThread(() -> answer(commands.execute(request, this), request));
        } catch (BadRequestException e) {
            refuse(Messages.error(CommandException.BAD_JSON, e.description(), e.id()));
        }
    }

    @Override
    public void exceptionCaught(ChannelHandlerContext context, Throwable cause) {
        if (cause instanceof TooLongFrameException) {
            refuse(Messages.error(
                    CommandException.LINE_TOO_LONG,
                    "a line has at most " + Messages.LINE_LIMIT_BYTES + " bytes; this one is ignored up to its end",
                    null));
        } else {
            LOG.debug("session {}: connection failed: {}", id, cause.toString());
            channel.close();
        }
    }

    /** Takes the way over the command thread, so that replies keep the order of the lines. */
    private void refuse(ObjectNode error) {
        unanswered++;
        channel.config().setAutoRead(false);
        runOnCommandThread(() -> sendReply(Messages.encode(error)));
    }

    private void answer(ObjectNode reply, Request request) {
        byte[] line = Messages.encode(reply);
        if (line.length > Messages.LINE_LIMIT_BYTES) {
            LOG.error("session {}: the reply to {} has {} bytes", id, request.command(), line.length);
            line = Messages.encode(Messages.error(
                    CommandException.LINE_TOO_LONG,
                    "the reply would have " + line.length + " bytes, more than a line may; ask for less at a time",
                    request.id()));
        }
        sendReply(line);
    }

    private void sendReply(byte[] line) {
        send(line);
        channel.eventLoop().execute(() -> {
            if (--unanswered == 0) {
                channel.config().setAutoRead(true);
            }
        });
    }

    /** Any thread. */
    private void send(byte[] line) {
        if (!channel.isActive()) {
            return;
        }
        if (!channel.isWritable()) {
            LOG.warn("session {}: the client does not read what it is sent; closing its connection", id);
            channel.close();
            return;
        }
        channel.writeAndFlush(Unpooled.wrappedBuffer(line, NEWLINE));
    }

    private void runOnCommandThread(Runnable action) {
        try {
            commandThread.execute(action);
        } catch (RejectedExecutionException e) {
            LOG.debug("session {}: the command thread has ended", id);
            channel.close();
        }
    }
}
