package io.holdfast.config;

/** Where an agent finds the wall that it drives. */
public enum WallPlace {
    /** On its own host, beside the guest or inline. */
    LOCAL,
    /**
     * Beside the other agent, inline: commands go over the replication link. A proxy of this host stands by, until the
     * other host is dead and an operator says so.
     */
    PEER
}
