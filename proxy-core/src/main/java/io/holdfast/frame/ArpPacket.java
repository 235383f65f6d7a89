package io.holdfast.frame;

import java.lang.foreign.MemorySegment;

/** A view of an ARP or RARP packet for IPv4 over Ethernet (RFC 826, RFC 903). See {@link EthernetFrame} for the manners of views. */
public final class ArpPacket {

    public static final int BYTES = 28;

    public static final int REQUEST = 1;
    public static final int REPLY = 2;

    /** RARP: "who am I?" */
    public static final int REVERSE_REQUEST = 3;

    private static final int HARDWARE_TYPE = 0;
    private static final int PROTOCOL_TYPE = 2;
    private static final int HARDWARE_LENGTH = 4;
    private static final int PROTOCOL_LENGTH = 5;
    private static final int OPERATION = 6;
    private static final int SENDER_HARDWARE = 8;
    private static final int SENDER_PROTOCOL = 14;
    private static final int TARGET_HARDWARE = 18;
    private static final int TARGET_PROTOCOL = 24;

    private static final int HARDWARE_ETHERNET = 1;
    private static final int IPV4_BYTES = 4;

    private MemorySegment memory = MemorySegment.NULL;
    private long offsetBytes;

    /** Looks at an Ethernet payload; false if it is too short, or speaks of other hardware or another protocol. */
    public boolean wrap(MemorySegment memory, long offsetBytes, int lengthBytes) {
        this.memory = MemorySegment.NULL;
        if (!NetworkOrder.holds(memory, offsetBytes, lengthBytes, BYTES)
                || NetworkOrder.getShort(memory, offsetBytes + HARDWARE_TYPE) != HARDWARE_ETHERNET
                || NetworkOrder.getShort(memory, offsetBytes + PROTOCOL_TYPE) != EtherType.IPV4
                || NetworkOrder.getByte(memory, offsetBytes + HARDWARE_LENGTH) != MacAddress.BYTES
                || NetworkOrder.getByte(memory, offsetBytes + PROTOCOL_LENGTH) != IPV4_BYTES) {
            return false;
        }
        this.memory = memory;
        this.offsetBytes = offsetBytes;
        return true;
    }

    /** Writes a packet of {@link #BYTES} bytes. */
    public static void write(
            MemorySegment memory,
            long offsetBytes,
            int operation,
            long senderMac,
            int senderIpv4,
            long targetMac,
            int targetIpv4) {
        NetworkOrder.putShort(memory, offsetBytes + HARDWARE_TYPE, HARDWARE_ETHERNET);
        NetworkOrder.putShort(memory, offsetBytes + PROTOCOL_TYPE, EtherType.IPV4);
        NetworkOrder.putByte(memory, offsetBytes + HARDWARE_LENGTH, MacAddress.BYTES);
        NetworkOrder.putByte(memory, offsetBytes + PROTOCOL_LENGTH, IPV4_BYTES);
        NetworkOrder.putShort(memory, offsetBytes + OPERATION, operation);
        NetworkOrder.putMac(memory, offsetBytes + SENDER_HARDWARE, senderMac);
        NetworkOrder.putInt(memory, offsetBytes + SENDER_PROTOCOL, senderIpv4);
        NetworkOrder.putMac(memory, offsetBytes + TARGET_HARDWARE, targetMac);
        NetworkOrder.putInt(memory, offsetBytes + TARGET_PROTOCOL, targetIpv4);
    }

    public int operation() {
        return NetworkOrder.getShort(memory, offsetBytes + OPERATION);
    }

    public long senderMac() {
        return NetworkOrder.getMac(memory, offsetBytes + SENDER_HARDWARE);
    }

    public int senderIpv4() {
        return NetworkOrder.getInt(memory, offsetBytes + SENDER_PROTOCOL);
    }

    public long targetMac() {
        return NetworkOrder.getMac(memory, offsetBytes + TARGET_HARDWARE);
    }

    public int targetIpv4() {
        return NetworkOrder.getInt(memory, offsetBytes + TARGET_PROTOCOL);
    }
}
