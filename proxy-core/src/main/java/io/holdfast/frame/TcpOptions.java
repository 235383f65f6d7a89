package io.holdfast.frame;

import java.lang.foreign.MemorySegment;

/**
 * A view of the options of a TCP segment: maximum segment size (RFC 9293), window scale and timestamps (RFC 7323), SACK
 * (RFC 2018). Others are passed over. See {@link EthernetFrame} for the manners of views.
 *
 * <p>An option that occurs twice counts where it occurs last, as Linux does it.
 */
public final class TcpOptions {

    /** A segment has room for no more than four; with timestamps for three. */
    public static final int MAX_SACK_BLOCKS = 4;

    /** The {@link #windowScale} of a segment that has none. */
    public static final int NO_WINDOW_SCALE = -1;

    private static final int END = 0;
    private static final int NO_OPERATION = 1;
    private static final int MAXIMUM_SEGMENT_SIZE = 2;
    private static final int WINDOW_SCALE = 3;
    private static final int SACK_PERMITTED = 4;
    private static final int SACK = 5;
    private static final int TIMESTAMPS = 8;

    private static final int MAXIMUM_SEGMENT_SIZE_BYTES = 4;
    private static final int WINDOW_SCALE_BYTES = 3;
    private static final int SACK_PERMITTED_BYTES = 2;
    private static final int SACK_BLOCK_BYTES = 8;
    private static final int TIMESTAMPS_BYTES = 10;
    private static final int MIN_OPTION_BYTES = 2;

    private MemorySegment memory = MemorySegment.NULL;
    private long timestampsOffset;
    private long sackOffset;
    private int sackBlocks;
    private int maximumSegmentSize;
    private int windowScale;
    private boolean sackPermitted;

    /** Looks at a segment's options; false if they contradict themselves, which makes a receiver ignore the rest. */
    public boolean wrap(MemorySegment memory, TcpSegment segment) {
        this.memory = memory;
        timestampsOffset = 0;
        sackOffset = 0;
        sackBlocks = 0;
        maximumSegmentSize = 0;
        windowScale = NO_WINDOW_SCALE;
        sackPermitted = false;
        long at = segment.optionsOffset();
        long end = segment.payloadOffset();
        while (at < end) {
            int kind = NetworkOrder.getByte(memory, at);
            if (kind == END) {
                return true;
            }
            if (kind == NO_OPERATION) {
                at++;
                continue;
            }
            if (end - at < MIN_OPTION_BYTES) {
                return false;
            }
            int bytes = NetworkOrder.getByte(memory, at + 1);
            if (bytes < MIN_OPTION_BYTES || bytes > end - at) {
                return false;
            }
            read(kind, at, bytes);
            at += bytes;
        }
        return true;
    }

    private void read(int kind, long at, int bytes) {
        if (kind == TIMESTAMPS && bytes == TIMESTAMPS_BYTES) {
            timestampsOffset = at;
        } else if (kind == SACK && bytes > MIN_OPTION_BYTES && (bytes - MIN_OPTION_BYTES) % SACK_BLOCK_BYTES == 0) {
            sackOffset = at;
            sackBlocks = (bytes - MIN_OPTION_BYTES) / SACK_BLOCK_BYTES;
        } else if (kind == MAXIMUM_SEGMENT_SIZE && bytes == MAXIMUM_SEGMENT_SIZE_BYTES) {
            maximumSegmentSize = NetworkOrder.getShort(memory, at + 2);
        } else if (kind == WINDOW_SCALE && bytes == WINDOW_SCALE_BYTES) {
            windowScale = NetworkOrder.getByte(memory, at + 2);
        } else if (kind == SACK_PERMITTED && bytes == SACK_PERMITTED_BYTES) {
            sackPermitted = true;
        }
    }

    public boolean hasTimestamps() {
        return timestampsOffset != 0;
    }

    /** The sender's clock; only with timestamps. */
    public int timestampValue() {
        return NetworkOrder.getInt(memory, timestampValueOffset());
    }

    /** The receiver's clock as the sender saw it last; only with timestamps. */
    public int timestampEcho() {
        return NetworkOrder.getInt(memory, timestampEchoOffset());
    }

    /** How many parts beyond the acknowledgement the sender has, 0 to {@value #MAX_SACK_BLOCKS}. */
    public int sackBlockCount() {
        return sackBlocks;
    }

    /** The first sequence number of a block. */
    public int sackLeft(int block) {
        return NetworkOrder.getInt(memory, sackEdgeOffset(block));
    }

    /** The one after the last of a block. */
    public int sackRight(int block) {
        return NetworkOrder.getInt(memory, sackEdgeOffset(block) + 4);
    }

    /** In bytes of payload; 0 if it is not said. */
    public int maximumSegmentSize() {
        return maximumSegmentSize;
    }

    /** A power of two, or {@link #NO_WINDOW_SCALE}. More than 14 means 14 (RFC 7323, section 2.3). */
    public int windowScale() {
        return windowScale;
    }

    public boolean isSackPermitted() {
        return sackPermitted;
    }

    long timestampValueOffset() {
        return timestampsOffset + 2;
    }

    long timestampEchoOffset() {
        return timestampsOffset + 6;
    }

    /** Where the whole option begins, its kind and length included; only with blocks. */
    long sackOffset() {
        return sackOffset;
    }

    int sackBytes() {
        return MIN_OPTION_BYTES + sackBlocks * SACK_BLOCK_BYTES;
    }

    long sackEdgeOffset(int block) {
        if (block < 0 || block >= sackBlocks) {
            throw new IndexOutOfBoundsException("SACK block " + block + " of " + sackBlocks);
        }
        return sackOffset + MIN_OPTION_BYTES + (long) block * SACK_BLOCK_BYTES;
    }
}
