package io.holdfast.frame;

import java.lang.foreign.MemorySegment;

/** A view of a UDP datagram (RFC 768). See {@link EthernetFrame} for the manners of views. */
public final class UdpDatagram {

    public static final int HEADER_BYTES = 8;

    private static final int DESTINATION_PORT = 2;
    private static final int LENGTH = 4;

    private MemorySegment memory = MemorySegment.NULL;
    private long offsetBytes;

    /** Looks at an IP payload; false if it is shorter than its header claims. */
    public boolean wrap(MemorySegment memory, long offsetBytes, int lengthBytes) {
        this.memory = MemorySegment.NULL;
        if (!NetworkOrder.holds(memory, offsetBytes, lengthBytes, HEADER_BYTES)) {
            return false;
        }
        int length = NetworkOrder.getShort(memory, offsetBytes + LENGTH);
        if (length < HEADER_BYTES || length > lengthBytes) {
            return false;
        }
        this.memory = memory;
        this.offsetBytes = offsetBytes;
        return true;
    }

    public int sourcePort() {
        return NetworkOrder.getShort(memory, offsetBytes);
    }

    public int destinationPort() {
        return NetworkOrder.getShort(memory, offsetBytes + DESTINATION_PORT);
    }
}
