package io.holdfast.agent.link;

import io.holdfast.control.ClientFrame;
import io.netty.buffer.ByteBufAllocator;
import io.netty.channel.Channel;
import io.netty.channel.ChannelDuplexHandler;
import io.netty.channel.ChannelHandlerContext;
import io.netty.channel.ChannelInboundHandlerAdapter;
import io.netty.channel.ChannelPipeline;
import io.netty.channel.ChannelPromise;
import io.netty.channel.socket.DuplexChannel;
import io.netty.handler.flush.FlushConsolidationHandler;
import io.netty.handler.ssl.SslHandler;
import io.netty.handler.ssl.SslHandshakeCompletionEvent;
import io.netty.util.ReferenceCountUtil;
import io.netty.util.concurrent.Future;
import java.net.SocketAddress;
import java.security.cert.CertificateParsingException;
import java.security.cert.X509Certificate;
import java.util.Collection;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.Condition;
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.Consumer;
import javax.net.ssl.SSLPeerUnverifiedException;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * One connection between two agents, made by {@link LinkServer} or {@link LinkClient} and handed to a {@link
 * LinkListener}.
 */
// Writes note their failure; a close or a timer cannot fail in a way that matters.
@SuppressWarnings("FutureReturnValueIgnored")
public final class LinkConnection implements LinkOutput, CopyOutput {

    /** In the order in which a connection passes through them. */
    private enum State {
        /** TLS handshake and greeting. */
        GREETING,
        /** The listener knows it. */
        UP,
        /** Being closed here, perhaps with a last record on its way; what still arrives is thrown away. */
        CLOSING,
        DOWN
    }

    /** Long enough for a handshake on a busy host. */
    static final long GREETING_TIMEOUT_MILLIS = 5_000;

    /** How long the peer gets to read our last record. */
    static final long CLOSING_TIMEOUT_MILLIS = 2_000;

    private static final long CLOSE_NOTIFY_TIMEOUT_MILLIS = 100;
    private static final int DNS_NAME = 2;
    private static final Logger LOG = LoggerFactory.getLogger(LinkConnection.class);

    private final Channel channel;
    private final boolean accepted;
    private final LinkListener listener;
    private final Consumer<LinkConnection> whenOver;
    private final @Nullable SslHandler tls;

    /** Of copies that the kernel has not taken yet. */
    private final ReentrantLock writabilityLock = new ReentrantLock();

    private final Condition writabilityChanged = writabilityLock.newCondition();

    // Written by the event loop only.
    private volatile State state = State.GREETING;
    private boolean connected;
    private boolean wasUp;
    private @Nullable String reason;

    /**
     * Sets up a new channel; to be called before it is active.
     *
     * @param accepted whether the peer connected to us
     * @param whenOver called on the event loop when it is all over, also if it never came up
     */
    LinkConnection(
            Channel channel,
            boolean accepted,
            LinkSecurity security,
            LinkListener listener,
            Consumer<LinkConnection> whenOver) {
        this.channel = channel;
        this.accepted = accepted;
        this.listener = listener;
        this.whenOver = whenOver;
        this.tls = security.newHandler(channel.alloc(), accepted).orElse(null);

        ChannelPipeline pipeline = channel.pipeline();
        pipeline.addLast(new SignsOfLife());
        if (tls != null) {
            tls.setHandshakeTimeoutMillis(GREETING_TIMEOUT_MILLIS);
            tls.setCloseNotifyFlushTimeoutMillis(CLOSE_NOTIFY_TIMEOUT_MILLIS);
            pipeline.addLast(tls);
        }
        // A delta of many small runs is many small writes: let them share system calls.
        pipeline.addLast(
                new FlushConsolidationHandler(FlushConsolidationHandler.DEFAULT_EXPLICIT_FLUSH_AFTER_FLUSHES, true));
        pipeline.addLast(new LinkDecoder());
        pipeline.addLast(new Conversation());
    }

    @Override
    public ByteBufAllocator allocator() {
        return channel.alloc();
    }

    @Override
    public void send(LinkMessage message) {
        channel.writeAndFlush(LinkCodec.encode(message, channel.alloc())).addListener(this::noteFailure);
    }

    /**
     * Only while the queue is nearly empty: a checkpoint that is being shipped fills it, and no copy gets in its way, nor do
     * copies among themselves fill more of it than {@link LinkOptions#COPY_BYTES}.
     */
    @Override
    public boolean offer(ClientFrame frame) {
        long queuedBytes = LinkOptions.WATER_MARK.high() - channel.bytesBeforeUnwritable();
        if (queuedBytes >= LinkOptions.COPY_BYTES) {
            return false;
        }
        send(new LinkMessage.Mirrored(frame));
        return true;
    }

    @Override
    public boolean awaitWritable(long timeoutNanos) throws InterruptedException {
        if (channel.isWritable()) {
            return isUp();
        }
        if (channel.eventLoop().inEventLoop()) {
            throw new IllegalStateException("the event loop must not wait for itself");
        }
        long leftNanos = timeoutNanos;
        writabilityLock.lockInterruptibly();
        try {
            while (isUp() && !channel.isWritable() && leftNanos > 0) {
                leftNanos = writabilityChanged.awaitNanos(leftNanos);
            }
        } finally {
            writabilityLock.unlock();
        }
        return isUp() && channel.isWritable();
    }

    @Override
    public boolean isUp() {
        return state == State.UP;
    }

    /** Where the peer is. */
    public SocketAddress peerAddress() {
        return channel.remoteAddress();
    }

    /** Whether the peer connected to us. */
    public boolean isAccepted() {
        return accepted;
    }

    /** The host name in the peer's certificate; empty without TLS, or if it has none. */
    public Optional<String> peerName() {
        if (tls == null) {
            return Optional.empty();
        }
        try {
            X509Certificate certificate =
                    (X509Certificate) tls.engine().getSession().getPeerCertificates()[0];
            Collection<List<?>> names = certificate.getSubjectAlternativeNames();
            return names == null
                    ? Optional.empty()
                    : names.stream()
                            .filter(name -> name.get(0) instanceof Integer type && type == DNS_NAME)
                            .map(name -> (String) name.get(1))
                            .findFirst();
        } catch (SSLPeerUnverifiedException | CertificateParsingException e) {
            return Optional.empty();
        }
    }

    /**
     * Sends a last record, a {@link LinkMessage.Relinquish} or {@link LinkMessage.Refusal}, and closes when the peer has
     * read it or after two seconds.
     */
    public void closeAfter(LinkMessage last) {
        channel.eventLoop().execute(() -> {
            if (state != State.UP) {
                ReferenceCountUtil.release(last);
                return;
            }
            stopListening();
            blame("closed here: " + last.getClass().getSimpleName());
            channel.writeAndFlush(LinkCodec.encode(last, channel.alloc())).addListener(ignored -> {
                // If something unread lies in our socket, closing it makes the kernel send a reset, which throws away
                // what the peer has not read yet. So only our half is closed, and the peer's end of file awaited.
                ((DuplexChannel) channel).shutdownOutput();
            });
            channel.eventLoop().schedule(() -> channel.close(), CLOSING_TIMEOUT_MILLIS, TimeUnit.MILLISECONDS);
        });
    }

    /** Waits until it is closed, no longer than that. Not on an event loop. */
    public void awaitClosed(long limitMillis) throws InterruptedException {
        channel.closeFuture().await(limitMillis);
    }

    /** Closes at once; what is queued may be lost. */
    public void close(String why) {
        channel.eventLoop().execute(() -> closeNow("closed here: " + why));
    }

    /** Why it is down, or never came up; for server and client. Event loop only. */
    String reasonOfEnd() {
        if (reason != null) {
            return reason;
        }
        if (wasUp) {
            return "the peer closed the connection";
        }
        if (!connected) {
            return "no address is known for it";
        }
        return tls == null
                ? "the peer closed the connection before it greeted; it may expect TLS, its log says why"
                : "the peer closed the connection before it greeted; its log says why";
    }

    /** Event loop only. */
    boolean wasUp() {
        return wasUp;
    }

    @Override
    public String toString() {
        return "link %s %s".formatted(accepted ? "from" : "to", peerAddress());
    }

    private void noteFailure(Future<?> done) {
        if (!done.isSuccess()) {
            noteFailure(done.cause());
        }
    }

    private void noteFailure(Throwable failure) {
        if (!LinkFailure.isEndOfFile(failure)) {
            blame(LinkFailure.describe(failure));
        }
    }

    private void closeNow(String why) {
        blame(why);
        stopListening();
        channel.close();
    }

    /** What still arrives before the channel is closed is none of the listener's business any more. */
    private void stopListening() {
        if (state == State.UP) {
            state = State.CLOSING;
            signalWritability();
        }
    }

    /** Keeps the first reason: what follows is mostly its consequence. */
    private void blame(String why) {
        if (reason == null && state != State.DOWN) {
            reason = why;
        }
    }

    private void signalWritability() {
        writabilityLock.lock();
        try {
            writabilityChanged.signalAll();
        } finally {
            writabilityLock.unlock();
        }
    }

    private void tell(Runnable news) {
        try {
            news.run();
        } catch (RuntimeException e) {
            LOG.error("{}: closing, because its listener failed", this, e);
            closeNow("the listener failed: " + e);
        }
    }

    private void greet() {
        channel.writeAndFlush(LinkCodec.greeting(channel.alloc())).addListener(this::noteFailure);
    }

    /** Sees every received byte, before TLS. */
    private final class SignsOfLife extends ChannelInboundHandlerAdapter {

        @Override
        public void channelRead(ChannelHandlerContext context, Object bytes) {
            if (state == State.UP) {
                tell(() -> listener.onBytes(LinkConnection.this));
            }
            context.fireChannelRead(bytes);
        }
    }

    /** The last in the pipeline: sees records and events. */
    private final class Conversation extends ChannelDuplexHandler {

        @Override
        public void connect(
                ChannelHandlerContext context, SocketAddress peer, SocketAddress local, ChannelPromise promise) {
            context.connect(peer, local, promise.addListener(LinkConnection.this::noteFailure));
        }

        @Override
        public void channelActive(ChannelHandlerContext context) {
            connected = true;
            channel.eventLoop().schedule(this::greetedInTime, GREETING_TIMEOUT_MILLIS, TimeUnit.MILLISECONDS);
            if (tls == null) {
                greet();
            }
        }

        @Override
        public void userEventTriggered(ChannelHandlerContext context, Object event) {
            switch (event) {
                case SslHandshakeCompletionEvent handshake -> onHandshake(handshake);
                case LinkDecoder.Greeted ignored -> onGreeted();
                default -> {}
            }
        }

        @Override
        public void channelRead(ChannelHandlerContext context, Object record) {
            try {
                if (state == State.UP) {
                    tell(() -> listener.onMessage(LinkConnection.this, (LinkMessage) record));
                }
            } finally {
                ReferenceCountUtil.release(record);
            }
        }

        @Override
        public void channelWritabilityChanged(ChannelHandlerContext context) {
            signalWritability();
        }

        @Override
        public void close(ChannelHandlerContext context, ChannelPromise promise) {
            blame("closed here");
            context.close(promise);
        }

        @Override
        public void exceptionCaught(ChannelHandlerContext context, Throwable cause) {
            noteFailure(cause);
            // Past this handler's own close, which would take the blame for an end of file.
            context.close();
        }

        @Override
        public void channelInactive(ChannelHandlerContext context) {
            boolean endOfFile = reason == null;
            state = State.DOWN;
            signalWritability();
            if (wasUp) {
                tell(() -> listener.onDown(LinkConnection.this, reasonOfEnd(), endOfFile));
            }
        }

        /**
         * The last event of any channel. The close future would be too early: it may precede the exception that
         * explains it.
         */
        @Override
        public void channelUnregistered(ChannelHandlerContext context) {
            whenOver.accept(LinkConnection.this);
        }

        private void onHandshake(SslHandshakeCompletionEvent handshake) {
            if (!handshake.isSuccess()) {
                // The TLS handler tells the peer and closes.
                noteFailure(handshake.cause());
            } else if (accepted) {
                greet();
            }
            // In TLS 1.3 the connecting side is done before its certificate was looked at. So it greets only when it
            // was greeted: a reset for a greeting that nobody read could overtake the reason of a refusal.
        }

        private void onGreeted() {
            if (tls != null && !accepted) {
                greet();
            }
            state = State.UP;
            wasUp = true;
            tell(() -> listener.onUp(LinkConnection.this));
        }

        private void greetedInTime() {
            if (state == State.GREETING) {
                closeNow("the peer did not greet within %d ms".formatted(GREETING_TIMEOUT_MILLIS));
            }
        }
    }
}
