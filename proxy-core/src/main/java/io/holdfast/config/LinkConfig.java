package io.holdfast.config;

import java.net.InetSocketAddress;
import java.util.Optional;

/**
 * The replication link.
 *
 * @param listen where this host accepts the other one
 * @param peer where the other host accepts this one
 * @param tls empty only where the file says {@code insecure: true}
 */
public record LinkConfig(InetSocketAddress listen, InetSocketAddress peer, Optional<TlsConfig> tls) {

    /** The link runs in clear text, by the operator's word. */
    public boolean insecure() {
        return tls.isEmpty();
    }
}
