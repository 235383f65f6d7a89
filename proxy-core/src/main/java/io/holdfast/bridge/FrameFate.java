package io.holdfast.bridge;

/** What a lane does with a frame that it has captured. */
public enum FrameFate {
    /** Of the guest; waits behind the wall for the frontier. */
    HELD(0),
    /** Of the guest; leaves at once, because the wall is ALONE or never holds. */
    PASSED(1),
    /** Of the guest; leaves at once, because the operator exempted it. */
    EXEMPT(2),
    /** Of the guest; never leaves, because the wall is CLOSED or SEALED. */
    DISCARDED(3),
    /** Of the guest; never leaves, because the wall is full. */
    DROPPED_AT_LIMIT(4),
    /** For the guest, which gets it. */
    DELIVERED(5),
    /** For the guest, which does not get it, because the wall is CLOSED or SEALED. */
    SHUT_OUT(6);

    private final int tag;

    FrameFate(int tag) {
        this.tag = tag;
    }

    /** Stands for it in a {@link io.holdfast.frame.FrameRing}; 0 and up. */
    public int tag() {
        return tag;
    }
}
