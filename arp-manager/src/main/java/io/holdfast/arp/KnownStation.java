package io.holdfast.arp;

import io.holdfast.frame.EthernetFrame;
import io.holdfast.frame.MacAddress;
import io.holdfast.frame.NetworkOrder;
import io.holdfast.frame.VlanTag;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.stream.IntStream;

/** A {@link GuestAddresses.Station} in numbers, which can be compared with a frame without allocating. Immutable. */
final class KnownStation {

    static final long UNUSABLE_TAGS = -1;

    private final long mac;
    private final long tags;
    private final boolean router;
    private final int[] ipv4;

    /** Two longs for each address. */
    private final long[] ipv6;

    private KnownStation(long mac, long tags, boolean router, int[] ipv4, long[] ipv6) {
        this.mac = mac;
        this.tags = tags;
        this.router = router;
        this.ipv4 = ipv4;
        this.ipv6 = ipv6;
    }

    KnownStation(long mac, long tags) {
        this(mac, tags, false, new int[0], new long[0]);
    }

    static KnownStation of(GuestAddresses.Station station) {
        long tags = 0;
        for (VlanTag tag : station.tags()) {
            tags = pushTag(tags, tag.protocol(), tag.id());
        }
        int[] ipv4 = station.ipv4().stream()
                .mapToInt(text -> NetworkOrder.getInt(AddressText.parseIpv4(text), 0))
                .toArray();
        long[] ipv6 = new long[station.ipv6().size() * 2];
        for (int i = 0; i < station.ipv6().size(); i++) {
            MemorySegment address = AddressText.parseIpv6(station.ipv6().get(i));
            ipv6[2 * i] = NetworkOrder.getLong(address, 0);
            ipv6[2 * i + 1] = NetworkOrder.getLong(address, 8);
        }
        return new KnownStation(station.mac().value(), tags, station.router(), ipv4, ipv6);
    }

    /** Up to two tags in one number: 16 bits of protocol and 16 of VLAN each, the innermost tag lowest; 0 is untagged. */
    static long pushTag(long outerTags, int protocol, int vlanId) {
        return (outerTags << 32) | ((long) protocol << 16) | vlanId;
    }

    /**
     * A frame's tags in the form of {@link #pushTag}; VLAN 0 is only a priority (IEEE 802.1Q).
     *
     * @return {@link #UNUSABLE_TAGS} if nobody can be on that VLAN
     */
    static long tagsOf(EthernetFrame frame) {
        long tags = 0;
        for (int i = 0; i < frame.tagCount(); i++) {
            int vlanId = frame.vlanId(i);
            if (vlanId > VlanTag.MAX_ID) {
                return UNUSABLE_TAGS;
            }
            if (vlanId != 0) {
                tags = pushTag(tags, frame.tagProtocol(i), vlanId);
            }
        }
        return tags;
    }

    /** The tags in a number of the form of {@link #pushTag}, outermost first. */
    static List<VlanTag> toTags(long tags) {
        List<VlanTag> list = new ArrayList<>();
        for (int shift = 32; shift >= 0; shift -= 32) {
            int tag = (int) (tags >>> shift);
            if (tag != 0) {
                list.add(new VlanTag(tag >>> 16, tag & 0xffff));
            }
        }
        return list;
    }

    GuestAddresses.Station toStation() {
        return new GuestAddresses.Station(
                new MacAddress(mac),
                toTags(tags),
                router,
                Arrays.stream(ipv4).mapToObj(AddressText::ofIpv4).toList(),
                IntStream.range(0, ipv6.length / 2)
                        .mapToObj(i -> AddressText.ofIpv6(ipv6[2 * i], ipv6[2 * i + 1]))
                        .toList());
    }

    boolean is(long otherMac, long otherTags) {
        return mac == otherMac && tags == otherTags;
    }

    boolean hasTags(long otherTags) {
        return tags == otherTags;
    }

    boolean isRouter() {
        return router;
    }

    boolean hasIpv4(int address) {
        for (int known : ipv4) {
            if (known == address) {
                return true;
            }
        }
        return false;
    }

    boolean hasIpv6(long high, long low) {
        for (int i = 0; i < ipv6.length; i += 2) {
            if (ipv6[i + 1] == low && ipv6[i] == high) {
                return true;
            }
        }
        return false;
    }

    int addressCount() {
        return ipv4.length + ipv6.length / 2;
    }

    KnownStation withIpv4(int address) {
        int[] more = Arrays.copyOf(ipv4, ipv4.length + 1);
        more[ipv4.length] = address;
        return new KnownStation(mac, tags, router, more, ipv6);
    }

    KnownStation withIpv6(long high, long low) {
        long[] more = Arrays.copyOf(ipv6, ipv6.length + 2);
        more[ipv6.length] = high;
        more[ipv6.length + 1] = low;
        return new KnownStation(mac, tags, router, ipv4, more);
    }

    KnownStation withRouter(boolean isRouter) {
        return new KnownStation(mac, tags, isRouter, ipv4, ipv6);
    }
}
