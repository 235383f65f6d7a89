package io.holdfast.reverse.model;

import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.Collections;
import java.util.HashSet;
import java.util.Iterator;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.NoSuchElementException;
import java.util.Random;
import java.util.Set;
import java.util.SplittableRandom;
import java.util.function.Function;
import java.util.random.RandomGenerator;
import org.jspecify.annotations.Nullable;

/**
 * A guest that listens on a port and runs an application on every connection. It is driven like {@link ModelTcp}, by frames.
 *
 * <p>As in Linux, initial sequence numbers and the offsets of timestamps are hashes of addresses and a secret (RFC 6528, RFC 7323,
 * section 7.1), and the ISN also counts units of 64 ns.
 *
 * <p>A host may {@linkplain #serveInTurns serve in turns}, as a program with an event loop does: then connections to which
 * something has come together are served in an order that nobody can foresee.
 *
 * <p>{@link #copy} is a snapshot of all of it; the copy makes its random choices anew.
 *
 * <p><b>Threads.</b> One.
 */
public final class ModelHost {

    private static final int ISN_UNIT_NANOS = 64;
    private static final int NEAR_SEQUENCE_WRAP = 0x1fff;

    private final int port;
    private final long secret;
    private final TcpConfig config;
    private final boolean unfinishedChecksums;
    private final Function<Shared, App> apps;
    private final RandomGenerator random;
    private final Shared shared;
    /** By the endpoints of what this host sends. */
    private final Map<Endpoints, Connection> connections = new LinkedHashMap<>();

    private final Verdicts departed;
    private final SegmentCodec codec = new SegmentCodec();
    private @Nullable Refusal refusal;
    private long turnNanos;
    private boolean servesInOrder;
    private long nextTurnNanos = Long.MAX_VALUE;
    private final Set<Endpoints> ready = new LinkedHashSet<>();
    private final Set<Endpoints> readable = new HashSet<>();
    private boolean nearSequenceWrap;

    private record Connection(ModelTcp tcp, App app) {}

    /** A reset for a segment that belongs to no connection. */
    private record Refusal(Endpoints from, Segment reset) {}

    /**
     * A host without connections.
     *
     * @param config for every connection, but for the ISN and the offset of timestamps
     * @param unfinishedChecksums whether its frames leave the checksum to a device
     * @param apps makes an application for a connection
     */
    public ModelHost(
            int port,
            long secret,
            TcpConfig config,
            boolean unfinishedChecksums,
            Function<Shared, App> apps,
            RandomGenerator random) {
        this.port = port;
        this.secret = secret;
        this.config = config;
        this.unfinishedChecksums = unfinishedChecksums;
        this.apps = apps;
        this.random = random;
        shared = new Shared(random);
        departed = new Verdicts();
    }

    private ModelHost(ModelHost other, RandomGenerator random) {
        port = other.port;
        secret = other.secret;
        config = other.config;
        unfinishedChecksums = other.unfinishedChecksums;
        apps = other.apps;
        this.random = random;
        shared = other.shared.copy(random);
        departed = other.departed.copy();
        refusal = other.refusal;
        turnNanos = other.turnNanos;
        servesInOrder = other.servesInOrder;
        nextTurnNanos = other.nextTurnNanos;
        ready.addAll(other.ready);
        readable.addAll(other.readable);
        nearSequenceWrap = other.nearSequenceWrap;
        other.connections.forEach((endpoints, connection) -> connections.put(
                endpoints, new Connection(connection.tcp.copy(newRandom()), connection.app.copy(shared))));
    }

    public ModelHost copy(RandomGenerator random) {
        return new ModelHost(this, random);
    }

    /**
     * From now on it serves what has come at some moment of the next so many nanoseconds, all together.
     *
     * @param inOrder whether in the order in which it came, or in any
     */
    public void serveInTurns(long turnNanos, boolean inOrder) {
        this.turnNanos = turnNanos;
        this.servesInOrder = inOrder;
    }

    /**
     * Takes a frame.
     *
     * @throws AssertionError if it is damaged (see {@link SegmentCodec#read})
     */
    public void onFrame(MemorySegment memory, long frameOffset, int lengthBytes, long nowNanos) {
        Segment segment = codec.read(memory, frameOffset, lengthBytes);
        Endpoints local = codec.endpointsOf(memory, frameOffset, lengthBytes).reversed();
        Connection connection = connections.get(local);
        if (connection == null || isReplacedBy(segment, connection.tcp)) {
            connection = open(local, segment, nowNanos);
            if (connection == null) {
                return;
            }
        } else {
            connection.tcp.onSegment(segment, nowNanos);
        }
        if (turnNanos == 0) {
            connection.app.run(connection.tcp, nowNanos);
            return;
        }
        if (segment.payload().length > 0 && readable.add(local)) {
            ready.remove(local); // What merely acknowledges gives no place in line.
        }
        ready.add(local);
        nextTurnNanos = Math.min(nextTurnNanos, nowNanos + random.nextLong(turnNanos));
    }

    private void serveReady(long nowNanos) {
        nextTurnNanos = Long.MAX_VALUE;
        List<Endpoints> served = new ArrayList<>(ready);
        if (!servesInOrder) {
            Collections.shuffle(served, new Random(random.nextLong()));
        }
        ready.clear();
        readable.clear();
        for (Endpoints local : served) {
            Connection connection = connections.get(local);
            if (connection != null) {
                connection.app.run(connection.tcp, nowNanos);
            }
        }
    }

    /** Acts on all timers that have expired. */
    public void onTime(long nowNanos) {
        if (nowNanos >= nextTurnNanos) {
            serveReady(nowNanos);
        }
        for (Connection connection : connections.values()) {
            if (nowNanos >= connection.tcp.nextTimerNanos()) {
                connection.tcp.onTime(nowNanos);
            }
            if (nowNanos >= connection.app.nextTimerNanos()) {
                connection.app.run(connection.tcp, nowNanos);
            }
        }
    }

    /** When {@link #onTime} has something to do; {@link Long#MAX_VALUE} if never. */
    public long nextTimerNanos() {
        long next = nextTurnNanos;
        for (Connection connection : connections.values()) {
            next = Math.min(next, Math.min(connection.tcp.nextTimerNanos(), connection.app.nextTimerNanos()));
        }
        return next;
    }

    /**
     * Writes the next frame to send now, and the prefix before it.
     *
     * @return its length; 0 if there is none
     */
    public int pollFrame(MemorySegment memory, long frameOffset, long nowNanos) {
        if (refusal != null) {
            Refusal due = refusal;
            refusal = null;
            return codec.write(due.from, due.reset, memory, frameOffset, unfinishedChecksums);
        }
        for (Iterator<Map.Entry<Endpoints, Connection>> all =
                        connections.entrySet().iterator();
                all.hasNext(); ) {
            Map.Entry<Endpoints, Connection> entry = all.next();
            ModelTcp tcp = entry.getValue().tcp;
            Segment segment = tcp.pollOutput(nowNanos);
            if (segment != null) {
                return codec.write(entry.getKey(), segment, memory, frameOffset, unfinishedChecksums);
            }
            if (tcp.isClosed()) {
                departed.addAll(tcp.verdicts());
                all.remove();
            }
        }
        return 0;
    }

    /** Those that are not closed, by the endpoints of what this host sends. */
    public Map<Endpoints, ModelTcp> connections() {
        Map<Endpoints, ModelTcp> view = new LinkedHashMap<>();
        connections.forEach((endpoints, connection) -> view.put(endpoints, connection.tcp));
        return Collections.unmodifiableMap(view);
    }

    /**
     * The connection with these endpoints of what this host sends.
     *
     * @throws NoSuchElementException if there is none
     */
    public ModelTcp connection(Endpoints local) {
        Connection connection = connections.get(local);
        if (connection == null) {
            throw new NoSuchElementException("no connection " + local);
        }
        return connection.tcp;
    }

    /** What the applications have in common. */
    public Shared shared() {
        return shared;
    }

    /** Of all connections that there were. */
    public Verdicts verdicts() {
        Verdicts all = departed.copy();
        connections.values().forEach(connection -> all.addAll(connection.tcp.verdicts()));
        return all;
    }

    /** From now on all connections begin with one of the last sequence numbers, still another one at another time. */
    public void beginNearSequenceWrap() {
        nearSequenceWrap = true;
    }

    /** The ISN that a connection would get. */
    public int initialSequence(Endpoints local, long nowNanos) {
        long sequence = Hash.of(secret, local) + nowNanos / ISN_UNIT_NANOS;
        return nearSequenceWrap ? -1 - (int) (sequence & NEAR_SEQUENCE_WRAP) : (int) sequence;
    }

    /** What is added to a connection's TSval. */
    public int clockOffsetMillis(Endpoints local) {
        return (int) Hash.of(~secret, local);
    }

    /** RFC 9293, sections 3.10.7.1 and 3.10.7.2. */
    private @Nullable Connection open(Endpoints local, Segment segment, long nowNanos) {
        boolean opens = segment.has(Segment.SYN) && !segment.has(Segment.ACK | Segment.RST);
        if (!opens || local.sourcePort() != port) {
            if (!segment.has(Segment.RST)) {
                refusal = new Refusal(local, resetFor(segment));
            }
            return null;
        }
        TcpConfig identity = config.withIdentity(initialSequence(local, nowNanos), clockOffsetMillis(local));
        Connection connection = new Connection(ModelTcp.accept(identity, newRandom(), segment), apps.apply(shared));
        Connection replaced = connections.put(local, connection);
        if (replaced != null) {
            departed.addAll(replaced.tcp.verdicts());
        }
        return connection;
    }

    /** Whether a segment may open a connection in the place of one that is over (RFC 6191, RFC 9293 MUST-5). */
    private static boolean isReplacedBy(Segment segment, ModelTcp tcp) {
        boolean over = tcp.isClosed() || tcp.state() == ModelTcp.State.TIME_WAIT;
        return over && segment.has(Segment.SYN) && Sequence.isAfter(segment.sequence(), tcp.rcvNxt());
    }

    private static Segment resetFor(Segment segment) {
        if (segment.has(Segment.ACK)) {
            return Segment.withFlags(Segment.RST)
                    .sequence(segment.acknowledgment())
                    .build();
        }
        return Segment.withFlags(Segment.RST | Segment.ACK)
                .acknowledgment(segment.endSequence())
                .build();
    }

    private RandomGenerator newRandom() {
        return new SplittableRandom(random.nextLong());
    }
}
