package io.holdfast.frame;

import java.lang.foreign.MemorySegment;

/**
 * The Internet checksum (RFC 1071) and its incremental update (RFC 1624). Nothing here allocates.
 *
 * <p>A <i>sum</i> is a long that has yet to be folded: sums of parts are simply added, as long as every part but the last
 * has an even length; {@link #append} joins the others. {@link #finish} makes the checksum that goes into a header.
 */
public final class Checksums {

    private Checksums() {}

    /** The sum of some bytes, an odd last one being the upper half of a word (RFC 1071, section 1). */
    public static long sum(MemorySegment memory, long offsetBytes, int lengthBytes) {
        long sum = 0;
        long at = offsetBytes;
        long end = offsetBytes + lengthBytes;
        // Words of 32 bits may be added in place of those of 16: 2^16 is 1 in this arithmetic (RFC 1071, section 2 C).
        for (; end - at >= 8; at += 8) {
            long eight = NetworkOrder.getLong(memory, at);
            sum += (eight >>> 32) + (eight & 0xffff_ffffL);
        }
        for (; end - at >= 2; at += 2) {
            sum += NetworkOrder.getShort(memory, at);
        }
        if (at < end) {
            sum += (long) NetworkOrder.getByte(memory, at) << 8;
        }
        return sum;
    }

    /**
     * The sum of a part of {@code firstBytes} bytes and of the part that follows it. Behind an odd number of bytes each of
     * the next is in the other half of its word, so that its sum counts swapped (RFC 1071, section 2 B).
     */
    public static long append(long first, long firstBytes, long next) {
        return first + ((firstBytes & 1) == 0 ? next : swap(fold(next)));
    }

    /** The sum of TCP's and UDP's pseudo header over IPv4 (RFC 9293, section 3.1). */
    public static long pseudoHeaderIpv4(int source, int destination, int protocol, int lengthBytes) {
        return Integer.toUnsignedLong(source) + Integer.toUnsignedLong(destination) + protocol + lengthBytes;
    }

    /**
     * The sum of the pseudo header over IPv6 (RFC 8200, section 8.1), with the addresses of the IPv6 header at
     * {@code ipv6Offset}. With a routing header the final destination counts, which is not there.
     */
    public static long pseudoHeaderIpv6(MemorySegment memory, long ipv6Offset, int protocol, int lengthBytes) {
        return sum(memory, ipv6Offset + 8, 32) + protocol + lengthBytes;
    }

    /**
     * The 16 bits for the header's checksum field. In UDP a 0 would mean "none", and 0xffff is written in its place; that
     * is the caller's to know.
     */
    public static int finish(long sum) {
        return ~fold(sum) & 0xffff;
    }

    /** Whether a sum over everything, checksum field included, is that of undamaged bytes. */
    public static boolean isCorrect(long sum) {
        return fold(sum) == 0xffff;
    }

    /**
     * A header's checksum after one of its aligned 16-bit words has changed (RFC 1624, equation 3).
     *
     * @return 16 bits
     */
    public static int update16(int checksum, int oldWord, int newWord) {
        return finish((~checksum & 0xffffL) + (~oldWord & 0xffffL) + (newWord & 0xffffL));
    }

    /** The same for an aligned 32-bit value, such as an address or a sequence number. */
    public static int update32(int checksum, int oldValue, int newValue) {
        return finish((~checksum & 0xffffL) + (~oldValue & 0xffff_ffffL) + (newValue & 0xffff_ffffL));
    }

    /** Adds the carries until 16 bits are left. */
    private static int fold(long sum) {
        long folded = (sum >>> 32) + (sum & 0xffff_ffffL);
        folded = (folded >>> 16) + (folded & 0xffff);
        folded = (folded >>> 16) + (folded & 0xffff);
        folded = (folded >>> 16) + (folded & 0xffff);
        return (int) folded;
    }

    private static int swap(int word) {
        return word >>> 8 | (word & 0xff) << 8;
    }
}
