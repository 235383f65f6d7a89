package io.holdfast.config;

/** The IP protocols that an operator may exempt. The list is short on purpose: nothing in it can carry TCP unseen. */
public enum ExemptProtocol {
    ICMP(1),
    IGMP(2),
    UDP(17),
    ICMPV6(58),
    OSPF(89),
    VRRP(112);

    private final int number;

    ExemptProtocol(int number) {
        this.number = number;
    }

    /** The value in the IPv4 protocol or IPv6 next-header field. */
    public int number() {
        return number;
    }
}
