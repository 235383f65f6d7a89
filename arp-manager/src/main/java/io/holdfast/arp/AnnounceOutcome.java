package io.holdfast.arp;

/** What became of one announcement. */
public enum AnnounceOutcome {
    /** The port took it. */
    SENT("sent"),
    /** The port did not take it; the next round tries again. */
    REFUSED_BY_PORT("refused_by_port"),
    /** It had to wait for the port's limit until the next round was due, which it was then the first of. */
    OVER_LIMIT("over_limit"),
    /** It was due while the guest might have been another host's; the next round tries again (INV-10). */
    IN_DOUBT("in_doubt"),
    /** It was due, but the guest was not, or no longer, this host's to announce (INV-10). */
    NOT_OWNER("not_owner");

    private final String label;

    AnnounceOutcome(String label) {
        this.label = label;
    }

    /** Its name in metrics and status. */
    public String label() {
        return label;
    }
}
