package io.holdfast.bridge;

/** What has become of a frame that the restored guest was to get. */
public enum InjectionOutcome {
    /** The kernel has it, for the guest. */
    GIVEN,
    /** The kernel had no room for it; the next attempt may succeed. */
    NO_ROOM,
    /** The wall admits no input (INV-9), or the bridge has ended. */
    SHUT_OUT,
    /** There is no such NIC, or its port cannot carry the frame as the other host's port has left it. */
    UNFIT
}
