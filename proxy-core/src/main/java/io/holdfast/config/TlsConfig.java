package io.holdfast.config;

import java.nio.file.Path;

/**
 * Key material for mutual authentication, all in PEM.
 *
 * @param certificate of this host
 * @param key of the certificate
 * @param authority that signed the certificates of both hosts
 */
public record TlsConfig(Path certificate, Path key, Path authority) {}
