package io.holdfast.cli.service;

import io.holdfast.measure.Pulse;
import java.io.IOException;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.locks.LockSupport;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Keeps the service manager that has started this process, if one has, informed: that it is ready, what it does, and, for the
 * manager's watchdog, that every thread of its still goes round (systemd.service(5), {@code Type=notify}).
 *
 * <p><b>Threads.</b> One of its own looks at the process. It does not matter if it hangs: then it says nothing, either.
 */
public final class ServiceManager implements AutoCloseable {

    private static final Logger LOG = LoggerFactory.getLogger(ServiceManager.class);

    /** Until the process is ready, because somebody waits for that. */
    private static final long FIRST_LOOKS_NANOS = Duration.ofMillis(100).toNanos();

    private static final long LOOK_NANOS = Duration.ofSeconds(2).toNanos();

    /** A sign of life may be late, or lost, without harm. */
    private static final int LOOKS_PER_WATCHDOG = 3;

    private static final long CLOSE_LIMIT_MILLIS = 1_000;

    private final @Nullable NotifySocket socket;
    private final Notices notices;
    private final Supplier<List<Pulse>> pulses;
    private final Supplier<String> summary;
    private final long lookNanos;
    private final Thread thread;
    private volatile boolean stopping;

    private ServiceManager(
            @Nullable NotifySocket socket,
            Optional<Duration> watchdog,
            Supplier<List<Pulse>> pulses,
            Supplier<String> summary) {
        this.socket = socket;
        this.notices = new Notices(watchdog.isPresent());
        this.pulses = pulses;
        this.summary = summary;
        this.lookNanos = lookNanos(watchdog);
        this.thread = Thread.ofPlatform().name("service-manager").daemon().unstarted(this::inform);
    }

    /**
     * Begins to inform the manager that the environment names; does nothing if it names none.
     *
     * @param environment with {@code NOTIFY_SOCKET}, {@code WATCHDOG_USEC} and {@code WATCHDOG_PID}, of which each may be missing
     * @param pulses of all threads without which the process is no use
     * @param summary what the process does, in one line
     */
    public static ServiceManager inform(
            Map<String, String> environment, Supplier<List<Pulse>> pulses, Supplier<String> summary) {
        ServiceManager manager = new ServiceManager(socket(environment), watchdog(environment), pulses, summary);
        if (manager.socket != null) {
            manager.thread.start();
        }
        return manager;
    }

    private static @Nullable NotifySocket socket(Map<String, String> environment) {
        String name = environment.getOrDefault("NOTIFY_SOCKET", "");
        if (name.isEmpty()) {
            return null;
        }
        try {
            return NotifySocket.to(name);
        } catch (IOException e) {
            LOG.warn("the service manager is told nothing: {}", e.getMessage());
            return null;
        }
    }

    /** How long the manager waits for a sign of life; empty if it does not, or not for this process (sd_watchdog_enabled(3)). */
    static Optional<Duration> watchdog(Map<String, String> environment) {
        String limit = environment.getOrDefault("WATCHDOG_USEC", "");
        String process = environment.getOrDefault(
                "WATCHDOG_PID", Long.toString(ProcessHandle.current().pid()));
        if (!limit.matches("[0-9]{1,15}")
                || !process.equals(Long.toString(ProcessHandle.current().pid()))) {
            return Optional.empty();
        }
        Duration watchdog = Duration.ofNanos(Long.parseLong(limit) * 1_000);
        return watchdog.isZero() ? Optional.empty() : Optional.of(watchdog);
    }

    /** From one look at a process that is ready to the next. */
    static long lookNanos(Optional<Duration> watchdog) {
        return watchdog.map(limit -> Math.min(LOOK_NANOS, limit.toNanos() / LOOKS_PER_WATCHDOG))
                .orElse(LOOK_NANOS);
    }

    private void inform() {
        while (!stopping) {
            look();
            LockSupport.parkNanos(notices.isReady() ? lookNanos : Math.min(lookNanos, FIRST_LOOKS_NANOS));
        }
    }

    private void look() {
        List<String> hungBefore = notices.hanging();
        boolean wasReady = notices.isReady();
        String lines = notices.next(pulses.get(), summary.get());
        if (wasReady && !notices.hanging().isEmpty() && !notices.hanging().equals(hungBefore)) {
            LOG.error("hangs: {}", notices.hanging());
        }
        if (!stopping && !lines.isEmpty()) {
            send(lines);
        }
    }

    /** Tells the manager that the process ends, and nothing any more. Idempotent. */
    @Override
    public void close() {
        if (stopping || socket == null) {
            return;
        }
        stopping = true;
        LockSupport.unpark(thread);
        send("STOPPING=1");
        try {
            thread.join(CLOSE_LIMIT_MILLIS);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
        if (!thread.isAlive()) {
            socket.close();
        }
    }

    private void send(String lines) {
        if (socket == null) {
            return;
        }
        try {
            socket.send(lines);
        } catch (IOException e) {
            LOG.warn("the service manager was not told {}: {}", lines.replace('\n', ' '), e.getMessage());
        }
    }
}
