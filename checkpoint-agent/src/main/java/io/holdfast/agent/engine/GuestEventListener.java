package io.holdfast.agent.engine;

/** Is told what the guest or its hypervisor did by itself. */
@FunctionalInterface
public interface GuestEventListener {

    /** What can happen. */
    enum GuestEvent {
        /** The guest powered itself off. A hypervisor that somebody ends is {@link #HYPERVISOR_GONE}. */
        SHUTDOWN,
        /** The guest rebooted. */
        RESET,
        /** The guest's kernel reported a panic. */
        PANICKED,
        /** The hypervisor process is gone, or speaks to us no more; {@link CheckpointEngine#kill} makes sure. */
        HYPERVISOR_GONE
    }

    void onGuestEvent(GuestEvent event);
}
