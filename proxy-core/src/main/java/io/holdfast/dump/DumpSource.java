package io.holdfast.dump;

import io.holdfast.bridge.FrameTap;

/**
 * One lane that is dumped.
 *
 * @param nic the NIC's name
 * @param outbound whether it has what the guest sends, not what comes for it
 */
public record DumpSource(String nic, boolean outbound, FrameTap tap) {

    String description() {
        return nic + (outbound ? " outbound: what the guest sent" : " inbound: what came for the guest");
    }
}
