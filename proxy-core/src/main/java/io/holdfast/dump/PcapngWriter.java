package io.holdfast.dump;

import java.lang.foreign.MemorySegment;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;

/**
 * Writes the blocks of a pcapng section, little-endian, with times in nanoseconds
 * (draft-ietf-opsawg-pcapng, sections 4.1, 4.2, 4.3 and 4.6):
 *
 * <pre>
 *   type (4) | total length (4) | body ... | options, each: code (2), length (2), value, padding | total length (4)
 * </pre>
 *
 * The buffer must have room; a packet's block needs {@link #packetBytes}. Writing a packet allocates nothing.
 *
 * <p><b>Threads.</b> One.
 */
final class PcapngWriter {

    /** The length of what {@link #statistics} writes. */
    static final int STATISTICS_BYTES = 76;

    private static final int SECTION_HEADER = 0x0a0d_0d0a;
    private static final int INTERFACE_DESCRIPTION = 1;
    private static final int INTERFACE_STATISTICS = 5;
    private static final int ENHANCED_PACKET = 6;

    private static final int BYTE_ORDER_MAGIC = 0x1a2b_3c4d;
    private static final short MAJOR_VERSION = 1;
    private static final short MINOR_VERSION = 0;
    private static final long UNKNOWN_LENGTH = -1;
    private static final short LINKTYPE_ETHERNET = 1;
    private static final int WHOLE_FRAMES = 0;

    private static final int OPT_ENDOFOPT = 0;
    private static final int OPT_COMMENT = 1;
    private static final int SHB_USERAPPL = 4;
    private static final int IF_NAME = 2;
    private static final int IF_DESCRIPTION = 3;
    private static final int IF_TSRESOL = 9;
    private static final byte NANOSECONDS = 9;
    private static final int EPB_FLAGS = 2;
    private static final int INBOUND = 1;
    private static final int OUTBOUND = 2;
    private static final int ISB_STARTTIME = 2;
    private static final int ISB_ENDTIME = 3;
    private static final int ISB_IFRECV = 4;
    private static final int ISB_IFDROP = 5;

    private static final int OPTION_HEADER_BYTES = 4;
    private static final int PACKET_FIXED_BYTES = 28 + 4;

    private final ByteBuffer buffer;
    private final MemorySegment memory;
    private int blockBegin;

    /**
     * @param buffer written to at its position, which moves; its order is changed
     */
    PcapngWriter(ByteBuffer buffer) {
        this.buffer = buffer.order(ByteOrder.LITTLE_ENDIAN);
        this.memory = MemorySegment.ofBuffer(buffer.duplicate().clear());
    }

    /** The first block. */
    void sectionHeader(String application, String comment) {
        beginBlock(SECTION_HEADER);
        buffer.putInt(BYTE_ORDER_MAGIC)
                .putShort(MAJOR_VERSION)
                .putShort(MINOR_VERSION)
                .putLong(UNKNOWN_LENGTH);
        textOption(OPT_COMMENT, comment);
        textOption(SHB_USERAPPL, application);
        endOptions();
        endBlock();
    }

    /** Interfaces are numbered from 0 in the order of these calls. */
    void interfaceDescription(String name, String description) {
        beginBlock(INTERFACE_DESCRIPTION);
        buffer.putShort(LINKTYPE_ETHERNET).putShort((short) 0).putInt(WHOLE_FRAMES);
        textOption(IF_NAME, name);
        textOption(IF_DESCRIPTION, description);
        optionHeader(IF_TSRESOL, 1);
        buffer.put(NANOSECONDS);
        pad(1);
        endOptions();
        endBlock();
    }

    /** How long a packet's block is. */
    static int packetBytes(int lengthBytes, int commentBytes) {
        int options = OPTION_HEADER_BYTES + 4 + OPTION_HEADER_BYTES;
        if (commentBytes > 0) {
            options += OPTION_HEADER_BYTES + padded(commentBytes);
        }
        return PACKET_FIXED_BYTES + padded(lengthBytes) + options;
    }

    /**
     * A whole frame.
     *
     * @param outbound seen from the guest
     * @param comment UTF-8; empty for none
     */
    void packet(
            int interfaceNumber,
            long epochNanos,
            boolean outbound,
            MemorySegment source,
            long offsetBytes,
            int lengthBytes,
            byte[] comment) {
        beginBlock(ENHANCED_PACKET);
        buffer.putInt(interfaceNumber);
        time(epochNanos);
        buffer.putInt(lengthBytes).putInt(lengthBytes);
        MemorySegment.copy(source, offsetBytes, memory, buffer.position(), lengthBytes);
        buffer.position(buffer.position() + lengthBytes);
        pad(lengthBytes);
        optionHeader(EPB_FLAGS, 4);
        buffer.putInt(outbound ? OUTBOUND : INBOUND);
        if (comment.length > 0) {
            option(OPT_COMMENT, comment);
        }
        endOptions();
        endBlock();
    }

    /**
     * What became of the frames of an interface.
     *
     * @param receivedFrames all that were there
     * @param droppedFrames of which these are not in the file
     */
    void statistics(
            int interfaceNumber, long beganEpochNanos, long endedEpochNanos, long receivedFrames, long droppedFrames) {
        beginBlock(INTERFACE_STATISTICS);
        buffer.putInt(interfaceNumber);
        time(endedEpochNanos);
        optionHeader(ISB_STARTTIME, 8);
        time(beganEpochNanos);
        optionHeader(ISB_ENDTIME, 8);
        time(endedEpochNanos);
        optionHeader(ISB_IFRECV, 8);
        buffer.putLong(receivedFrames);
        optionHeader(ISB_IFDROP, 8);
        buffer.putLong(droppedFrames);
        endOptions();
        endBlock();
    }

    private void beginBlock(int type) {
        blockBegin = buffer.position();
        buffer.putInt(type).putInt(0);
    }

    private void endBlock() {
        int totalBytes = buffer.position() + 4 - blockBegin;
        buffer.putInt(totalBytes).putInt(blockBegin + 4, totalBytes);
    }

    /** The upper half comes first, whatever the byte order. */
    private void time(long epochNanos) {
        buffer.putInt((int) (epochNanos >>> 32)).putInt((int) epochNanos);
    }

    private void textOption(int code, String text) {
        option(code, text.getBytes(StandardCharsets.UTF_8));
    }

    private void option(int code, byte[] value) {
        optionHeader(code, value.length);
        buffer.put(value);
        pad(value.length);
    }

    private void optionHeader(int code, int lengthBytes) {
        buffer.putShort((short) code).putShort((short) lengthBytes);
    }

    private void endOptions() {
        optionHeader(OPT_ENDOFOPT, 0);
    }

    /** Up to a multiple of 4, with zeros. */
    private void pad(int lengthBytes) {
        for (int i = lengthBytes; i < padded(lengthBytes); i++) {
            buffer.put((byte) 0);
        }
    }

    private static int padded(int lengthBytes) {
        return lengthBytes + 3 & ~3;
    }
}
