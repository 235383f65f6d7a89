package io.holdfast.frame;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;

/**
 * A checksum that a sender has left to a device: the field has the sum of the pseudo header only, and the
 * {@code struct virtio_net_hdr} in front of the frame says where it is and where the bytes begin that are missing (virtio
 * 1.2, section 5.1.6.2; linux/virtio_net.h). The sum of a frame that is yet to be cut in pieces (GSO) is that of the one
 * big packet, so that it is completed in the same way. Nothing here allocates.
 */
public final class UnfinishedChecksum {

    /** The length of {@code struct virtio_net_hdr}. */
    public static final int PREFIX_BYTES = 10;

    private static final int FLAGS = 0;
    private static final int NEEDS_CSUM = 1;
    private static final int CSUM_START = 6;
    private static final int CSUM_OFFSET = 8;

    private static final int TCP_FIELD = 16;
    private static final int UDP_FIELD = 6;

    /** As of the machine, not of the network. */
    private static final ValueLayout.OfShort NATIVE_SHORT = ValueLayout.JAVA_SHORT_UNALIGNED;

    private UnfinishedChecksum() {}

    /** Whether the prefix directly before a frame says that its checksum was left to a device. */
    public static boolean isIn(MemorySegment memory, long offsetBytes) {
        return (NetworkOrder.getByte(memory, offsetBytes - PREFIX_BYTES + FLAGS) & NEEDS_CSUM) != 0;
    }

    /**
     * Does what the device would have done, in place. What is neither TCP's nor UDP's stays as it is: SCTP's, for one, is
     * another kind of sum. So does what points outside the frame.
     *
     * @param offsetBytes where the frame begins; its prefix stands directly before
     * @param lengthBytes of the frame
     * @return whether there was one
     */
    public static boolean complete(MemorySegment memory, long offsetBytes, int lengthBytes) {
        long prefix = offsetBytes - PREFIX_BYTES;
        if (!isIn(memory, offsetBytes)) {
            return false;
        }
        int start = Short.toUnsignedInt(memory.get(NATIVE_SHORT, prefix + CSUM_START));
        int field = Short.toUnsignedInt(memory.get(NATIVE_SHORT, prefix + CSUM_OFFSET));
        if ((field != TCP_FIELD && field != UDP_FIELD) || start + field + 2 > lengthBytes) {
            return false;
        }
        int checksum = Checksums.finish(Checksums.sum(memory, offsetBytes + start, lengthBytes - start));
        // In UDP a 0 would mean "none"; in TCP both mean the same.
        NetworkOrder.putShort(memory, offsetBytes + start + field, checksum == 0 ? 0xffff : checksum);
        return true;
    }
}
