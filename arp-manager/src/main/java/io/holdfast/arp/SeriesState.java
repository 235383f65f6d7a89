package io.holdfast.arp;

/** Where the announcements of one NIC are. Every state but {@link #READY} can be left by starting anew. */
public enum SeriesState {
    /** Never started; nothing was sent (INV-9). */
    READY,
    /** Rounds are sent as they become due. */
    RUNNING,
    /** The schedule has an end and has reached it. */
    COMPLETED,
    /** Somebody said stop. */
    CANCELLED,
    /** The guest turned out not to be this host's when a frame was due (INV-10). */
    NOT_OWNER,
    /** The sender, or whoever knows the owner, threw. */
    FAILED
}
