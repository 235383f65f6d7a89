package io.holdfast.frame;

import java.lang.foreign.MemorySegment;
import java.net.InetAddress;
import java.net.UnknownHostException;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * An IPv4 or IPv6 address prefix.
 *
 * @param ipv6 which of the two
 * @param high the upper half of an IPv6 address; 0 for IPv4
 * @param low the lower half, or the IPv4 address in the lower 32 bits
 * @param lengthBits how many leading bits count, 0 to 32 or 128; the others are 0
 */
public record IpPrefix(boolean ipv6, long high, long low, int lengthBits) {

    private static final Pattern TEXT = Pattern.compile(
            "(?<four>[0-9]{1,3}(?:\\.[0-9]{1,3}){3})/(?<fourBits>[0-9]{1,2})|(?<six>[0-9a-fA-F:.]*:[0-9a-fA-F:.]*)/(?<sixBits>[0-9]{1,3})");

    public IpPrefix {
        int width = ipv6 ? 128 : 32;
        if (lengthBits < 0 || lengthBits > width) {
            throw new IllegalArgumentException("/" + lengthBits + " is not within 0.." + width);
        }
        if ((high & ~highMask(ipv6, lengthBits)) != 0 || (low & ~lowMask(ipv6, lengthBits)) != 0) {
            throw new IllegalArgumentException("there are bits set beyond the first " + lengthBits);
        }
    }

    /**
     * Reads {@code 10.0.0.0/8} or {@code 2001:db8::/32}.
     *
     * @throws IllegalArgumentException if it is anything else, or has bits set beyond its length
     */
    public static IpPrefix parse(String text) {
        Matcher matcher = TEXT.matcher(text);
        if (!matcher.matches()) {
            throw new IllegalArgumentException(
                    "'" + text + "' is not a prefix; write it like 10.0.0.0/8 or 2001:db8::/32");
        }
        try {
            boolean ipv6 = matcher.group("six") != null;
            MemorySegment address = MemorySegment.ofArray(
                    InetAddress.ofLiteral(matcher.group(ipv6 ? "six" : "four")).getAddress());
            if (!ipv6) {
                long low = Integer.toUnsignedLong(NetworkOrder.getInt(address, 0));
                return new IpPrefix(false, 0, low, Integer.parseInt(matcher.group("fourBits")));
            }
            if (address.byteSize() != 16) {
                throw new IllegalArgumentException("write an IPv4 prefix without the leading ::ffff:");
            }
            long high = NetworkOrder.getLong(address, 0);
            long low = NetworkOrder.getLong(address, 8);
            return new IpPrefix(true, high, low, Integer.parseInt(matcher.group("sixBits")));
        } catch (IllegalArgumentException e) {
            throw new IllegalArgumentException("'" + text + "' is not a prefix: " + e.getMessage(), e);
        }
    }

    public boolean containsIpv4(int address) {
        return !ipv6 && (Integer.toUnsignedLong(address) & lowMask(false, lengthBits)) == low;
    }

    public boolean containsIpv6(long addressHigh, long addressLow) {
        return ipv6
                && (addressHigh & highMask(true, lengthBits)) == high
                && (addressLow & lowMask(true, lengthBits)) == low;
    }

    private static long highMask(boolean ipv6, int lengthBits) {
        return ipv6 ? leading(Math.min(lengthBits, 64)) : 0;
    }

    private static long lowMask(boolean ipv6, int lengthBits) {
        return ipv6 ? leading(Math.max(lengthBits - 64, 0)) : leading(lengthBits) >>> 32;
    }

    /** A long of {@code bits} ones, then zeros. A shift by 64 would be one by 0. */
    private static long leading(int bits) {
        return bits == 0 ? 0 : -1L << (64 - bits);
    }

    @Override
    public String toString() {
        byte[] bytes = new byte[ipv6 ? 16 : 4];
        MemorySegment address = MemorySegment.ofArray(bytes);
        if (ipv6) {
            NetworkOrder.putLong(address, 0, high);
            NetworkOrder.putLong(address, 8, low);
        } else {
            NetworkOrder.putInt(address, 0, (int) low);
        }
        try {
            return InetAddress.getByAddress(bytes).getHostAddress() + "/" + lengthBits;
        } catch (UnknownHostException e) {
            throw new AssertionError("an address of " + bytes.length + " bytes", e);
        }
    }
}
