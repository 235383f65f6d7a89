package io.holdfast.config;

/** How frames are captured and sent. */
public enum PortKind {
    /** The packet socket where it works, else libpcap. */
    AUTO,
    /** AF_PACKET with virtio_net_hdr; offloads stay on. */
    PACKET_SOCKET,
    /** libpcap through pcap4j; the guest side needs its offloads off. */
    PCAP
}
