package io.holdfast.bridge;

/** Hears on a capture thread that the wall should be relieved; must not block. */
@FunctionalInterface
public interface PressureListener {

    /** A frame is above the high-water mark; called for each. */
    void onHighWater();

    /** The first frame of an epoch is held. */
    default void onOutputHeld() {}
}
