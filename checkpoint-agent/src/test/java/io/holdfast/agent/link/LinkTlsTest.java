package io.holdfast.agent.link;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.holdfast.agent.link.LinkMessage.Relinquish;
import io.netty.handler.ssl.SslContext;
import io.netty.handler.ssl.SslContextBuilder;
import io.netty.util.ReferenceCountUtil;
import java.io.IOException;
import java.net.InetSocketAddress;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.security.KeyStore;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import javax.net.ssl.SSLContext;
import javax.net.ssl.SSLSocket;
import javax.net.ssl.TrustManagerFactory;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.api.io.TempDir;

/** Who is let in, and what both ends say about those who are not. */
@ExtendWith(LeakCheck.class)
@Timeout(60)
class LinkTlsTest {

    private final Instant now = Instant.now();

    @TempDir
    static Path ours;

    @TempDir
    static Path theirs;

    @TempDir
    Path scratch;

    private final LinkFixture link = new LinkFixture();
    private final LogCapture serverLog = new LogCapture(LinkServer.class);
    private final LogCapture clientLog = new LogCapture(LinkClient.class);

    @BeforeAll
    static void makeKeys() throws Exception {
        Instant now = Instant.now();
        KeyMaker.make(ours, List.of("a", "b"), 30, now);
        KeyMaker.make(theirs, List.of("a", "b"), 30, now);
    }

    @AfterEach
    void close() {
        link.close();
        serverLog.close();
        clientLog.close();
    }

    @Test
    void shouldCarryMessagesBetweenHostsOfOneAuthorityAndKnowTheirNames() throws Exception {
        LinkServer server = link.serve(security(ours, "b"));
        link.connect(server.address(), security(ours, "a"));
        SampleMessages.all().forEach(link.primary.connection(0)::send);
        SampleMessages.all().forEach(link.backup.connection(0)::send);

        List<LinkMessage> samples = SampleMessages.all();
        link.backup.awaitMessages(samples.size());
        link.primary.awaitMessages(samples.size());
        assertThat(link.backup.messages()).isEqualTo(samples);
        assertThat(link.primary.messages()).isEqualTo(samples);
        samples.forEach(ReferenceCountUtil::release);
        assertThat(link.backup.connection(0).peerName()).contains("a");
        assertThat(link.primary.connection(0).peerName()).contains("b");
    }

    @Test
    void shouldTellAnEndOfFileFromItsOwnClosing() throws Exception {
        LinkServer server = link.serve(security(ours, "b"));
        link.connect(server.address(), security(ours, "a"));
        link.backup.connection(0);
        link.primary.connection(0).close("test");
        assertThat(link.primary.awaitDown()).isEqualTo("down: closed here: test");
        assertThat(link.backup.awaitDown()).isEqualTo("down by end of file: the peer closed the connection");
    }

    @Test
    void shouldDeliverTheLastWord() throws Exception {
        LinkServer server = link.serve(security(ours, "b"));
        link.connect(server.address(), security(ours, "a"));
        link.backup.connection(0);
        link.primary.connection(0).closeAfter(new Relinquish("bye"));
        assertThat(link.backup.awaitDown()).startsWith("down by end of file");
        assertThat(link.backup.messages()).containsExactly(new Relinquish("bye"));
    }

    @Test
    void shouldRefuseAHostOfAnotherAuthority() throws Exception {
        LinkServer server = link.serve(security(ours, "b"));
        link.connect(server.address(), security(theirs, "a"));

        clientLog.awaitLine("the peer's certificate does not come from our authority");
        serverLog.awaitLine("the peer refused our certificate");
        assertThat(link.backup.events()).isEmpty();
        assertThat(link.primary.events()).isEmpty();
    }

    @Test
    void shouldRefuseACertificateThatHasExpired() throws Exception {
        Instant longAgo = now.minus(Duration.ofDays(1000));
        KeyMaker.make(scratch, List.of("a", "b"), 30, longAgo);
        LinkServer server = link.serve(LinkSecurity.mutualTls(
                scratch.resolve("b.crt"), scratch.resolve("b.key"), scratch.resolve("ca.crt"), longAgo));
        link.connect(
                server.address(),
                LinkSecurity.mutualTls(
                        scratch.resolve("a.crt"), scratch.resolve("a.key"), scratch.resolve("ca.crt"), longAgo));

        clientLog.awaitLine("the peer's certificate has expired");
        assertThat(link.backup.events()).isEmpty();
    }

    @Test
    void shouldRefuseWhoeverShowsNoCertificate() throws Exception {
        LinkServer server = link.serve(security(ours, "b"));
        try (SSLSocket nobody = trusting(ours, server.address())) {
            assertThatThrownBy(() -> {
                        nobody.startHandshake();
                        nobody.getInputStream().read();
                    })
                    .isInstanceOf(IOException.class);
        }
        serverLog.awaitLine("the peer showed no certificate");
        assertThat(link.backup.events()).isEmpty();
    }

    @Test
    void shouldTellTheConnectingEndThatItsCertificateWasRefused() throws Exception {
        LinkServer server = link.serve(security(ours, "b"));
        // Trusts the server, but has only a certificate that the server does not trust.
        SslContext stranger = SslContextBuilder.forClient()
                .keyManager(
                        PemFiles.readKey(theirs.resolve("a.key")), PemFiles.readCertificate(theirs.resolve("a.crt")))
                .trustManager(PemFiles.readCertificate(ours.resolve("ca.crt")))
                .protocols("TLSv1.3")
                .endpointIdentificationAlgorithm(null)
                .build();
        link.connect(server.address(), new LinkSecurity(null, stranger));

        serverLog.awaitLine("the peer showed no certificate of our authority");
        clientLog.awaitLine("the peer refused our certificate");
        Thread.sleep(500); // Several attempts more.
        assertThat(clientLog.lines().stream().filter(line -> line.contains("cannot connect")))
                .as("none of which ended without the reason")
                .hasSize(1);
        assertThat(link.primary.events()).isEmpty();
        assertThat(link.backup.events()).isEmpty();
    }

    @Test
    void shouldSpeakNothingOlderThanTls13() throws Exception {
        LinkServer server = link.serve(security(ours, "b"));
        try (SSLSocket old = trusting(ours, server.address())) {
            old.setEnabledProtocols(new String[] {"TLSv1.2"});
            assertThatThrownBy(old::startHandshake).hasMessageContaining("protocol_version");
        }
        assertThat(link.backup.events()).isEmpty();
    }

    @Test
    void shouldSayAtBothEndsThatOnlyTheListeningOneHasTls() throws Exception {
        LinkServer server = link.serve(security(ours, "b"));
        link.connect(server.address(), LinkSecurity.insecure());
        serverLog.awaitLine("the peer speaks no TLS");
        clientLog.awaitLine("cannot connect");
        assertThat(clientLog.lines())
                .anyMatch(line -> line.contains("speaks TLS") || line.contains("it may expect TLS"));
        assertThat(link.primary.events()).isEmpty();
    }

    @Test
    void shouldSayAtBothEndsThatOnlyTheConnectingOneHasTls() throws Exception {
        LinkServer server = link.serve(LinkSecurity.insecure());
        link.connect(server.address(), security(ours, "a"));
        serverLog.awaitLine("the peer speaks TLS, this side has `insecure: true`");
        clientLog.awaitLine("the peer speaks no TLS");
        assertThat(link.primary.events()).isEmpty();
    }

    @Test
    void shouldSayWhichFileIsWrong() throws Exception {
        Path certificate = ours.resolve("a.crt");
        Path key = ours.resolve("a.key");
        Path authority = ours.resolve("ca.crt");
        assertWrong("missing.crt", scratch.resolve("missing.crt"), key, authority);
        assertWrong("does not begin with a certificate", key, key, authority);
        assertWrong("does not begin with an unencrypted key", certificate, certificate, authority);
        assertWrong("was not issued by", certificate, key, theirs.resolve("ca.crt"));
        assertWrong("does not belong to the certificate", certificate, ours.resolve("b.key"), authority);

        Path open = scratch.resolve("open.key");
        Files.copy(key, open);
        Files.setPosixFilePermissions(open, PosixFilePermissions.fromString("rw-r--r--"));
        assertWrong("chmod 600", certificate, open, authority);

        assertThatThrownBy(() -> LinkSecurity.mutualTls(certificate, key, authority, now.plus(Duration.ofDays(31))))
                .isInstanceOf(LinkException.class)
                .hasMessageContaining("is not valid now")
                .hasMessageContaining("holdfast keys");
    }

    private void assertWrong(String message, Path certificate, Path key, Path authority) {
        assertThatThrownBy(() -> LinkSecurity.mutualTls(certificate, key, authority, now))
                .isInstanceOf(LinkException.class)
                .hasMessageContaining(message);
    }

    private LinkSecurity security(Path keys, String host) throws LinkException {
        return LinkSecurity.mutualTls(
                keys.resolve(host + ".crt"), keys.resolve(host + ".key"), keys.resolve("ca.crt"), now);
    }

    /** A client with an authority but without a certificate of its own. */
    private static SSLSocket trusting(Path keys, InetSocketAddress address) throws Exception {
        KeyStore trusted = KeyStore.getInstance(KeyStore.getDefaultType());
        trusted.load(null, null);
        trusted.setCertificateEntry("ca", PemFiles.readCertificate(keys.resolve("ca.crt")));
        TrustManagerFactory trust = TrustManagerFactory.getInstance(TrustManagerFactory.getDefaultAlgorithm());
        trust.init(trusted);
        SSLContext context = SSLContext.getInstance("TLS");
        context.init(null, trust.getTrustManagers(), null);
        return (SSLSocket) context.getSocketFactory().createSocket(address.getAddress(), address.getPort());
    }
}
