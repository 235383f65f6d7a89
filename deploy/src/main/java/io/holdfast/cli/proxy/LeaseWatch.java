package io.holdfast.cli.proxy;

import io.holdfast.wall.BufferWall;
import java.util.concurrent.Executor;
import java.util.concurrent.locks.LockSupport;

/**
 * Notices that the lease on which a wall is ALONE has run out, though nobody gives a command any more (INV-6). What leaves is
 * not its business: the lanes ask for themselves, so that nothing depends on this thread being in time.
 *
 * <p><b>Threads.</b> One of its own, which only looks; the wall is sealed on the command thread.
 */
final class LeaseWatch implements AutoCloseable {

    private static final long LOOK_NANOS = 10_000_000;

    private final BufferWall wall;
    private final Executor commandThread;
    private final Runnable onEnd;
    private final Thread thread;
    private volatile boolean stopping;

    private LeaseWatch(BufferWall wall, Executor commandThread, Runnable onEnd) {
        this.wall = wall;
        this.commandThread = commandThread;
        this.onEnd = onEnd;
        this.thread = Thread.ofPlatform().name("lease-watch").daemon().unstarted(this::watch);
    }

    /** @param onEnd called on the command thread, perhaps more than once for one end */
    static LeaseWatch start(BufferWall wall, Executor commandThread, Runnable onEnd) {
        LeaseWatch watch = new LeaseWatch(wall, commandThread, onEnd);
        watch.thread.start();
        return watch;
    }

    private void watch() {
        while (!stopping) {
            if (wall.isLeaseOver(System.nanoTime())) {
                commandThread.execute(onEnd);
            }
            LockSupport.parkNanos(LOOK_NANOS);
        }
    }

    @Override
    public void close() {
        stopping = true;
        LockSupport.unpark(thread);
    }
}
