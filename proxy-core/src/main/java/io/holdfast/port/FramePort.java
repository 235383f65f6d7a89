package io.holdfast.port;

import io.holdfast.measure.Pulse;
import java.lang.foreign.MemorySegment;

/**
 * One network interface, seen as a source and a sink of whole layer 2 frames.
 *
 * <p>A port captures only what arrives from outside the interface's own host side (for a tap: what the guest sent); it
 * never sees what it sent itself. A frame that cannot be carried whole is never handed on truncated: it is dropped and
 * counted.
 *
 * <p><b>Threads.</b> {@link #capture} runs on one thread of the caller's and blocks it. {@link #send} may be called by
 * several threads at once, at the same time as {@code capture}: released, exempted and announced frames come from
 * different ones. {@link #stopCapture}, {@link #isDrained}, {@link #capturePulse} and {@link #counters} may be called by any thread.
 */
public interface FramePort extends AutoCloseable {

    /** The interface's name, such as {@code tap0}. */
    String interfaceName();

    /** The largest frame that {@link #send} takes, in bytes, layer 2 header included, FCS not. */
    int maxFrameBytes();

    /**
     * How many bytes in front of a frame belong to it: what the kernel says of a frame that it delivers, and wants to be
     * told of one that it sends. A frame goes from one port to another with its prefix, so both must have the same.
     *
     * @return 0, or the length of {@code struct virtio_net_hdr}
     */
    int prefixBytes();

    /**
     * Hands every captured frame to {@code sink}, on the calling thread, until {@link #stopCapture} is called.
     *
     * @throws PortException if the interface fails or the sink throws; no further frame is handed out
     */
    void capture(FrameSink sink) throws PortException;

    /** Makes {@link #capture} return soon. Idempotent; also effective if capture has not begun yet. */
    void stopCapture();

    /**
     * Sends one captured frame; waits, for some milliseconds at most, if the kernel's buffer is full.
     *
     * @param memory outside the heap if the port has a prefix
     * @param offsetBytes where the frame begins; its prefix stands directly before
     * @return false if the kernel refused this frame; it is counted as a send error and gone
     */
    boolean send(MemorySegment memory, long offsetBytes, int lengthBytes);

    /** For a thread that sends many captured frames. Only while the port is open. */
    default FrameBurst newBurst() {
        return new ImmediateBurst(this);
    }

    /** Sends one frame that was made here: complete, and without a prefix. Otherwise as {@link #send}. */
    boolean sendPlain(MemorySegment memory, long offsetBytes, int lengthBytes);

    /**
     * Whether every frame that the kernel had accepted for this port at the time of the call has been handed to the sink
     * or counted as dropped. The answer "no" may be spurious, the answer "yes" may not (INV-2).
     */
    boolean isDrained();

    /**
     * Whether the thread in {@link #capture} goes round. It stops if a frame hangs in the sink, or in a send that the sink
     * makes. Any thread.
     */
    Pulse capturePulse();

    /** A snapshot of this port's counters, since it was opened. */
    PortCounters counters();

    /** Stops capturing and releases the interface. Idempotent. */
    @Override
    void close();
}
