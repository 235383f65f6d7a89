package io.holdfast.wall;

/**
 * Numbers of epochs. An epoch is what the guest executes between two checkpoints; checkpoint <i>k</i> is the state that
 * ends epoch <i>k</i>. Numbers grow by one, are never reused within a guest's life and travel as plain {@code long}s,
 * because one is read for every frame.
 */
public final class Epoch {

    /** No epoch: a frontier that has released nothing, a backup that has confirmed nothing. */
    public static final long NONE = 0;

    /** The first one. */
    public static final long FIRST = 1;

    /** Beyond every epoch: a frontier that lets everything pass. */
    public static final long ALL = Long.MAX_VALUE;

    private Epoch() {}
}
