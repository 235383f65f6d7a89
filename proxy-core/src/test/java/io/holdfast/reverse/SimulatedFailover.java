package io.holdfast.reverse;

import io.holdfast.frame.UnfinishedChecksum;
import io.holdfast.reverse.model.App;
import io.holdfast.reverse.model.Endpoints;
import io.holdfast.reverse.model.ModelHost;
import io.holdfast.reverse.model.ModelTcp;
import io.holdfast.reverse.model.Segment;
import io.holdfast.reverse.model.SegmentCodec;
import io.holdfast.reverse.model.Shared;
import io.holdfast.reverse.model.TcpConfig;
import io.holdfast.reverse.model.Verdict;
import io.holdfast.reverse.model.Verdicts;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.charset.StandardCharsets;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Deque;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.PriorityQueue;
import java.util.SplittableRandom;
import java.util.function.Consumer;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;

/**
 * A guest, its clients, a network between them that loses, repeats and reorders, and the {@link Reconciler} with a wall in the
 * middle. The guest is checkpointed, dies at some moment, and is restored from the newest checkpoint that was confirmed. Frames
 * are real bytes, ends are models of TCP that find fault with what a real one would reject. All of it follows from a seed.
 *
 * <p>The truth about a stream is what the guest that lives at the end has put into it, from its beginning on.
 */
final class SimulatedFailover {

    /** A rule that is broken, to see that it is found out. */
    enum Sabotage {
        NONE,
        /** the log is cut by a checkpoint that the restored guest does not have. */
        LOG_CUT_TOO_EARLY,
        /** what should be held leaves at once. */
        NOTHING_HELD,
        /** INV-2: the barrier is placed when the guest runs again. */
        LATE_BARRIER
    }

    /**
     * What is played.
     *
     * @param app what the guest runs
     * @param ipv6 whether the clients use it
     * @param vlanId {@link Endpoints#NO_VLAN} for none
     * @param network between proxy and clients
     * @param tapLossPercent of the frames between proxy and guest
     * @param failovers how many times the guest dies
     * @param turnNanos within which the guest serves what has come, in any order or, with {@link Admission#BATCH}, as it has
     *     come; 0 if it serves each request when it comes
     * @param heldPort whether the guest's connections are held by the wall
     * @param sequenceWrap whether the guest's numbers begin near their end; most of the clients' always do
     */
    record Scenario(
            Function<Shared, App> app,
            boolean ipv6,
            int vlanId,
            int clients,
            Network network,
            int tapLossPercent,
            int failovers,
            boolean timestamps,
            boolean sack,
            int windowScale,
            boolean unfinishedChecksums,
            int guestCutPercent,
            long turnNanos,
            boolean heldPort,
            Admission admission,
            boolean sequenceWrap,
            Sabotage sabotage) {}

    /** What a network does to so many of a hundred frames. */
    record Network(int lossPercent, int duplicatePercent, int reorderPercent) {

        static final Network FAULTLESS = new Network(0, 0, 0);

        /** Whether frames may arrive later than others that were sent after them. */
        boolean delays() {
            return duplicatePercent > 0 || reorderPercent > 0;
        }
    }

    static final int PREFIX = UnfinishedChecksum.PREFIX_BYTES;
    private static final int GUEST_PORT = 80;
    private static final long MILLI = 1_000_000L;
    private static final long LIMIT_NANOS = 120_000 * MILLI;
    /** Shorter than clients' patience; each frame that the tap loses costs the guest a time-out. */
    private static final long CATCH_UP_MILLIS = 10_000;

    private record Event(long atNanos, long number, Runnable action) {}

    private record HeldFrame(long stamp, Runnable release) {}

    private record Checkpoint(long epoch, ModelHost guest, Map<Endpoints, Stream> streams, long guestNanos) {}

    /** What the guest has put into one connection, in one of its lives. */
    private static final class Stream {
        private final int first;
        /** The first number of the client's. */
        private final int clientFirst;

        private byte[] bytes = new byte[256];
        private int length;

        Stream(Segment synAck) {
            this(synAck.sequence() + 1, synAck.acknowledgment());
        }

        private Stream(int first, int clientFirst) {
            this.first = first;
            this.clientFirst = clientFirst;
        }

        /** A late copy of its SYN may open the client's connection once more when it is over; its client reads nothing of that. */
        boolean isOpenedBy(Segment synAck) {
            return clientFirst == synAck.acknowledgment() && (first == synAck.sequence() + 1 || length > 0);
        }

        Stream copy() {
            Stream copy = new Stream(first, clientFirst);
            copy.bytes = bytes.clone();
            copy.length = length;
            return copy;
        }

        void put(Segment segment) {
            int at = segment.sequence() - first;
            int end = at + segment.payload().length;
            if (at < 0 || end <= length) {
                return;
            }
            if (end > bytes.length) {
                bytes = Arrays.copyOf(bytes, Math.max(end, bytes.length * 2));
            }
            System.arraycopy(segment.payload(), 0, bytes, at, segment.payload().length);
            length = end;
        }
    }

    /** One client with its connection and what it wants. */
    final class Client {
        final Endpoints endpoints;
        private final TcpConfig config;
        private final SplittableRandom own;
        ModelTcp tcp;
        final List<byte[]> requests = new ArrayList<>();
        private byte[] received = new byte[1024];
        int receivedBytes;
        boolean closes;

        /** Whether it ends its stream when it has asked for all, not when it has all. */
        boolean closesEarly;

        /** How long it does something else after it has read; its window is shut meanwhile if it is small. */
        long pauseNanos;

        /** After how many answers it resets its connection and opens another one between the same ports; 0 for never. */
        int answersToReset;

        private boolean reopened;
        private long readsAgainNanos;

        Client(Endpoints endpoints, TcpConfig config, SplittableRandom own) {
            this.endpoints = endpoints;
            this.config = config;
            this.own = own;
            this.tcp = ModelTcp.connect(config, own);
        }

        void run() {
            if (nowNanos >= readsAgainNanos) {
                read();
            }
            if (answersToReset > 0 && answers() >= answersToReset) {
                reset();
                return;
            }
            while (!requests.isEmpty() && mayAsk() && tcp.writableBytes() >= requests.getFirst().length) {
                tcp.write(requests.removeFirst());
                asked++;
            }
            if (closes && requests.isEmpty() && (closesEarly || answers() >= asked)) {
                tcp.close();
            }
            send(this);
        }

        private void read() {
            int before = receivedBytes;
            for (byte[] read = tcp.read(1 << 16); read.length > 0; read = tcp.read(1 << 16)) {
                if (receivedBytes + read.length > received.length) {
                    received = Arrays.copyOf(received, (receivedBytes + read.length) * 2);
                }
                System.arraycopy(read, 0, received, receivedBytes, read.length);
                receivedBytes += read.length;
            }
            if (pauseNanos > 0 && receivedBytes > before) {
                readsAgainNanos = nowNanos + pauseNanos;
                at(pauseNanos, this::run);
            }
        }

        private void reset() {
            answersToReset = 0;
            tcp.abort();
            send(this);
            judgeReset(this);
            at(own.nextLong(30 * MILLI), this::reopen);
        }

        private void reopen() {
            reopened = true;
            receivedBytes = 0;
            asked = 0;
            TcpConfig next = config.withIdentity(own.nextInt(), config.clockOffsetMillis());
            tcp = ModelTcp.connect(next, own);
            run();
        }

        int asked;
        int pipelined = 1;

        private boolean mayAsk() {
            return asked - answers() < pipelined;
        }

        /** Whole answers that have arrived. */
        int answers() {
            int count = 0;
            for (int at = 0; at + 4 <= receivedBytes; count++) {
                int length = (received[at] & 0xff) << 24
                        | (received[at + 1] & 0xff) << 16
                        | (received[at + 2] & 0xff) << 8
                        | (received[at + 3] & 0xff);
                if (length < 0 || at + 4 + length > receivedBytes) {
                    break;
                }
                at += 4 + length;
            }
            return count;
        }
    }

    private final Scenario scenario;
    private final SplittableRandom random;
    private final PriorityQueue<Event> events = new PriorityQueue<>((one, other) -> one.atNanos != other.atNanos
            ? Long.compare(one.atNanos, other.atNanos)
            : Long.compare(one.number, other.number));
    private final SegmentCodec codec = new SegmentCodec();
    private final byte[] scratchBytes = new byte[1 << 17];
    private final MemorySegment scratch = MemorySegment.ofArray(scratchBytes);
    private final Deque<HeldFrame> held = new ArrayDeque<>();
    private final Deque<byte[]> fromGuest = new ArrayDeque<>();
    private final Reconciler reconciler;
    private final TcpConfig guestConfig;
    private final List<String> journal = new ArrayList<>();

    final List<Client> clients = new ArrayList<>();
    final List<String> violations = new ArrayList<>();

    private long nowNanos = 1_000 * MILLI;
    private long eventNumber;
    private @Nullable ModelHost guest;
    /** The guest's clock is that much behind. */
    private long guestLagNanos;

    private long guestTimerAt = Long.MAX_VALUE;
    private Map<Endpoints, Stream> streams = new HashMap<>();
    /** What the guest had put into each in its lives before. */
    private final List<Map<Endpoints, Stream>> earlierStreams = new ArrayList<>();
    /** What the backup has. */
    private @Nullable Checkpoint confirmed;

    private long openEpoch = 1;
    private long frontier;
    private boolean alone = true;
    private boolean protecting;
    private int life;
    private boolean journaling;

    /** Whether somebody changes between wall and reverse mode now and then. */
    boolean switchesMode;

    /** How often a checkpoint is restored before connections are reset. */
    int attemptLimit = 2;

    int failovers;
    int attempts;
    private int attempt;
    private long catchUpDeadlineNanos;
    private long liveNanos;
    private long intervalNanos;
    private long confirmNanos;

    SimulatedFailover(Scenario scenario, long seed) {
        this.scenario = scenario;
        this.random = new SplittableRandom(seed);
        this.guestConfig = TcpConfig.linux()
                .timestamps(scenario.timestamps)
                .sack(scenario.sack)
                .windowScale(scenario.windowScale)
                .cutPercent(scenario.guestCutPercent)
                .answerIntervalNanos(0)
                .build();
        this.guest = new ModelHost(
                GUEST_PORT, random.nextLong(), guestConfig, scenario.unfinishedChecksums, scenario.app, random.split());
        this.guest.serveInTurns(scenario.turnNanos, scenario.admission == Admission.BATCH);
        if (scenario.sequenceWrap) {
            guest.beginNearSequenceWrap();
        }
        this.reconciler = new Reconciler(
                new Reconciler.Settings(
                        1 << 20,
                        1 << 20,
                        1000,
                        port -> scenario.heldPort,
                        scenario.admission,
                        PREFIX,
                        random.nextLong()),
                new Wires());
    }

    /** Adds a client that opens its connection at some time. */
    Client client(long startNanos, TcpConfig config) {
        int number = clients.size();
        long mac = 0x0200_0000_0100L + number;
        Endpoints endpoints = scenario.ipv6
                ? Endpoints.ipv6(
                        mac,
                        0x0200_0000_0001L,
                        0xfd00L << 48,
                        100 + number,
                        0xfd00L << 48,
                        1,
                        40_000 + number,
                        GUEST_PORT)
                : Endpoints.ipv4(
                        mac, 0x0200_0000_0001L, 0x0a00_0064 + number, 0x0a00_0001, 40_000 + number, GUEST_PORT);
        Client client = new Client(endpoints.inVlan(scenario.vlanId), config, random.split());
        clients.add(client);
        at(startNanos, client::run);
        return client;
    }

    TcpConfig.Builder clientConfig() {
        return TcpConfig.linux()
                .initialSequence(nearWrap())
                .clockOffsetMillis(nearWrap())
                .timestamps(scenario.timestamps)
                .sack(scenario.sack)
                .windowScale(scenario.windowScale)
                .cutPercent(10)
                .answerIntervalNanos(0);
    }

    /** most numbers go round soon. */
    private int nearWrap() {
        return random.nextInt(4) == 0 ? random.nextInt() : -random.nextInt(20_000);
    }

    SplittableRandom random() {
        return random;
    }

    Reconciler reconciler() {
        return reconciler;
    }

    void keepJournal() {
        journaling = true;
    }

    List<String> journal() {
        return journal;
    }

    // ---- the course of things ----

    void at(long afterNanos, Runnable action) {
        events.add(new Event(nowNanos + afterNanos, eventNumber++, action));
    }

    /** Runs until nothing happens any more, or for two minutes of its own time. */
    void run() {
        long end = nowNanos + LIMIT_NANOS;
        int steps = 0;
        while (!events.isEmpty() && events.peek().atNanos < end && steps++ < 400_000 && !isOver()) {
            Event event = events.remove();
            nowNanos = Math.max(nowNanos, event.atNanos);
            event.action.run();
            pumpGuest();
        }
        judge();
        reconciler.close();
    }

    private boolean isOver() {
        if (failovers < scenario.failovers) {
            return false;
        }
        for (Client client : clients) {
            if (!client.tcp.isReset() && (!client.requests.isEmpty() || client.answers() < client.asked)) {
                return false;
            }
        }
        return reconciler.phase() == Reconciler.Phase.RUNNING && nowNanos > liveNanos + 8_000 * MILLI;
    }

    // ---- clients and the network ----

    private void send(Client client) {
        for (Segment segment = client.tcp.pollOutput(nowNanos);
                segment != null;
                segment = client.tcp.pollOutput(nowNanos)) {
            int length = codec.write(client.endpoints, segment, scratch, PREFIX, false);
            byte[] bytes = Arrays.copyOf(scratchBytes, PREFIX + length);
            journal("client", client.endpoints.sourcePort(), segment);
            travel(bytes, this::atProxyFromClient);
        }
        wake(client);
    }

    private void wake(Client client) {
        long next = client.tcp.nextTimerNanos();
        if (next != Long.MAX_VALUE) {
            at(Math.max(0, next - nowNanos), () -> {
                if (client.tcp.nextTimerNanos() <= nowNanos) {
                    client.tcp.onTime(nowNanos);
                    client.run();
                }
            });
        }
    }

    private void travel(byte[] bytes, Consumer<byte[]> to) {
        Network network = scenario.network;
        if (random.nextInt(100) < network.lossPercent) {
            return;
        }
        long delay = MILLI / 10 + (random.nextInt(100) < network.reorderPercent ? random.nextLong(3 * MILLI) : 0);
        at(delay, () -> to.accept(bytes));
        if (random.nextInt(100) < network.duplicatePercent) {
            byte[] twin = bytes.clone(); // The proxy changes frames where they are.
            at(delay + random.nextLong(2 * MILLI), () -> to.accept(twin));
        }
    }

    private void atProxyFromClient(byte[] bytes) {
        reconciler.onClientFrame(0, MemorySegment.ofArray(bytes), PREFIX, bytes.length - PREFIX, nowNanos);
        tickSoon();
    }

    /** Requests that wait for an answer have their time. */
    private void tickSoon() {
        if (scenario.admission != Admission.FREE) {
            at(251 * MILLI, () -> reconciler.onTime(nowNanos));
        }
        if (scenario.admission == Admission.BATCH) {
            at(MILLI, () -> reconciler.onTime(nowNanos));
        }
    }

    private void atClient(byte[] bytes) {
        MemorySegment memory = MemorySegment.ofArray(bytes);
        Segment segment;
        try {
            segment = codec.read(memory, PREFIX, bytes.length - PREFIX);
        } catch (AssertionError e) {
            violations.add("a client got a damaged frame: " + e.getMessage());
            return;
        }
        Endpoints from = codec.endpointsOf(memory, PREFIX, bytes.length - PREFIX);
        for (Client client : clients) {
            if (client.endpoints.equals(from.reversed())) {
                journal("to client", client.endpoints.sourcePort(), segment);
                client.tcp.onSegment(segment, nowNanos);
                client.run();
                return;
            }
        }
        violations.add("a frame for nobody: " + from);
    }

    private final class Wires implements Outlet {
        @Override
        public boolean toGuest(int nic, MemorySegment memory, long offsetBytes, int lengthBytes) {
            byte[] bytes = copy(memory, offsetBytes, lengthBytes);
            int to = life;
            if (random.nextInt(100) < scenario.tapLossPercent) {
                return true;
            }
            at(MILLI / 50, () -> {
                if (guest != null && to == life) {
                    MemorySegment frame = MemorySegment.ofArray(bytes);
                    try {
                        journal("to guest", 0, codec.read(frame, PREFIX, bytes.length - PREFIX));
                        guest.onFrame(frame, PREFIX, bytes.length - PREFIX, guestNanos());
                    } catch (AssertionError e) {
                        violations.add("the guest got a damaged frame: " + e.getMessage());
                    }
                }
            });
            return true;
        }

        @Override
        public void toClient(int nic, MemorySegment memory, long offsetBytes, int lengthBytes) {
            travel(copy(memory, offsetBytes, lengthBytes), SimulatedFailover.this::atClient);
        }

        @Override
        public void hold(int nic, MemorySegment memory, long offsetBytes, int lengthBytes) {
            byte[] bytes = copy(memory, offsetBytes, lengthBytes);
            boolean open = alone && reconciler.phase() == Reconciler.Phase.RUNNING;
            if (open || scenario.sabotage == Sabotage.NOTHING_HELD) {
                travel(bytes, SimulatedFailover.this::atClient);
            } else {
                held.add(new HeldFrame(openEpoch, () -> travel(bytes, SimulatedFailover.this::atClient)));
            }
        }

        private byte[] copy(MemorySegment memory, long offsetBytes, int lengthBytes) {
            return memory.asSlice(offsetBytes - PREFIX, (long) PREFIX + lengthBytes)
                    .toArray(ValueLayout.JAVA_BYTE);
        }
    }

    // ---- the guest ----

    private long guestNanos() {
        return nowNanos - guestLagNanos;
    }

    private void pumpGuest() {
        ModelHost running = guest;
        if (running == null) {
            return;
        }
        int length;
        while ((length = running.pollFrame(scratch, PREFIX, guestNanos())) > 0) {
            byte[] bytes = Arrays.copyOf(scratchBytes, PREFIX + length);
            noteTruth(bytes);
            fromGuest.add(bytes);
            int from = life;
            at(MILLI / 50, () -> {
                if (from == life && !fromGuest.isEmpty()) {
                    atProxyFromGuest(fromGuest.remove());
                }
            });
        }
        long next = running.nextTimerNanos();
        if (next != Long.MAX_VALUE && next + guestLagNanos != guestTimerAt) {
            guestTimerAt = next + guestLagNanos;
            int of = life;
            at(Math.max(0, guestTimerAt - nowNanos), () -> {
                if (of == life && guest != null) {
                    guest.onTime(guestNanos());
                    guestTimerAt = Long.MAX_VALUE;
                }
            });
        }
    }

    private void noteTruth(byte[] bytes) {
        MemorySegment memory = MemorySegment.ofArray(bytes);
        Segment segment = codec.read(memory, PREFIX, bytes.length - PREFIX);
        Endpoints from = codec.endpointsOf(memory, PREFIX, bytes.length - PREFIX);
        journal("guest", from.destinationPort(), segment);
        if (segment.has(Segment.SYN)) {
            Stream known = streams.get(from);
            if (known == null || !known.isOpenedBy(segment)) {
                streams.put(from, new Stream(segment));
            }
            return;
        }
        Stream stream = streams.get(from);
        if (stream != null) {
            stream.put(segment);
        }
    }

    private void atProxyFromGuest(byte[] bytes) {
        if (random.nextInt(100) < scenario.tapLossPercent) {
            return;
        }
        reconciler.onGuestFrame(0, MemorySegment.ofArray(bytes), PREFIX, bytes.length - PREFIX, nowNanos);
        afterReconciler();
    }

    // ---- checkpoints ----

    /** Takes checkpoints from now on, at some interval, each confirmed some time later. */
    void protect(long intervalNanos, long confirmNanos) {
        this.intervalNanos = intervalNanos;
        this.confirmNanos = confirmNanos;
        protecting = true;
        alone = false;
        checkpoint(life);
    }

    private void checkpoint(int of) {
        ModelHost running = guest;
        if (running == null || of != life || !protecting) {
            return;
        }
        boolean late = random.nextInt(8) == 0;
        while (!late && !fromGuest.isEmpty()) {
            atProxyFromGuest(fromGuest.remove());
        }
        Map<Endpoints, Stream> copies = new HashMap<>();
        streams.forEach((endpoints, stream) -> copies.put(endpoints, stream.copy()));
        Checkpoint checkpoint = new Checkpoint(openEpoch, running.copy(random.split()), copies, guestNanos());
        long closed = openEpoch++;
        if (switchesMode && random.nextInt(3) == 0) {
            reconciler.releaseAtOnce(random.nextBoolean());
        }
        if (scenario.sabotage == Sabotage.LATE_BARRIER) {
            at(2 * MILLI, () -> reconciler.onBarrier(closed, nowNanos));
        } else {
            reconciler.onBarrier(closed, nowNanos);
        }
        // Whoever commits may die when the backup has the checkpoint and the proxy does not know it.
        long commitNanos = random.nextInt(4) == 0 ? random.nextLong(intervalNanos) : 0;
        at(confirmNanos, () -> confirm(checkpoint, of));
        at(confirmNanos + commitNanos, () -> commit(closed, of));
        if (scenario.sabotage == Sabotage.LOG_CUT_TOO_EARLY && frontier > 0) {
            reconciler.onCommit(closed);
        }
        at(intervalNanos, () -> checkpoint(of));
    }

    private void confirm(Checkpoint checkpoint, int of) {
        if (of == life && guest != null) {
            confirmed = checkpoint;
            note("the backup has " + checkpoint.epoch);
        }
    }

    private void commit(long epoch, int of) {
        if (of != life || guest == null || epoch <= frontier) {
            return;
        }
        frontier = epoch;
        reconciler.onCommit(frontier);
        while (!held.isEmpty() && held.getFirst().stamp <= frontier) {
            held.remove().release.run();
        }
        note("committed " + frontier);
    }

    // ---- failover ----

    /** Kills the guest, and restores it some time later. */
    void kill(long detectNanos, long restoreNanos) {
        if (confirmed == null || guest == null) {
            at(20 * MILLI, () -> kill(detectNanos, restoreNanos));
            return;
        }
        note("killed");
        guest = null;
        life++;
        if (random.nextBoolean()) {
            while (!fromGuest.isEmpty()) { // What it had sent may still arrive, or not.
                reconciler.onGuestFrame(
                        0,
                        MemorySegment.ofArray(fromGuest.peek()),
                        PREFIX,
                        fromGuest.remove().length - PREFIX,
                        nowNanos);
            }
        }
        fromGuest.clear();
        at(detectNanos, () -> {
            reconciler.onGuestLost();
            held.clear();
        });
        at(detectNanos + restoreNanos, () -> restore(1));
    }

    private void restore(int number) {
        attempt = number;
        catchUpDeadlineNanos = number == 1 ? nowNanos + CATCH_UP_MILLIS * MILLI : catchUpDeadlineNanos;
        ReplayOrder order = reconciler.nextOrder();
        Checkpoint checkpoint = confirmed;
        if (checkpoint == null) {
            throw new AssertionError("nothing was confirmed");
        }
        note(reconciler.divergences().toString());
        note("restored from " + checkpoint.epoch + ", " + order);
        attempts++;
        life++;
        openEpoch++;
        fromGuest.clear();
        held.clear();
        guestTimerAt = Long.MAX_VALUE;
        guest = checkpoint.guest.copy(random.split());
        earlierStreams.add(streams);
        streams = new HashMap<>();
        checkpoint.streams.forEach((endpoints, stream) -> streams.put(endpoints, stream.copy()));
        guestLagNanos = nowNanos - checkpoint.guestNanos;
        reconciler.onGuestRestored(checkpoint.epoch, order, nowNanos);
        int of = life;
        at(0, () -> tick(of, catchUpDeadlineNanos));
        afterReconciler();
    }

    private void tick(int of, long deadlineNanos) {
        if (of != life || nowNanos > deadlineNanos + 10_000 * MILLI) {
            return;
        }
        reconciler.onTime(nowNanos);
        if (reconciler.phase() != Reconciler.Phase.CATCHING_UP) {
            at(10 * MILLI, () -> tick(of, deadlineNanos));
            return;
        }
        if (mayTryAgain()) {
            restore(attempt + 1);
            return;
        }
        if (nowNanos > deadlineNanos) {
            note("gave up the rest");
            reconciler.giveUpRest();
        }
        afterReconciler();
        at(MILLI, () -> tick(of, deadlineNanos));
    }

    private boolean mayTryAgain() {
        return attempt < attemptLimit
                && nowNanos < catchUpDeadlineNanos
                && reconciler.divergedFlows() > 0
                && reconciler.mayImprove();
    }

    private void afterReconciler() {
        if (!reconciler.isDecided() || mayTryAgain()) {
            return;
        }
        note("live " + reconciler.divergences());
        reconciler.goLive(nowNanos);
        failovers++;
        liveNanos = nowNanos;
        alone = true;
        protecting = false;
        confirmed = null;
        while (!held.isEmpty()) {
            held.remove().release.run();
        }
        if (failovers < scenario.failovers) {
            at(random.nextLong(100 * MILLI), () -> protect(intervalNanos, confirmNanos));
            at(random.nextLong(600 * MILLI), () -> kill(random.nextLong(300 * MILLI), random.nextLong(100 * MILLI)));
        }
    }

    // ---- judgement ----

    private void judge() {
        for (Client client : clients) {
            Stream truth = streams.get(client.endpoints.reversed());
            boolean reset = client.tcp.isReset();
            if (!reset && client.receivedBytes > 0) {
                if (truth == null || client.receivedBytes > truth.length) {
                    violations.add("client " + client.endpoints.sourcePort() + " has " + client.receivedBytes
                            + " bytes, of which its guest knows " + (truth == null ? "nothing" : truth.length));
                } else {
                    int same = Arrays.mismatch(
                            client.received, 0, client.receivedBytes, truth.bytes, 0, client.receivedBytes);
                    if (same >= 0) {
                        violations.add("client " + client.endpoints.sourcePort() + " has another byte at " + same
                                + " than its guest");
                    }
                }
            }
            if (!reset && (!client.requests.isEmpty() || client.answers() < client.asked)) {
                violations.add("client " + client.endpoints.sourcePort() + " waits for an answer for ever: "
                        + client.answers() + " of " + client.asked + ", " + client.tcp);
            }
            if (reset) {
                judgeReset(client);
            }
            if (client.reopened) {
                continue; // To the next connection, what comes late of the last one is at fault.
            }
            Verdicts verdicts = client.tcp.verdicts();
            long networks = scenario.network.delays() ? olderThanTheyShouldBe(verdicts) : 0;
            // What had been acknowledged selectively, the restored guest gets a moment later (RFC 2018, section 8).
            networks += verdicts.count(Verdict.SACK_RENEGED);
            // A FIN is held while data before it is sent again, with a later clock. And who has ended, and is
            // forgotten, may be
            // asked with the clock of a guest that was restored, and has not heard of it.
            networks += client.closes ? verdicts.count(Verdict.PAWS) : 0;
            // A restored guest is shown its window in whole units, or could not say the last bytes that it has.
            networks += client.pauseNanos > 0 ? verdicts.count(Verdict.FUTURE) : 0;
            if (verdicts.faultCount() > networks) {
                violations.add("client " + client.endpoints.sourcePort() + " finds fault: " + verdicts);
            }
        }
    }

    /** INV-12: also who is reset in the end has what the guest has said in one of its lives, and of no other one. */
    private void judgeReset(Client client) {
        boolean isOfOneLife = isBeginningOf(streams, client);
        for (Map<Endpoints, Stream> earlier : earlierStreams) {
            isOfOneLife |= isBeginningOf(earlier, client);
        }
        if (!isOfOneLife) {
            violations.add("client " + client.endpoints.sourcePort() + " has bytes of two histories");
        }
    }

    private static boolean isBeginningOf(Map<Endpoints, Stream> life, Client client) {
        Stream stream = life.get(client.endpoints.reversed());
        int bytes = client.receivedBytes;
        return bytes == 0
                || (stream != null
                        && bytes <= stream.length
                        && Arrays.equals(client.received, 0, bytes, stream.bytes, 0, bytes));
    }

    /** Somebody sends what may be of an earlier connection between the same ports. */
    void forge(Client client) {
        if (client.tcp.state() != ModelTcp.State.ESTABLISHED) {
            return;
        }
        int distance = random.nextInt(1 << 17, 1 << 29);
        Segment forged = Segment.withFlags(Segment.ACK)
                .sequence(client.tcp.sndNxt() + (random.nextBoolean() ? distance : -distance))
                .acknowledgment(client.tcp.rcvNxt())
                .window(100)
                .timestamps(random.nextInt(), random.nextInt())
                .payload(line("forged"))
                .build();
        int length = codec.write(client.endpoints, forged, scratch, PREFIX, false);
        travel(Arrays.copyOf(scratchBytes, PREFIX + length), this::atProxyFromClient);
    }

    /** A network that reorders by more than a round trip makes old segments of its own, and new connections of old SYNs. */
    private static long olderThanTheyShouldBe(Verdicts verdicts) {
        return verdicts.count(Verdict.PAWS)
                + verdicts.count(Verdict.ACK_TOO_OLD)
                + verdicts.count(Verdict.CHALLENGED_SYN);
    }

    private void journal(String who, int port, Segment segment) {
        if (journaling) {
            journal.add("%.3f %s %d %s".formatted(nowNanos / 1e6, who, port, segment));
        }
    }

    private void note(String what) {
        if (journaling) {
            journal.add("%.3f ---- %s".formatted(nowNanos / 1e6, what));
        }
    }

    static byte[] line(String text) {
        return (text + "\n").getBytes(StandardCharsets.UTF_8);
    }
}
