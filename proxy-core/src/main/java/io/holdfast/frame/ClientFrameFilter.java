package io.holdfast.frame;

import java.lang.foreign.MemorySegment;

/**
 * Tells which of the clients' frames a restored guest may get a second time. Segments of TCP do no harm (RFC 9293, 3.10.7.4),
 * whatever tags and headers are around them and in however many fragments. Of other protocols only the operator can know it.
 *
 * <p>Confined to one thread, like the views that it looks through; nothing allocates.
 */
public final class ClientFrameFilter {

    private final boolean tcpOnly;
    private final EthernetFrame ethernet = new EthernetFrame();
    private final Ipv4Packet ipv4 = new Ipv4Packet();
    private final Ipv6Packet ipv6 = new Ipv6Packet();

    private ClientFrameFilter(boolean tcpOnly) {
        this.tcpOnly = tcpOnly;
    }

    /** Takes TCP. */
    public static ClientFrameFilter tcp() {
        return new ClientFrameFilter(true);
    }

    /** Takes all but ARP: an old answer would teach the guest where somebody has been. */
    public static ClientFrameFilter allButArp() {
        return new ClientFrameFilter(false);
    }

    public boolean takes(MemorySegment memory, long offsetBytes, int lengthBytes) {
        if (!ethernet.wrap(memory, offsetBytes, lengthBytes)) {
            return false;
        }
        int etherType = ethernet.etherType();
        if (!tcpOnly) {
            return etherType != EtherType.ARP;
        }
        return switch (etherType) {
            case EtherType.IPV4 ->
                ipv4.wrap(memory, ethernet.payloadOffset(), ethernet.payloadLength())
                        && ipv4.protocol() == IpProtocol.TCP;
            case EtherType.IPV6 ->
                ipv6.wrap(memory, ethernet.payloadOffset(), ethernet.payloadLength())
                        && ipv6.protocol() == IpProtocol.TCP;
            default -> false;
        };
    }
}
