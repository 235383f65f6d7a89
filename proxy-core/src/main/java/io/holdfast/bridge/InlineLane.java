package io.holdfast.bridge;

import io.holdfast.measure.Counter;
import io.holdfast.measure.Pulse;
import io.holdfast.port.FrameSink;
import io.holdfast.reverse.KeptTranslation;
import io.holdfast.reverse.Outlet;
import io.holdfast.reverse.Reconciler;
import io.holdfast.reverse.ReplayOrder;
import io.holdfast.wall.BufferWall;
import io.holdfast.wall.WallRefusal;
import java.lang.foreign.MemorySegment;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.locks.LockSupport;
import org.jspecify.annotations.Nullable;

/**
 * Both directions of all NICs of a guest that may live in either of two places, with the {@link Reconciler} in between:
 *
 * <pre>
 *   clients ─► uplink ─► reconciler: input log ─► inbound lane ─► the guest's place, 0 or 1
 *   clients ◄─ uplink ◄─ outbound lane ◄─┬─ leaves at once ◄─┐
 *                                        └─ held by the wall ◄┴─ reconciler: ledgers ◄─ the guest's place
 * </pre>
 *
 * The reconciler has one writer at a time: whoever has the turn. A port's thread takes it with the first frame of a batch and
 * gives it back with the last; commands and time take it in between. So clients' frames and the guest's are in one total
 * order.
 *
 * <p>They are sent after the turn, because a send takes long, and wakes its receiver, which may take the sender's processor.
 * They are sent in the order of the turns all the same: who adds a frame takes that direction's way while having the turn, and
 * keeps it until all is sent. Nobody who has a way waits for the turn. Commands and time take both ways, so that nothing is
 * being sent meanwhile; above all nothing out of the log, of which they make parts free. Whoever fills those again gives the
 * guest what was written, and waits for its way with the first frame.
 */
final class InlineLane implements Outlet, TranslationBook, AutoCloseable {

    private static final long TICK_NANOS = 2_000_000;
    private static final int MAX_LATE_TICKS = 100;

    private final List<Bridge.Nic> nics;
    private final List<OutboundLane> outbound;
    private final List<InboundLane> inbound;
    private final BufferWall wall;
    private final Reconciler reconciler;
    private final MemorySegment logMemory;
    private final PressureListener onPressure;
    private final TurnLock turn = new TurnLock();
    private final TurnLock wayToGuest = new TurnLock();
    private final TurnLock wayToClients = new TurnLock();
    private final Thread ticker;
    private volatile boolean stopping;
    /** Of the ticker. */
    private int lateTicks;

    private final Counter ticks = new Counter();

    // Whoever has the turn.
    private int place;
    /** Whether an engine has said in this life of the proxy where its guest lives. */
    private boolean placed;

    private @Nullable MemorySegment handled;
    private long handledEpochNanos;
    private GuestRoom @Nullable [] rooms;

    /** Frames from a place where the guest does not live. */
    final Counter strayFrames = new Counter();

    InlineLane(
            List<Bridge.Nic> nics,
            List<OutboundLane> outbound,
            List<InboundLane> inbound,
            BufferWall wall,
            Reconciler.Settings settings,
            PressureListener onPressure,
            LaneFailure onFailure) {
        this.nics = nics;
        this.outbound = outbound;
        this.inbound = inbound;
        this.wall = wall;
        this.reconciler = new Reconciler(settings, this);
        this.logMemory = reconciler.logMemory();
        this.onPressure = onPressure;
        this.ticker = LaneThread.of("reconciler-time", this::tickUntilStopped, onFailure);
    }

    void start() {
        ticker.start();
    }

    private void tickUntilStopped() {
        while (!stopping) {
            LockSupport.parkNanos(TICK_NANOS); // Unlike a sleep it makes no object, and nobody interrupts.
            tick();
            ticks.increment();
        }
    }

    /** Time does not keep frames from arriving while others are being sent, unless that never ends. */
    private void tick() {
        turn.lock();
        try {
            if (lateTicks == MAX_LATE_TICKS) {
                wayToGuest.lock();
                wayToClients.lock();
            } else if (!wayToGuest.tryLock() || !wayToClients.tryLock()) {
                lateTicks++;
                return;
            }
            lateTicks = 0;
            reconciler.onTime(System.nanoTime());
        } finally {
            endTurn();
        }
    }

    // ---- frames ----

    /** What arrives on the uplink of a NIC. */
    FrameSink fromClients(int nic) {
        return new Turn() {
            @Override
            void expect(MemorySegment memory, long offsetBytes, int lengthBytes) {
                reconciler.expectClientFrame(nic, memory, offsetBytes, lengthBytes);
            }

            @Override
            void handle(MemorySegment memory, long offsetBytes, int lengthBytes, long kernelEpochNanos) {
                if (wall.state().admitsInput()) {
                    reconciler.onClientFrame(nic, memory, offsetBytes, lengthBytes, System.nanoTime());
                } else {
                    take(wayToGuest);
                    inbound.get(nic).onFrame(memory, offsetBytes, lengthBytes, kernelEpochNanos);
                }
            }
        };
    }

    /** What arrives from one of a NIC's places. */
    FrameSink fromGuest(int nic, int from) {
        return new Turn() {
            @Override
            void expect(MemorySegment memory, long offsetBytes, int lengthBytes) {
                reconciler.expectGuestFrame(nic, memory, offsetBytes, lengthBytes);
            }

            @Override
            void handle(MemorySegment memory, long offsetBytes, int lengthBytes, long kernelEpochNanos) {
                if (from == place) {
                    reconciler.onGuestFrame(nic, memory, offsetBytes, lengthBytes, System.nanoTime());
                } else {
                    strayFrames.increment(); // INV-9: the guest does not live there.
                }
            }
        };
    }

    /**
     * What a port's thread does with the frames of a batch. With many connections some are collected first, because what they
     * need is then brought from memory for all of them at once ({@link Reconciler#lookAhead}).
     */
    private abstract class Turn implements FrameSink {

        private final MemorySegment[] memories = new MemorySegment[Reconciler.EXPECTED_FRAMES];
        private final long[] offsets = new long[Reconciler.EXPECTED_FRAMES];
        private final int[] lengths = new int[Reconciler.EXPECTED_FRAMES];
        private final long[] arrivals = new long[Reconciler.EXPECTED_FRAMES];
        private int collected;

        abstract void expect(MemorySegment memory, long offsetBytes, int lengthBytes);

        abstract void handle(MemorySegment memory, long offsetBytes, int lengthBytes, long kernelEpochNanos);

        @Override
        public void onFrame(MemorySegment memory, long offsetBytes, int lengthBytes, long kernelEpochNanos) {
            take(turn);
            memories[collected] = memory;
            offsets[collected] = offsetBytes;
            lengths[collected] = lengthBytes;
            arrivals[collected] = kernelEpochNanos;
            collected++;
            if (collected == Reconciler.EXPECTED_FRAMES || !reconciler.looksAhead()) {
                handleCollected();
            }
        }

        @Override
        public void onBatchEnd() {
            if (turn.isHeldByCurrentThread()) {
                handleCollected();
                boolean wantsCheckpoint = reconciler.wantsCheckpoint();
                endTurn();
                if (wantsCheckpoint) {
                    onPressure.onHighWater();
                }
            }
        }

        private void handleCollected() {
            int count = collected;
            collected = 0;
            try {
                if (count > 1) {
                    for (int frame = 0; frame < count; frame++) {
                        expect(memories[frame], offsets[frame], lengths[frame]);
                    }
                    reconciler.lookAhead();
                }
                for (int frame = 0; frame < count; frame++) {
                    handled = memories[frame];
                    handledEpochNanos = arrivals[frame];
                    handle(memories[frame], offsets[frame], lengths[frame], arrivals[frame]);
                }
            } catch (RuntimeException | Error e) {
                letGo(turn); // The port ends; whoever closes the others needs the turn.
                letGo(wayToGuest);
                letGo(wayToClients);
                throw e;
            }
        }
    }

    private static void take(TurnLock lock) {
        if (!lock.isHeldByCurrentThread()) {
            lock.lock();
        }
    }

    private static void letGo(TurnLock lock) {
        if (lock.isHeldByCurrentThread()) {
            lock.unlock();
        }
    }

    /** Gives the turn back, and then sends what was added in it. */
    private void endTurn() {
        handled = null;
        handledEpochNanos = 0;
        turn.unlock();
        try {
            if (wayToClients.isHeldByCurrentThread()) {
                sendToClients();
            }
            if (wayToGuest.isHeldByCurrentThread()) {
                sendToGuest();
            }
        } finally {
            letGo(wayToClients);
            letGo(wayToGuest);
        }
    }

    private void sendToClients() {
        for (int nic = 0; nic < nics.size(); nic++) {
            outbound.get(nic).onBatchEnd();
        }
    }

    private void sendToGuest() {
        for (int nic = 0; nic < nics.size(); nic++) {
            inbound.get(nic).onBatchEnd();
        }
    }

    @Override
    public boolean toGuest(int nic, MemorySegment memory, long offsetBytes, int lengthBytes) {
        GuestRoom[] limited = rooms;
        if (limited != null && !limited[nic].take()) {
            return false;
        }
        take(wayToGuest);
        inbound.get(nic).onFrame(memory, offsetBytes, lengthBytes, handledEpochNanos);
        if (!lasts(memory)) {
            inbound.get(nic).onBatchEnd();
        }
        return true;
    }

    @Override
    public void toClient(int nic, MemorySegment memory, long offsetBytes, int lengthBytes) {
        boolean failingOver = reconciler.phase() != Reconciler.Phase.RUNNING;
        take(wayToClients);
        outbound.get(nic).leaveAtOnce(failingOver, memory, offsetBytes, lengthBytes, handledEpochNanos);
        if (!lasts(memory)) {
            outbound.get(nic).onBatchEnd();
        }
    }

    @Override
    public void hold(int nic, MemorySegment memory, long offsetBytes, int lengthBytes) {
        take(wayToClients);
        outbound.get(nic).onFrame(memory, offsetBytes, lengthBytes, handledEpochNanos);
        if (!lasts(memory)) {
            outbound.get(nic).onBatchEnd();
        }
    }

    /** Whether frames stay where they are until the end of the turn, so that they may be sent together. */
    private boolean lasts(MemorySegment memory) {
        return memory.equals(handled) || memory.equals(logMemory);
    }

    // ---- commands ----

    /** Something that may fail. */
    interface Command<T, E extends Exception> {
        T run(Reconciler reconciler) throws E;
    }

    /** Does something while no frame is on its way. */
    <T, E extends Exception> T command(Command<T, E> command) throws E {
        takeEverything();
        try {
            return command.run(reconciler);
        } finally {
            endTurn();
        }
    }

    private void inTurn(Runnable action) {
        takeEverything();
        try {
            action.run();
        } finally {
            endTurn();
        }
    }

    private void takeEverything() {
        turn.lock();
        wayToGuest.lock();
        wayToClients.lock();
    }

    /**
     * An engine says where its guest lives, which a proxy that has just started does not know.
     *
     * @throws WallRefusal if the guest is known to live elsewhere: a restoration alone moves it
     */
    void settle(int at) throws WallRefusal {
        command(state -> {
            if (placed && at != place) {
                throw new WallRefusal(
                        WallRefusal.Reason.WRONG_STATE,
                        "the guest does not live there, but at the other place; only a restoration moves it");
            }
            moveTo(at);
            return state;
        });
    }

    private void moveTo(int at) {
        placed = true;
        place = at;
        inbound.forEach(lane -> lane.deliverTo(at));
    }

    /**
     * The guest is dead where it lived; see {@link Reconciler#onGuestLost}.
     *
     * @param discarding makes what is held never leave; needed if the guest was one that was catching up
     */
    void guestLost(WallCommand discarding) throws WallRefusal {
        command(state -> {
            endAttempt(state, discarding);
            state.onGuestLost();
            return state;
        });
    }

    /**
     * The guest is restored at a place; see {@link Reconciler#onGuestRestored}.
     *
     * @param epoch whose checkpoint it was restored from
     * @param order in which it gets its input; empty for the one whose turn it is
     * @param discarding as in {@link #guestLost}
     */
    void guestRestored(int at, long epoch, Optional<ReplayOrder> order, WallCommand discarding) throws WallRefusal {
        command(state -> {
            endAttempt(state, discarding);
            moveTo(at);
            rooms = nics.stream()
                    .map(nic -> new GuestRoom(nic.guestPorts().get(at)))
                    .toArray(GuestRoom[]::new);
            state.onGuestRestored(epoch, order.orElseGet(state::nextOrder), System.nanoTime());
            return state;
        });
    }

    /** what a guest has said that is given up was never said. */
    private static void endAttempt(Reconciler state, WallCommand discarding) throws WallRefusal {
        if (state.phase() == Reconciler.Phase.CATCHING_UP) {
            discarding.run();
        }
    }

    /** Opens the wall, after the guest has come to where its clients have seen it. */
    void open(WallCommand opening) throws WallRefusal {
        command(state -> {
            if (state.phase() != Reconciler.Phase.RUNNING && !state.isDecided()) {
                throw new WallRefusal(
                        WallRefusal.Reason.WRONG_STATE,
                        "the restored guest is not yet where its clients have seen it; wait, or give up the rest");
            }
            opening.run();
            if (state.phase() == Reconciler.Phase.RUNNING) {
                state.stopRecording();
            } else {
                rooms = null;
                state.goLive(System.nanoTime());
            }
            return state;
        });
    }

    /** Something that the wall may refuse. */
    interface WallCommand {
        void run() throws WallRefusal;
    }

    void giveUpRest() {
        inTurn(reconciler::giveUpRest);
    }

    CatchUpReport report() {
        return command(state -> new CatchUpReport(
                state.phase(),
                state.attempt(),
                state.order(),
                state.isDecided(),
                state.divergences(),
                state.mayImprove(),
                state.flowCount(),
                state.logBytes(),
                state.catchUpNanos()));
    }

    /** Where the guest lives: 0 or 1. */
    int place() {
        return command(state -> place);
    }

    // ---- what outlives the proxy ----

    @Override
    public void inherit(List<KeptTranslation> found) {
        inTurn(() -> reconciler.inherit(found));
    }

    @Override
    public void inheritNothing() {
        inTurn(reconciler::inheritNothing);
    }

    @Override
    public long version() {
        return command(Reconciler::translationVersion);
    }

    @Override
    public List<KeptTranslation> translations() {
        return command(Reconciler::translations);
    }

    @Override
    public void onKept(List<KeptTranslation> kept) {
        inTurn(() -> reconciler.onTranslationsKept(kept));
    }

    /** Of the thread that tells the reconciler the time; it stops if whoever has the turn does not give it back. */
    Pulse pulse() {
        return new Pulse("time of the reconciler", ticks.value());
    }

    Reconciler reconciler() {
        return reconciler;
    }

    /** Nobody may give frames any more. */
    @Override
    public void close() throws InterruptedException {
        stopping = true;
        ticker.join(LaneThread.JOIN_MILLIS);
        if (!ticker.isAlive()) {
            reconciler.close();
        }
    }
}
