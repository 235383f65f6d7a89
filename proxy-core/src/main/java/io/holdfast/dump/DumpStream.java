package io.holdfast.dump;

import java.nio.ByteBuffer;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * Turns what the watched lanes have into a pcapng stream, as far as the limits allow. Frames of several lanes are merged by
 * their times.
 *
 * <p><b>Threads.</b> One.
 */
final class DumpStream {

    /** Any block fits. */
    static final int BUFFER_BYTES = 256 << 10;

    private static final int NONE = -1;

    private final List<WatchedLane> lanes;
    private final DumpLimits limits;
    private final ByteBuffer buffer;
    private final PcapngWriter writer;

    private long writtenFrames;
    private long writtenBytes;
    private long beganEpochNanos;
    private @Nullable DumpEnd reached;

    DumpStream(List<WatchedLane> lanes, DumpLimits limits, ByteBuffer buffer) {
        this.lanes = lanes;
        this.limits = limits;
        this.buffer = buffer;
        this.writer = new PcapngWriter(buffer);
    }

    /** Writes what stands before the frames. */
    void begin(String application, String comment, long nowEpochNanos) {
        beganEpochNanos = nowEpochNanos;
        int begin = buffer.position();
        writer.sectionHeader(application, comment);
        for (WatchedLane lane : lanes) {
            writer.interfaceDescription(
                    lane.source().tap().interfaceName(), lane.source().description());
        }
        writtenBytes += buffer.position() - begin;
    }

    /** Writes as many frames as there are, and as the buffer and the limits have room for. */
    void fill() {
        while (reached == null) {
            int oldest = oldest();
            if (oldest == NONE) {
                return;
            }
            WatchedLane lane = lanes.get(oldest);
            byte[] comment = lane.comment();
            int blockBytes = PcapngWriter.packetBytes(lane.lengthBytes(), comment.length);
            if (writtenBytes + blockBytes > limits.bytes() - statisticsBytes()) {
                reached = DumpEnd.MAX_BYTES;
                return;
            }
            if (blockBytes > buffer.remaining()) {
                return;
            }
            lane.completeChecksum();
            writer.packet(
                    oldest,
                    lane.epochNanos(),
                    lane.source().outbound(),
                    lane.memory(),
                    lane.offsetBytes(),
                    lane.lengthBytes(),
                    comment);
            lane.next();
            writtenBytes += blockBytes;
            writtenFrames++;
            if (writtenFrames == limits.frames()) {
                reached = DumpEnd.FRAMES;
            }
        }
    }

    /** Which of the limits on frames and bytes has been reached; null if none. */
    @Nullable
    DumpEnd reached() {
        return reached;
    }

    /** Whether a lane has frames that may still be written. */
    boolean hasMore() {
        return reached == null && oldest() != NONE;
    }

    /** Writes what stands after the frames. */
    void end(long nowEpochNanos) {
        for (int lane = 0; lane < lanes.size(); lane++) {
            writer.statistics(
                    lane,
                    beganEpochNanos,
                    nowEpochNanos,
                    lanes.get(lane).seenFrames(),
                    lanes.get(lane).missedFrames());
        }
        writtenBytes += statisticsBytes();
    }

    boolean hasRoomForEnd() {
        return buffer.remaining() >= statisticsBytes();
    }

    long writtenFrames() {
        return writtenFrames;
    }

    long writtenBytes() {
        return writtenBytes;
    }

    private int statisticsBytes() {
        return lanes.size() * PcapngWriter.STATISTICS_BYTES;
    }

    /**
     * Looks until two looks see the same: what a frame was the answer to may have come into a lane between the look at that
     * lane and the look at the answer's.
     */
    private int oldest() {
        int seen;
        int oldest = NONE;
        do {
            seen = oldest;
            oldest = look();
        } while (oldest != seen);
        return oldest;
    }

    private int look() {
        int oldest = NONE;
        for (int lane = 0; lane < lanes.size(); lane++) {
            if (lanes.get(lane).hasFrame()
                    && (oldest == NONE
                            || lanes.get(lane).epochNanos() < lanes.get(oldest).epochNanos())) {
                oldest = lane;
            }
        }
        return oldest;
    }
}
