package io.holdfast.reverse;

import io.holdfast.frame.IpPrefix;
import io.holdfast.frame.IpProtocol;
import org.jspecify.annotations.Nullable;

/**
 * Datagrams of the guest that leave at once although they are not TCP, because the operator knows their service: it must
 * not mind to be asked twice, and must not number what it says, as QUIC and WireGuard do.
 *
 * @param guestPort the guest's port, 1 to 65535; {@link #NO_PORT} but for UDP
 * @param clients where the clients are; null for anywhere
 */
public record DatagramRule(
        Protocol protocol, int guestPort, @Nullable IpPrefix clients, Policy policy) {

    /** Stands in place of a port where there is none. */
    public static final int NO_PORT = 0;

    public DatagramRule {
        if (protocol == Protocol.UDP ? guestPort < 1 || guestPort > 0xffff : guestPort != NO_PORT) {
            throw new IllegalArgumentException(
                    "udp needs a port from 1 to 65535, and nothing else has one: " + guestPort);
        }
    }

    /** What may be opted in. Of ICMP only echo requests and their replies. */
    public enum Protocol {
        UDP(IpProtocol.UDP),
        ICMP(IpProtocol.ICMP),
        ICMPV6(IpProtocol.ICMPV6);

        private final int number;

        Protocol(int number) {
            this.number = number;
        }

        int number() {
            return number;
        }
    }

    /** What happens after a failover. */
    public enum Policy {
        /**
         * The restored guest gets the requests once more. As many equal replies as had left since its checkpoint are swallowed;
         * others wait for the end of the catch-up.
         */
        REPLAY,
        /** It does not get them, and what it says until the end of the catch-up is dropped. */
        DROP
    }
}
