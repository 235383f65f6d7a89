package io.holdfast.arp;

import io.holdfast.frame.ArpPacket;
import io.holdfast.frame.EtherType;
import io.holdfast.frame.EthernetFrame;
import io.holdfast.frame.IpProtocol;
import io.holdfast.frame.Ipv6Packet;
import io.holdfast.frame.MacAddress;
import io.holdfast.frame.NeighborMessage;
import io.holdfast.frame.NetworkOrder;
import io.holdfast.frame.VlanTag;
import java.lang.foreign.Arena;
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
        MemorySegment frame = frame(station, MacAddress.BROADCAST.value(), etherType, ArpPacket.BYTES);
        ArpPacket.write(frame, headerBytes(station), operation, station.mac().value(), ipv4, targetMac, ipv4);
        return frame;
    }

    private static AnnounceFrame neighborAdvertisement(GuestAddresses.Station station, String address) {
        MemorySegment ipv6 = AddressText.parseIpv6(address);
        long high = NetworkOrder.getLong(ipv6, 0);
        long low = NetworkOrder.getLong(ipv6, 8);
        int payloadBytes = Ipv6Packet.HEADER_BYTES + NeighborMessage.ADVERTISEMENT_BYTES;
        MemorySegment frame = frame(station, ALL_NODES_MAC, EtherType.IPV6, payloadBytes);
        int at = headerBytes(station);
        Ipv6Packet.write(
                frame,
                at,
                NeighborMessage.ADVERTISEMENT_BYTES,
                IpProtocol.ICMPV6,
                NeighborMessage.HOP_LIMIT,
                high,
                low,
                ALL_NODES_HIGH,
                ALL_NODES_LOW);
        NeighborMessage.writeUnsolicitedAdvertisement(
                frame, at, station.router(), high, low, station.mac().value());
        return new AnnounceFrame(AnnounceForm.NA, station, Optional.of(address), frame);
    }

    /** Zeroed, padded to the shortest frame that Ethernet allows, with the header filled in. */
    private static MemorySegment frame(
            GuestAddresses.Station station, long destinationMac, int etherType, int payloadBytes) {
        int header = headerBytes(station);
        MemorySegment frame = Arena.ofAuto().allocate(Math.max(header + payloadBytes, EthernetFrame.MIN_BYTES));
        NetworkOrder.putMac(frame, 0, destinationMac);
        NetworkOrder.putMac(frame, MacAddress.BYTES, station.mac().value());
        int at = 2 * MacAddress.BYTES;
        for (VlanTag tag : station.tags()) {
            NetworkOrder.putShort(frame, at, tag.protocol());
            NetworkOrder.putShort(frame, at + 2, tag.id());
            at += VlanTag.BYTES;
        }
        NetworkOrder.putShort(frame, at, etherType);
        return frame;
    }

    private static int headerBytes(GuestAddresses.Station station) {
        return EthernetFrame.HEADER_BYTES + station.tags().size() * VlanTag.BYTES;
    }
}
