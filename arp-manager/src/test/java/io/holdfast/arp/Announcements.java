package io.holdfast.arp;

import io.holdfast.frame.MacAddress;
import io.holdfast.frame.VlanTag;
import java.util.Arrays;
import java.util.List;

/** What the tests announce. */
final class Announcements {

    static final String GUEST_MAC = "52:54:00:12:34:56";
    static final String IPV4 = "10.0.0.5";
    static final String IPV6 = "2001:db8::5";
    static final String LINK_LOCAL = "fe80::5054:ff:fe12:3456";

    private Announcements() {}

    static GuestAddresses.Nic nic(GuestAddresses.Station... stations) {
        return new GuestAddresses.Nic("net0", List.of(stations));
    }

    static GuestAddresses.Station station(boolean router, VlanTag... tags) {
        return new GuestAddresses.Station(
                MacAddress.parse(GUEST_MAC), Arrays.asList(tags), router, List.of(IPV4), List.of(LINK_LOCAL, IPV6));
    }

    static List<AnnounceFrame> only(AnnounceForm form, List<AnnounceFrame> frames) {
        return frames.stream().filter(frame -> frame.form() == form).toList();
    }
}
