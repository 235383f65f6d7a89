package io.holdfast.agent.link;

import io.netty.buffer.ByteBufAllocator;
import io.netty.handler.ssl.ClientAuth;
import io.netty.handler.ssl.SslContext;
import io.netty.handler.ssl.SslContextBuilder;
import io.netty.handler.ssl.SslHandler;
import io.netty.handler.ssl.SslProvider;
import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermission;
import java.security.GeneralSecurityException;
import java.security.cert.CertificateException;
import java.security.cert.CertificateFactory;
import java.security.cert.X509Certificate;
import java.time.Instant;
import java.util.Date;
import java.util.List;
import java.util.Optional;
import javax.net.ssl.SSLException;
import org.jspecify.annotations.Nullable;

/**
 * How the link is protected: TLS 1.3 with a certificate on both sides, or, written out, not at all.
 *
 * <p>Whoever shows a certificate of the configured authority is let in. The name in it is not compared with an address,
 * because the configuration knows the peer only by one. So <b>the authority must be the cluster's own</b>, made by
 * {@link KeyMaker}; an authority that also signs for others lets those others in. {@link LinkConnection#peerName} tells the
 * name in the certificate, to be compared with {@link LinkMessage.Hello#host}.
 */
public final class LinkSecurity {

    /** In this order: the first is the fastest where processors have AES instructions. */
    private static final List<String> CIPHERS =
            List.of("TLS_AES_128_GCM_SHA256", "TLS_AES_256_GCM_SHA384", "TLS_CHACHA20_POLY1305_SHA256");

    private final @Nullable SslContext server;
    private final @Nullable SslContext client;

    private LinkSecurity(@Nullable SslContext server, @Nullable SslContext client) {
        this.server = server;
        this.client = client;
    }

    /** Plain TCP: anybody who reaches the port can read the guest's memory and pose as either agent. */
    public static LinkSecurity insecure() {
        return new LinkSecurity(null, null);
    }

    /**
     * @param certificate PEM, of this host
     * @param key PEM (PKCS #8), that belongs to it
     * @param authority PEM, certificate of the authority that both hosts' certificates come from
     * @param now for the check that the certificate is valid
     * @throws LinkException if a file is missing, unreadable or readable by everybody, or they do not belong together
     */
    public static LinkSecurity mutualTls(Path certificate, Path key, Path authority, Instant now) throws LinkException {
        X509Certificate ours = readCertificate(certificate);
        X509Certificate issuer = readCertificate(authority);
        try {
            ours.verify(issuer.getPublicKey());
        } catch (GeneralSecurityException e) {
            throw new LinkException(
                    "%s was not issued by %s; make both with `holdfast keys`".formatted(certificate, authority), e);
        }
        try {
            ours.checkValidity(Date.from(now));
            issuer.checkValidity(Date.from(now));
        } catch (CertificateException e) {
            throw new LinkException(
                    "%s or %s is not valid now: %s; make new ones with `holdfast keys`"
                            .formatted(certificate, authority, e.getMessage()),
                    e);
        }
        refuseIfOpenToAll(key);
        try {
            return new LinkSecurity(
                    common(SslContextBuilder.forServer(certificate.toFile(), key.toFile()), authority)
                            .clientAuth(ClientAuth.REQUIRE)
                            .build(),
                    common(SslContextBuilder.forClient().keyManager(certificate.toFile(), key.toFile()), authority)
                            .endpointIdentificationAlgorithm(null)
                            .build());
        } catch (SSLException | IllegalArgumentException e) {
            throw new LinkException(
                    "%s and %s cannot be used for TLS: %s".formatted(certificate, key, e.getMessage()), e);
        }
    }

    /** Whether there is no TLS. */
    public boolean isInsecure() {
        return server == null;
    }

    /** For one connection; empty if there is no TLS. */
    Optional<SslHandler> newHandler(ByteBufAllocator allocator, boolean forServer) {
        SslContext context = forServer ? server : client;
        return Optional.ofNullable(context).map(present -> present.newHandler(allocator));
    }

    private static SslContextBuilder common(SslContextBuilder builder, Path authority) {
        return builder.sslProvider(SslProvider.JDK)
                .trustManager(authority.toFile())
                .protocols("TLSv1.3")
                .ciphers(CIPHERS);
    }

    private static X509Certificate readCertificate(Path file) throws LinkException {
        try (InputStream in = Files.newInputStream(file)) {
            return (X509Certificate) CertificateFactory.getInstance("X.509").generateCertificate(in);
        } catch (IOException e) {
            throw new LinkException("cannot read %s: %s".formatted(file, e), e);
        } catch (CertificateException e) {
            throw new LinkException("%s is no certificate in PEM form: %s".formatted(file, e.getMessage()), e);
        }
    }

    private static void refuseIfOpenToAll(Path key) throws LinkException {
        try {
            if (Files.getPosixFilePermissions(key).contains(PosixFilePermission.OTHERS_READ)) {
                throw new LinkException("everybody can read the key %s; run `chmod 600 %s`".formatted(key, key));
            }
        } catch (IOException e) {
            throw new LinkException("cannot read %s: %s".formatted(key, e), e);
        }
    }
}
