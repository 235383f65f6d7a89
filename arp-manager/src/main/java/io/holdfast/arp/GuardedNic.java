package io.holdfast.arp;

import java.util.List;
import java.util.stream.LongStream;

/** What of the guest's must not come in on one of its NICs, made ready to be compared with frames. Immutable. */
final class GuardedNic {

    /** 00-00-5E-00-01-xx and 00-00-5E-00-02-xx, which routers share by intent (VRRP: RFC 9568, section 7.3). */
    private static final long VIRTUAL_ROUTER_IPV4 = 0x0000_5e00_0100L;

    private static final long VIRTUAL_ROUTER_IPV6 = 0x0000_5e00_0200L;

    private final long version;
    private final KnownStation[] stations;

    /** Those that nobody else may use on this NIC. */
    private final long[] unsharedMacs;

    /** All that the guest has, on any NIC. */
    private final long[] ownMacs;

    private GuardedNic(long version, KnownStation[] stations, long[] unsharedMacs, long[] ownMacs) {
        this.version = version;
        this.stations = stations;
        this.unsharedMacs = unsharedMacs;
        this.ownMacs = ownMacs;
    }

    static GuardedNic of(GuestAddresses known, String nic) {
        long[] here = macs(
                known.nics().stream().filter(other -> other.name().equals(nic)).toList());
        long[] elsewhere = macs(
                known.nics().stream().filter(other -> !other.name().equals(nic)).toList());
        // A guest that bonds its NICs hears itself, if both are on one network.
        long[] unshared = LongStream.of(here)
                .filter(mac -> !isVirtualRouter(mac) && !contains(elsewhere, mac))
                .toArray();
        long[] own =
                LongStream.concat(LongStream.of(here), LongStream.of(elsewhere)).toArray();
        KnownStation[] stations =
                known.nic(nic).stations().stream().map(KnownStation::of).toArray(KnownStation[]::new);
        return new GuardedNic(known.version(), stations, unshared, own);
    }

    private static long[] macs(List<GuestAddresses.Nic> nics) {
        return nics.stream()
                .flatMap(nic -> nic.stations().stream())
                .mapToLong(station -> station.mac().value())
                .distinct()
                .toArray();
    }

    private static boolean isVirtualRouter(long mac) {
        long block = mac & ~0xffL;
        return block == VIRTUAL_ROUTER_IPV4 || block == VIRTUAL_ROUTER_IPV6;
    }

    /** Which snapshot it was made of. */
    long version() {
        return version;
    }

    boolean isEmpty() {
        return stations.length == 0;
    }

    /** Whether a frame with this source may show a conflict: a quick first look. */
    boolean guardsMac(long mac) {
        return contains(unsharedMacs, mac);
    }

    /** The guest's answer to a frame on one of its NICs may come in on another: both may be on one network. */
    boolean isOwnMac(long mac) {
        return contains(ownMacs, mac);
    }

    /** Whether the guest has it, on any of its NICs, and nobody else may at the same time. */
    boolean isOnlyTheGuests(long mac) {
        return contains(ownMacs, mac) && !isVirtualRouter(mac);
    }

    boolean hasMac(long mac, long tags) {
        for (KnownStation station : stations) {
            if (station.is(mac, tags)) {
                return true;
            }
        }
        return false;
    }

    boolean hasIpv4(int address, long tags) {
        for (KnownStation station : stations) {
            if (station.hasTags(tags) && station.hasIpv4(address)) {
                return true;
            }
        }
        return false;
    }

    boolean hasIpv6(long high, long low, long tags) {
        for (KnownStation station : stations) {
            if (station.hasTags(tags) && station.hasIpv6(high, low)) {
                return true;
            }
        }
        return false;
    }

    private static boolean contains(long[] macs, long mac) {
        for (long known : macs) {
            if (known == mac) {
                return true;
            }
        }
        return false;
    }
}
