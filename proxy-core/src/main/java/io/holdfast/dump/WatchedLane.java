package io.holdfast.dump;

import io.holdfast.bridge.FrameFate;
import io.holdfast.frame.FrameRing;
import io.holdfast.frame.UnfinishedChecksum;
import java.lang.foreign.MemorySegment;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * A source while it is dumped: attaches a ring of its own to the tap, and hands its frames out one after the other, with
 * their checksums completed.
 *
 * <p><b>Threads.</b> One, the dump's; the lane is at the other end of the ring.
 */
final class WatchedLane implements AutoCloseable {

    private static final Logger LOG = LoggerFactory.getLogger(WatchedLane.class);

    private static final long DETACH_LIMIT_NANOS = 1_000_000_000L;

    private final DumpSource source;
    private final FrameRing ring;
    private final long copiedBefore;
    private final long missedBefore;

    private final Comment[] comments = new Comment[FrameFate.values().length];

    private boolean attached;
    private boolean letGo = true;

    WatchedLane(DumpSource source, long ringBytes) {
        this.source = source;
        this.ring = new FrameRing(ringBytes);
        this.copiedBefore = source.tap().copiedFrames();
        this.missedBefore = source.tap().missedFrames();
        for (FrameFate fate : FrameFate.values()) {
            comments[fate.tag()] = new Comment(fate);
        }
    }

    void attach() {
        source.tap().attach(ring);
        attached = true;
    }

    /** No further frame comes in; those that are there stay. */
    void detach() {
        if (attached) {
            attached = false;
            letGo = source.tap().detach(DETACH_LIMIT_NANOS);
        }
    }

    DumpSource source() {
        return source;
    }

    /** Frames that were copied or missed, in this dump. */
    long seenFrames() {
        return source.tap().copiedFrames() - copiedBefore + missedFrames();
    }

    long missedFrames() {
        return source.tap().missedFrames() - missedBefore;
    }

    // ---- the oldest frame ----

    boolean hasFrame() {
        return ring.headStamp() != FrameRing.EMPTY;
    }

    long epochNanos() {
        return ring.headCaptureNanos();
    }

    MemorySegment memory() {
        return ring.memory();
    }

    /** Without the prefix. */
    long offsetBytes() {
        return ring.headOffsetBytes() + source.tap().prefixBytes();
    }

    /** Without the prefix. */
    int lengthBytes() {
        return ring.headLengthBytes() - source.tap().prefixBytes();
    }

    /** What the wall made of it; empty if there is nothing to say. */
    byte[] comment() {
        return comments[ring.headTag()].on(ring.headStamp());
    }

    /** In the copy; the frame itself goes its way unfinished, as its device wants it. */
    void completeChecksum() {
        if (source.tap().prefixBytes() == UnfinishedChecksum.PREFIX_BYTES) {
            UnfinishedChecksum.complete(memory(), offsetBytes(), lengthBytes());
        }
    }

    void next() {
        ring.take();
        ring.freeTaken();
    }

    @Override
    public void close() {
        detach();
        if (letGo) {
            ring.close();
        } else {
            LOG.error(
                    "the lane of {} does not let go of a dump's memory, which is left to the end of the process",
                    source.tap().interfaceName());
        }
    }
}
