package io.holdfast.agent;

import io.holdfast.control.CommandException;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.ScheduledThreadPoolExecutor;
import java.util.concurrent.TimeUnit;
import java.util.function.Consumer;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The one thread on which an agent's decisions are made; what blocks for long runs elsewhere and reports here.
 *
 * <p>An event that fails with an exception is logged, and the next one comes. After an {@link Error} nobody knows what is
 * true any more: the agent is told, and ends.
 */
@SuppressWarnings("FutureReturnValueIgnored") // What fails is logged where it runs.
final class Conductor implements AutoCloseable {

    private static final Logger log = LoggerFactory.getLogger(Conductor.class);

    private final ScheduledThreadPoolExecutor executor;
    private final Consumer<Error> onError;

    /** @param onError called on the conductor's thread; must not block */
    Conductor(String name, Consumer<Error> onError) {
        this.onError = onError;
        executor = new ScheduledThreadPoolExecutor(1, task -> {
            Thread thread = new Thread(task, name);
            thread.setDaemon(true);
            return thread;
        });
        executor.setExecuteExistingDelayedTasksAfterShutdownPolicy(false);
        executor.setContinueExistingPeriodicTasksAfterShutdownPolicy(false);
    }

    /** Runs {@code event} after all that were posted before it. Any thread. */
    void post(Runnable event) {
        try {
            executor.execute(guarded(event));
        } catch (RejectedExecutionException e) {
            log.debug("an event came after the end", e);
        }
    }

    /** Runs {@code event} later, once. */
    void postAfter(long delayMillis, Runnable event) {
        postAfterNanos(TimeUnit.MILLISECONDS.toNanos(delayMillis), event);
    }

    /** Likewise. */
    void postAfterNanos(long delayNanos, Runnable event) {
        try {
            executor.schedule(guarded(event), delayNanos, TimeUnit.NANOSECONDS);
        } catch (RejectedExecutionException e) {
            log.debug("an event came after the end", e);
        }
    }

    /** Runs {@code event} again and again. */
    void postEvery(long intervalNanos, Runnable event) {
        executor.scheduleAtFixedRate(guarded(event), intervalNanos, intervalNanos, TimeUnit.NANOSECONDS);
    }

    /** What somebody has asked for. */
    interface Command {
        void run() throws CommandException;
    }

    /**
     * Runs {@code command} after all that was posted before it, and waits for its end. Any thread but the conductor's.
     *
     * @param limitMillis how long to wait; the command is carried out all the same
     * @throws CommandException why it was refused, or that nobody knows yet what became of it
     */
    void carryOut(Command command, long limitMillis) throws CommandException {
        CompletableFuture<Optional<CommandException>> done = new CompletableFuture<>();
        post(() -> {
            try {
                command.run();
                done.complete(Optional.empty());
            } catch (CommandException e) {
                done.complete(Optional.of(e));
            } catch (RuntimeException e) {
                done.completeExceptionally(e);
                throw e;
            }
        });
        // What has begun may be irrevocable, and wait only for something that hangs.
        Optional<CommandException> refusal = done.completeOnTimeout(
                        Optional.of(new CommandException(
                                CommandException.INTERNAL_ERROR,
                                "not finished within %d ms, so it may be done, or come yet: see `holdfast status` before you repeat it"
                                        .formatted(limitMillis))),
                        limitMillis,
                        TimeUnit.MILLISECONDS)
                .join();
        if (refusal.isPresent()) {
            throw refusal.get();
        }
    }

    private Runnable guarded(Runnable event) {
        return () -> {
            try {
                event.run();
            } catch (RuntimeException e) {
                log.error("an event could not be handled", e);
            } catch (Error e) {
                log.error("an event could not be handled, and the agent cannot go on", e);
                onError.accept(e);
            }
        };
    }

    /** Drops what has not begun. */
    @Override
    public void close() {
        executor.shutdownNow();
    }

    boolean awaitEnd(long limitMillis) throws InterruptedException {
        return executor.awaitTermination(limitMillis, TimeUnit.MILLISECONDS);
    }
}
