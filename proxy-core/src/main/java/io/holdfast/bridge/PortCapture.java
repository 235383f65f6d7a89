package io.holdfast.bridge;

import io.holdfast.measure.Pulse;
import io.holdfast.port.FramePort;
import io.holdfast.port.FrameSink;

/** The thread that takes frames from one port, and gives them to a lane. */
final class PortCapture {

    private final FramePort port;
    private final Thread thread;

    PortCapture(String direction, FramePort port, FrameSink sink, LaneFailure onFailure) {
        this.port = port;
        this.thread = LaneThread.of(direction + "-" + port.interfaceName(), () -> port.capture(sink), onFailure);
    }

    void start() {
        thread.start();
    }

    Pulse pulse() {
        return port.capturePulse();
    }

    /** @return whether the thread has ended, so that what it uses may be freed */
    boolean stop() throws InterruptedException {
        port.stopCapture();
        thread.join(LaneThread.JOIN_MILLIS);
        return !thread.isAlive();
    }
}
