package io.holdfast.config;

/** What happens to the guest's frames until the first full checkpoint is confirmed. */
public enum ArmingPolicy {
    /** They are held: no client sees output that no backup has. */
    HOLD,
    /** They pass unprotected: for a guest that was already serving. */
    PASS
}
