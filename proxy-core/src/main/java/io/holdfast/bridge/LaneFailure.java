package io.holdfast.bridge;

/** Is told that a lane's thread has ended without being asked to. The bridge no longer carries everything. */
@FunctionalInterface
public interface LaneFailure {

    void onLaneFailure(String lane, Throwable cause);
}
