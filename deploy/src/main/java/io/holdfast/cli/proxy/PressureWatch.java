package io.holdfast.cli.proxy;

import java.util.concurrent.locks.LockSupport;
import java.util.function.LongSupplier;

/**
 * Asks the engine for an early checkpoint ({@code WALL_PRESSURE}): when the wall has passed its high-water mark, or when
 * output of the open epoch has waited longer than the engine's latency target. At most once each between two barriers,
 * because asking again helps nobody.
 *
 * <p><b>Threads.</b> One of its own; everything else may be called by any thread and does not block.
 */
final class PressureWatch implements AutoCloseable {

    private static final long LONGEST_LOOK_NANOS = 5_000_000;
    private static final long SHORTEST_LOOK_NANOS = 500_000;
    private static final long NO_TARGET = Long.MAX_VALUE;

    private final EventSink events;
    private final Thread thread;

    private volatile LongSupplier longestWaitNanos = () -> 0;
    private volatile long latencyTargetNanos = NO_TARGET;
    private volatile boolean highWater;
    private volatile boolean askedForRoom;
    private volatile boolean askedForLatency;
    private volatile boolean stopping;

    PressureWatch(EventSink events) {
        this.events = events;
        this.thread = Thread.ofPlatform().name("pressure-watch").daemon().unstarted(this::watch);
    }

    /** Begins to look at how long the oldest frame of the open epoch has waited. */
    void start(LongSupplier longestWaitForBarrierNanos) {
        longestWaitNanos = longestWaitForBarrierNanos;
        thread.start();
    }

    /** A new engine; {@code nanos} is 0 or less if it has no latency target. */
    void onHello(long nanos) {
        latencyTargetNanos = nanos > 0 ? nanos : NO_TARGET;
        onBarrier();
    }

    void onBarrier() {
        highWater = false;
        askedForRoom = false;
        askedForLatency = false;
    }

    /** The wall is above its high-water mark. On a capture thread, for each frame. */
    void onHighWater() {
        if (!highWater) {
            highWater = true;
            LockSupport.unpark(thread);
        }
    }

    @Override
    public void close() {
        stopping = true;
        LockSupport.unpark(thread);
    }

    private void watch() {
        while (!stopping) {
            look();
            long quarterNanos = latencyTargetNanos / 4;
            LockSupport.parkNanos(Math.clamp(quarterNanos, SHORTEST_LOOK_NANOS, LONGEST_LOOK_NANOS));
        }
    }

    private void look() {
        if (highWater && !askedForRoom) {
            askedForRoom = true;
            ask("high-water");
        }
        if (!askedForLatency && latencyTargetNanos != NO_TARGET && longestWaitNanos.getAsLong() > latencyTargetNanos) {
            askedForLatency = true;
            ask("latency");
        }
    }

    private void ask(String reason) {
        events.emit("WALL_PRESSURE", Json.object().put("reason", reason));
    }
}
