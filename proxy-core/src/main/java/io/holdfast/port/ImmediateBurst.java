package io.holdfast.port;

import java.lang.foreign.MemorySegment;

/** For ports that cannot send several frames at once: each leaves when it is added. */
record ImmediateBurst(FramePort port) implements FrameBurst {

    @Override
    public void add(MemorySegment memory, long offsetBytes, int lengthBytes) {
        port.send(memory, offsetBytes, lengthBytes);
    }

    @Override
    public boolean isFull() {
        return false;
    }

    @Override
    public void flush() {
        // Nothing waits.
    }

    @Override
    public void drop() {
        // Nothing waits.
    }
}
