package io.holdfast.arp;

import io.holdfast.frame.ArpPacket;
import io.holdfast.frame.EtherType;
import io.holdfast.frame.IpProtocol;
import io.holdfast.frame.Ipv6Packet;
import io.holdfast.frame.MacAddress;
import io.holdfast.frame.NeighborMessage;
import io.holdfast.frame.NetworkOrder;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.List;

/**
 * Builds the frames that ask whether a guest's addresses are in use, without claiming them: they come from a MAC address
 * that is not the guest's, so that no switch takes the guest to be here, and from no IP address, so that no neighbour learns
 * a pair. Pure.
 */
public final class ProbeFrames {

    /** 33:33 and the last four bytes of a solicited-node address, which are ff and three of the target's (RFC 2464, section 7). */
    private static final long SOLICITED_NODE_MAC = 0x3333_ff00_0000L;

    /** {@code ff02::1:ff00:0/104} (RFC 4291, section 2.7.1). */
    private static final long SOLICITED_NODE_HIGH = 0xff02L << 48;

    private static final long SOLICITED_NODE_LOW = 0x0001_ff00_0000L;

    /** What an address and its solicited-node address have in common. */
    private static final long SOLICITED_NODE_MASK = 0xff_ffffL;

    private static final long UNSPECIFIED = 0;
    private static final long NO_MAC = 0;
    private static final int NO_IPV4 = 0;

    private ProbeFrames() {}

    /**
     * All probes for one NIC: for each IPv4 address of each station an ARP probe (RFC 5227, section 2.1.1), for each IPv6
     * address a neighbour solicitation as duplicate address detection has it (RFC 4862, section 5.4.2), with the station's
     * VLAN tags.
     *
     * @param sender who asks, and gets the answers to ARP; not one of the guest's
     * @return whole frames, off-heap, not to be written to
     */
    public static List<MemorySegment> build(GuestAddresses.Nic nic, MacAddress sender) {
        List<MemorySegment> frames = new ArrayList<>();
        for (GuestAddresses.Station station : nic.stations()) {
            station.ipv4().forEach(address -> frames.add(arpProbe(station, address, sender.value())));
            station.ipv6().forEach(address -> frames.add(neighborSolicitation(station, address, sender.value())));
        }
        return List.copyOf(frames);
    }

    private static MemorySegment arpProbe(GuestAddresses.Station station, String address, long sender) {
        int ipv4 = NetworkOrder.getInt(AddressText.parseIpv4(address), 0);
        FrameDraft draft =
                FrameDraft.of(MacAddress.BROADCAST.value(), sender, station.tags(), EtherType.ARP, ArpPacket.BYTES);
        ArpPacket.write(draft.memory(), draft.payloadOffset(), ArpPacket.REQUEST, sender, NO_IPV4, NO_MAC, ipv4);
        return draft.memory();
    }

    private static MemorySegment neighborSolicitation(GuestAddresses.Station station, String address, long sender) {
        MemorySegment ipv6 = AddressText.parseIpv6(address);
        long high = NetworkOrder.getLong(ipv6, 0);
        long low = NetworkOrder.getLong(ipv6, 8);
        FrameDraft draft = FrameDraft.of(
                SOLICITED_NODE_MAC | (low & SOLICITED_NODE_MASK),
                sender,
                station.tags(),
                EtherType.IPV6,
                Ipv6Packet.HEADER_BYTES + NeighborMessage.SOLICITATION_BYTES);
        Ipv6Packet.write(
                draft.memory(),
                draft.payloadOffset(),
                NeighborMessage.SOLICITATION_BYTES,
                IpProtocol.ICMPV6,
                NeighborMessage.HOP_LIMIT,
                UNSPECIFIED,
                UNSPECIFIED,
                SOLICITED_NODE_HIGH,
                SOLICITED_NODE_LOW | (low & SOLICITED_NODE_MASK));
        NeighborMessage.writeSolicitation(draft.memory(), draft.payloadOffset(), high, low);
        return draft.memory();
    }
}
