package io.holdfast.arp;

import io.holdfast.frame.ArpPacket;
import io.holdfast.frame.EtherType;
import io.holdfast.frame.EthernetFrame;
import io.holdfast.frame.IpProtocol;
import io.holdfast.frame.Ipv4Packet;
import io.holdfast.frame.Ipv6Packet;
import io.holdfast.frame.MacAddress;
import io.holdfast.frame.NeighborMessage;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.atomic.AtomicLong;

/**
 * Learns from the guest's own frames what it is known by on its networks.
 *
 * <p>MAC addresses and VLANs come from every frame. IP addresses come from what claims them, which is the sender of ARP
 * and neighbour discovery; and from the source of packets, unless these look forwarded: who announced the address of a
 * host behind the guest would take that host's traffic. A packet that the guest made itself has a hop limit that systems
 * begin with, and one that it forwards has one less.
 *
 * <p>What is known is bounded by {@link GuestAddresses}; sightings beyond that are counted and otherwise ignored. Nothing
 * is forgotten: a guest that gives an address away keeps it here until {@link #adopt} or the end of the process.
 *
 * <p><b>Threads.</b> Each {@link Learner} belongs to the lane that captures its NIC; it takes no lock and allocates nothing
 * unless there is something new. Everything else may be called by any thread.
 */
public final class AddressBook {

    private final Map<String, Learner> learners = new LinkedHashMap<>();
    private volatile GuestAddresses snapshot = GuestAddresses.NONE;

    /** Under the lock of the book. */
    private Runnable onChange = () -> {};

    /**
     * A book that knows nothing yet.
     *
     * @param nics the names of the guest's NICs, the same on both hosts
     */
    public AddressBook(List<String> nics) {
        if (nics.size() > GuestAddresses.MAX_NICS) {
            throw new IllegalArgumentException(
                    nics.size() + " NICs; at most " + GuestAddresses.MAX_NICS + " are allowed");
        }
        for (String nic : nics) {
            GuestAddresses.requireNicName(nic);
            if (learners.put(nic, new Learner()) != null) {
                throw new IllegalArgumentException("NIC '" + nic + "' is there twice");
            }
        }
    }

    /** The names of the guest's NICs. */
    public List<String> nics() {
        return List.copyOf(learners.keySet());
    }

    /** The one that learns from this NIC's frames. */
    public Learner learner(String nic) {
        Learner learner = learners.get(nic);
        if (learner == null) {
            throw new IllegalArgumentException("no NIC is named '" + nic + "', only " + learners.keySet());
        }
        return learner;
    }

    /** What is known now. Cheap: a new one is made only when something has changed. */
    public GuestAddresses snapshot() {
        return snapshot;
    }

    /**
     * Has {@code listener} called once for each new {@link #snapshot}, after it can be had. It is called by the threads that
     * capture, and must neither block nor throw. It takes the place of the one before.
     */
    public synchronized void onChange(Runnable listener) {
        onChange = listener;
    }

    /**
     * Begins again with what the book of another host knew, when its guest begins to run here.
     *
     * @throws IllegalArgumentException if it speaks of a NIC that this guest does not have here; nothing is changed then
     */
    public synchronized void adopt(GuestAddresses known) {
        known.nics().forEach(nic -> learner(nic.name()));
        for (Learner learner : learners.values()) {
            learner.stations = new KnownStation[0];
        }
        for (GuestAddresses.Nic nic : known.nics()) {
            learner(nic.name()).stations =
                    nic.stations().stream().map(KnownStation::of).toArray(KnownStation[]::new);
        }
        publish(Math.max(snapshot.version(), known.version()) + 1);
    }

    /** How often a NIC showed an address for which there was no room. */
    public long refusedSightings(String nic) {
        return learner(nic).refusedSightings.get();
    }

    private void publish(long version) {
        List<GuestAddresses.Nic> nics = new ArrayList<>();
        learners.forEach((name, learner) -> {
            KnownStation[] stations = learner.stations;
            if (stations.length > 0) {
                nics.add(new GuestAddresses.Nic(
                        name,
                        Arrays.stream(stations).map(KnownStation::toStation).toList()));
            }
        });
        snapshot = new GuestAddresses(version, nics);
        onChange.run();
    }

    /** Learns from one NIC. Confined to the thread that captures there. */
    public final class Learner {

        private static final int LARGEST_HOP_LIMIT = 255;

        private final EthernetFrame ethernet = new EthernetFrame();
        private final ArpPacket arp = new ArpPacket();
        private final Ipv4Packet ipv4 = new Ipv4Packet();
        private final Ipv6Packet ipv6 = new Ipv6Packet();
        private final NeighborMessage neighbor = new NeighborMessage();
        private final AtomicLong refusedSightings = new AtomicLong();

        /** Replaced as a whole, under the lock of the book. */
        private volatile KnownStation[] stations = new KnownStation[0];

        private Learner() {}

        /** Takes a frame that the guest sent. Whatever is wrong with the frame, it does not throw. */
        public void onFrame(MemorySegment memory, long offsetBytes, int lengthBytes) {
            if (!ethernet.wrap(memory, offsetBytes, lengthBytes)) {
                return;
            }
            long mac = ethernet.source();
            long tags = KnownStation.tagsOf(ethernet);
            if (mac == 0 || MacAddress.isGroup(mac) || tags == KnownStation.UNUSABLE_TAGS || !knowsStation(mac, tags)) {
                return;
            }
            switch (ethernet.etherType()) {
                case EtherType.ARP -> learnFromArp(memory, mac, tags);
                case EtherType.IPV4 -> learnFromIpv4(memory, mac, tags);
                case EtherType.IPV6 -> learnFromIpv6(memory, mac, tags);
                default -> {}
            }
        }

        private void learnFromArp(MemorySegment memory, long mac, long tags) {
            // A sender inside the packet other than outside, as with some bonds, is left to those who know better.
            if (arp.wrap(memory, ethernet.payloadOffset(), ethernet.payloadLength()) && arp.senderMac() == mac) {
                learnIpv4(mac, tags, arp.senderIpv4());
            }
        }

        private void learnFromIpv4(MemorySegment memory, long mac, long tags) {
            if (ipv4.wrap(memory, ethernet.payloadOffset(), ethernet.payloadLength())
                    && isInitialHopLimit(ipv4.timeToLive())) {
                learnIpv4(mac, tags, ipv4.source());
            }
        }

        private void learnFromIpv6(MemorySegment memory, long mac, long tags) {
            if (!ipv6.wrap(memory, ethernet.payloadOffset(), ethernet.payloadLength())) {
                return;
            }
            if (isInitialHopLimit(ipv6.hopLimit()) || AddressText.isLinkLocal(ipv6.sourceHigh())) {
                learnIpv6(mac, tags, ipv6.sourceHigh(), ipv6.sourceLow());
            }
            if (ipv6.protocol() != IpProtocol.ICMPV6
                    || ipv6.isFragment()
                    || ipv6.hopLimit() != NeighborMessage.HOP_LIMIT
                    || !neighbor.wrap(memory, ipv6.payloadOffset(), ipv6.payloadLength())) {
                return;
            }
            if (neighbor.type() == NeighborMessage.NEIGHBOR_ADVERTISEMENT) {
                learnIpv6(mac, tags, neighbor.targetHigh(), neighbor.targetLow());
                learnRouter(mac, tags, neighbor.isRouter());
            } else if (neighbor.type() == NeighborMessage.ROUTER_ADVERTISEMENT
                    && neighbor.routerLifetimeSeconds() > 0) {
                // With a lifetime of 0 it may be a router still, only no default one.
                learnRouter(mac, tags, true);
            }
        }

        private static boolean isInitialHopLimit(int hopLimit) {
            return hopLimit == 64 || hopLimit == 128 || hopLimit == LARGEST_HOP_LIMIT;
        }

        private boolean knowsStation(long mac, long tags) {
            if (find(stations, mac, tags) >= 0) {
                return true;
            }
            if (stations.length >= GuestAddresses.MAX_STATIONS_PER_NIC) {
                refusedSightings.incrementAndGet();
                return false;
            }
            synchronized (AddressBook.this) {
                int count = stations.length;
                if (count >= GuestAddresses.MAX_STATIONS_PER_NIC || find(stations, mac, tags) >= 0) {
                    return false; // adopt() came in between; the guest will show itself again
                }
                KnownStation[] more = Arrays.copyOf(stations, count + 1);
                more[count] = new KnownStation(mac, tags);
                stations = more;
                publish(snapshot.version() + 1);
            }
            return true;
        }

        private void learnIpv4(long mac, long tags, int address) {
            KnownStation[] known = stations;
            int index = find(known, mac, tags);
            if (index >= 0 && AddressText.isHostIpv4(address) && !known[index].hasIpv4(address) && hasRoom(known)) {
                replace(known[index], known[index].withIpv4(address));
            }
        }

        private void learnIpv6(long mac, long tags, long high, long low) {
            KnownStation[] known = stations;
            int index = find(known, mac, tags);
            if (index >= 0 && AddressText.isHostIpv6(high, low) && !known[index].hasIpv6(high, low) && hasRoom(known)) {
                replace(known[index], known[index].withIpv6(high, low));
            }
        }

        private void learnRouter(long mac, long tags, boolean isRouter) {
            KnownStation[] known = stations;
            int index = find(known, mac, tags);
            if (index >= 0 && known[index].isRouter() != isRouter) {
                replace(known[index], known[index].withRouter(isRouter));
            }
        }

        private boolean hasRoom(KnownStation[] known) {
            int addresses = 0;
            for (KnownStation station : known) {
                addresses += station.addressCount();
            }
            if (addresses < GuestAddresses.MAX_ADDRESSES_PER_NIC) {
                return true;
            }
            refusedSightings.incrementAndGet();
            return false;
        }

        private void replace(KnownStation before, KnownStation after) {
            synchronized (AddressBook.this) {
                KnownStation[] changed = stations.clone();
                int index = Arrays.asList(changed).indexOf(before);
                if (index < 0) {
                    return; // adopt() came in between; the guest will show itself again
                }
                changed[index] = after;
                stations = changed;
                publish(snapshot.version() + 1);
            }
        }

        private static int find(KnownStation[] known, long mac, long tags) {
            for (int i = 0; i < known.length; i++) {
                if (known[i].is(mac, tags)) {
                    return i;
                }
            }
            return -1;
        }
    }
}
