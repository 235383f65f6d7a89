package io.holdfast.agent.arbiter;

import java.net.InetSocketAddress;
import java.util.HashMap;
import java.util.Map;

/**
 * Whose guest it is about.
 *
 * @param guest its name
 * @param host this host's name
 * @param peer where the other host's agent listens
 */
public record Pair(String guest, String host, InetSocketAddress peer) {

    /**
     * What commands are told.
     *
     * @param owner of the term in question; the other host is called so unless it is this one
     */
    Map<String, String> environment(String owner) {
        Map<String, String> environment = new HashMap<>();
        environment.put("HOLDFAST_GUEST", guest);
        environment.put("HOLDFAST_HOST", host);
        environment.put("HOLDFAST_PEER", peerName(owner));
        environment.put("HOLDFAST_PEER_ADDRESS", peerAddress());
        return environment;
    }

    /** The name of the other host, or its address where nobody has told the name. */
    String peerName(String owner) {
        return owner.isEmpty() || owner.equals(host) ? peerAddress() : owner;
    }

    String peerAddress() {
        return peer.getAddress().getHostAddress();
    }
}
