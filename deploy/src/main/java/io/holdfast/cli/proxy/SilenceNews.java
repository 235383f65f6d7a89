package io.holdfast.cli.proxy;

import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.holdfast.arp.LeakWatch;
import io.holdfast.arp.LeakWatch.Leak;
import io.holdfast.arp.SilenceWatch;
import io.holdfast.arp.SilenceWatch.Breach;
import io.holdfast.wall.BufferWall;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.locks.LockSupport;
import org.jspecify.annotations.Nullable;

/**
 * Tells the subscribers who speaks though the wall is shut: behind it ({@code SILENCE_BROKEN}), or this host itself as the guest
 * ({@code ADDRESS_LEAK}). At once, and at most once per second while it goes on. Whether that is an alarm they know: only an
 * agent can tell a backup from a primary that has yet to begin.
 *
 * <p><b>Threads.</b> One of its own, so that whoever listens need not wait; {@link #wake} may be called by any thread and does
 * not block.
 */
final class SilenceNews implements AutoCloseable {

    private static final long INTERVAL_NANOS = 1_000_000_000;

    private final BufferWall wall;
    private final EventSink events;
    private final Map<String, Long> toldBreaches = new HashMap<>();
    private final Map<String, Long> toldLeaks = new HashMap<>();
    private final Thread thread;
    private volatile @Nullable Watches watches;
    private volatile boolean stopping;

    private record Watches(SilenceWatch silence, LeakWatch leaks) {}

    SilenceNews(BufferWall wall, EventSink events) {
        this.wall = wall;
        this.events = events;
        this.thread = Thread.ofPlatform().name("silence-news").daemon().unstarted(this::tellUntilStopped);
    }

    void start(SilenceWatch silence, LeakWatch leaks) {
        watches = new Watches(silence, leaks);
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
        Watches watched = watches;
        if (watched == null) {
            return false;
        }
        boolean told = false;
        for (Breach breach : watched.silence.breaches()) {
            if (isNews(toldBreaches, breach.nic(), breach.frames())) {
                tell(ProxyEvent.SILENCE_BROKEN, write(breach, Json.object()));
                told = true;
            }
        }
        for (Leak leak : watched.leaks.leaks()) {
            if (isNews(toldLeaks, leak.nic(), leak.frames())) {
                tell(ProxyEvent.ADDRESS_LEAK, write(leak, Json.object()));
                told = true;
            }
        }
        return told;
    }

    private static boolean isNews(Map<String, Long> told, String nic, long frames) {
        Long before = told.put(nic, frames);
        return before == null || frames > before;
    }

    private void tell(ProxyEvent event, ObjectNode data) {
        events.emit(event, data.put("state", wall.state().name()));
    }

    static void writeBreaches(List<Breach> breaches, ArrayNode array) {
        breaches.forEach(breach -> write(breach, array.addObject()));
    }

    static void writeLeaks(List<Leak> leaks, ArrayNode array) {
        leaks.forEach(leak -> write(leak, array.addObject()));
    }

    private static ObjectNode write(Leak leak, ObjectNode object) {
        object.put("nic", leak.nic())
                .put("kind", leak.kind().label())
                .put("address", leak.address())
                .put("source", leak.source().toString());
        ArrayNode vlan = object.putArray("vlan");
        leak.tags().forEach(tag -> vlan.add(tag.toString()));
        return object.put("frames", leak.frames()).put("last_nanos", leak.lastNanos());
    }

    private static ObjectNode write(Breach breach, ObjectNode object) {
        return object.put("nic", breach.nic())
                .put("frames", breach.frames())
                .put("last_source", breach.lastSource().toString())
                .put("last_nanos", breach.lastNanos());
    }
}
