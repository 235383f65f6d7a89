package io.holdfast.frame;

import java.lang.foreign.MemorySegment;

/**
 * Changes numbers in a TCP segment where it is, and keeps its checksum right: by what has changed (RFC 1624), so that a
 * damaged segment stays one, and the payload is not read.
 *
 * <p>A checksum that was left to a device stays as it is. It is the sum of the pseudo header, in which none of these numbers
 * occurs; the device adds the segment as it is then.
 *
 * <p><b>Threads.</b> One. Nothing here allocates.
 */
public final class SegmentEditor {

    private static final int SEQUENCE = 4;
    private static final int ACKNOWLEDGMENT = 8;
    private static final int FLAGS = 13;
    private static final int WINDOW = 14;
    private static final int CHECKSUM = 16;
    private static final int NO_OPERATION = 1;

    private MemorySegment memory = MemorySegment.NULL;
    private long segmentOffset;
    private boolean finished;

    /**
     * Looks at a segment.
     *
     * @param segmentOffset where its header begins
     * @param finished whether its checksum is there; false if it was left to a device ({@link UnfinishedChecksum})
     */
    public void wrap(MemorySegment memory, long segmentOffset, boolean finished) {
        this.memory = memory;
        this.segmentOffset = segmentOffset;
        this.finished = finished;
    }

    public void setSequence(int sequence) {
        replace(segmentOffset + SEQUENCE, sequence);
    }

    public void setAcknowledgment(int acknowledgment) {
        replace(segmentOffset + ACKNOWLEDGMENT, acknowledgment);
    }

    /** Takes the FIN away. */
    public void clearFin() {
        long at = segmentOffset + FLAGS;
        int old = NetworkOrder.getByte(memory, at);
        NetworkOrder.putByte(memory, at, old & ~TcpSegment.FIN);
        if (finished) {
            update(old, old & ~TcpSegment.FIN);
        }
    }

    /** @param window as on the wire, that is not yet scaled: 0 to 65535 */
    public void setWindow(int window) {
        long at = segmentOffset + WINDOW;
        int old = NetworkOrder.getShort(memory, at);
        NetworkOrder.putShort(memory, at, window);
        if (finished) {
            update(old, window);
        }
    }

    public void setTimestampValue(TcpOptions options, int value) {
        replace(options.timestampValueOffset(), value);
    }

    public void setTimestampEcho(TcpOptions options, int echo) {
        replace(options.timestampEchoOffset(), echo);
    }

    public void setSackBlock(TcpOptions options, int block, int left, int right) {
        long at = options.sackEdgeOffset(block);
        replace(at, left);
        replace(at + 4, right);
    }

    /** Puts operations that do nothing in the place of the SACK option, if there is one. */
    public void removeSack(TcpOptions options) {
        if (options.sackBlockCount() == 0) {
            return;
        }
        long end = options.sackOffset() + options.sackBytes();
        for (long at = options.sackOffset(); at < end; at++) {
            int old = NetworkOrder.getByte(memory, at);
            NetworkOrder.putByte(memory, at, NO_OPERATION);
            if (finished) {
                // A byte at an odd place is the lower half of its word.
                boolean odd = ((at - segmentOffset) & 1) != 0;
                update(odd ? old : old << 8, odd ? NO_OPERATION : NO_OPERATION << 8);
            }
        }
    }

    private void replace(long at, int value) {
        int old = NetworkOrder.getInt(memory, at);
        NetworkOrder.putInt(memory, at, value);
        if (!finished) {
            return;
        }
        boolean odd = ((at - segmentOffset) & 1) != 0;
        // In a sum of ones' complement the halves of all words may change places (RFC 1071, section 2 B).
        int checksum = checksum();
        setChecksum(Checksums.update32(checksum, odd ? rotated(old) : old, odd ? rotated(value) : value));
    }

    private static int rotated(int value) {
        return Integer.rotateRight(value, 8);
    }

    private void update(int oldWord, int newWord) {
        setChecksum(Checksums.update16(checksum(), oldWord, newWord));
    }

    private int checksum() {
        return NetworkOrder.getShort(memory, segmentOffset + CHECKSUM);
    }

    private void setChecksum(int checksum) {
        NetworkOrder.putShort(memory, segmentOffset + CHECKSUM, checksum);
    }
}
