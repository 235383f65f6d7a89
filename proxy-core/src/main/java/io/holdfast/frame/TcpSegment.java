package io.holdfast.frame;

import java.lang.foreign.MemorySegment;

/** A view of a TCP segment (RFC 9293, section 3.1). See {@link EthernetFrame} for the manners of views. */
public final class TcpSegment {

    public static final int MIN_HEADER_BYTES = 20;

    public static final int FIN = 0x01;
    public static final int SYN = 0x02;
    public static final int RST = 0x04;
    public static final int ACK = 0x10;

    private static final int DESTINATION_PORT = 2;
    private static final int SEQUENCE = 4;
    private static final int ACKNOWLEDGMENT = 8;
    private static final int DATA_OFFSET = 12;
    private static final int FLAGS = 13;
    private static final int WINDOW = 14;

    private MemorySegment memory = MemorySegment.NULL;
    private long offsetBytes;
    private int lengthBytes;
    private int headerBytes;

    /** Looks at an IP payload; false if it is shorter than its header claims. */
    public boolean wrap(MemorySegment memory, long offsetBytes, int lengthBytes) {
        this.memory = MemorySegment.NULL;
        if (!NetworkOrder.holds(memory, offsetBytes, lengthBytes, MIN_HEADER_BYTES)) {
            return false;
        }
        int header = (NetworkOrder.getByte(memory, offsetBytes + DATA_OFFSET) >>> 4) * 4;
        if (header < MIN_HEADER_BYTES || header > lengthBytes) {
            return false;
        }
        this.memory = memory;
        this.offsetBytes = offsetBytes;
        this.lengthBytes = lengthBytes;
        this.headerBytes = header;
        return true;
    }

    public int sourcePort() {
        return NetworkOrder.getShort(memory, offsetBytes);
    }

    public int destinationPort() {
        return NetworkOrder.getShort(memory, offsetBytes + DESTINATION_PORT);
    }

    /** Modulo 2^32, as on the wire. */
    public int sequence() {
        return NetworkOrder.getInt(memory, offsetBytes + SEQUENCE);
    }

    /** Modulo 2^32, as on the wire; only with {@link #ACK}. */
    public int acknowledgment() {
        return NetworkOrder.getInt(memory, offsetBytes + ACKNOWLEDGMENT);
    }

    /** The eight flag bits, CWR to FIN. */
    public int flags() {
        return NetworkOrder.getByte(memory, offsetBytes + FLAGS);
    }

    /** As on the wire, not yet scaled: 0 to 65535. */
    public int window() {
        return NetworkOrder.getShort(memory, offsetBytes + WINDOW);
    }

    /** Where the segment begins, in the wrapped memory. */
    public long offset() {
        return offsetBytes;
    }

    /** Options included. */
    public int headerLength() {
        return headerBytes;
    }

    /** Where they begin; they end at {@link #payloadOffset}. */
    public long optionsOffset() {
        return offsetBytes + MIN_HEADER_BYTES;
    }

    public long payloadOffset() {
        return offsetBytes + headerBytes;
    }

    public int payloadLength() {
        return lengthBytes - headerBytes;
    }
}
