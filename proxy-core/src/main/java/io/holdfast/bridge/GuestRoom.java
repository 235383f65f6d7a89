package io.holdfast.bridge;

import io.holdfast.port.FramePort;
import io.holdfast.port.LeftFrames;

/**
 * How many frames may be given to a guest that perhaps does not fetch any: one that is still being restored. They wait in its
 * tap, whose queue drops silently what finds it full. So only a few are given ahead, and then as many as the guest has fetched.
 *
 * <p><b>Threads.</b> One at a time.
 */
final class GuestRoom {

    /** Half of the shortest queue that a tap is given by default, because clients send new frames at the same time. */
    static final int AHEAD_FRAMES = 256;

    private final FramePort port;
    private final LeftFrames left;
    /** Frames that waited before, or whatever else the two counts differ by. */
    private final long baseFrames;
    /** How many more there is certainly room for. */
    private long roomFrames;

    GuestRoom(FramePort port) {
        this.port = port;
        this.left = new LeftFrames(port.interfaceName());
        this.baseFrames = port.counters().sentFrames() - left.count();
    }

    /** Takes room for one frame; false if there is none now. */
    boolean take() {
        if (roomFrames <= 0) {
            roomFrames = AHEAD_FRAMES - (port.counters().sentFrames() - left.count() - baseFrames);
        }
        if (roomFrames <= 0) {
            return false;
        }
        roomFrames--;
        return true;
    }
}
