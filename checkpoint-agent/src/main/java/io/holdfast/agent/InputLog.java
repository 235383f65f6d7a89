package io.holdfast.agent;

import io.holdfast.control.ClientFrame;
import io.holdfast.measure.Counter;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.List;

/**
 * What clients have sent to the primary's guest and its newest confirmed checkpoint may not contain. A backup that takes over
 * gives it to the restored guest, so that clients need not find out by their timers that they must send again.
 *
 * <p>A frame that was handed to the guest in one epoch may reach it in the next, because it waits while the guest is paused.
 * So what is confirmed is kept for one epoch more. Segments of TCP do no harm if they come twice (RFC 9293, 3.10.7.4); of
 * other protocols the operator must know it.
 *
 * <p>The primary's proxy drops the newest where it has no room, because it may not wait; here, where the frames of several
 * epochs are, the oldest go first.
 *
 * <p><b>Threads.</b> Any.
 */
final class InputLog {

    private final long limitBytes;
    private final Counter droppedFrames;
    private final Deque<ClientFrame> frames = new ArrayDeque<>();
    private long bytes;

    /**
     * An empty one.
     *
     * @param limitBytes of frames that are kept; beyond it the oldest are dropped
     * @param droppedFrames counts them
     */
    InputLog(long limitBytes, Counter droppedFrames) {
        this.limitBytes = limitBytes;
        this.droppedFrames = droppedFrames;
    }

    synchronized void add(ClientFrame frame) {
        frames.addLast(frame);
        bytes += frame.bytes().length;
        while (bytes > limitBytes) {
            removeFirst();
            droppedFrames.increment();
        }
    }

    /** Forgets what the checkpoint that ends {@code epoch} contains. */
    synchronized void onConfirmed(long epoch) {
        while (!frames.isEmpty() && frames.getFirst().stamp() < epoch) {
            removeFirst();
        }
    }

    /** Hands everything over, in order of arrival, and forgets it. */
    synchronized List<ClientFrame> take() {
        List<ClientFrame> all = new ArrayList<>(frames);
        clear();
        return all;
    }

    /** For another primary, or another life of it. */
    synchronized void clear() {
        frames.clear();
        bytes = 0;
    }

    synchronized int frames() {
        return frames.size();
    }

    synchronized long bytes() {
        return bytes;
    }

    private void removeFirst() {
        bytes -= frames.removeFirst().bytes().length;
    }
}
