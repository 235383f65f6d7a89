package io.holdfast.agent.arbiter;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.net.URI;
import javax.net.ssl.SSLHandshakeException;
import org.junit.jupiter.api.Test;

/** What {@link EtcdTlsTest} and {@link EtcdLoginTest} cannot make the etcd say that is installed here. */
class EtcdTroubleTest {

    private static final URI SECURE = URI.create("https://etcd:2379");
    private static final URI PLAIN = URI.create("http://etcd:2379");

    @Test
    void shouldKnowTheAlertsOfNewerServers() {
        assertThat(EtcdTrouble.of(SECURE, new SSLHandshakeException("Received fatal alert: unknown_ca")))
                .contains("does not know the authority that signed `agent.arbiter.certificate`");
        assertThat(EtcdTrouble.of(SECURE, new SSLHandshakeException("Received fatal alert: certificate_required")))
                .contains("wants an `agent.arbiter.certificate`");
    }

    @Test
    void shouldLookForTheReasonBehindTheReason() {
        IOException outer = new IOException("closed", new SSLHandshakeException("Received fatal alert: unknown_ca"));
        assertThat(EtcdTrouble.of(SECURE, outer)).contains("`agent.arbiter.certificate`");
    }

    /** Which of the two is heard, the alert or the end, is a matter of luck. */
    @Test
    void shouldThinkOfTheCertificateWhenAServerWithTlsHangsUp() {
        assertThat(EtcdTrouble.of(SECURE, new IOException("HTTP/1.1 header parser received no bytes")))
                .contains("wants another `agent.arbiter.certificate`");
        assertThat(EtcdTrouble.of(SECURE, new IOException("Connection reset")))
                .contains("wants another `agent.arbiter.certificate`");
        assertThat(EtcdTrouble.of(PLAIN, new IOException("HTTP/1.1 header parser received no bytes")))
                .contains("must say https");
    }

    @Test
    void shouldShowWhatItDoesNotKnowAsItIs() {
        assertThat(EtcdTrouble.of(SECURE, new IOException("strange"))).isEqualTo("IOException: strange");
        assertThat(EtcdTrouble.of(503, "{\"error\":\"no leader\"}")).isEqualTo("HTTP 503 no leader");
        assertThat(EtcdTrouble.of(502, "bad gateway\n")).isEqualTo("HTTP 502 bad gateway");
    }

    @Test
    void shouldFindWhatIsSaidInAStream() {
        assertThat(EtcdTrouble.of(500, "{\"error\":{\"http_code\":500,\"message\":\"no leader\"}}"))
                .isEqualTo("HTTP 500 no leader");
    }
}
