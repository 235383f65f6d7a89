package io.holdfast.port;

import io.holdfast.frame.MacAddress;

/** The MAC address that the host itself has on an interface, in the calling thread's network namespace. */
public final class HardwareAddress {

    private HardwareAddress() {}

    /**
     * As it is now.
     *
     * @throws PortException if there is no such interface, or it has none
     */
    public static MacAddress of(String interfaceName) throws PortException {
        String text = InterfaceFacts.link("link", interfaceName).path("address").asText();
        try {
            return MacAddress.parse(text);
        } catch (IllegalArgumentException e) {
            throw new PortException(interfaceName + " has no MAC address: " + e.getMessage(), e);
        }
    }
}
