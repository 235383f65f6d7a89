package io.holdfast.cli.proxy;

import io.holdfast.arp.AddressBook;
import io.holdfast.arp.LeakWatch;
import io.holdfast.port.Departures;
import io.holdfast.port.PortException;
import io.holdfast.wall.BufferWall;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.locks.LockSupport;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Listens to what this host itself sends on the uplinks, while the wall is shut (INV-9), and shows it to a {@link LeakWatch}.
 * Ten times a second is enough, because what is said once need not be noticed, and what a host answers it answers again. While
 * the wall is open it listens to nothing, so that the packet path does not pay for it.
 *
 * <p>What this proxy itself has sent while the wall was open must not be taken for a leak when it is shut again. So
 * listening begins anew after each change of the wall's state, and not before the last frames are out.
 *
 * <p><b>Threads.</b> One of its own. {@link #onWallChange} is the command thread's, and does not block.
 */
final class UplinkListener implements AutoCloseable {

    private static final long LOOK_NANOS = 100_000_000;

    /** An interface that is gone takes its proxy along; another error may pass. */
    private static final int LOOKS_UNTIL_NEXT_ATTEMPT = 100;

    private static final Logger LOG = LoggerFactory.getLogger(UplinkListener.class);

    private final BufferWall wall;
    private final Map<String, String> uplinks;
    private final LeakWatch watch;
    private final Thread thread;
    private volatile boolean changed = true;
    private volatile boolean stopping;

    /** Of the thread. */
    private final List<Listening> listening = new ArrayList<>();

    private int looksToWait;

    private record Listening(LeakWatch.Ear ear, Departures departures) {}

    /**
     * A listener that has yet to start.
     *
     * @param uplinks the interface of each NIC
     * @param onNews see {@link LeakWatch}
     */
    UplinkListener(BufferWall wall, Map<String, String> uplinks, AddressBook book, Runnable onNews) {
        this.wall = wall;
        this.uplinks = Map.copyOf(uplinks);
        this.watch = new LeakWatch(book, this::mustBeSilent, System::nanoTime, onNews);
        this.thread = Thread.ofPlatform().name("uplink-listener").daemon().unstarted(this::listenUntilStopped);
    }

    /** What was heard. */
    LeakWatch watch() {
        return watch;
    }

    void start() {
        thread.start();
    }

    /** To be called when the wall's state has changed, before anything leaves that it allows. */
    void onWallChange() {
        changed = true;
    }

    @Override
    public void close() throws InterruptedException {
        stopping = true;
        LockSupport.unpark(thread);
        thread.join();
    }

    private boolean mustBeSilent() {
        return !changed && !wall.state().admitsInput();
    }

    private void listenUntilStopped() {
        while (!stopping) {
            look();
            LockSupport.parkNanos(LOOK_NANOS);
        }
        stopListening();
    }

    private void look() {
        if (changed || wall.state().admitsInput()) {
            changed = false;
            stopListening();
        } else if (!listening.isEmpty()) {
            listening.forEach(uplink -> uplink.departures.drain((memory, offsetBytes, lengthBytes, kernelEpochNanos) ->
                    uplink.ear.onFrame(memory, offsetBytes, lengthBytes)));
        } else if (--looksToWait <= 0) {
            startListening();
        }
    }

    private void startListening() {
        try {
            for (Map.Entry<String, String> uplink : uplinks.entrySet()) {
                listening.add(new Listening(watch.ear(uplink.getKey()), Departures.from(uplink.getValue())));
            }
        } catch (PortException e) {
            LOG.warn("whether this host speaks as the guest is not known: {}", e.getMessage());
            looksToWait = LOOKS_UNTIL_NEXT_ATTEMPT;
            stopListening();
        }
    }

    private void stopListening() {
        listening.forEach(uplink -> uplink.departures.close());
        listening.clear();
    }
}
