package io.holdfast.arp;

import io.holdfast.arp.Ownership.Standing;
import io.holdfast.frame.ArpPacket;
import io.holdfast.frame.EtherType;
import io.holdfast.frame.EthernetFrame;
import io.holdfast.frame.IpProtocol;
import io.holdfast.frame.Ipv6Packet;
import io.holdfast.frame.MacAddress;
import io.holdfast.frame.NeighborMessage;
import io.holdfast.frame.NetworkOrder;
import io.holdfast.measure.Counter;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.EnumMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.function.LongSupplier;

/**
 * Notices in what comes from the network that somebody else uses the guest's addresses (INV-10).
 *
 * <p>That is normal where the guest is not: while this host does not own it, nothing is noticed. While it may be another
 * host's, a conflict is kept and marked as such. Once this host owns it, a conflict puts the NIC in dispute: its announcements
 * stop ({@link #ownership}), because two hosts that outcry each other help nobody, until somebody who knows says that the
 * guest is here ({@link #resolve}), or the term ends ({@link #forgetAll}).
 *
 * <p>Addresses that several hosts share by intent are no conflict: the guest's own on another of its NICs, MAC addresses of
 * virtual routers, and IPv6 addresses that are advertised without the Override flag (anycast, and proxies that stand back:
 * RFC 4861, sections 7.2.7 and 7.2.8).
 *
 * <p><b>Threads.</b> Each {@link Guard} belongs to the thread that captures on its NIC. A frame costs it no more than looking at
 * its source and type, one in conflict a comparison with those that are known; only the first of a conflict, and the first
 * frame after the address book has learned something, allocate. Everything else may be called by any thread.
 */
public final class ConflictWatch {

    /** Of one NIC; further conflicts are only counted. */
    public static final int MAX_CONFLICTS_PER_NIC = 16;

    /** See {@link #resolve}. */
    public static final int MOST_RESOLUTIONS_PER_MINUTE = ReannounceLimit.MOST;

    private final AddressBook book;
    private final Ownership ownership;
    private final LongSupplier nanoClock;
    private final Runnable onNews;
    private final Map<String, Guard> guards = new LinkedHashMap<>();

    /**
     * A watch over all NICs of the book.
     *
     * @param book what the guest is known by
     * @param ownership of the guest; asked by the capturing threads, for frames in conflict only
     * @param nanoClock monotonic; read for frames in conflict only
     * @param onNews called by a capturing thread when there is a new conflict, or one is first seen by the owner; must neither
     *     block nor throw
     */
    public ConflictWatch(AddressBook book, Ownership ownership, LongSupplier nanoClock, Runnable onNews) {
        this.book = book;
        this.ownership = ownership;
        this.nanoClock = nanoClock;
        this.onNews = onNews;
        book.nics().forEach(nic -> guards.put(nic, new Guard(nic)));
    }

    /** The NICs that are watched. */
    public List<String> nics() {
        return book.nics();
    }

    /**
     * The one that looks at this NIC's frames.
     *
     * @throws IllegalArgumentException if there is no NIC of this name
     */
    public Guard guard(String nic) {
        Guard guard = guards.get(nic);
        if (guard == null) {
            throw new IllegalArgumentException("no NIC is named '" + nic + "', only " + guards.keySet());
        }
        return guard;
    }

    /** What may be announced: as the watch was told, but nothing is certain on a NIC that is in dispute. */
    public Ownership ownership() {
        return nic -> {
            Standing standing = ownership.standing(nic);
            return standing == Standing.OWNER && isDisputed(nic) ? Standing.IN_DOUBT : standing;
        };
    }

    /** Whether a conflict was seen on this NIC while this host owned the guest, and nobody has resolved it. */
    public boolean isDisputed(String nic) {
        return guard(nic).isDisputed();
    }

    /** All conflicts that are not resolved, NIC by NIC. */
    public List<Conflict> conflicts() {
        List<Conflict> conflicts = new ArrayList<>();
        for (Guard guard : guards.values()) {
            for (Sighting sighting : guard.sightings) {
                conflicts.add(sighting.toConflict(guard.nic));
            }
        }
        return conflicts;
    }

    /** How many frames in conflict were seen on a NIC since the start of the process. */
    public long count(String nic, ConflictKind kind) {
        return guard(nic).counter(kind).value();
    }

    /**
     * Ends all disputes, by order of somebody who knows that the guest is here; whoever says so then has it announced from the
     * beginning. Under a limit for each NIC that is in dispute: {@value #MOST_RESOLUTIONS_PER_MINUTE} times within a minute.
     *
     * @return 0 if all disputes are ended; otherwise nothing has changed, and this is how many nanoseconds are to be waited
     */
    public synchronized long resolve(long nowNanos) {
        List<Guard> disputed =
                guards.values().stream().filter(Guard::isDisputed).toList();
        long waitNanos = disputed.stream()
                .mapToLong(guard -> guard.limit.nanosUntilAllowed(nowNanos))
                .max()
                .orElse(0);
        if (waitNanos == 0) {
            disputed.forEach(guard -> guard.limit.take(nowNanos));
            forgetAll();
        }
        return waitNanos;
    }

    /** Ends all disputes, because the term in which they were seen is over, or another one has begun. */
    public void forgetAll() {
        guards.values().forEach(Guard::forget);
    }

    /** Looks at what comes in on one NIC. */
    public final class Guard {

        private static final int SOURCE = MacAddress.BYTES;
        private static final int TYPE = 2 * MacAddress.BYTES;
        private static final Sighting[] NONE = {};

        private final String nic;
        private final Map<ConflictKind, Counter> counters = new EnumMap<>(ConflictKind.class);

        /** Of the watch. */
        private final ReannounceLimit limit = new ReannounceLimit();

        private final EthernetFrame ethernet = new EthernetFrame();
        private final ArpPacket arp = new ArpPacket();
        private final Ipv6Packet ipv6 = new Ipv6Packet();
        private final NeighborMessage neighbor = new NeighborMessage();

        /** Of the capturing thread. */
        private GuardedNic guarded;

        /** Replaced as a whole, under the lock of the guard. */
        private volatile Sighting[] sightings = NONE;

        private Guard(String nic) {
            this.nic = nic;
            this.guarded = GuardedNic.of(GuestAddresses.NONE, nic);
            for (ConflictKind kind : ConflictKind.values()) {
                counters.put(kind, new Counter());
            }
        }

        /** Takes a frame that came from the network. Whatever is wrong with the frame, it does not throw. */
        public void onFrame(MemorySegment memory, long offsetBytes, int lengthBytes) {
            GuestAddresses known = book.snapshot();
            if (known.version() != guarded.version()) {
                guarded = GuardedNic.of(known, nic);
            }
            if (guarded.isEmpty() || lengthBytes < EthernetFrame.HEADER_BYTES) {
                return;
            }
            long source = NetworkOrder.getMac(memory, offsetBytes + SOURCE);
            int type = NetworkOrder.getShort(memory, offsetBytes + TYPE);
            if (guarded.guardsMac(source)
                    || type == EtherType.ARP
                    || type == EtherType.IPV6
                    || EtherType.isVlan(type)) {
                look(memory, offsetBytes, lengthBytes);
            }
        }

        private void look(MemorySegment memory, long offsetBytes, int lengthBytes) {
            if (!ethernet.wrap(memory, offsetBytes, lengthBytes)) {
                return;
            }
            long tags = KnownStation.tagsOf(ethernet);
            if (tags == KnownStation.UNUSABLE_TAGS) {
                return;
            }
            long source = ethernet.source();
            if (guarded.guardsMac(source) && guarded.hasMac(source, tags)) {
                note(ConflictKind.MAC, 0, source, source, tags);
            } else if (ethernet.etherType() == EtherType.ARP) {
                lookAtArp(memory, tags);
            } else if (ethernet.etherType() == EtherType.IPV6) {
                lookAtIpv6(memory, tags);
            }
        }

        /** A probe has no sender address, which nobody has, and claims nothing yet (RFC 5227, section 2.1.1). */
        private void lookAtArp(MemorySegment memory, long tags) {
            if (arp.wrap(memory, ethernet.payloadOffset(), ethernet.payloadLength())
                    && (arp.operation() == ArpPacket.REQUEST || arp.operation() == ArpPacket.REPLY)
                    && !guarded.isOwnMac(arp.senderMac())
                    && guarded.hasIpv4(arp.senderIpv4(), tags)) {
                note(ConflictKind.IPV4, 0, arp.senderIpv4(), arp.senderMac(), tags);
            }
        }

        private void lookAtIpv6(MemorySegment memory, long tags) {
            // In this order: the hop limit of hardly any other packet is that of neighbour discovery (RFC 4861, section
            // 7.1.2).
            if (Ipv6Packet.hopLimitOf(memory, ethernet.payloadOffset(), ethernet.payloadLength())
                            != NeighborMessage.HOP_LIMIT
                    || !ipv6.wrap(memory, ethernet.payloadOffset(), ethernet.payloadLength())
                    || ipv6.protocol() != IpProtocol.ICMPV6
                    || ipv6.isFragment()
                    || !neighbor.wrap(memory, ipv6.payloadOffset(), ipv6.payloadLength())
                    || neighbor.type() != NeighborMessage.NEIGHBOR_ADVERTISEMENT
                    || !neighbor.isOverride()) {
                return;
            }
            long mac = neighbor.targetMac();
            if (mac != NeighborMessage.NO_MAC
                    && !guarded.isOwnMac(mac)
                    && guarded.hasIpv6(neighbor.targetHigh(), neighbor.targetLow(), tags)) {
                note(ConflictKind.IPV6, neighbor.targetHigh(), neighbor.targetLow(), mac, tags);
            }
        }

        private void note(ConflictKind kind, long addressHigh, long addressLow, long foreignMac, long tags) {
            Standing standing = ownership.standing(nic);
            if (standing == Standing.NOT_OWNER) {
                return;
            }
            counter(kind).increment();
            boolean asOwner = standing == Standing.OWNER;
            long nowNanos = nanoClock.getAsLong();
            for (Sighting sighting : sightings) {
                if (sighting.is(kind, addressHigh, addressLow, foreignMac, tags)) {
                    boolean isNews = asOwner && !sighting.isSeenAsOwner();
                    sighting.see(asOwner, nowNanos);
                    if (isNews) {
                        onNews.run();
                    }
                    return;
                }
            }
            int place = placeForOneMore(asOwner);
            if (place < MAX_CONFLICTS_PER_NIC) {
                Sighting sighting = new Sighting(kind, addressHigh, addressLow, foreignMac, tags, nowNanos);
                sighting.see(asOwner, nowNanos);
                keep(sighting, asOwner);
                onNews.run();
            }
        }

        /** Where one more is kept: behind the others, or in place of one that tells less. */
        private int placeForOneMore(boolean asOwner) {
            Sighting[] kept = sightings;
            if (kept.length < MAX_CONFLICTS_PER_NIC) {
                return kept.length;
            }
            int place = 0;
            while (place < kept.length && (!asOwner || kept[place].isSeenAsOwner())) {
                place++;
            }
            return place;
        }

        private synchronized void keep(Sighting sighting, boolean asOwner) {
            int place = placeForOneMore(asOwner);
            Sighting[] kept = Arrays.copyOf(sightings, Math.max(sightings.length, place + 1));
            kept[place] = sighting;
            sightings = kept;
        }

        private synchronized void forget() {
            sightings = NONE;
        }

        private boolean isDisputed() {
            for (Sighting sighting : sightings) {
                if (sighting.isSeenAsOwner()) {
                    return true;
                }
            }
            return false;
        }

        private Counter counter(ConflictKind kind) {
            Counter counter = counters.get(kind);
            if (counter == null) {
                throw new IllegalStateException("every kind has a counter");
            }
            return counter;
        }
    }
}
