package io.holdfast.control;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.netty.bootstrap.ServerBootstrap;
import io.netty.buffer.Unpooled;
import io.netty.channel.Channel;
import io.netty.channel.ChannelFuture;
import io.netty.channel.ChannelFutureListener;
import io.netty.channel.ChannelInitializer;
import io.netty.channel.ChannelOption;
import io.netty.channel.EventLoop;
import io.netty.channel.EventLoopGroup;
import io.netty.channel.MultiThreadIoEventLoopGroup;
import io.netty.channel.WriteBufferWaterMark;
import io.netty.channel.nio.NioIoHandler;
import io.netty.channel.socket.nio.NioServerDomainSocketChannel;
import io.netty.util.concurrent.DefaultThreadFactory;
import java.io.IOException;
import java.net.UnixDomainSocketAddress;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.time.InstantSource;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.Executor;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicLong;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Serves the control protocol on a Unix domain socket of mode 0660.
 *
 * <p>All commands and all {@link ControlSession#onClose} actions run on one command thread, so that the state behind them
 * needs no lock. By default that is the thread that also moves the bytes, which is the fastest: a command waits for no other
 * thread. A handler that takes long delays the other clients, never the packet path.
 *
 * <p>Every server has the commands {@code commands} and {@code subscribe} besides those that it is given.
 */
public final class ControlServer implements AutoCloseable {

    private static final Logger LOG = LoggerFactory.getLogger(ControlServer.class);

    private static final int SESSION_LIMIT = 64;

    /** A client that leaves more than this unread is disconnected. Holds a full line for every request in a burst of 16. */
    private static final int UNREAD_LIMIT_BYTES = 16 * Messages.LINE_LIMIT_BYTES;

    private static final long CLOSE_LIMIT_SECONDS = 5;

    private final EventLoopGroup group;
    private final Executor commandThread;
    private final Commands commands;
    private final ObjectNode greeting;
    private final Path path;
    private final InstantSource wallClock = InstantSource.system();
    private final Set<NettySession> sessions = ConcurrentHashMap.newKeySet();
    private final AtomicLong lastSessionId = new AtomicLong();

    private @Nullable SocketFile socketFile;
    private @Nullable Channel listener;

    private ControlServer(Builder builder) {
        path = builder.path;
        commands = builder.commands;
        greeting = Messages.greeting(builder.role, builder.version);
        group = new MultiThreadIoEventLoopGroup(
                1, new DefaultThreadFactory(builder.role + "-control", true), NioIoHandler.newFactory());
        commandThread = builder.commandThread == null ? group.next() : builder.commandThread;
        commands.add("subscribe", "Sends events over this connection from now on.", this::subscribe);
    }

    /**
     * A server that does not listen yet.
     *
     * @param path of the socket; its directory is created if need be
     * @param role for the greeting: {@code proxy} or {@code agent}
     * @param version of the program, for the greeting
     */
    public static Builder builder(Path path, String role, String version) {
        return new Builder(path, role, version);
    }

    /** The thread on which commands run, for others whose work must not meet a command. */
    public Executor commandThread() {
        return commandThread;
    }

    /** How many clients are connected. Any thread. */
    public int sessions() {
        return sessions.size();
    }

    /** Sends an event to all clients that have subscribed; never blocks. Any thread. */
    public void broadcast(String event, ObjectNode data) {
        sessions.forEach(session -> session.emit(event, data));
    }

    /**
     * Ends all connections and removes the socket. Actions for the end of a session have run afterwards, if the command
     * thread is the server's own. Not on the command thread.
     */
    @Override
    public void close() {
        if (commandThread instanceof EventLoop loop && loop.inEventLoop()) {
            throw new IllegalStateException("the command thread cannot wait for its own end");
        }
        if (listener != null) {
            listener.close().awaitUninterruptibly(CLOSE_LIMIT_SECONDS, TimeUnit.SECONDS);
        }
        sessions.forEach(NettySession::close);
        if (!group.shutdownGracefully(0, CLOSE_LIMIT_SECONDS, TimeUnit.SECONDS)
                .awaitUninterruptibly(CLOSE_LIMIT_SECONDS, TimeUnit.SECONDS)) {
            LOG.warn("a command at {} has not ended in {} s", path, CLOSE_LIMIT_SECONDS);
        }
        try {
            if (socketFile != null) {
                socketFile.close();
            }
        } catch (IOException e) {
            LOG.warn("cannot remove {}", path, e);
        }
    }

    private void listen() throws IOException {
        socketFile = SocketFile.claim(path);
        ChannelFuture bound = new ServerBootstrap()
                .group(group)
                .channel(NioServerDomainSocketChannel.class)
                .childOption(
                        ChannelOption.WRITE_BUFFER_WATER_MARK,
                        new WriteBufferWaterMark(UNREAD_LIMIT_BYTES / 2, UNREAD_LIMIT_BYTES))
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
        socketFile.restrictToGroup();
        LOG.info("listening for commands at {}", path);
    }

    private void accept(Channel channel) {
        if (sessions.size() >= SESSION_LIMIT) {
            LOG.warn("refusing a client: {} are connected", SESSION_LIMIT);
            ObjectNode error = Messages.error(
                    CommandException.TOO_MANY_SESSIONS,
                    SESSION_LIMIT + " clients are connected already; close some of them",
                    null);
            channel.writeAndFlush(Unpooled.copiedBuffer(error + "\n", StandardCharsets.UTF_8))
                    .addListener(ChannelFutureListener.CLOSE);
            return;
        }
        NettySession session = new NettySession(
                lastSessionId.incrementAndGet(), channel, commands, commandThread, wallClock, greeting);
        sessions.add(session);
        channel.closeFuture().addListener(closed -> sessions.remove(session));
        channel.pipeline().addLast(NettySession.lineDecoder(), session);
    }

    private JsonNode subscribe(ObjectNode arguments, ControlSession session) throws CommandException {
        Arguments.of(arguments);
        ((NettySession) session).subscribe();
        return Messages.object();
    }

    /** Collects what a server needs. */
    public static final class Builder {

        private final Path path;
        private final String role;
        private final String version;
        private final Commands commands = new Commands();
        private @Nullable Executor commandThread;

        private Builder(Path path, String role, String version) {
            this.path = path;
            this.role = role;
            this.version = version;
        }

        /** Registers a command; {@code description} is one sentence for people. */
        public Builder command(String name, String description, CommandHandler handler) {
            commands.add(name, description, handler);
            return this;
        }

        /** Runs commands on {@code executor}, which has a single thread and outlives the server. */
        public Builder commandThread(Executor executor) {
            commandThread = executor;
            return this;
        }

        /**
         * Listens from now on.
         *
         * @throws IOException if another process listens there, or if the socket cannot be made; says what to do
         */
        public ControlServer start() throws IOException {
            ControlServer server = new ControlServer(this);
            try {
                server.listen();
                return server;
            } catch (IOException | RuntimeException e) {
                server.close();
                throw e;
            }
        }
    }
}
