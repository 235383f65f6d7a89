package io.holdfast.agent.link;

import io.netty.buffer.ByteBufAllocator;
import io.netty.handler.ssl.ClientAuth;
import io.netty.handler.ssl.SslContext;
import io.netty.handler.ssl.SslContextBuilder;
import io.netty.handler.ssl.SslHandler;
import io.netty.handler.ssl.SslProvider;
import java.nio.file.Path;
import java.security.GeneralSecurityException;
import java.security.InvalidKeyException;
import java.security.NoSuchAlgorithmException;
import java.security.PrivateKey;
import java.security.PublicKey;
import java.security.Signature;
import java.security.SignatureException;
import java.security.cert.CertificateException;
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
 * <p>Whoever shows a certificate of the configured authority is let in. The name in it is not compared with an
 * address, because the configuration knows the peer only by one. So <b>the authority must be the cluster's own</b>,
 * made by {@link KeyMaker}; an authority that also signs for others lets those others in. {@link
 * LinkConnection#peerName} tells the name in the certificate, to be compared with {@link LinkMessage.Hello#host}.
 */
public final class LinkSecurity {

    /** In this order: the first is the fastest where processors have AES instructions. */
    private static final List<String> CIPHERS =
            List.of("TLS_AES_128_GCM_SHA256", "TLS_AES_256_GCM_SHA384", "TLS_CHACHA20_POLY1305_SHA256");

    private final @Nullable SslContext server;
    private final @Nullable SslContext client;

    /** Both or neither. */
    LinkSecurity(@Nullable SslContext server, @Nullable SslContext client) {
        this.server = server;
        this.client = client;
    }

    /** Plain TCP: anybody who reaches the port can read the guest's memory and pose as either agent. */
    public static LinkSecurity insecure() {
        return new LinkSecurity(null, null);
    }

    /**
     * @param certificate PEM, of this host
     * @param key PEM, not encrypted, that belongs to it
     * @param authority PEM, certificate of the authority that both hosts' certificates come from
     * @param now for the check that the certificate is valid
     * @throws LinkException if a file cannot be read, everybody can read the key, or they do not belong together
     */
    public static LinkSecurity mutualTls(Path certificate, Path key, Path authority, Instant now) throws LinkException {
        X509Certificate ours = PemFiles.readCertificate(certificate);
        X509Certificate issuer = PemFiles.readCertificate(authority);
        PrivateKey ourKey = PemFiles.readKey(key);
        try {
            ours.verify(issuer.getPublicKey());
        } catch (GeneralSecurityException e) {
            throw new LinkException(
                    "%s was not issued by %s; make both with `holdfast keys`".formatted(certificate, authority), e);
        }
        refuseIfNotValid(certificate, ours, now);
        refuseIfNotValid(authority, issuer, now);
        if (!belongTogether(ourKey, ours.getPublicKey())) {
            throw new LinkException("the key %s does not belong to the certificate %s".formatted(key, certificate));
        }
        try {
            return new LinkSecurity(
                    common(SslContextBuilder.forServer(ourKey, ours), issuer)
                            .clientAuth(ClientAuth.REQUIRE)
                            .build(),
                    // No look at names: see the class.
                    common(SslContextBuilder.forClient().keyManager(ourKey, ours), issuer)
                            .endpointIdentificationAlgorithm(null)
                            .build());
        } catch (SSLException e) {
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

    private static SslContextBuilder common(SslContextBuilder builder, X509Certificate authority) {
        return builder.sslProvider(SslProvider.JDK)
                .trustManager(authority)
                .protocols("TLSv1.3")
                .ciphers(CIPHERS);
    }

    private static void refuseIfNotValid(Path file, X509Certificate certificate, Instant now) throws LinkException {
        try {
            certificate.checkValidity(Date.from(now));
        } catch (CertificateException e) {
            throw new LinkException(
                    "%s is not valid now (%s); make a new one with `holdfast keys`".formatted(file, e.getMessage()), e);
        }
    }

    private static boolean belongTogether(PrivateKey privateKey, PublicKey publicKey) throws LinkException {
        String algorithm =
                publicKey.getAlgorithm().equals("EC") ? "SHA256withECDSA" : "SHA256with" + publicKey.getAlgorithm();
        byte[] challenge = {1, 2, 3};
        try {
            Signature signature = Signature.getInstance(algorithm);
            signature.initSign(privateKey);
            signature.update(challenge);
            byte[] signed = signature.sign();
            signature.initVerify(publicKey);
            signature.update(challenge);
            return signature.verify(signed);
        } catch (InvalidKeyException | SignatureException e) {
            return false;
        } catch (NoSuchAlgorithmException e) {
            throw new LinkException(
                    "keys of type %s are not supported; make keys with `holdfast keys`".formatted(algorithm), e);
        }
    }
}
