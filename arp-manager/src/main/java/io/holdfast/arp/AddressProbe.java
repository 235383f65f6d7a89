package io.holdfast.arp;

import io.holdfast.frame.ArpPacket;
import io.holdfast.frame.EtherType;
import io.holdfast.frame.EthernetFrame;
import io.holdfast.frame.IpProtocol;
import io.holdfast.frame.Ipv6Packet;
import io.holdfast.frame.MacAddress;
import io.holdfast.frame.NeighborMessage;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/**
 * One question to the network before a promotion: does the guest still speak elsewhere?
 *
 * <p>The restored guest has the same MAC addresses as the one that it replaces. So an answer that comes from one of them is an
 * <i>old owner's</i>: its host is not dead but unheard, and two guests would serve the same clients. An answer from any other
 * MAC address is of somebody who stands in for the guest, as a router with proxy ARP does, or who has taken its address; that
 * is worth knowing, and no reason not to promote. MAC addresses of virtual routers tell nothing, because several hosts have
 * them at once.
 *
 * <p>An ARP reply counts only if it was made for this host's own MAC address, which nobody had heard of before: what the dead
 * host had still under way is not taken for a sign of life. The answer to a solicitation from no address goes to everybody (RFC
 * 4861, section 7.2.4), so there any advertisement of the address counts.
 *
 * <p>Silence proves nothing. A guest whose wall holds its output cannot answer; but it cannot serve clients either.
 *
 * <p><b>Threads.</b> Each {@link Ear} belongs to the thread that captures on its NIC; a frame that answers nothing allocates
 * nothing there. Everything else may be called by any thread.
 */
public final class AddressProbe {

    /** Further ones are not kept. */
    public static final int MAX_OTHERS = 16;

    private final Map<String, List<MemorySegment>> framesByNic = new LinkedHashMap<>();
    private final Map<String, Ear> ears = new LinkedHashMap<>();
    private final Runnable onOldOwner;

    /** Under the lock of the probe. */
    private final List<ProbeAnswer> others = new ArrayList<>();

    private volatile @Nullable ProbeAnswer oldOwner;

    /**
     * A probe that nobody has answered yet.
     *
     * @param asked what the guest is known by
     * @param senderByNic for each NIC that can be asked on, by its name, whose MAC address the question comes from
     * @param onOldOwner called by a capturing thread with the first answer of an old owner; must neither block nor throw
     * @throws IllegalArgumentException if a question would come from one of the guest's own MAC addresses
     */
    public AddressProbe(GuestAddresses asked, Map<String, MacAddress> senderByNic, Runnable onOldOwner) {
        this.onOldOwner = onOldOwner;
        senderByNic.forEach((nic, sender) -> {
            GuardedNic guarded = GuardedNic.of(asked, nic);
            if (guarded.isOwnMac(sender.value())) {
                throw new IllegalArgumentException(
                        "NIC " + nic + " would be asked for from " + sender + ", which is the guest's own address");
            }
            framesByNic.put(nic, ProbeFrames.build(asked.nic(nic), sender));
            ears.put(nic, new Ear(nic, guarded, sender.value()));
        });
    }

    /** What is to be sent, for each NIC by its name. */
    public Map<String, List<MemorySegment>> framesByNic() {
        return framesByNic;
    }

    /** The one that listens on this NIC; null if nothing is asked there. */
    public @Nullable Ear ear(String nic) {
        return ears.get(nic);
    }

    /** The first answer that came from the guest itself. */
    public Optional<ProbeAnswer> oldOwner() {
        return Optional.ofNullable(oldOwner);
    }

    /** Who else has answered, each address and MAC address once. */
    public synchronized List<ProbeAnswer> others() {
        return List.copyOf(others);
    }

    private synchronized void note(ProbeAnswer answer, boolean isOldOwner) {
        if (!isOldOwner) {
            if (others.size() < MAX_OTHERS && !others.contains(answer)) {
                others.add(answer);
            }
        } else if (oldOwner == null) {
            oldOwner = answer;
            onOldOwner.run();
        }
    }

    /** Looks at what comes in on one NIC. */
    public final class Ear {

        private final String nic;
        private final GuardedNic guarded;
        private final long prober;
        private final EthernetFrame ethernet = new EthernetFrame();
        private final ArpPacket arp = new ArpPacket();
        private final Ipv6Packet ipv6 = new Ipv6Packet();
        private final NeighborMessage neighbor = new NeighborMessage();

        private Ear(String nic, GuardedNic guarded, long prober) {
            this.nic = nic;
            this.guarded = guarded;
            this.prober = prober;
        }

        /** Takes a frame that came from the network. Whatever is wrong with the frame, it does not throw. */
        public void onFrame(MemorySegment memory, long offsetBytes, int lengthBytes) {
            if (!ethernet.wrap(memory, offsetBytes, lengthBytes)) {
                return;
            }
            long tags = KnownStation.tagsOf(ethernet);
            if (ethernet.etherType() == EtherType.ARP) {
                hearArp(memory, tags);
            } else if (ethernet.etherType() == EtherType.IPV6) {
                hearIpv6(memory, tags);
            }
        }

        private void hearArp(MemorySegment memory, long tags) {
            if (arp.wrap(memory, ethernet.payloadOffset(), ethernet.payloadLength())
                    && arp.operation() == ArpPacket.REPLY
                    && arp.targetMac() == prober
                    && guarded.hasIpv4(arp.senderIpv4(), tags)) {
                answered(AddressText.ofIpv4(arp.senderIpv4()), arp.senderMac(), tags);
            }
        }

        private void hearIpv6(MemorySegment memory, long tags) {
            if (ipv6.wrap(memory, ethernet.payloadOffset(), ethernet.payloadLength())
                    && ipv6.hopLimit() == NeighborMessage.HOP_LIMIT
                    && ipv6.protocol() == IpProtocol.ICMPV6
                    && !ipv6.isFragment()
                    && neighbor.wrap(memory, ipv6.payloadOffset(), ipv6.payloadLength())
                    && neighbor.type() == NeighborMessage.NEIGHBOR_ADVERTISEMENT
                    && guarded.hasIpv6(neighbor.targetHigh(), neighbor.targetLow(), tags)) {
                long told = neighbor.targetMac();
                answered(
                        AddressText.ofIpv6(neighbor.targetHigh(), neighbor.targetLow()),
                        told == NeighborMessage.NO_MAC ? ethernet.source() : told,
                        tags);
            }
        }

        private void answered(String address, long mac, long tags) {
            note(
                    new ProbeAnswer(nic, address, new MacAddress(mac), KnownStation.toTags(tags)),
                    guarded.isOnlyTheGuests(mac));
        }
    }
}
