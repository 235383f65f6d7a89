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
import java.util.Optional;

/** Builds the frames that say where a guest is. Pure. */
public final class AnnounceFrames {

    /** 33:33 and the last four bytes of {@code ff02::1} (RFC 2464, section 7). */
    private static final long ALL_NODES_MAC = 0x3333_0000_0001L;

    /** {@code ff02::1}, everybody on the link. */
    private static final long ALL_NODES_HIGH = 0xff02L << 48;

    private static final long ALL_NODES_LOW = 1;

    private static final long NO_MAC = 0;
    private static final int NO_IPV4 = 0;

    private AnnounceFrames() {}

    /**
     * All announcements for one NIC: for each station a RARP, for each of its IPv4 addresses a gratuitous ARP request and
     * a reply, for each IPv6 address an unsolicited neighbour advertisement, all with the station's VLAN tags. The RARPs
     * come first: switches must know the way before anybody answers.
     */
    public static List<AnnounceFrame> build(GuestAddresses.Nic nic) {
        List<AnnounceFrame> frames = new ArrayList<>();
        for (GuestAddresses.Station station : nic.stations()) {
            frames.add(reverseArp(station));
        }
        for (GuestAddresses.Station station : nic.stations()) {
            for (String address : station.ipv4()) {
                frames.add(gratuitousRequest(station, address));
                frames.add(gratuitousReply(station, address));
            }
            for (String address : station.ipv6()) {
                frames.add(neighborAdvertisement(station, address));
            }
        }
        return List.copyOf(frames);
    }

    private static AnnounceFrame reverseArp(GuestAddresses.Station station) {
        long mac = station.mac().value();
        MemorySegment frame = arp(station, EtherType.RARP, ArpPacket.REVERSE_REQUEST, NO_IPV4, mac);
        return new AnnounceFrame(AnnounceForm.RARP, station, Optional.empty(), frame);
    }

    private static AnnounceFrame gratuitousRequest(GuestAddresses.Station station, String address) {
        MemorySegment frame = arp(station, EtherType.ARP, ArpPacket.REQUEST, ipv4(address), NO_MAC);
        return new AnnounceFrame(AnnounceForm.GARP_REQUEST, station, Optional.of(address), frame);
    }

    /** Linux takes it as gratuitous only if the target hardware address is the sender's. */
    private static AnnounceFrame gratuitousReply(GuestAddresses.Station station, String address) {
        long mac = station.mac().value();
        MemorySegment frame = arp(station, EtherType.ARP, ArpPacket.REPLY, ipv4(address), mac);
        return new AnnounceFrame(AnnounceForm.GARP_REPLY, station, Optional.of(address), frame);
    }

    private static int ipv4(String address) {
        return NetworkOrder.getInt(AddressText.parseIpv4(address), 0);
    }

    /** To everybody, about the sender. */
    private static MemorySegment arp(
            GuestAddresses.Station station, int etherType, int operation, int ipv4, long targetMac) {
        long mac = station.mac().value();
        FrameDraft draft = FrameDraft.of(MacAddress.BROADCAST.value(), mac, station.tags(), etherType, ArpPacket.BYTES);
        ArpPacket.write(draft.memory(), draft.payloadOffset(), operation, mac, ipv4, targetMac, ipv4);
        return draft.memory();
    }

    private static AnnounceFrame neighborAdvertisement(GuestAddresses.Station station, String address) {
        MemorySegment ipv6 = AddressText.parseIpv6(address);
        long high = NetworkOrder.getLong(ipv6, 0);
        long low = NetworkOrder.getLong(ipv6, 8);
        long mac = station.mac().value();
        FrameDraft draft = FrameDraft.of(
                ALL_NODES_MAC,
                mac,
                station.tags(),
                EtherType.IPV6,
                Ipv6Packet.HEADER_BYTES + NeighborMessage.ADVERTISEMENT_BYTES);
        Ipv6Packet.write(
                draft.memory(),
                draft.payloadOffset(),
                NeighborMessage.ADVERTISEMENT_BYTES,
                IpProtocol.ICMPV6,
                NeighborMessage.HOP_LIMIT,
                high,
                low,
                ALL_NODES_HIGH,
                ALL_NODES_LOW);
        NeighborMessage.writeUnsolicitedAdvertisement(
                draft.memory(), draft.payloadOffset(), station.router(), high, low, mac);
        return new AnnounceFrame(AnnounceForm.NA, station, Optional.of(address), draft.memory());
    }
}
