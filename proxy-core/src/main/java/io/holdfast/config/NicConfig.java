package io.holdfast.config;

import java.util.List;

/**
 * One network card of the guest and its way out.
 *
 * @param guestPorts the interfaces towards the guest: its tap, or inline those towards primary and backup
 * @param uplink the interface towards router and clients
 */
public record NicConfig(List<String> guestPorts, String uplink) {

    public NicConfig {
        guestPorts = List.copyOf(guestPorts);
    }

    /** Beside the guest. */
    public NicConfig(String guestPort, String uplink) {
        this(List.of(guestPort), uplink);
    }
}
