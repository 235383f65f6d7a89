package io.holdfast.config;

/** What the agent has the wall do with the guest's frames until a backup has confirmed the first full checkpoint. */
public enum ArmingPolicy {
    /** They are held: no client sees output that no backup has. */
    HOLD,
    /** They pass, because the agent opens the wall (ALONE): for a guest that was already serving. */
    PASS
}
