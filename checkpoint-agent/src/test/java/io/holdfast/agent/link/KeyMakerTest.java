package io.holdfast.agent.link;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.security.cert.X509Certificate;
import java.time.Duration;
import java.time.Instant;
import java.util.Date;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class KeyMakerTest {

    private final Instant now = Instant.now();

    @TempDir
    Path directory;

    @Test
    void shouldWriteAnAuthorityAndAPairForEachHostForTheirOwnerOnly() throws Exception {
        Path made = directory.resolve("new/keys");
        List<Path> files = KeyMaker.make(made, List.of("a", "b"), 30, now);

        assertThat(files)
                .extracting(file -> file.getFileName().toString())
                .containsExactly("ca.crt", "ca.key", "a.crt", "a.key", "b.crt", "b.key");
        for (Path file : files) {
            assertThat(PosixFilePermissions.toString(Files.getPosixFilePermissions(file)))
                    .isEqualTo("rw-------");
        }
    }

    @Test
    void shouldMakeCertificatesThatSayWhoWhatForAndHowLong() throws Exception {
        KeyMaker.make(directory, List.of("host-a"), 30, now);
        X509Certificate authority = PemFiles.readCertificate(directory.resolve("ca.crt"));
        X509Certificate host = PemFiles.readCertificate(directory.resolve("host-a.crt"));

        host.verify(authority.getPublicKey());
        assertThat(host.getSubjectAlternativeNames()).containsExactly(List.of(2, "host-a"));
        assertThat(host.getExtendedKeyUsage()).containsExactly("1.3.6.1.5.5.7.3.1", "1.3.6.1.5.5.7.3.2");
        assertThat(host.getBasicConstraints()).as("is no authority").isEqualTo(-1);
        assertThat(authority.getBasicConstraints()).as("signs hosts only").isZero();
        host.checkValidity(Date.from(now.plus(Duration.ofDays(29))));
        assertThatThrownBy(() -> host.checkValidity(Date.from(now.plus(Duration.ofDays(31)))))
                .isInstanceOf(java.security.cert.CertificateExpiredException.class);
        assertThat(LinkSecurity.mutualTls(
                                directory.resolve("host-a.crt"),
                                directory.resolve("host-a.key"),
                                directory.resolve("ca.crt"),
                                now)
                        .isInsecure())
                .isFalse();
    }

    @Test
    void shouldOverwriteNothing() throws Exception {
        Files.writeString(directory.resolve("b.key"), "precious");
        assertThatThrownBy(() -> KeyMaker.make(directory, List.of("a", "b"), 30, now))
                .isInstanceOf(LinkException.class)
                .hasMessageContaining("b.key exists; nothing was written");
        try (var files = Files.list(directory)) {
            assertThat(files).containsExactly(directory.resolve("b.key"));
        }
        assertThat(directory.resolve("b.key")).hasContent("precious");
    }

    @Test
    void shouldRefuseNamesThatAreNoHosts() {
        for (List<String> hosts :
                List.of(List.of("A"), List.of("../a"), List.of(""), List.of("a", "a"), List.of("ca"))) {
            assertThatThrownBy(() -> KeyMaker.make(directory, hosts, 30, now)).isInstanceOf(LinkException.class);
        }
        assertThatThrownBy(() -> KeyMaker.make(directory, List.of("a"), 0, now)).isInstanceOf(LinkException.class);
        assertThat(directory).isEmptyDirectory();
    }
}
