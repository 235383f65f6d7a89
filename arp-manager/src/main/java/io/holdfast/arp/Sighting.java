package io.holdfast.arp;

import io.holdfast.frame.MacAddress;
import io.holdfast.measure.Counter;

/** A {@link Conflict} in numbers, while it goes on. Written by the thread that captures on its NIC, read by any. */
final class Sighting {

    private final ConflictKind kind;

    /** An IPv6 address; in the others a MAC or IPv4 address is alone in the lower half. */
    private final long addressHigh;

    private final long addressLow;
    private final long foreignMac;
    private final long tags;
    private final long firstNanos;
    private final Counter count = new Counter();
    private volatile long lastNanos;
    private volatile boolean seenAsOwner;

    Sighting(ConflictKind kind, long addressHigh, long addressLow, long foreignMac, long tags, long firstNanos) {
        this.kind = kind;
        this.addressHigh = addressHigh;
        this.addressLow = addressLow;
        this.foreignMac = foreignMac;
        this.tags = tags;
        this.firstNanos = firstNanos;
    }

    boolean is(
            ConflictKind otherKind, long otherAddressHigh, long otherAddressLow, long otherForeignMac, long otherTags) {
        return foreignMac == otherForeignMac
                && addressLow == otherAddressLow
                && addressHigh == otherAddressHigh
                && tags == otherTags
                && kind == otherKind;
    }

    void see(boolean asOwner, long nowNanos) {
        count.increment();
        lastNanos = nowNanos;
        if (asOwner) {
            seenAsOwner = true;
        }
    }

    boolean isSeenAsOwner() {
        return seenAsOwner;
    }

    Conflict toConflict(String nic) {
        String address = switch (kind) {
            case MAC -> new MacAddress(addressLow).toString();
            case IPV4 -> AddressText.ofIpv4((int) addressLow);
            case IPV6 -> AddressText.ofIpv6(addressHigh, addressLow);
        };
        return new Conflict(
                nic,
                kind,
                address,
                new MacAddress(foreignMac),
                KnownStation.toTags(tags),
                !seenAsOwner,
                count.value(),
                firstNanos,
                lastNanos);
    }
}
