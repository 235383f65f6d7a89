package io.holdfast.bridge;

import io.holdfast.measure.Pulse;
import io.holdfast.port.FramePort;
import io.holdfast.port.FrameSink;
import io.holdfast.reverse.FlowView;
import io.holdfast.reverse.Reconciler;
import io.holdfast.reverse.ReplayOrder;
import io.holdfast.reverse.ReverseCounters;
import io.holdfast.wall.BufferWall;
import io.holdfast.wall.Term;
import io.holdfast.wall.WallRefusal;
import io.holdfast.wall.WallRefusal.Reason;
import io.holdfast.wall.WallState;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.locks.LockSupport;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/**
 * Carries frames between a guest's NICs and their uplinks, with the {@link BufferWall} in between. All NICs share the
 * wall, so that one barrier and one commit are for all of them.
 *
 * <p>The wall decides; the bridge sees to what a decision needs of the threads: that captured frames are drained before a
 * barrier, that lanes wake when the frontier has moved, that nothing is on its way when a seal is acknowledged.
 *
 * <p><b>Threads.</b> The commands are given by one thread. Reading is free for all.
 */
public final class Bridge implements AutoCloseable {

    private static final int NEEDS_CHECKSUM = 1; // VIRTIO_NET_HDR_F_NEEDS_CSUM

    /**
     * Where one NIC's frames come from and go to.
     *
     * @param guestPorts towards the places where the guest may live: one if the proxy stands beside it, two inline
     * @param uplink towards router and clients
     */
    public record Nic(List<FramePort> guestPorts, FramePort uplink) {

        public Nic {
            guestPorts = List.copyOf(guestPorts);
            for (FramePort guestPort : guestPorts) {
                if (guestPort.prefixBytes() != uplink.prefixBytes()) {
                    throw new IllegalArgumentException(
                            "%s and %s are of different kinds, and one would misread the other's frames"
                                    .formatted(guestPort.interfaceName(), uplink.interfaceName()));
                }
            }
        }

        /** Beside the guest. */
        public Nic(FramePort guestPort, FramePort uplink) {
            this(List.of(guestPort), uplink);
        }
    }

    /**
     * How much to hold, and for how long to wait for what was captured.
     *
     * @param limitBytes memory for held frames, all NICs together
     * @param highWaterBytes of which this much asks for an early checkpoint
     * @param drainNanos how long a barrier waits at most for frames that the kernel has already accepted
     * @param holds false for a bare bridge, which shows what happens without a wall: whatever may ever leave does so at
     *     once
     * @param inline what the reconciler may use, if the proxy stands in front of both hosts
     */
    public record Settings(
            long limitBytes,
            long highWaterBytes,
            long drainNanos,
            boolean holds,
            Optional<Reconciler.Settings> inline) {

        /** Beside the guest. */
        public Settings(long limitBytes, long highWaterBytes, long drainNanos, boolean holds) {
            this(limitBytes, highWaterBytes, drainNanos, holds, Optional.empty());
        }
    }

    /** What a barrier has closed. */
    public record Barrier(long epoch, long frames, long bytes, boolean atLimit, boolean drained) {}

    private static final long SEAL_LIMIT_NANOS = 100_000_000L;
    private static final long OWN_DRAIN_NANOS = 1_000_000_000L;
    /** Shorter than an engine's patience: it asks again. */
    private static final long ATTEMPT_DRAIN_NANOS = 100_000_000L;

    private final BufferWall wall;
    private final long drainNanos;
    private final AtomicBoolean closed = new AtomicBoolean();
    private final List<OutboundLane> outbound = new ArrayList<>();
    private final List<InboundLane> inbound = new ArrayList<>();
    private final List<PortCapture> captures = new ArrayList<>();
    private final List<Nic> nics;
    private final @Nullable InlineLane inline;
    /** Held by whoever gives a frame to a guest port from outside the lanes. */
    private final Object injecting = new Object();

    /**
     * A bridge at rest.
     *
     * @param exemptions makes one for each NIC, because it is confined to the thread that captures there
     * @param observer sees what the guest sends and what comes from the network
     * @param onPressure hears that the wall fills, and that output begins to wait
     */
    public Bridge(
            BufferWall wall,
            List<Nic> nics,
            Settings settings,
            Supplier<Exemption> exemptions,
            FrameObserver observer,
            PressureListener onPressure,
            LaneFailure onFailure) {
        this.wall = wall;
        this.nics = List.copyOf(nics);
        this.drainNanos = settings.drainNanos();
        long capacityBytes = Long.highestOneBit(settings.limitBytes() / nics.size());
        long highWaterBytes = Math.min(settings.highWaterBytes() / nics.size(), capacityBytes);
        for (int nic = 0; nic < nics.size(); nic++) {
            List<FramePort> guestPorts = nics.get(nic).guestPorts();
            FramePort uplink = nics.get(nic).uplink();
            outbound.add(new OutboundLane(
                    nic,
                    guestPorts.getFirst(),
                    uplink,
                    wall,
                    capacityBytes,
                    highWaterBytes,
                    settings.holds(),
                    exemptions.get(),
                    observer,
                    onPressure,
                    onFailure));
            inbound.add(new InboundLane(uplink, guestPorts, wall));
        }
        inline = settings.inline()
                .map(reverse -> new InlineLane(this.nics, outbound, inbound, wall, reverse, onPressure, onFailure))
                .orElse(null);
        for (int nic = 0; nic < nics.size(); nic++) {
            addCaptures(nic, observer, onFailure);
        }
    }

    /** Each port has a thread that takes its frames. */
    private void addCaptures(int nic, FrameObserver observer, LaneFailure onFailure) {
        List<FramePort> guestPorts = nics.get(nic).guestPorts();
        FramePort uplink = nics.get(nic).uplink();
        for (int place = 0; place < guestPorts.size(); place++) {
            FrameSink sink = inline == null ? outbound.get(nic) : inline.fromGuest(nic, place);
            captures.add(new PortCapture("capture", guestPorts.get(place), sink, onFailure));
        }
        FrameSink lane = inline == null ? inbound.get(nic) : inline.fromClients(nic);
        captures.add(new PortCapture("inbound", uplink, new ObservedUplink(nic, observer, lane), onFailure));
    }

    /** Begins to carry frames. */
    public void start() {
        outbound.forEach(OutboundLane::start);
        if (inline != null) {
            inline.start();
        }
        captures.forEach(PortCapture::start);
    }

    /** What the wall is; for reading. */
    public BufferWall wall() {
        return wall;
    }

    // ---- commands ----

    /** Makes {@code owner} the wall's engine; see {@link BufferWall#hello}. */
    public void hello(long owner, Term term, long openEpochAtLeast) throws WallRefusal {
        sealIfLeaseEnded();
        awaitEarlierGuest(term);
        wall.hello(owner, term, openEpochAtLeast);
        wakeLanes();
    }

    /**
     * The same, where this proxy takes the place of one that alone knew the guest's connections. No frame gets between the two:
     * see {@link Reconciler#onNumberingLost}.
     */
    public void helloInPlaceOfLost(long owner, Term term, long openEpochAtLeast, long numberingLostIn)
            throws WallRefusal {
        InlineLane lane = requireInline();
        sealIfLeaseEnded();
        awaitEarlierGuest(term);
        lane.command(reconciler -> {
            wall.hello(owner, term, openEpochAtLeast);
            if (reconciler.onNumberingLost(numberingLostIn)) {
                wall.discard(owner, wall.incarnation(), term.number()); // Held since an earlier time as well.
            }
            return reconciler;
        });
        wakeLanes();
    }

    /** What an earlier guest left in the kernel must get a stamp that is discarded, not one of the new term. */
    private void awaitEarlierGuest(Term term) throws WallRefusal {
        if (wall.beginsAnew(term) && !awaitDrained(OWN_DRAIN_NANOS)) {
            throw new WallRefusal(
                    Reason.NOT_DRAINED, "frames of an earlier guest are still in the kernel; say hello again");
        }
    }

    /**
     * The wall's engine says where its guest lives; to be called after its hello.
     *
     * @param place a number of the guest ports of a NIC
     */
    public void settle(long from, String incarnation, long termNumber, int place) throws WallRefusal {
        InlineLane lane = requireInline();
        wall.requireOwner(from, incarnation, termNumber);
        lane.settle(place);
    }

    /** Closes the open epoch after what the guest has sent is in the wall; see {@link BufferWall#barrier}. */
    public Barrier barrier(long from, String incarnation, long termNumber) throws WallRefusal {
        sealIfLeaseEnded(); // It would let leave what was captured before it.
        boolean drained = awaitDrained(drainNanos);
        Instant now = Instant.now();
        long nowEpochNanos = now.getEpochSecond() * 1_000_000_000L + now.getNano();
        long nowNanos = System.nanoTime();
        outbound.forEach(lane -> lane.onBarrier(nowNanos, nowEpochNanos));
        long epoch = inline == null
                ? wall.barrier(from, incarnation, termNumber)
                : inline.command(reconciler -> {
                    long closedEpoch = wall.barrier(from, incarnation, termNumber);
                    reconciler.onBarrier(closedEpoch, nowNanos);
                    return closedEpoch;
                });
        wakeLanes();
        long frames = 0;
        long bytes = 0;
        boolean atLimit = inline != null && inline.command(Reconciler::isLogAtLimit);
        for (OutboundLane lane : outbound) {
            frames += lane.bufferedFrames();
            bytes += lane.bufferedBytes();
            atLimit |= lane.isAtLimit();
        }
        return new Barrier(epoch, frames, bytes, atLimit, drained);
    }

    /** Lets the frames of confirmed epochs leave; see {@link BufferWall#commit}. */
    public long commit(long from, String incarnation, long termNumber, long epoch, long leaseUntilNanos)
            throws WallRefusal {
        long nowNanos = System.nanoTime();
        long frontier = inline == null
                ? wall.commit(from, incarnation, termNumber, epoch, leaseUntilNanos, nowNanos)
                : inline.command(reconciler -> {
                    long committed = wall.commit(from, incarnation, termNumber, epoch, leaseUntilNanos, nowNanos);
                    if (wall.state() == WallState.PROTECTED) {
                        reconciler.onCommit(committed);
                    }
                    return committed;
                });
        outbound.forEach(lane -> lane.onCommit(nowNanos));
        return frontier;
    }

    /** See {@link BufferWall#suspend}. */
    public void suspend(long from, String incarnation, long termNumber, String reason) throws WallRefusal {
        wall.suspend(from, incarnation, termNumber, reason);
    }

    /**
     * See {@link BufferWall#open}; not before a restored guest is where its clients have seen it.
     *
     * @param leaseUntilNanos see {@link BufferWall#openUntil}; empty if the right does not end by itself
     */
    public void open(long from, String incarnation, long termNumber, String reason, OptionalLong leaseUntilNanos)
            throws WallRefusal {
        if (inline == null) {
            openWall(from, incarnation, termNumber, reason, leaseUntilNanos);
        } else {
            inline.open(() -> openWall(from, incarnation, termNumber, reason, leaseUntilNanos));
        }
        wakeLanes();
    }

    private void openWall(long from, String incarnation, long termNumber, String reason, OptionalLong leaseUntilNanos)
            throws WallRefusal {
        if (leaseUntilNanos.isPresent()) {
            wall.openUntil(from, incarnation, termNumber, reason, leaseUntilNanos.getAsLong(), System.nanoTime());
        } else {
            wall.open(from, incarnation, termNumber, reason);
        }
    }

    /** The same without an end. */
    public void open(long from, String incarnation, long termNumber, String reason) throws WallRefusal {
        open(from, incarnation, termNumber, reason, OptionalLong.empty());
    }

    /** See {@link BufferWall#sealIfLeaseEnded}. */
    public boolean sealIfLeaseEnded() {
        boolean ended = wall.sealIfLeaseEnded(System.nanoTime());
        if (ended) {
            wakeLanes();
        }
        return ended;
    }

    /** See {@link BufferWall#discard}; also for what the kernel has accepted and not yet delivered. */
    public void discard(long from, String incarnation, long termNumber) throws WallRefusal {
        if (!awaitDrained(OWN_DRAIN_NANOS)) {
            throw new WallRefusal(Reason.NOT_DRAINED, "frames are still in the kernel; say discard again");
        }
        wall.discard(from, incarnation, termNumber);
        wakeLanes();
    }

    /**
     * See {@link BufferWall#seal}.
     *
     * @return whether it is certain that no frame is on its way any more
     */
    public boolean seal(Term term, String reason) {
        wall.seal(term, reason);
        wakeLanes();
        boolean quiet = true;
        for (OutboundLane lane : outbound) {
            quiet &= lane.awaitQuiet(SEAL_LIMIT_NANOS);
        }
        return quiet;
    }

    // ---- failover, inline ----

    /**
     * The guest is dead where it lived; its clients are asked how far they have come. What it had sent and no checkpoint knows
     * must have been discarded, by a {@link #hello} under a promotion; what a guest has sent that was catching up is discarded
     * here.
     */
    public void guestLost(long from, String incarnation, long termNumber) throws WallRefusal {
        InlineLane lane = requireInline();
        wall.requireOwner(from, incarnation, termNumber);
        lane.guestLost(() -> wall.discard(from, incarnation, termNumber));
        wakeLanes();
    }

    /**
     * The guest has been restored, and gets what clients have sent once more. May be repeated, with another guest, after the
     * one before has been killed.
     *
     * @param place where it lives, a number of its NICs' guest ports
     * @param epoch whose checkpoint it was restored from, which need not have been committed here
     * @param order in which it gets its input; empty for another one than in the attempt before
     */
    public void guestRestored(
            long from, String incarnation, long termNumber, int place, long epoch, Optional<ReplayOrder> order)
            throws WallRefusal {
        InlineLane lane = requireInline();
        wall.requireOwner(from, incarnation, termNumber);
        // what the guest before has left in the kernel must not be taken for this one's.
        if (lane.place() == place && !awaitDrained(ATTEMPT_DRAIN_NANOS)) {
            throw new WallRefusal(
                    Reason.NOT_DRAINED, "frames of the guest before are still in the kernel; say restored again");
        }
        lane.guestRestored(place, epoch, order, () -> wall.discard(from, incarnation, termNumber));
        wakeLanes();
    }

    /** Gives up the connections on which the restored guest is not yet where its client has seen it. */
    public void giveUpRest(long from, String incarnation, long termNumber) throws WallRefusal {
        InlineLane lane = requireInline();
        wall.requireOwner(from, incarnation, termNumber);
        lane.giveUpRest();
    }

    /** How far a restored guest has come; empty if the proxy stands beside its guest. */
    public Optional<CatchUpReport> catchUp() {
        return Optional.ofNullable(inline).map(InlineLane::report);
    }

    /** The connections that have a ledger; none if the proxy stands beside its guest. */
    public List<FlowView> flows() {
        return inline == null ? List.of() : inline.command(Reconciler::flows);
    }

    /** What the reconciler has done; empty if the proxy stands beside its guest. */
    public Optional<ReverseCounters> reverseCounters() {
        return Optional.ofNullable(inline).map(lane -> lane.reconciler().counters());
    }

    /** See {@link Reconciler#releaseAtOnce}; for an inline proxy only. */
    public void releaseAtOnce(boolean atOnce) throws WallRefusal {
        requireInline().command(reconciler -> {
            reconciler.releaseAtOnce(atOnce);
            return reconciler;
        });
    }

    /** Whether the guest's output leaves at once where it can be repaired. */
    public boolean isReleasingAtOnce() {
        return inline != null && inline.command(Reconciler::isReleasingAtOnce);
    }

    /** How connections are translated; empty if the proxy stands beside its guest. */
    public Optional<TranslationBook> translationBook() {
        return Optional.ofNullable(inline);
    }

    private InlineLane requireInline() throws WallRefusal {
        if (inline == null) {
            throw new WallRefusal(
                    Reason.WRONG_STATE,
                    "this proxy stands beside its guest and has no input log; set `placement: inline` for that");
        }
        return inline;
    }

    /** See {@link BufferWall#ownerLost}. */
    public void ownerLost(long owner) {
        wall.ownerLost(owner);
    }

    // ---- reading ----

    /** The name of the NIC with that number, the same on both hosts whatever their interfaces are called. */
    public static String nicName(int nic) {
        return "net" + nic;
    }

    /** How many NICs there are; they are numbered from 0. */
    public int nicCount() {
        return outbound.size();
    }

    /** Where the frames can be seen that the NIC with that number sends. */
    public FrameTap outboundTap(int nic) {
        return outbound.get(nic).tap();
    }

    /** Where the frames can be seen that come for the NIC with that number. */
    public FrameTap inboundTap(int nic) {
        return inbound.get(nic).tap();
    }

    /** What became of the frames, NIC by NIC. */
    public List<NicCounters> counters() {
        long nowNanos = System.nanoTime();
        List<NicCounters> counters = new ArrayList<>();
        for (int nic = 0; nic < outbound.size(); nic++) {
            OutboundLane out = outbound.get(nic);
            InboundLane in = inbound.get(nic);
            FramePort guestPort = guestPort(nic);
            counters.add(new NicCounters(
                    guestPort.interfaceName(),
                    out.uplink().interfaceName(),
                    out.releasedFrames.value(),
                    out.releasedBytes.value(),
                    out.passedFrames.value(),
                    out.exemptFrames.value(),
                    out.discardedFrames.value() + out.discardedAtCaptureFrames.value(),
                    out.droppedAtLimitFrames.value(),
                    out.bufferedFrames(),
                    out.bufferedBytes(),
                    out.capacityBytes(),
                    out.heldFrames.value(),
                    out.lateFrames.value(),
                    out.oldestAgeNanos(nowNanos),
                    in.deliveredFrames.value(),
                    in.shutOutFrames.value(),
                    in.mirror.copiedFrames(),
                    in.mirror.missedFrames(),
                    in.injectedFrames.value(),
                    guestPort.counters(),
                    out.uplink().counters(),
                    out.holdNanos,
                    out.commitToWireNanos));
        }
        return counters;
    }

    /**
     * How long the oldest frame of the open epoch has waited for a barrier; 0 if there is none. Frames of closed epochs
     * do not count: no barrier makes them leave any sooner.
     */
    public long longestWaitForBarrierNanos() {
        long nowNanos = System.nanoTime();
        long longestNanos = 0;
        for (OutboundLane lane : outbound) {
            longestNanos = Math.max(longestNanos, lane.waitForBarrierNanos(nowNanos));
        }
        return longestNanos;
    }

    /** Of every thread that moves frames, in the same order each time. One that hangs shows it within a second. */
    public List<Pulse> pulses() {
        List<Pulse> pulses = new ArrayList<>();
        captures.forEach(capture -> pulses.add(capture.pulse()));
        outbound.forEach(lane -> pulses.add(lane.pulse()));
        if (inline != null) {
            pulses.add(inline.pulse());
        }
        return pulses;
    }

    // ---- clients' frames around the packet path ----

    /** Copies of what clients send, by NIC. */
    public List<InputMirror> inputMirrors() {
        return inbound.stream().map(lane -> lane.mirror).toList();
    }

    /** For one who gives the guest frames that clients had sent to its earlier host. */
    public PacedInjection newInjection() {
        return new PacedInjection(
                this, nics.stream().map(nic -> nic.guestPorts().getFirst()).toArray(FramePort[]::new));
    }

    /** One attempt of a {@link PacedInjection}. */
    InjectionOutcome inject(int nic, int prefixBytes, MemorySegment memory, long offsetBytes, int lengthBytes) {
        synchronized (injecting) {
            if (closed.get() || !wall.state().admitsInput()) {
                return InjectionOutcome.SHUT_OUT;
            }
            FramePort guestPort = nics.get(nic).guestPorts().getFirst();
            long frameOffset = offsetBytes + prefixBytes;
            int frameBytes = lengthBytes - prefixBytes;
            boolean asItIs = prefixBytes == guestPort.prefixBytes();
            if (frameBytes > guestPort.maxFrameBytes() || !(asItIs || isComplete(memory, offsetBytes, prefixBytes))) {
                return InjectionOutcome.UNFIT;
            }
            boolean given = asItIs
                    ? guestPort.send(memory, frameOffset, frameBytes)
                    : guestPort.sendPlain(memory, frameOffset, frameBytes);
            if (!given) {
                return InjectionOutcome.NO_ROOM;
            }
            inbound.get(nic).injectedFrames.increment();
            return InjectionOutcome.GIVEN;
        }
    }

    /** Of {@code struct virtio_net_hdr} the first two bytes say whether anything is unfinished, or merged. */
    private static boolean isComplete(MemorySegment memory, long offsetBytes, int prefixBytes) {
        return prefixBytes < 2
                || ((memory.get(ValueLayout.JAVA_BYTE, offsetBytes) & NEEDS_CHECKSUM) == 0
                        && memory.get(ValueLayout.JAVA_BYTE, offsetBytes + 1) == 0);
    }

    /** Stops all lanes and closes the ports. What is held is not released. */
    @Override
    public void close() {
        synchronized (injecting) { // No frame may be on its way to a port that is closed.
            if (closed.getAndSet(true)) {
                return;
            }
        }
        try {
            stopLanes();
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
        for (Nic nic : nics) {
            nic.guestPorts().forEach(FramePort::close);
            nic.uplink().close();
        }
    }

    private void stopLanes() throws InterruptedException {
        boolean ended = true;
        for (PortCapture capture : captures) {
            ended &= capture.stop();
        }
        if (!ended) {
            return; // Somebody still gives frames; their memory is left to the end of the process.
        }
        if (inline != null) {
            inline.close();
        }
        for (OutboundLane lane : outbound) {
            lane.stop();
        }
    }

    /** Where the guest lives. */
    private FramePort guestPort(int nic) {
        return nics.get(nic).guestPorts().get(inline == null ? 0 : inline.place());
    }

    private boolean awaitDrained(long limitNanos) {
        long deadlineNanos = System.nanoTime() + limitNanos;
        for (int nic = 0; nic < nics.size(); nic++) {
            FramePort guestPort = guestPort(nic);
            while (!guestPort.isDrained()) {
                if (System.nanoTime() - deadlineNanos > 0) {
                    return false;
                }
                LockSupport.parkNanos(20_000);
            }
        }
        return true;
    }

    private void wakeLanes() {
        outbound.forEach(OutboundLane::wake);
    }
}
