package io.holdfast.arp;

/** What of the guest's somebody else uses. */
public enum ConflictKind {
    /** Its MAC address: a frame came from elsewhere that has it as its source. */
    MAC("mac"),
    /** An IPv4 address: ARP with another MAC address as the sender's (RFC 5227, section 2.4). */
    IPV4("ipv4"),
    /** An IPv6 address: a neighbour advertisement with another MAC address as the target's (RFC 4862, section 5.4.4). */
    IPV6("ipv6");

    private final String label;

    ConflictKind(String label) {
        this.label = label;
    }

    /** Its name in metrics, status and events. */
    public String label() {
        return label;
    }
}
