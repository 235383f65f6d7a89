package io.holdfast.cli.proxy;

import io.holdfast.bridge.PressureListener;
import io.holdfast.wall.Epoch;
import java.util.concurrent.locks.LockSupport;
import java.util.function.LongSupplier;

/**
 * Asks the engine for an early checkpoint ({@code WALL_PRESSURE}): when the wall has passed its high-water mark, or when
 * output of the open epoch has waited as long as the engine's latency target. At most once each between two barriers,
 * because asking again helps nobody.
 *
 * <p><b>Threads.</b> One of its own; everything else may be called by any thread and does not block.
 */
final class PressureWatch implements PressureListener, AutoCloseable {

    private static final long LONGEST_LOOK_NANOS = 5_000_000;
    private static final long NO_TARGET = Long.MAX_VALUE;

    private final EventSink events;
    private final Thread thread;

    private volatile LongSupplier openEpoch = () -> Epoch.NONE;
    private volatile LongSupplier longestWaitNanos = () -> 0;
    private volatile long latencyTargetNanos = NO_TARGET;
    private volatile boolean highWater;
    private volatile boolean askedForRoom;
    private volatile long askedForLatencyOfEpoch = Epoch.NONE;
    private volatile boolean stopping;

    PressureWatch(EventSink events) {
        this.events = events;
        this.thread = Thread.ofPlatform().name("pressure-watch").daemon().unstarted(this::watch);
    }

    /** Begins to look at how long the oldest frame of the open epoch has waited. */
    void start(LongSupplier newOpenEpoch, LongSupplier longestWaitForBarrierNanos) {
        openEpoch = newOpenEpoch;
        longestWaitNanos = longestWaitForBarrierNanos;
        thread.start();
    }

    /** A new engine; it has no latency target if {@code nanos} is negative. */
    void onHello(long nanos) {
        latencyTargetNanos = nanos >= 0 ? nanos : NO_TARGET;
        askedForLatencyOfEpoch = Epoch.NONE;
        onBarrier();
    }

    void onBarrier() {
        highWater = false;
        askedForRoom = false;
    }

    @Override
    public void onHighWater() {
        if (!highWater) {
            highWater = true;
            LockSupport.unpark(thread);
        }
    }

    @Override
    public void onOutputHeld() {
        LockSupport.unpark(thread);
    }

    @Override
    public void close() {
        stopping = true;
        LockSupport.unpark(thread);
    }

    private void watch() {
        while (!stopping) {
            LockSupport.parkNanos(Math.min(look(), LONGEST_LOOK_NANOS));
        }
    }

    /** Asks if there is a reason; how long there will be none, unless something happens. */
    private long look() {
        if (highWater && !askedForRoom) {
            askedForRoom = true;
            events.emit(ProxyEvent.WALL_PRESSURE, Json.object().put("reason", "high-water"));
        }
        long epoch = openEpoch.getAsLong();
        long targetNanos = latencyTargetNanos;
        // Read after the epoch: at worst it is of the next one, and the engine is asked about one that is closed by
        // then.
        long waitNanos = longestWaitNanos.getAsLong();
        if (targetNanos == NO_TARGET || waitNanos == 0 || epoch == askedForLatencyOfEpoch) {
            return LONGEST_LOOK_NANOS;
        }
        if (waitNanos < targetNanos) {
            return targetNanos - waitNanos;
        }
        askedForLatencyOfEpoch = epoch;
        events.emit(
                ProxyEvent.WALL_PRESSURE, Json.object().put("reason", "latency").put("epoch", epoch));
        return LONGEST_LOOK_NANOS;
    }
}
