package io.holdfast.frame;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteOrder;

/**
 * Reads and writes unsigned big-endian numbers at any alignment. Nothing here allocates.
 *
 * <p>Offsets outside the segment throw {@link IndexOutOfBoundsException}: those who read what somebody else sent check
 * lengths first, which is what the views of this package do.
 */
public final class NetworkOrder {

    private static final ValueLayout.OfShort SHORT = ValueLayout.JAVA_SHORT_UNALIGNED.withOrder(ByteOrder.BIG_ENDIAN);
    private static final ValueLayout.OfInt INT = ValueLayout.JAVA_INT_UNALIGNED.withOrder(ByteOrder.BIG_ENDIAN);
    private static final ValueLayout.OfLong LONG = ValueLayout.JAVA_LONG_UNALIGNED.withOrder(ByteOrder.BIG_ENDIAN);

    private NetworkOrder() {}

    public static int getByte(MemorySegment memory, long offsetBytes) {
        return memory.get(ValueLayout.JAVA_BYTE, offsetBytes) & 0xff;
    }

    public static int getShort(MemorySegment memory, long offsetBytes) {
        return memory.get(SHORT, offsetBytes) & 0xffff;
    }

    /** Four bytes as they are; use {@link Integer#toUnsignedLong} where the sign matters. */
    public static int getInt(MemorySegment memory, long offsetBytes) {
        return memory.get(INT, offsetBytes);
    }

    public static long getLong(MemorySegment memory, long offsetBytes) {
        return memory.get(LONG, offsetBytes);
    }

    /** The six bytes of a MAC address, in the form of {@link MacAddress#value()}. */
    public static long getMac(MemorySegment memory, long offsetBytes) {
        return (long) getShort(memory, offsetBytes) << 32 | Integer.toUnsignedLong(getInt(memory, offsetBytes + 2));
    }

    public static void putByte(MemorySegment memory, long offsetBytes, int value) {
        memory.set(ValueLayout.JAVA_BYTE, offsetBytes, (byte) value);
    }

    public static void putShort(MemorySegment memory, long offsetBytes, int value) {
        memory.set(SHORT, offsetBytes, (short) value);
    }

    public static void putInt(MemorySegment memory, long offsetBytes, int value) {
        memory.set(INT, offsetBytes, value);
    }

    public static void putLong(MemorySegment memory, long offsetBytes, long value) {
        memory.set(LONG, offsetBytes, value);
    }

    /** Writes six bytes, from the form of {@link MacAddress#value()}. */
    public static void putMac(MemorySegment memory, long offsetBytes, long mac) {
        putShort(memory, offsetBytes, (int) (mac >>> 32));
        putInt(memory, offsetBytes + 2, (int) mac);
    }

    /** Whether a view of {@code lengthBytes} bytes lies inside the segment and has at least {@code neededBytes}. */
    static boolean holds(MemorySegment memory, long offsetBytes, int lengthBytes, int neededBytes) {
        return lengthBytes >= neededBytes && offsetBytes >= 0 && offsetBytes <= memory.byteSize() - lengthBytes;
    }
}
