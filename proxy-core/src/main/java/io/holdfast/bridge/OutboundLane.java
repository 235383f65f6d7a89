package io.holdfast.bridge;

import io.holdfast.frame.FrameRing;
import io.holdfast.measure.Counter;
import io.holdfast.measure.NanoHistogram;
import io.holdfast.measure.Pulse;
import io.holdfast.port.FrameBurst;
import io.holdfast.port.FramePort;
import io.holdfast.port.FrameSink;
import io.holdfast.wall.BufferWall;
import io.holdfast.wall.Epoch;
import io.holdfast.wall.WallState;
import java.lang.foreign.MemorySegment;
import java.lang.invoke.VarHandle;
import java.util.concurrent.locks.LockSupport;

/**
 * What one NIC of the guest sends: captured, stamped, held, released. Two threads meet at the ring:
 *
 * <pre>
 *   guest ─► guest port ─► capture thread: stamp ─► ring ─► release thread ─► uplink
 *                                    └── ALONE and ring empty ──────────────────┘
 * </pre>
 *
 * Frames leave in capture order (INV-4): the capture thread sends by itself only when every frame before has been sent.
 */
final class OutboundLane implements FrameSink {

    private static final long LATE_WINDOW_NANOS = 50_000_000L;

    private final int nic;
    private final FramePort guestPort;
    private final FramePort uplink;
    private final BufferWall wall;
    private final FrameRing ring;
    /** In front of each frame, in the ring as on the port. */
    private final int prefixBytes;

    private final long highWaterBytes;
    private final boolean holds;
    private final Exemption exemption;
    private final FrameObserver observer;
    private final PressureListener onPressure;
    private final FrameTap tap;

    private final Thread releaseThread;
    private volatile boolean stopping;

    /** When the newest barrier was placed, monotonic and as the kernel stamps frames. */
    private volatile long barrierNanos;

    private volatile long barrierEpochNanos;
    private volatile long commitNanos;

    // The capture thread's.
    private final FrameBurst passing;
    private int passingFrames;
    private final Counter begunFrames = new Counter();
    private final Counter endedFrames = new Counter();
    final Counter heldFrames = new Counter();
    final Counter passedFrames = new Counter();
    final Counter exemptFrames = new Counter();
    final Counter lateFrames = new Counter();
    final Counter discardedAtCaptureFrames = new Counter();
    final Counter droppedAtLimitFrames = new Counter();
    private volatile long newestHeldStamp = Epoch.NONE;
    private volatile long newestHeldStampSinceNanos;

    // The release thread's.
    private final FrameBurst releasing;
    private final long[] burstCaptureNanos = new long[FrameBurst.CAPACITY_FRAMES];
    private int burstFrames;
    private long burstBytes;
    final Counter releasedFrames = new Counter();
    final Counter releasedBytes = new Counter();
    final Counter discardedFrames = new Counter();
    final NanoHistogram holdNanos = new NanoHistogram();
    final NanoHistogram commitToWireNanos = new NanoHistogram();
    private volatile long oldestCaptureNanos;
    private final Counter laps = new Counter();

    OutboundLane(
            int nic,
            FramePort guestPort,
            FramePort uplink,
            BufferWall wall,
            long capacityBytes,
            long highWaterBytes,
            boolean holds,
            Exemption exemption,
            FrameObserver observer,
            PressureListener onPressure,
            LaneFailure onFailure) {
        this.nic = nic;
        this.guestPort = guestPort;
        this.uplink = uplink;
        this.passing = uplink.newBurst();
        this.releasing = uplink.newBurst();
        this.wall = wall;
        this.ring = new FrameRing(capacityBytes);
        this.prefixBytes = guestPort.prefixBytes();
        this.highWaterBytes = highWaterBytes;
        this.holds = holds;
        this.exemption = exemption;
        this.observer = observer;
        this.tap = new FrameTap(guestPort.interfaceName(), prefixBytes);
        this.onPressure = onPressure;
        this.releaseThread =
                LaneThread.of("release-" + guestPort.interfaceName(), this::releaseUntilStopped, onFailure);
    }

    void start() {
        releaseThread.start();
    }

    // ---- capture thread ----

    @Override
    public void onFrame(MemorySegment memory, long offsetBytes, int lengthBytes, long kernelEpochNanos) {
        begunFrames.increment();
        // Whoever has closed the wall sees that this frame has begun, or it sees the closed wall.
        VarHandle.fullFence();
        route(memory, offsetBytes, lengthBytes, kernelEpochNanos);
    }

    /**
     * A frame of the guest that the ledger of its connection knows: it leaves at once where the wall holds frames for the
     * backup's sake only. In any other state the wall decides as for all frames.
     *
     * @param failingOver whether a restored guest catches up: what it says again its clients may have, under its new term
     */
    void leaveAtOnce(
            boolean failingOver, MemorySegment memory, long offsetBytes, int lengthBytes, long kernelEpochNanos) {
        begunFrames.increment();
        VarHandle.fullFence();
        WallState state = wall.state();
        if (state == WallState.PROTECTED || (failingOver && state == WallState.ARMING)) {
            observer.onOutboundFrame(nic, memory, offsetBytes, lengthBytes);
            tap.copy(FrameFate.PASSED, wall.openEpoch(), memory, offsetBytes, lengthBytes, kernelEpochNanos);
            pass(memory, offsetBytes, lengthBytes);
            passedFrames.increment();
        } else {
            route(memory, offsetBytes, lengthBytes, kernelEpochNanos);
        }
    }

    @Override
    public void onBatchEnd() {
        flushPassing();
        endedFrames.add(begunFrames.value() - endedFrames.value());
    }

    private void route(MemorySegment memory, long offsetBytes, int lengthBytes, long kernelEpochNanos) {
        // INV-2: the epoch is read after the kernel has delivered the frame.
        long stamp = wall.openEpoch();
        long nowNanos = System.nanoTime();
        observer.onOutboundFrame(nic, memory, offsetBytes, lengthBytes);
        countIfLate(nowNanos, kernelEpochNanos);

        long releaseThrough = wall.releaseThrough();
        if (stamp <= wall.discardThrough() || wall.isLeaseOver(nowNanos)) {
            tap.copy(FrameFate.DISCARDED, stamp, memory, offsetBytes, lengthBytes, kernelEpochNanos);
            discardedAtCaptureFrames.increment(); // CLOSED, SEALED or about to be: this may never leave.
        } else if ((releaseThrough == Epoch.ALL || !holds) && ring.isEmpty()) {
            // ALONE (INV-6), or a bridge that never holds; nothing is waiting before it (INV-4).
            tap.copy(FrameFate.PASSED, stamp, memory, offsetBytes, lengthBytes, kernelEpochNanos);
            pass(memory, offsetBytes, lengthBytes);
            passedFrames.increment();
        } else if (wall.state() != WallState.SUSPENDED && exemption.isExempt(memory, offsetBytes, lengthBytes)) {
            tap.copy(FrameFate.EXEMPT, stamp, memory, offsetBytes, lengthBytes, kernelEpochNanos);
            pass(memory, offsetBytes, lengthBytes); // Exempted by the operator (INV-3).
            exemptFrames.increment();
        } else if (hold(stamp, nowNanos, memory, offsetBytes, lengthBytes)) {
            tap.copy(FrameFate.HELD, stamp, memory, offsetBytes, lengthBytes, kernelEpochNanos);
            heldFrames.increment();
            noteStamp(stamp, nowNanos);
            if (stamp <= wall.releaseThrough()) {
                wake(); // The frontier passed while the frame was on its way into the ring.
            }
            reportPressure();
        } else {
            tap.copy(FrameFate.DROPPED_AT_LIMIT, stamp, memory, offsetBytes, lengthBytes, kernelEpochNanos);
            droppedAtLimitFrames.increment(); // INV-5: the newest is dropped and counted; nothing is released early.
            reportPressure();
        }
    }

    private void pass(MemorySegment memory, long offsetBytes, int lengthBytes) {
        if (passing.isFull()) {
            flushPassing();
        }
        passing.add(memory, offsetBytes, lengthBytes);
        passingFrames++;
    }

    /** INV-6: this process may have been stopped since the wall was asked for each of them. */
    private void flushPassing() {
        if (wall.isLeaseOver(System.nanoTime())) {
            passing.drop();
            discardedAtCaptureFrames.add(passingFrames);
        } else {
            passing.flush();
        }
        passingFrames = 0;
    }

    private boolean hold(long stamp, long nowNanos, MemorySegment memory, long offsetBytes, int lengthBytes) {
        flushPassing(); // INV-4: from the ring it may leave at once, and those are before it.
        return ring.offer(stamp, nowNanos, memory, offsetBytes - prefixBytes, lengthBytes + prefixBytes);
    }

    /** Remembers when the newest epoch that has held frames got its first. */
    private void noteStamp(long stamp, long nowNanos) {
        if (stamp != newestHeldStamp) {
            newestHeldStampSinceNanos = nowNanos;
            newestHeldStamp = stamp;
            onPressure.onOutputHeld();
        }
    }

    private void countIfLate(long nowNanos, long kernelEpochNanos) {
        if (nowNanos - barrierNanos < LATE_WINDOW_NANOS
                && kernelEpochNanos != 0
                && kernelEpochNanos < barrierEpochNanos) {
            lateFrames.increment();
        }
    }

    private void reportPressure() {
        if (ring.usedBytes() > highWaterBytes) {
            onPressure.onHighWater();
        }
    }

    // ---- release thread ----

    private void releaseUntilStopped() {
        while (!stopping) {
            releaseWhatMayLeave();
            laps.increment();
            LockSupport.park(this);
        }
    }

    private void releaseWhatMayLeave() {
        long committedNanos = commitNanos;
        boolean released = false;
        for (long stamp = ring.headStamp(); stamp != FrameRing.EMPTY && !stopping; stamp = ring.headStamp()) {
            // In this order, see BufferWall: a wall that is sealed and owned anew in between still discards.
            long releaseThrough = wall.releaseThrough();
            if (stamp <= wall.discardThrough()
                    || (releaseThrough == Epoch.ALL && wall.isLeaseOver(System.nanoTime()))) {
                discardedFrames.increment();
            } else if (stamp <= releaseThrough) {
                release(); // INV-1: the frontier has reached its stamp.
                released = true;
            } else {
                break;
            }
            ring.take();
        }
        flushReleased();
        oldestCaptureNanos = ring.headStamp() == FrameRing.EMPTY ? 0 : ring.headCaptureNanos();
        if (committedNanos != 0) {
            if (released) {
                commitToWireNanos.record(System.nanoTime() - committedNanos);
            }
            if (commitNanos == committedNanos) {
                commitNanos = 0;
            }
        }
    }

    private void release() {
        if (burstFrames == FrameBurst.CAPACITY_FRAMES) {
            flushReleased();
        }
        int lengthBytes = ring.headLengthBytes() - prefixBytes;
        releasing.add(ring.memory(), ring.headOffsetBytes() + prefixBytes, lengthBytes);
        burstCaptureNanos[burstFrames++] = ring.headCaptureNanos();
        burstBytes += lengthBytes;
    }

    /** INV-4: what was taken is freed after it was sent, so that nothing is passed by before. */
    private void flushReleased() {
        long nowNanos = System.nanoTime();
        if (wall.isLeaseOver(nowNanos)) { // INV-6, as with those that are passed.
            releasing.drop();
            discardedFrames.add(burstFrames);
            endBurst();
            return;
        }
        releasing.flush();
        nowNanos = System.nanoTime();
        for (int i = 0; i < burstFrames; i++) {
            holdNanos.record(nowNanos - burstCaptureNanos[i]);
        }
        releasedFrames.add(burstFrames);
        releasedBytes.add(burstBytes);
        endBurst();
    }

    private void endBurst() {
        burstFrames = 0;
        burstBytes = 0;
        ring.freeTaken();
    }

    // ---- command thread ----

    /** Lets the release thread look at the wall again. Any thread. */
    void wake() {
        LockSupport.unpark(releaseThread);
    }

    /** Of the release thread, which is woken to have one. */
    Pulse pulse() {
        Pulse pulse = new Pulse("release of " + guestPort.interfaceName(), laps.value());
        wake();
        return pulse;
    }

    /** The frontier has moved. */
    void onCommit(long nowNanos) {
        commitNanos = nowNanos;
        wake();
    }

    /** A barrier was placed, or is about to be. */
    void onBarrier(long nowNanos, long nowEpochNanos) {
        barrierEpochNanos = nowEpochNanos;
        barrierNanos = nowNanos;
    }

    /** Whether the ring can hardly take another epoch's output, or could not take the last one's (INV-5). */
    boolean isAtLimit() {
        return ring.usedBytes() > ring.capacityBytes() / 8 * 7;
    }

    long bufferedFrames() {
        return ring.heldFrames();
    }

    /** Of frames alone, without their prefixes. */
    long bufferedBytes() {
        return Math.max(0, ring.heldBytes() - prefixBytes * ring.heldFrames());
    }

    long capacityBytes() {
        return ring.capacityBytes();
    }

    /** How long the oldest frame in the ring has waited; 0 if there is none. */
    long oldestAgeNanos(long nowNanos) {
        if (ring.isEmpty()) {
            return 0;
        }
        long captured = oldestCaptureNanos;
        // 0: the release thread has not looked since the ring was empty, so there is one epoch in it, the newest.
        return Math.max(0, nowNanos - (captured == 0 ? newestHeldStampSinceNanos : captured));
    }

    /** How long the oldest frame of the open epoch has waited; 0 if there is none. */
    long waitForBarrierNanos(long nowNanos) {
        if (newestHeldStamp != wall.openEpoch() || wall.releaseThrough() == Epoch.ALL) {
            return 0;
        }
        return Math.max(0, nowNanos - newestHeldStampSinceNanos);
    }

    FrameTap tap() {
        return tap;
    }

    FramePort guestPort() {
        return guestPort;
    }

    FramePort uplink() {
        return uplink;
    }

    /** Waits until both threads have looked at the wall anew, so that no older decision is being carried out. */
    boolean awaitQuiet(long limitNanos) {
        long seenLaps = laps.value();
        long seenFrames = begunFrames.value();
        long deadlineNanos = System.nanoTime() + limitNanos;
        while (endedFrames.value() < seenFrames || (laps.value() - seenLaps < 2 && releaseThread.isAlive())) {
            wake();
            if (System.nanoTime() - deadlineNanos > 0) {
                return false;
            }
            LockSupport.parkNanos(20_000);
        }
        return true;
    }

    /** Stops the thread that releases; what is held stays unreleased and is freed. Nobody may give frames any more. */
    void stop() throws InterruptedException {
        stopping = true;
        wake();
        releaseThread.join(LaneThread.JOIN_MILLIS);
        if (!releaseThread.isAlive()) {
            ring.close();
        }
    }
}
