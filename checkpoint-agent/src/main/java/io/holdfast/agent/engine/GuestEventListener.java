package io.holdfast.agent.engine;

/** Is told what the guest or its hypervisor did by itself. */
@FunctionalInterface
public interface GuestEventListener {

    /** What can happen. */
    enum GuestEvent {
        /** The guest powered itself off, or was told to. */
        SHUTDOWN,
        /** The guest rebooted. */
        RESET,
        /** The guest's kernel reported a panic. */
        PANICKED,
        /** The hypervisor process is gone. */
        HYPERVISOR_GONE
    }

    void onGuestEvent(GuestEvent event);
}
