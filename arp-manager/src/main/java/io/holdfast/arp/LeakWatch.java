package io.holdfast.arp;

import io.holdfast.frame.ArpPacket;
import io.holdfast.frame.EtherType;
import io.holdfast.frame.EthernetFrame;
import io.holdfast.frame.IpProtocol;
import io.holdfast.frame.Ipv4Packet;
import io.holdfast.frame.Ipv6Packet;
import io.holdfast.frame.MacAddress;
import io.holdfast.frame.NeighborMessage;
import io.holdfast.frame.VlanTag;
import io.holdfast.measure.Counter;
import java.lang.foreign.MemorySegment;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.function.BooleanSupplier;
import java.util.function.LongSupplier;
import org.jspecify.annotations.Nullable;

/**
 * Notices that this host itself speaks as the guest on an uplink, while the wall is shut (INV-9). No wall holds that back: it
 * comes from the host's own stack, an address that was left behind or a proxy for neighbours, or from another process. Clients
 * that believe it send to a host that has no guest.
 *
 * <p>What counts is the guest's MAC address as a source, and its IP addresses as those of a sender, or of the target that
 * an advertisement is about. Holdfast's own probes use neither.
 *
 * <p><b>Threads.</b> Each {@link Ear} belongs to the thread that listens to its NIC's uplink. Everything else may be called by any
 * thread.
 */
public final class LeakWatch {

    private final AddressBook book;
    private final BooleanSupplier isShut;
    private final LongSupplier nanoClock;
    private final Runnable onNews;
    private final Map<String, Ear> ears = new LinkedHashMap<>();

    /**
     * What was heard on one NIC's uplink.
     *
     * @param kind which sort of the guest's addresses the last frame used
     * @param address which one
     * @param source who sent the last frame
     * @param tags its VLANs, outermost first
     * @param frames since the start of the process
     * @param lastNanos when the last one was heard, monotonic
     */
    public record Leak(
            String nic,
            ConflictKind kind,
            String address,
            MacAddress source,
            List<VlanTag> tags,
            long frames,
            long lastNanos) {}

    /**
     * A watch over all NICs of the book.
     *
     * @param book what the guest is known by
     * @param isShut whether nobody may speak as the guest on this host now; asked for each frame
     * @param nanoClock monotonic
     * @param onNews called by a listening thread for each such frame; must neither block nor throw
     */
    public LeakWatch(AddressBook book, BooleanSupplier isShut, LongSupplier nanoClock, Runnable onNews) {
        this.book = book;
        this.isShut = isShut;
        this.nanoClock = nanoClock;
        this.onNews = onNews;
        book.nics().forEach(nic -> ears.put(nic, new Ear(nic)));
    }

    /** The NICs that are watched. */
    public List<String> nics() {
        return book.nics();
    }

    /**
     * The one that listens to this NIC's uplink.
     *
     * @throws IllegalArgumentException if there is no NIC of this name
     */
    public Ear ear(String nic) {
        Ear ear = ears.get(nic);
        if (ear == null) {
            throw new IllegalArgumentException("no NIC is named '" + nic + "', only " + ears.keySet());
        }
        return ear;
    }

    /** How many such frames were heard on a NIC's uplink since the start of the process. */
    public long count(String nic) {
        return ear(nic).frames.value();
    }

    /** The last one of each NIC that has any. */
    public List<Leak> leaks() {
        return ears.values().stream()
                .flatMap(ear -> Optional.ofNullable(ear.last).stream())
                .toList();
    }

    /** Listens to one NIC's uplink. */
    public final class Ear {

        private final String nic;
        private final Counter frames = new Counter();
        private final EthernetFrame ethernet = new EthernetFrame();
        private final ArpPacket arp = new ArpPacket();
        private final Ipv4Packet ipv4 = new Ipv4Packet();
        private final Ipv6Packet ipv6 = new Ipv6Packet();
        private final NeighborMessage neighbor = new NeighborMessage();
        private GuardedNic guarded;
        private volatile @Nullable Leak last;

        private Ear(String nic) {
            this.nic = nic;
            this.guarded = GuardedNic.of(GuestAddresses.NONE, nic);
        }

        /** Takes a frame that this host sends. Whatever is wrong with the frame, it does not throw. */
        public void onFrame(MemorySegment memory, long offsetBytes, int lengthBytes) {
            if (!isShut.getAsBoolean() || !ethernet.wrap(memory, offsetBytes, lengthBytes)) {
                return;
            }
            GuestAddresses known = book.snapshot();
            if (known.version() != guarded.version()) {
                guarded = GuardedNic.of(known, nic);
            }
            long tags = KnownStation.tagsOf(ethernet);
            if (guarded.isEmpty() || tags == KnownStation.UNUSABLE_TAGS) {
                return;
            }
            if (guarded.isOnlyTheGuests(ethernet.source())) {
                note(ConflictKind.MAC, new MacAddress(ethernet.source()).toString(), tags);
                return;
            }
            switch (ethernet.etherType()) {
                case EtherType.ARP -> lookAtArp(memory, tags);
                case EtherType.IPV4 -> lookAtIpv4(memory, tags);
                case EtherType.IPV6 -> lookAtIpv6(memory, tags);
                default -> {}
            }
        }

        private void lookAtArp(MemorySegment memory, long tags) {
            if (arp.wrap(memory, ethernet.payloadOffset(), ethernet.payloadLength())) {
                noteIfGuests(arp.senderIpv4(), tags);
            }
        }

        private void lookAtIpv4(MemorySegment memory, long tags) {
            if (ipv4.wrap(memory, ethernet.payloadOffset(), ethernet.payloadLength())) {
                noteIfGuests(ipv4.source(), tags);
            }
        }

        private void noteIfGuests(int address, long tags) {
            if (guarded.hasIpv4(address, tags)) {
                note(ConflictKind.IPV4, AddressText.ofIpv4(address), tags);
            }
        }

        private void lookAtIpv6(MemorySegment memory, long tags) {
            if (!ipv6.wrap(memory, ethernet.payloadOffset(), ethernet.payloadLength())
                    || noteIfGuests(ipv6.sourceHigh(), ipv6.sourceLow(), tags)) {
                return;
            }
            // With or without the Override flag: a proxy for neighbours leaves it out (RFC 4861, section 7.2.8).
            if (ipv6.protocol() == IpProtocol.ICMPV6
                    && !ipv6.isFragment()
                    && neighbor.wrap(memory, ipv6.payloadOffset(), ipv6.payloadLength())
                    && neighbor.type() == NeighborMessage.NEIGHBOR_ADVERTISEMENT) {
                noteIfGuests(neighbor.targetHigh(), neighbor.targetLow(), tags);
            }
        }

        private boolean noteIfGuests(long high, long low, long tags) {
            boolean isGuests = guarded.hasIpv6(high, low, tags);
            if (isGuests) {
                note(ConflictKind.IPV6, AddressText.ofIpv6(high, low), tags);
            }
            return isGuests;
        }

        private void note(ConflictKind kind, String address, long tags) {
            frames.increment();
            last = new Leak(
                    nic,
                    kind,
                    address,
                    new MacAddress(ethernet.source()),
                    KnownStation.toTags(tags),
                    frames.value(),
                    nanoClock.getAsLong());
            onNews.run();
        }
    }
}
