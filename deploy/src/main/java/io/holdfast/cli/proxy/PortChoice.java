package io.holdfast.cli.proxy;

import io.holdfast.config.PortKind;
import io.holdfast.port.PacketSocketPort;

/**
 * How frames are captured and sent on this host.
 *
 * @param kind not {@link PortKind#AUTO}
 * @param because why {@code auto} did not take the faster kind; empty if it did, or was not asked
 */
record PortChoice(PortKind kind, String because) {

    /** What is wanted; for {@code auto} the faster kind if it works here. */
    static PortChoice of(PortKind wanted) {
        if (wanted != PortKind.AUTO) {
            return new PortChoice(wanted, "");
        }
        return PacketSocketPort.whyNot()
                .map(reason -> new PortChoice(PortKind.PCAP, reason))
                .orElse(new PortChoice(PortKind.PACKET_SOCKET, ""));
    }
}
