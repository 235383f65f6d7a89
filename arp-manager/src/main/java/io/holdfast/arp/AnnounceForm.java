package io.holdfast.arp;

/** The four ways to say where the guest is; each reaches somebody whom the others do not. */
public enum AnnounceForm {
    /** Teaches switches where a MAC address is, even if no IP address is known. */
    RARP("rarp"),
    /** Updates those who take only requests (RFC 5227, section 3). */
    GARP_REQUEST("garp_request"),
    /** Updates those who take only replies. */
    GARP_REPLY("garp_reply"),
    /** Unsolicited neighbour advertisement, the same for IPv6 (RFC 4861, section 7.2.6). */
    NA("na");

    private final String label;

    AnnounceForm(String label) {
        this.label = label;
    }

    /** Its name in metrics and status. */
    public String label() {
        return label;
    }
}
