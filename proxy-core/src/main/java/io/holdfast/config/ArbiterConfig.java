package io.holdfast.config;

import java.net.URI;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Optional;

/**
 * A third party that says who may own the guest.
 *
 * @param kind which
 * @param endpoints client URLs of etcd's members, tried in this order; empty if it is not etcd
 * @param lease how long a guest serves alone after etcd was last heard; whole seconds
 * @param timeLimit for one question
 * @param command of {@code exec}; empty if it is not that
 * @param authority that signed the certificates of etcd's members; empty for those that Java trusts
 * @param identity this host's certificate and key for etcd
 * @param login this host's user in etcd
 */
public record ArbiterConfig(
        ArbiterKind kind,
        List<URI> endpoints,
        Duration lease,
        Duration timeLimit,
        List<String> command,
        Optional<Path> authority,
        Optional<TlsConfig> identity,
        Optional<Login> login) {

    /** A user and the file that has its password. */
    public record Login(String user, Path passwordFile) {}

    public ArbiterConfig {
        endpoints = List.copyOf(endpoints);
        command = List.copyOf(command);
    }
}
