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

    private static final int MIN_BYTES = 60;

    /** The last four bytes of its MAC address. */
    private static final int STATION = 0x0099_9999;

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

    /** An ARP request of another station for another address. */
    static MemorySegment arp(Arena arena) {
        MemorySegment frame = arena.allocate(MIN_BYTES, 8);
        writeAddresses(frame, 0x0806);
        frame.set(NETWORK_SHORT, 14, (short) 1);
        frame.set(NETWORK_SHORT, 16, (short) 0x0800);
        frame.set(NETWORK_SHORT, 18, (short) 0x0604);
        frame.set(NETWORK_SHORT, 20, (short) 1);
        frame.set(NETWORK_INT, 24, STATION);
        frame.set(NETWORK_INT, 28, 0x0a07_0001);
        frame.set(NETWORK_INT, 38, 0x0a07_0002);
        return frame;
    }

    /** An unsolicited neighbour advertisement of another station for another address; its checksum is left 0. */
    static MemorySegment neighborAdvertisement(Arena arena) {
        MemorySegment frame = arena.allocate(ETHERNET_BYTES + 40 + 32, 8);
        writeAddresses(frame, 0x86dd);
        long ipv6 = ETHERNET_BYTES;
        frame.set(NETWORK_INT, ipv6, 6 << 28);
        frame.set(NETWORK_SHORT, ipv6 + 4, (short) 32);
        frame.set(NETWORK_SHORT, ipv6 + 6, (short) (58 << 8 | 255));
        long message = ipv6 + 40;
        frame.set(NETWORK_SHORT, message, (short) (136 << 8));
        frame.set(NETWORK_INT, message + 4, 0x2000_0000);
        frame.set(NETWORK_INT, message + 8, 0x2001_0db8);
        frame.set(NETWORK_INT, message + 20, 0xffff);
        frame.set(NETWORK_SHORT, message + 24, (short) 0x0201);
        frame.set(NETWORK_INT, message + 28, STATION);
        return frame;
    }

    /** From a station that is not the guest, to everybody. */
    private static void writeAddresses(MemorySegment frame, int etherType) {
        frame.set(NETWORK_INT, 0, -1);
        frame.set(NETWORK_SHORT, 4, (short) -1);
        frame.set(NETWORK_INT, 8, STATION);
        frame.set(NETWORK_SHORT, 12, (short) etherType);
    }
}
