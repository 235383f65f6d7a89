package io.holdfast.jmh;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteOrder;

/** Frames to measure with. */
final class Frames {

    static final int ETHERNET_BYTES = 14;
    static final int IPV4_BYTES = 20;
    static final int TCP_BYTES = 20;

    private static final ValueLayout.OfShort NETWORK_SHORT =
            ValueLayout.JAVA_SHORT_UNALIGNED.withOrder(ByteOrder.BIG_ENDIAN);
    private static final ValueLayout.OfInt NETWORK_INT = ValueLayout.JAVA_INT_UNALIGNED.withOrder(ByteOrder.BIG_ENDIAN);

    private Frames() {}

    /** Ethernet, IPv4 and TCP without options; checksums are left 0, and the payload too. */
    static MemorySegment tcp(Arena arena, int lengthBytes) {
        MemorySegment frame = arena.allocate(lengthBytes, 8);
        frame.set(NETWORK_SHORT, 12, (short) 0x0800);
        long ipv4 = ETHERNET_BYTES;
        frame.set(ValueLayout.JAVA_BYTE, ipv4, (byte) 0x45);
        frame.set(NETWORK_SHORT, ipv4 + 2, (short) (lengthBytes - ETHERNET_BYTES));
        frame.set(ValueLayout.JAVA_BYTE, ipv4 + 8, (byte) 64);
        frame.set(ValueLayout.JAVA_BYTE, ipv4 + 9, (byte) 6);
        frame.set(NETWORK_INT, ipv4 + 12, 0x0a07_000a);
        frame.set(NETWORK_INT, ipv4 + 16, 0x0a07_0001);
        long tcp = ipv4 + IPV4_BYTES;
        frame.set(NETWORK_SHORT, tcp, (short) 6379);
        frame.set(NETWORK_SHORT, tcp + 2, (short) 40_000);
        frame.set(NETWORK_INT, tcp + 4, 0x0123_4567);
        frame.set(ValueLayout.JAVA_BYTE, tcp + 12, (byte) 0x50);
        frame.set(ValueLayout.JAVA_BYTE, tcp + 13, (byte) 0x10);
        return frame;
    }
}
