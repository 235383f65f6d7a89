package io.holdfast.agent;

import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.TimeUnit;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * A thread that does, in order, what may block; it reports to the conductor.
 *
 * <p>A task that fails with an exception is logged, and the next one comes. An {@link Error} goes on to the thread's
 * handler of uncaught ones, and with it the agent ends (see {@link HoldfastAgent}).
 */
final class Worker implements AutoCloseable {

    private static final Logger log = LoggerFactory.getLogger(Worker.class);
    private static final long END_LIMIT_SECONDS = 5;

    private final ExecutorService executor;

    Worker(String name) {
        executor = Executors.newSingleThreadExecutor(task -> {
            Thread thread = new Thread(task, name);
            thread.setDaemon(true);
            return thread;
        });
    }

    /** Runs {@code task} after all before it. Any thread. */
    void run(Runnable task) {
        try {
            executor.execute(() -> {
                try {
                    task.run();
                } catch (RuntimeException e) {
                    log.error("a task could not be carried out", e);
                } catch (Error e) {
                    log.error("a task could not be carried out, and the agent cannot go on", e);
                    throw e;
                }
            });
        } catch (RejectedExecutionException e) {
            log.debug("a task came after the end", e);
        }
    }

    /** Lets what was given be done, within a limit, and takes nothing more. */
    @Override
    public void close() {
        executor.shutdown();
        try {
            if (!executor.awaitTermination(END_LIMIT_SECONDS, TimeUnit.SECONDS)) {
                executor.shutdownNow();
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }
}
