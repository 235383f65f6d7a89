package io.holdfast.agent.engine;

import com.fasterxml.jackson.databind.JsonNode;
import io.holdfast.agent.engine.GuestEventListener.GuestEvent;
import java.util.ArrayDeque;
import java.util.Queue;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Translates QEMU's events into the guest's, in order and on a thread of its own, so that a listener may give commands.
 * What happens before there is a listener is kept for the first one.
 *
 * <p><b>Threads.</b> Every method may be called by any thread.
 */
final class QemuEvents implements QmpClient.Listener, AutoCloseable {

    private static final Logger LOG = LoggerFactory.getLogger(QemuEvents.class);

    private final Queue<GuestEvent> undelivered = new ArrayDeque<>();
    private @Nullable GuestEventListener listener;
    private boolean closed;

    QemuEvents() {
        Thread.ofPlatform().daemon().name("guest-events").start(this::deliver);
    }

    synchronized void deliverTo(GuestEventListener newListener) {
        listener = newListener;
        notifyAll();
    }

    /**
     * SHUTDOWN counts only if it comes from inside the guest: if QEMU is told to end by a signal or by {@code quit}, that
     * is a hypervisor that goes away. POWERDOWN is a request to the guest, which may ignore it.
     */
    @Override
    public void onEvent(String name, JsonNode data) {
        switch (name) {
            case "SHUTDOWN" -> {
                if (data.path("guest").asBoolean()) {
                    add(GuestEvent.SHUTDOWN);
                }
            }
            case "RESET" -> add(GuestEvent.RESET);
            case "GUEST_PANICKED" -> add(GuestEvent.PANICKED);
            default -> LOG.debug("QEMU event {} {}", name, data);
        }
    }

    /** Reports what a guest has been through before anyone was connected, told by the state in which it is found. */
    void onFoundInState(String runState) {
        switch (runState) {
            case "shutdown" -> add(GuestEvent.SHUTDOWN);
            case "guest-panicked" -> add(GuestEvent.PANICKED);
            default -> {}
        }
    }

    @Override
    public void onLost(String reason) {
        LOG.warn("lost QEMU: {}", reason);
        add(GuestEvent.HYPERVISOR_GONE);
    }

    @Override
    public synchronized void close() {
        closed = true;
        notifyAll();
    }

    private synchronized void add(GuestEvent event) {
        undelivered.add(event);
        notifyAll();
    }

    private void deliver() {
        try {
            while (true) {
                GuestEvent event;
                GuestEventListener to;
                synchronized (this) {
                    while (!closed && (undelivered.isEmpty() || listener == null)) {
                        wait();
                    }
                    if (closed) {
                        return;
                    }
                    event = undelivered.remove();
                    to = listener;
                }
                tell(to, event);
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }

    private static void tell(@Nullable GuestEventListener listener, GuestEvent event) {
        if (listener == null) {
            return;
        }
        try {
            listener.onGuestEvent(event);
        } catch (RuntimeException e) {
            LOG.error("the listener failed on {}; later events still come", event, e);
        }
    }
}
