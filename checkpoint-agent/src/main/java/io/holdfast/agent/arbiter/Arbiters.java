package io.holdfast.agent.arbiter;

import io.holdfast.agent.link.LinkException;
import io.holdfast.agent.link.PemFiles;
import io.holdfast.config.ArbiterConfig;
import io.holdfast.config.TlsConfig;
import java.io.IOException;
import java.nio.file.Path;
import java.security.GeneralSecurityException;
import java.security.KeyStore;
import java.security.cert.Certificate;
import java.util.Optional;
import javax.net.ssl.KeyManager;
import javax.net.ssl.KeyManagerFactory;
import javax.net.ssl.SSLContext;
import javax.net.ssl.TrustManagerFactory;

/** Makes the arbiter that the configuration names. */
public final class Arbiters {

    private Arbiters() {}

    /**
     * @return empty if there is none
     * @throws LinkException if key material cannot be read or used
     */
    public static Optional<Arbiter> of(ArbiterConfig config, Pair pair) throws LinkException {
        return switch (config.kind()) {
            case NONE -> Optional.empty();
            case EXEC -> Optional.of(new ExecArbiter(config.command(), config.timeLimit(), pair));
            case ETCD ->
                Optional.of(new EtcdArbiter(
                        pair,
                        config.endpoints(),
                        config.lease(),
                        config.timeLimit(),
                        tls(config),
                        config.login().map(login -> new EtcdLogin(login.user(), login.passwordFile()))));
        };
    }

    private static Optional<SSLContext> tls(ArbiterConfig config) throws LinkException {
        if (config.authority().isEmpty()) {
            return Optional.empty();
        }
        Path authority = config.authority().get();
        try {
            KeyStore trusted = empty();
            trusted.setCertificateEntry("authority", PemFiles.readCertificate(authority));
            TrustManagerFactory trust = TrustManagerFactory.getInstance(TrustManagerFactory.getDefaultAlgorithm());
            trust.init(trusted);
            SSLContext context = SSLContext.getInstance("TLS");
            context.init(identity(config.identity()), trust.getTrustManagers(), null);
            return Optional.of(context);
        } catch (GeneralSecurityException | IOException e) {
            throw new LinkException("the arbiter's TLS cannot be set up with %s: %s".formatted(authority, e), e);
        }
    }

    private static KeyManager[] identity(Optional<TlsConfig> identity)
            throws GeneralSecurityException, IOException, LinkException {
        if (identity.isEmpty()) {
            return new KeyManager[0];
        }
        char[] unused = new char[0];
        KeyStore keys = empty();
        keys.setKeyEntry("host", PemFiles.readKey(identity.get().key()), unused, new Certificate[] {
            PemFiles.readCertificate(identity.get().certificate())
        });
        KeyManagerFactory factory = KeyManagerFactory.getInstance(KeyManagerFactory.getDefaultAlgorithm());
        factory.init(keys, unused);
        return factory.getKeyManagers();
    }

    private static KeyStore empty() throws GeneralSecurityException, IOException {
        KeyStore store = KeyStore.getInstance(KeyStore.getDefaultType());
        store.load(null, null);
        return store;
    }
}
