package io.holdfast.agent;

import io.holdfast.agent.link.CheckpointStage;
import io.holdfast.agent.link.LinkConnection;
import io.holdfast.agent.link.LinkMessage;
import io.holdfast.agent.link.StagedCheckpoint;
import io.holdfast.agent.link.TornCheckpointException;
import io.holdfast.agent.role.BackupEffect;
import io.holdfast.agent.role.BackupRole;
import io.holdfast.audit.AuditEvent;
import java.util.Collection;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.AtomicLong;
import java.util.function.BooleanSupplier;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The link's connections of whoever says that it is the primary, each with a number, the session, by which the role knows it.
 *
 * <p>While a promotion needs a wall that is beside the other host, these connections are the way to it: then none is closed
 * from here.
 *
 * <p><b>Threads.</b> The conductor, unless a method says else.
 */
final class PrimaryConnections {

    private static final Logger log = LoggerFactory.getLogger(PrimaryConnections.class);

    private static final long LAST_WORD_MILLIS = 500;

    /** One connection of a primary. */
    static final class Peer {
        final long session;
        final LinkConnection connection;
        /** Event loop. Set when the primary was welcomed. */
        private volatile @Nullable CheckpointStage stage;

        private volatile long heardNanos = System.nanoTime();

        private Peer(long session, LinkConnection connection) {
            this.session = session;
            this.connection = connection;
        }

        /** Any thread. */
        boolean isWelcomed() {
            return stage != null;
        }

        /** When its newest bytes came. */
        long heardNanos() {
            return heardNanos;
        }

        private void welcome(LinkMessage.Welcome welcome, long memoryBytes) {
            stage = new CheckpointStage(memoryBytes, 3 * memoryBytes, welcome.confirmedEpoch());
            connection.send(welcome);
        }

        /** On the link's event loop. Closes the connection over a checkpoint that is not asked for, or torn. */
        Optional<StagedCheckpoint> stage(LinkMessage.CheckpointRecord record) {
            CheckpointStage open = stage;
            if (open == null) {
                connection.close("a checkpoint before the welcome");
                return Optional.empty();
            }
            try {
                return open.accept(record);
            } catch (TornCheckpointException e) {
                log.warn("torn checkpoint: {}", e.getMessage());
                connection.close("torn checkpoint: " + e.getMessage());
                return Optional.empty();
            }
        }
    }

    private final AgentContext context;
    private final BackupRole role;
    private final BooleanSupplier leadToWall;
    private final Map<LinkConnection, Peer> peers = new ConcurrentHashMap<>();
    private final AtomicLong nextSession = new AtomicLong(1);

    private String notedRefusal = "";

    /** The connection that ends when the primary has read the promise. */
    private @Nullable LinkConnection relinquishedTo;

    /**
     * None yet.
     *
     * @param role is asked only
     * @param leadToWall whether they are the way to the wall at the moment
     */
    PrimaryConnections(AgentContext context, BackupRole role, BooleanSupplier leadToWall) {
        this.context = context;
        this.role = role;
        this.leadToWall = leadToWall;
    }

    /** The one on that connection, also if it was accepted by this host's earlier role. Any thread. */
    Peer of(LinkConnection connection) {
        return peers.computeIfAbsent(connection, unknown -> new Peer(nextSession.getAndIncrement(), unknown));
    }

    /** Null if it has ended. */
    @Nullable
    Peer ofSession(long session) {
        for (Peer peer : peers.values()) {
            if (peer.session == session) {
                return peer;
            }
        }
        return null;
    }

    Collection<Peer> all() {
        return peers.values();
    }

    /** Any thread. */
    void onBytes(LinkConnection from) {
        Peer peer = peers.get(from);
        if (peer != null) {
            peer.heardNanos = System.nanoTime();
        }
    }

    /** @return which it was; null if it had said nothing */
    @Nullable
    Peer onDown(LinkConnection down, String reason) {
        Peer peer = peers.remove(down);
        if (peer != null) {
            if (peer.isWelcomed()) {
                log.warn("the primary's connection ended: {}", reason);
            }
            context.eventLoop().execute(() -> {
                CheckpointStage stage = peer.stage;
                if (stage != null) {
                    stage.discard();
                }
            });
        }
        return peer;
    }

    void heartbeat(long sequence) {
        for (Peer peer : peers.values()) {
            peer.connection.send(new LinkMessage.Heartbeat(sequence, 0, 0));
        }
    }

    /** Takes checkpoints of a guest with that much memory there from now on. */
    void welcome(Peer peer, BackupEffect.SendWelcome welcome, long memoryBytes) {
        log.info("following the primary, term {}", welcome.term());
        notedRefusal = "";
        peer.welcome(
                new LinkMessage.Welcome(
                        context.claim(welcome.term()),
                        welcome.confirmedEpoch(),
                        welcome.armed(),
                        context.terms().identity()),
                memoryBytes);
    }

    void refuse(BackupEffect.SendRefusal refusal) {
        Peer peer = ofSession(refusal.session());
        if (peer != null) {
            noteRefusal(String.join("; ", refusal.reasons()));
            sayLast(
                    peer,
                    new LinkMessage.Refusal(refusal.errorClass(), refusal.reasons(), context.claim(refusal.term())));
        }
    }

    /** Whoever is refused asks again and again, which is told once. */
    private void noteRefusal(String reasons) {
        if (!reasons.equals(notedRefusal)) {
            notedRefusal = reasons;
            context.audit().note(AuditEvent.PRIMARY_REFUSED, role.term(), "refused a primary: " + reasons);
        }
    }

    void relinquish(long session, String reason) {
        Peer peer = ofSession(session);
        if (peer != null && sayLast(peer, new LinkMessage.Relinquish(reason))) {
            relinquishedTo = peer.connection;
        }
    }

    /** @return whether the connection ends with it */
    private boolean sayLast(Peer peer, LinkMessage message) {
        if (leadToWall.getAsBoolean()) {
            peer.connection.send(message);
            return false;
        }
        peer.connection.closeAfter(message);
        return true;
    }

    /** Waits for a moment, so that a primary that was told of the end has read it. */
    void awaitRelinquished() {
        LinkConnection told = relinquishedTo;
        if (told != null) {
            try {
                told.awaitClosed(LAST_WORD_MILLIS);
            } catch (InterruptedException e) {
                Thread.currentThread().interrupt();
            }
        }
    }

    void close(long session, String reason) {
        Peer peer = ofSession(session);
        if (peer != null && !leadToWall.getAsBoolean()) {
            peer.connection.close(reason);
        }
    }

    void closeAll(String reason) {
        for (Peer peer : peers.values()) {
            peer.connection.close(reason);
        }
    }
}
