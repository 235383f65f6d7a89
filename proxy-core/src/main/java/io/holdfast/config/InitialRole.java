package io.holdfast.config;

/** What a host is at its very first start; afterwards the term on disk decides. */
public enum InitialRole {
    /** Runs the guest and ships checkpoints. */
    PRIMARY,
    /** Receives checkpoints and waits. */
    BACKUP
}
