package io.holdfast.arp;

import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.concurrent.Future;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.ScheduledThreadPoolExecutor;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Runs an {@link Announcer} on a thread of its own.
 *
 * <p><b>Threads.</b> Any thread may call; each call waits until the announcer's thread has taken it. So no frame of a series
 * leaves after {@link #cancel}, {@link #cancelAll} or {@link #close} have returned.
 */
public final class AnnouncerThread implements AutoCloseable {

    private static final Logger LOG = LoggerFactory.getLogger(AnnouncerThread.class);

    private final Announcer announcer;
    private final ScheduledThreadPoolExecutor executor;

    /** Whether what the followed book knows is going to be looked at. */
    private final AtomicBoolean willCatchUp = new AtomicBoolean();

    /** The tick that was scheduled last. Only on the announcer's thread. */
    private @Nullable Future<?> nextTick;

    /** Starts the thread; nothing is announced yet. From now on the announcer belongs to it. */
    public AnnouncerThread(Announcer announcer) {
        this.announcer = announcer;
        this.executor = new ScheduledThreadPoolExecutor(1, task -> {
            Thread thread = new Thread(task, "holdfast-announcer");
            thread.setDaemon(true);
            return thread;
        });
        executor.setRemoveOnCancelPolicy(true);
        executor.setExecuteExistingDelayedTasksAfterShutdownPolicy(false);
    }

    /**
     * From now on every running series says what this book knows of its NIC, and what it learns, without delay. Whoever
     * teaches the book is not kept waiting.
     */
    public void follow(AddressBook book) {
        book.onChange(() -> {
            if (!willCatchUp.getAndSet(true)) {
                catchUpSoon(book);
            }
        });
    }

    private void catchUpSoon(AddressBook book) {
        try {
            executor.execute(() -> {
                willCatchUp.set(false); // First: what is learned meanwhile is looked at once more.
                GuestAddresses known = book.snapshot();
                book.nics().forEach(nic -> announcer.update(known.nic(nic)));
                scheduleTick();
            });
        } catch (RejectedExecutionException e) {
            LOG.debug("announcing has ended, so what the guest is known by from now on is not announced", e);
        }
    }

    /** See {@link Announcer#start}; the first frames leave without delay. */
    public void start(GuestAddresses.Nic addresses) {
        if (addresses.stations().isEmpty()) {
            LOG.warn("Nothing is known of NIC {}, so there is nothing to announce", addresses.name());
        }
        onThread(() -> {
            announcer.start(addresses, System.nanoTime());
            return true;
        });
    }

    /** See {@link Announcer#update}. */
    public boolean update(GuestAddresses.Nic addresses) {
        return onThread(() -> announcer.update(addresses));
    }

    /** See {@link Announcer#cancel}. */
    public void cancel(String nic) {
        onThread(() -> {
            announcer.cancel(nic);
            return true;
        });
    }

    /** See {@link Announcer#cancelAll}. */
    public void cancelAll() {
        onThread(() -> {
            announcer.cancelAll();
            return true;
        });
    }

    /** See {@link Announcer#status}. */
    public List<SeriesStatus> status() {
        return onThread(announcer::status);
    }

    /** Ends every series and the thread. Idempotent. */
    @Override
    public void close() {
        if (!executor.isShutdown()) {
            cancelAll();
            executor.shutdown();
        }
    }

    private <T> T onThread(Supplier<T> call) {
        try {
            return CompletableFuture.supplyAsync(
                            () -> {
                                T result = call.get();
                                scheduleTick();
                                return result;
                            },
                            executor)
                    .join();
        } catch (CompletionException e) {
            if (e.getCause() instanceof RuntimeException cause) {
                throw cause;
            }
            throw e;
        }
    }

    private void tick() {
        try {
            announcer.onTick(System.nanoTime());
        } catch (RuntimeException e) {
            LOG.error("Announcing has failed and is over for these NICs: {}", announcer.status(), e);
        }
        scheduleTick();
    }

    private void scheduleTick() {
        if (nextTick != null) {
            nextTick.cancel(false);
        }
        long delayNanos = announcer.nanosUntilDue(System.nanoTime());
        nextTick = delayNanos == AnnounceSchedule.NEVER
                ? null
                : executor.schedule(this::tick, delayNanos, TimeUnit.NANOSECONDS);
    }
}
