package io.holdfast.config;

/** How frames are captured and sent. */
public enum PortKind {
    /** libpcap through pcap4j; the guest side needs its offloads off. */
    PCAP
}
