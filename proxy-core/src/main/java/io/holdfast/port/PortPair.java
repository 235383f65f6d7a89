package io.holdfast.port;

import java.util.List;

/**
 * The two ports of one NIC, which must be able to carry each other's frames.
 *
 * @param guestPort towards the guest
 * @param uplink towards router and clients
 */
public record PortPair(String guestPort, String uplink) {

    /**
     * What makes them unfit for each other, one sentence with a remedy each; empty if nothing does. Only looks.
     *
     * <p>A guest sends frames as long as its port's MTU allows. A shorter uplink refuses those, for good: TCP sends them
     * again and again, and nobody tells the guest to send shorter ones. A longer uplink is a switch's business.
     */
    public List<String> problems() throws PortException {
        int guestBytes = mtuBytes(guestPort);
        int uplinkBytes = mtuBytes(uplink);
        return uplinkBytes >= guestBytes
                ? List.of()
                : List.of(
                        ("%s carries frames of an MTU of %d and its uplink %s only of %d, so what the guest sends may never"
                                        + " leave: ip link set dev %s mtu %d")
                                .formatted(guestPort, guestBytes, uplink, uplinkBytes, uplink, guestBytes));
    }

    private static int mtuBytes(String interfaceName) throws PortException {
        return InterfaceFacts.link("link", interfaceName).path("mtu").asInt();
    }
}
