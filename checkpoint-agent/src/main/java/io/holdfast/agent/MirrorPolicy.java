package io.holdfast.agent;

import io.holdfast.config.MirrorInput;
import io.holdfast.control.ClientFrame;
import io.holdfast.frame.EthernetFrame;
import io.holdfast.frame.Ipv4Packet;
import io.holdfast.frame.Ipv6Packet;
import java.lang.foreign.MemorySegment;

/** Which of the clients' frames are copied to the backup. One thread. */
final class MirrorPolicy {

    private static final int IPV4 = 0x0800;
    private static final int IPV6 = 0x86dd;
    private static final int ARP = 0x0806;
    private static final int TCP = 6;

    private final MirrorInput wanted;
    private final EthernetFrame ethernet = new EthernetFrame();
    private final Ipv4Packet ipv4 = new Ipv4Packet();
    private final Ipv6Packet ipv6 = new Ipv6Packet();

    MirrorPolicy(MirrorInput wanted) {
        this.wanted = wanted;
    }

    boolean mirrors(ClientFrame frame) {
        MemorySegment memory = MemorySegment.ofArray(frame.bytes());
        if (wanted == MirrorInput.OFF
                || !ethernet.wrap(memory, frame.prefixBytes(), frame.bytes().length - frame.prefixBytes())) {
            return false;
        }
        int etherType = ethernet.etherType();
        if (wanted == MirrorInput.ALL) {
            return etherType != ARP;
        }
        return (etherType == IPV4
                        && ipv4.wrap(memory, ethernet.payloadOffset(), ethernet.payloadLength())
                        && ipv4.protocol() == TCP)
                || (etherType == IPV6
                        && ipv6.wrap(memory, ethernet.payloadOffset(), ethernet.payloadLength())
                        && ipv6.protocol() == TCP);
    }
}
