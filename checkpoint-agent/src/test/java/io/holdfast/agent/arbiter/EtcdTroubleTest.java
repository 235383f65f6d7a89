package io.holdfast.agent.arbiter;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import javax.net.ssl.SSLHandshakeException;
import org.junit.jupiter.api.Test;

/** What {@link EtcdTlsTest} and {@link EtcdLoginTest} cannot make the etcd say that is installed here. */
class EtcdTroubleTest {

    @Test
    void shouldKnowTheAlertsOfNewerServers() {
        assertThat(EtcdTrouble.of(new SSLHandshakeException("Received fatal alert: unknown_ca")))
                .contains("does not know the authority that signed `agent.arbiter.certificate`");
        assertThat(EtcdTrouble.of(new SSLHandshakeException("Received fatal alert: certificate_required")))
                .contains("wants an `agent.arbiter.certificate`");
    }

    @Test
    void shouldLookForTheReasonBehindTheReason() {
        IOException outer = new IOException("closed", new SSLHandshakeException("Received fatal alert: unknown_ca"));
        assertThat(EtcdTrouble.of(outer)).contains("`agent.arbiter.certificate`");
    }

    @Test
    void shouldShowWhatItDoesNotKnowAsItIs() {
        assertThat(EtcdTrouble.of(new IOException("strange"))).isEqualTo("IOException: strange");
        assertThat(EtcdTrouble.of(503, "{\"error\":\"no leader\"}")).isEqualTo("HTTP 503 no leader");
        assertThat(EtcdTrouble.of(502, "bad gateway\n")).isEqualTo("HTTP 502 bad gateway");
    }

    @Test
    void shouldFindWhatIsSaidInAStream() {
        assertThat(EtcdTrouble.of(500, "{\"error\":{\"http_code\":500,\"message\":\"no leader\"}}"))
                .isEqualTo("HTTP 500 no leader");
    }
}
