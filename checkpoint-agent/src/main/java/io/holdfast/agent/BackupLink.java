package io.holdfast.agent;

import io.holdfast.agent.link.Backoff;
import io.holdfast.agent.link.LinkClient;
import io.holdfast.agent.link.LinkConnection;
import io.holdfast.agent.link.LinkListener;
import io.holdfast.agent.link.LinkMessage;
import io.holdfast.agent.role.FailureDetector;
import java.util.Optional;
import java.util.Random;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * A primary's end of the link: connects to the backup, says hello, and ends a connection on which nothing was heard for too
 * long. Each welcome begins a session, which lasts as long as its connection; until then clients' input is copied to the
 * backup.
 *
 * <p><b>Threads.</b> The conductor; what the event loop hears is handed to it.
 */
final class BackupLink {

    private static final Logger log = LoggerFactory.getLogger(BackupLink.class);

    private static final long FIRST_RECONNECT_NANOS = 20_000_000L;
    private static final long LONGEST_RECONNECT_NANOS = 500_000_000L;

    private static final long NO_SESSION = 0;

    /** Hears what the backup says. On the conductor. */
    interface Listener {

        /** It is ready, and the session begins. */
        void onWelcome(long session, LinkMessage.Welcome welcome, long arrivedNanos);

        void onRefusal(LinkMessage.Refusal refusal);

        /** It has that checkpoint. */
        void onConfirmed(long session, long epoch, long arrivedNanos);

        void onRelinquished(long session, String reason);

        /** The session has ended with its connection. */
        void onLost(long session, String reason);
    }

    private final AgentContext context;
    private final Supplier<LinkMessage.Hello> hello;
    private final Listener listener;
    private final LinkClient client;
    private final FailureDetector detector;
    private final InputCopies inputCopies;
    private boolean started;
    private boolean closed;
    private @Nullable LinkConnection connection;
    private long nextSession = 1;
    private long session = NO_SESSION;
    private long lastBytesNanos;

    /** The newest bytes from the backup; the event loop writes. */
    private volatile long heardNanos;

    /**
     * Does nothing before {@link #start}.
     *
     * @param hello what is said first on every connection
     */
    BackupLink(AgentContext context, Supplier<LinkMessage.Hello> hello, Listener listener) {
        this.context = context;
        this.hello = hello;
        this.listener = listener;
        this.detector = new FailureDetector(context.patience());
        this.inputCopies = new InputCopies(context.config().framesSocket(), context.mirrorInput(), context.measures());
        this.client = new LinkClient(
                context.eventLoop(),
                context.agent().link().peer(),
                context.security(),
                new OnConductor(),
                new Backoff(FIRST_RECONNECT_NANOS, LONGEST_RECONNECT_NANOS, new Random()));
    }

    /** Begins to connect, and goes on until {@link #close}. Idempotent. */
    void start() {
        if (!started) {
            started = true;
            client.start();
        }
    }

    // ---- what is heard ----

    private final class OnConductor implements LinkListener {

        @Override
        public void onUp(LinkConnection up) {
            heardNanos = System.nanoTime();
            context.tunnel().onUp(up);
            context.conductor().post(() -> sayHello(up));
        }

        @Override
        public void onMessage(LinkConnection up, LinkMessage message) {
            if (context.tunnel().take(up, message)) {
                return;
            }
            long arrivedNanos = System.nanoTime();
            context.conductor().post(() -> onAnswer(up, message, arrivedNanos));
        }

        @Override
        public void onBytes(LinkConnection up) {
            heardNanos = System.nanoTime();
        }

        @Override
        public void onDown(LinkConnection down, String reason, boolean endOfFile) {
            context.tunnel().onDown(down);
            context.conductor().post(() -> onBackupLost(down, reason));
        }
    }

    private void sayHello(LinkConnection up) {
        connection = up;
        // A backup that never answers must not keep us from connecting anew.
        detector.onConnected(System.nanoTime());
        up.send(hello.get());
    }

    /** A confirmation's lease counts from its arrival, however long the conductor was busy. */
    private void onAnswer(LinkConnection from, LinkMessage message, long arrivedNanos) {
        if (from != connection || closed) {
            return;
        }
        switch (message) {
            case LinkMessage.Welcome welcome -> {
                session = nextSession++;
                detector.onConnected(arrivedNanos);
                log.info("backup at {} is ready", from.peerAddress());
                inputCopies.start(from);
                listener.onWelcome(session, welcome, arrivedNanos);
            }
            case LinkMessage.Refusal refusal -> listener.onRefusal(refusal);
            case LinkMessage.Confirm confirm -> listener.onConfirmed(session, confirm.epoch(), arrivedNanos);
            case LinkMessage.Relinquish relinquish -> listener.onRelinquished(session, relinquish.reason());
            default -> {}
        }
    }

    private void onBackupLost(LinkConnection down, String reason) {
        if (down != connection) {
            return;
        }
        connection = null;
        inputCopies.stop();
        detector.stop();
        if (session != NO_SESSION) {
            long lost = session;
            session = NO_SESSION;
            log.warn("backup lost: {}", reason);
            listener.onLost(lost, reason);
        }
    }

    /** Called often and evenly. */
    void onTick(long nowNanos) {
        if (heardNanos != lastBytesNanos) {
            lastBytesNanos = heardNanos;
            detector.onBytes(lastBytesNanos);
            context.measures().peerContact.onHeard(lastBytesNanos);
        }
        if (detector.isPeerDead(nowNanos)) {
            disconnect("nothing heard for " + context.agent().silenceLimit().toMillis() + " ms");
        }
    }

    // ---- what is said ----

    /** Nothing, if there is no connection. */
    void send(LinkMessage message) {
        LinkConnection up = connection;
        if (up != null) {
            up.send(message);
        }
    }

    /** The newest, whether the backup has welcomed us or not yet. */
    @Nullable
    LinkConnection connection() {
        return connection;
    }

    /** That of a session; null if it is over. */
    @Nullable
    LinkConnection connectionOf(long ofSession) {
        return ofSession == session ? connection : null;
    }

    /** The host name in the certificate of the backup; empty without a connection, without TLS, or if it has none. */
    Optional<String> peerName() {
        LinkConnection up = connection;
        return up == null ? Optional.empty() : up.peerName();
    }

    /** Ends the connection; a new one begins with another hello. */
    void disconnect(String reason) {
        LinkConnection up = connection;
        if (up != null) {
            up.close(reason);
        }
    }

    /** Ends the session without a word of it to anybody, and its connection. */
    void refuse() {
        session = NO_SESSION;
        disconnect("refused: it is not the backup that was armed");
    }

    void close() {
        closed = true;
        inputCopies.stop();
        client.close();
    }
}
