package io.holdfast.config;

/** Who says which host may own the guest when the two do not hear each other. */
public enum ArbiterKind {
    /** Nobody: with two hosts alone nobody can be both safe and available, and this is the safe choice. */
    NONE,
    /** A cluster of etcd. */
    ETCD,
    /** A command with the contract of DRBD's fence-peer handlers. */
    EXEC
}
