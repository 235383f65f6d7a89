package io.holdfast.agent.arbiter;

import static org.assertj.core.api.Assertions.assertThat;

import io.holdfast.agent.link.KeyMaker;
import io.holdfast.config.ArbiterConfig;
import io.holdfast.config.ArbiterKind;
import io.holdfast.config.TlsConfig;
import io.holdfast.wall.Term;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.URI;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Against a real etcd that speaks TLS, and listens to nobody without a certificate. */
class EtcdTlsTest {

    private static final int DAYS = 2;

    @TempDir
    static Path directory;

    private static Path ours;
    private static Path foreign;
    private static Etcd etcd;

    @BeforeAll
    static void start() throws Exception {
        ours = directory.resolve("ours");
        foreign = directory.resolve("foreign");
        KeyMaker.make(ours, List.of("localhost", "a"), DAYS, Instant.now());
        KeyMaker.make(foreign, List.of("a"), DAYS, Instant.now());
        etcd = Etcd.withTls(
                directory, ours.resolve("ca.crt"), ours.resolve("localhost.crt"), ours.resolve("localhost.key"));
    }

    @AfterAll
    static void stop() throws InterruptedException {
        etcd.close();
    }

    @Test
    void shouldGrantToAHostWhoseCertificateEtcdKnows() throws Exception {
        assertThat(register(etcd.endpoint("localhost"), ours, identity(ours))).isInstanceOf(Verdict.Granted.class);
    }

    @Test
    void shouldNameTheAuthorityThatHasNotSignedEtcdsCertificate() throws Exception {
        assertThat(trouble(etcd.endpoint("localhost"), foreign, identity(foreign)))
                .contains("not signed by `agent.arbiter.authority`");
    }

    @Test
    void shouldSayThatEtcdsCertificateIsNotValidAnyMore() throws Exception {
        Path old = directory.resolve("old");
        KeyMaker.make(old, List.of("localhost", "a"), DAYS, Instant.now().minus(Duration.ofDays(2 * DAYS)));
        try (Etcd overdue = Etcd.withTls(
                Files.createDirectory(directory.resolve("overdue")),
                old.resolve("ca.crt"),
                old.resolve("localhost.crt"),
                old.resolve("localhost.key"))) {
            assertThat(trouble(overdue.endpoint("localhost"), old, identity(old)))
                    .contains("is not valid at this time");
        }
    }

    @Test
    void shouldNameTheEndpointsWhenTheCertificateIsForAnotherName() throws Exception {
        assertThat(trouble(etcd.endpoint(), ours, identity(ours)))
                .contains("not for the name in `agent.arbiter.endpoints`");
    }

    @Test
    void shouldNameTheCertificateThatEtcdWants() throws Exception {
        assertThat(trouble(etcd.endpoint("localhost"), ours, Optional.empty()))
                .contains("wants another `agent.arbiter.certificate`");
    }

    @Test
    void shouldNameTheCertificateThatEtcdDoesNotKnow() throws Exception {
        assertThat(trouble(etcd.endpoint("localhost"), ours, identity(foreign)))
                .contains("`agent.arbiter.certificate`");
    }

    @Test
    void shouldSayThatEtcdSpeaksTls() throws Exception {
        URI plain = URI.create(etcd.endpoint("localhost").toString().replace("https", "http"));
        assertThat(trouble(plain, ours, identity(ours))).contains("`agent.arbiter.endpoints` must say https");
    }

    @Test
    void shouldSayThatEtcdSpeaksNoTls() throws Exception {
        try (Etcd plain = new Etcd(Files.createDirectory(directory.resolve("plain")))) {
            URI secure = URI.create(plain.endpoint("localhost").toString().replace("http", "https"));
            assertThat(trouble(secure, ours, identity(ours))).contains("`agent.arbiter.endpoints` must say http (");
        }
    }

    private static Optional<TlsConfig> identity(Path keys) {
        return Optional.of(new TlsConfig(keys.resolve("a.crt"), keys.resolve("a.key"), keys.resolve("ca.crt")));
    }

    private static String trouble(URI endpoint, Path trusted, Optional<TlsConfig> identity) throws Exception {
        Verdict verdict = register(endpoint, trusted, identity);
        assertThat(verdict).isInstanceOf(Verdict.Unreachable.class);
        return ((Verdict.Unreachable) verdict).reason();
    }

    private static Verdict register(URI endpoint, Path trusted, Optional<TlsConfig> identity) throws Exception {
        ArbiterConfig config = new ArbiterConfig(
                ArbiterKind.ETCD,
                List.of(endpoint),
                Duration.ofSeconds(2),
                Duration.ofSeconds(10),
                List.of(),
                Optional.of(trusted.resolve("ca.crt")),
                identity,
                Optional.empty());
        Pair pair = new Pair("guest", "a", new InetSocketAddress(InetAddress.getLoopbackAddress(), 1));
        try (Arbiter arbiter = Arbiters.of(config, pair).orElseThrow()) {
            CompletableFuture<Verdict> verdict = new CompletableFuture<>();
            arbiter.claim(Claim.registration(new Term(1, Term.Claim.PROMOTION, "a")), verdict::complete);
            return verdict.get(30, TimeUnit.SECONDS);
        }
    }
}
