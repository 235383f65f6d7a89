package io.holdfast.cli.proxy;

import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.holdfast.arp.SilenceWatch;
import io.holdfast.arp.SilenceWatch.Breach;
import io.holdfast.wall.BufferWall;
import java.util.HashMap;
import java.util.Map;
import java.util.concurrent.locks.LockSupport;
import org.jspecify.annotations.Nullable;

/**
 * Tells the subscribers what speaks behind a wall that is shut ({@code SILENCE_BROKEN}): at once, and at most once per second
 * while it goes on. Whether that is an alarm they know: only an agent can tell a backup from a primary that has yet to begin.
 *
 * <p><b>Threads.</b> One of its own, so that whoever captures need not wait; {@link #wake} may be called by any thread and does
 * not block.
 */
final class SilenceNews implements AutoCloseable {

    private static final long INTERVAL_NANOS = 1_000_000_000;

    private final BufferWall wall;
    private final EventSink events;
    private final Map<String, Long> toldFrames = new HashMap<>();
    private final Thread thread;
    private volatile @Nullable SilenceWatch watch;
    private volatile boolean stopping;

    SilenceNews(BufferWall wall, EventSink events) {
        this.wall = wall;
        this.events = events;
        this.thread = Thread.ofPlatform().name("silence-news").daemon().unstarted(this::tellUntilStopped);
    }

    void start(SilenceWatch newWatch) {
        watch = newWatch;
        thread.start();
    }

    /** Something was heard. */
    void wake() {
        LockSupport.unpark(thread);
    }

    @Override
    public void close() {
        stopping = true;
        wake();
    }

    private void tellUntilStopped() {
        while (!stopping) {
            if (tell()) {
                sleepUntil(System.nanoTime() + INTERVAL_NANOS);
            } else {
                LockSupport.park(this);
            }
        }
    }

    /** However often it is woken meanwhile. */
    private void sleepUntil(long untilNanos) {
        for (long left = INTERVAL_NANOS; left > 0 && !stopping; left = untilNanos - System.nanoTime()) {
            LockSupport.parkNanos(this, left);
        }
    }

    /** Returns whether there was anything to tell. */
    private boolean tell() {
        SilenceWatch watched = watch;
        if (watched == null) {
            return false;
        }
        boolean told = false;
        for (Breach breach : watched.breaches()) {
            if (breach.frames() > toldFrames.getOrDefault(breach.nic(), 0L)) {
                toldFrames.put(breach.nic(), breach.frames());
                ObjectNode data = Json.object();
                write(breach, data);
                events.emit("SILENCE_BROKEN", data.put("state", wall.state().name()));
                told = true;
            }
        }
        return told;
    }

    static void write(Iterable<Breach> breaches, ArrayNode array) {
        breaches.forEach(breach -> write(breach, array.addObject()));
    }

    private static void write(Breach breach, ObjectNode object) {
        object.put("nic", breach.nic())
                .put("frames", breach.frames())
                .put("last_source", breach.lastSource().toString())
                .put("last_nanos", breach.lastNanos());
    }
}
