package io.holdfast.wall;

/** What a wall does with the guest's output, in one word; the same word in code, metrics, logs and status. */
public enum WallState {
    /** Nobody owns this wall yet; also every backup before its promotion. Nothing leaves, nothing enters. */
    CLOSED(false),
    /** An engine owns the wall and the first complete checkpoint is not yet confirmed. Nothing more leaves. */
    ARMING(true),
    /** Frames leave when the backup has confirmed the checkpoint that ends their epoch. */
    PROTECTED(true),
    /** The backup or the engine is lost. Nothing leaves until it is back, or somebody with the right to says so. */
    SUSPENDED(true),
    /** Unprotected by right: frames leave at once. */
    ALONE(true),
    /** Fenced: this term is over. Nothing of it ever leaves again. */
    SEALED(false);

    private final boolean admitsInput;

    WallState(boolean admitsInput) {
        this.admitsInput = admitsInput;
    }

    /** Whether frames from the uplink may reach the guest (INV-9: not before promotion, not after a seal). */
    public boolean admitsInput() {
        return admitsInput;
    }
}
