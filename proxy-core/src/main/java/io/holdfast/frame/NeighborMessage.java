package io.holdfast.frame;

import java.lang.foreign.MemorySegment;

/**
 * A view of an ICMPv6 message of neighbour discovery: router solicitation and advertisement, neighbour solicitation and
 * advertisement (RFC 4861, section 4). See {@link EthernetFrame} for the manners of views.
 *
 * <p>The receiver of such a message also checks that the packet's hop limit is {@value #HOP_LIMIT}, which proves that no
 * router has forwarded it; that is in the IPv6 header, and so not seen here.
 */
public final class NeighborMessage {

    public static final int HOP_LIMIT = 255;

    public static final int ROUTER_SOLICITATION = 133;
    public static final int ROUTER_ADVERTISEMENT = 134;
    public static final int NEIGHBOR_SOLICITATION = 135;
    public static final int NEIGHBOR_ADVERTISEMENT = 136;

    /** A neighbour solicitation without options. */
    public static final int SOLICITATION_BYTES = 24;

    /** A neighbour advertisement with one link-layer address option. */
    public static final int ADVERTISEMENT_BYTES = 32;

    /** The {@link #targetMac} of a message that does not tell it. */
    public static final long NO_MAC = -1;

    private static final int CODE = 1;
    private static final int CHECKSUM = 2;
    private static final int FLAGS = 4;
    private static final int ROUTER_LIFETIME = 6;
    private static final int TARGET = 8;
    private static final int TARGET_OPTIONS = 24;

    private static final int ROUTER_FLAG = 0x80;
    private static final int SOLICITED_FLAG = 0x40;
    private static final int OVERRIDE_FLAG = 0x20;

    private static final int TARGET_LINK_ADDRESS_OPTION = 2;

    /** An option's second byte counts in these. */
    private static final int OPTION_UNIT_BYTES = 8;

    private MemorySegment memory = MemorySegment.NULL;
    private long offsetBytes;
    private int lengthBytes;

    /** Looks at an ICMPv6 message; false if it is too short, has a code, or is of another type. */
    public boolean wrap(MemorySegment memory, long offsetBytes, int lengthBytes) {
        this.memory = MemorySegment.NULL;
        if (!NetworkOrder.holds(memory, offsetBytes, lengthBytes, 8)
                || NetworkOrder.getByte(memory, offsetBytes + CODE) != 0) {
            return false;
        }
        int needed = switch (NetworkOrder.getByte(memory, offsetBytes)) {
            case ROUTER_SOLICITATION -> 8;
            case ROUTER_ADVERTISEMENT -> 16;
            case NEIGHBOR_SOLICITATION, NEIGHBOR_ADVERTISEMENT -> TARGET_OPTIONS;
            default -> Integer.MAX_VALUE;
        };
        if (lengthBytes < needed) {
            return false;
        }
        this.memory = memory;
        this.offsetBytes = offsetBytes;
        this.lengthBytes = lengthBytes;
        return true;
    }

    /** One of the four types above. */
    public int type() {
        return NetworkOrder.getByte(memory, offsetBytes);
    }

    /** In a neighbour advertisement: whether the sender is a router. */
    public boolean isRouter() {
        return (NetworkOrder.getByte(memory, offsetBytes + FLAGS) & ROUTER_FLAG) != 0;
    }

    /** In a neighbour advertisement: whether it answers a solicitation. */
    public boolean isSolicited() {
        return (NetworkOrder.getByte(memory, offsetBytes + FLAGS) & SOLICITED_FLAG) != 0;
    }

    /** In a neighbour advertisement: whether it replaces what the receiver knows. */
    public boolean isOverride() {
        return (NetworkOrder.getByte(memory, offsetBytes + FLAGS) & OVERRIDE_FLAG) != 0;
    }

    /** In a router advertisement: for how long the sender is a default router; 0: not at all. */
    public int routerLifetimeSeconds() {
        return NetworkOrder.getShort(memory, offsetBytes + ROUTER_LIFETIME);
    }

    /** The upper half of the target; only in neighbour messages. */
    public long targetHigh() {
        return NetworkOrder.getLong(memory, offsetBytes + TARGET);
    }

    /** The lower half of the target; only in neighbour messages. */
    public long targetLow() {
        return NetworkOrder.getLong(memory, offsetBytes + TARGET + 8);
    }

    /**
     * In a neighbour advertisement: the target's Ethernet address, in the form of {@link MacAddress#value()}; {@link #NO_MAC}
     * if there is none, or an option before it has no length, for which receivers drop the message (RFC 4861, section 4.6).
     */
    public long targetMac() {
        int at = TARGET_OPTIONS;
        while (lengthBytes - at >= OPTION_UNIT_BYTES) {
            if (NetworkOrder.getByte(memory, offsetBytes + at) == TARGET_LINK_ADDRESS_OPTION) {
                boolean fits = NetworkOrder.getByte(memory, offsetBytes + at + 1) == 1;
                return fits ? NetworkOrder.getMac(memory, offsetBytes + at + 2) : NO_MAC;
            }
            int units = NetworkOrder.getByte(memory, offsetBytes + at + 1);
            if (units == 0) {
                return NO_MAC;
            }
            at += units * OPTION_UNIT_BYTES;
        }
        return NO_MAC;
    }

    /**
     * Writes a neighbour solicitation of {@link #SOLICITATION_BYTES} bytes right behind the IPv6 header at {@code ipv6Offset},
     * which must be complete, with the checksum over both. It has no option, as one must not that comes from no address (RFC
     * 4861, section 4.3).
     */
    public static void writeSolicitation(MemorySegment memory, long ipv6Offset, long targetHigh, long targetLow) {
        write(memory, ipv6Offset, NEIGHBOR_SOLICITATION, 0, targetHigh, targetLow);
        writeChecksum(memory, ipv6Offset, SOLICITATION_BYTES);
    }

    /**
     * Writes an unsolicited neighbour advertisement of {@link #ADVERTISEMENT_BYTES} bytes right behind the IPv6 header at
     * {@code ipv6Offset}, which must be complete, with the checksum over both.
     */
    public static void writeUnsolicitedAdvertisement(
            MemorySegment memory, long ipv6Offset, boolean router, long targetHigh, long targetLow, long targetMac) {
        int flags = OVERRIDE_FLAG | (router ? ROUTER_FLAG : 0);
        write(memory, ipv6Offset, NEIGHBOR_ADVERTISEMENT, flags, targetHigh, targetLow);
        long option = ipv6Offset + Ipv6Packet.HEADER_BYTES + TARGET_OPTIONS;
        NetworkOrder.putByte(memory, option, TARGET_LINK_ADDRESS_OPTION);
        NetworkOrder.putByte(memory, option + 1, 1); // in units of eight bytes
        NetworkOrder.putMac(memory, option + 2, targetMac);
        writeChecksum(memory, ipv6Offset, ADVERTISEMENT_BYTES);
    }

    /** What solicitation and advertisement have in common. */
    private static void write(
            MemorySegment memory, long ipv6Offset, int type, int flags, long targetHigh, long targetLow) {
        long at = ipv6Offset + Ipv6Packet.HEADER_BYTES;
        NetworkOrder.putByte(memory, at, type);
        NetworkOrder.putByte(memory, at + CODE, 0);
        NetworkOrder.putShort(memory, at + CHECKSUM, 0);
        NetworkOrder.putInt(memory, at + FLAGS, flags << 24);
        NetworkOrder.putLong(memory, at + TARGET, targetHigh);
        NetworkOrder.putLong(memory, at + TARGET + 8, targetLow);
    }

    private static void writeChecksum(MemorySegment memory, long ipv6Offset, int messageBytes) {
        long at = ipv6Offset + Ipv6Packet.HEADER_BYTES;
        long sum = Checksums.pseudoHeaderIpv6(memory, ipv6Offset, IpProtocol.ICMPV6, messageBytes)
                + Checksums.sum(memory, at, messageBytes);
        NetworkOrder.putShort(memory, at + CHECKSUM, Checksums.finish(sum));
    }
}
