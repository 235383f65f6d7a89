package io.holdfast.arp;

import io.holdfast.frame.NetworkOrder;
import io.netty.util.NetUtil;
import java.lang.foreign.MemorySegment;
import org.jspecify.annotations.Nullable;

/** IP addresses between numbers and text: dotted quads, and RFC 5952 for IPv6, so that one address has one text. */
final class AddressText {

    private static final int IPV4_BYTES = 4;
    private static final int IPV6_BYTES = 16;

    private AddressText() {}

    static String ofIpv4(int address) {
        byte[] bytes = new byte[IPV4_BYTES];
        NetworkOrder.putInt(MemorySegment.ofArray(bytes), 0, address);
        return NetUtil.bytesToIpAddress(bytes);
    }

    static String ofIpv6(long high, long low) {
        byte[] bytes = new byte[IPV6_BYTES];
        NetworkOrder.putLong(MemorySegment.ofArray(bytes), 0, high);
        NetworkOrder.putLong(MemorySegment.ofArray(bytes), 8, low);
        return NetUtil.bytesToIpAddress(bytes);
    }

    /**
     * The four bytes of an IPv4 address.
     *
     * @throws IllegalArgumentException if the text is not the one of an address that a host can have
     */
    static MemorySegment parseIpv4(String text) {
        MemorySegment address = parse(text, IPV4_BYTES, "IPv4");
        if (!isHostIpv4(NetworkOrder.getInt(address, 0))) {
            throw new IllegalArgumentException("'" + text + "' is not an address that a host can have");
        }
        return address;
    }

    /**
     * The sixteen bytes of an IPv6 address.
     *
     * @throws IllegalArgumentException if the text is not the one of an address that a host can have
     */
    static MemorySegment parseIpv6(String text) {
        MemorySegment address = parse(text, IPV6_BYTES, "IPv6");
        if (!isHostIpv6(NetworkOrder.getLong(address, 0), NetworkOrder.getLong(address, 8))) {
            throw new IllegalArgumentException("'" + text + "' is not an address that a host can have");
        }
        return address;
    }

    /** Not "this network", loopback, multicast, reserved or broadcast (RFC 6890). */
    static boolean isHostIpv4(int address) {
        int first = address >>> 24;
        return first != 0 && first != 127 && first < 224;
    }

    /** Not unspecified, loopback or otherwise in ::/8, and not multicast (RFC 4291). */
    static boolean isHostIpv6(long high, long low) {
        int first = (int) (high >>> 56);
        return first != 0 && first != 0xff && (high | low) != 0;
    }

    /** Whether it is in fe80::/10, which no router forwards. */
    static boolean isLinkLocal(long high) {
        return high >>> 54 == 0xfe80 >>> 6;
    }

    private static MemorySegment parse(String text, int length, String family) {
        byte @Nullable [] bytes = NetUtil.createByteArrayFromIpAddressString(text);
        if (bytes == null
                || bytes.length != length
                || !NetUtil.bytesToIpAddress(bytes).equals(text)) {
            throw new IllegalArgumentException("'" + text + "' is not an " + family + " address in its usual form");
        }
        return MemorySegment.ofArray(bytes);
    }
}
