package io.holdfast.agent.arbiter;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.net.URI;
import java.util.List;

/**
 * Why an endpoint of etcd has not answered, in words that name the setting to look at: somebody reads them while a guest waits.
 *
 * <p>TLS and etcd tell reasons by their text only. An unknown one is shown as it is.
 */
final class EtcdTrouble {

    private static final ObjectMapper JSON = new ObjectMapper();
    private static final int LONGEST_BODY = 200;

    /** @param sign what stands in the text of a trouble of this kind */
    private record Advice(String sign, String advice) {}

    private static final List<Advice> ADVICE = List.of(
            // Of the way there.
            new Advice(
                    "PKIX path building",
                    "its certificate is not signed by `agent.arbiter.authority`, or, without one, by any that Java trusts"),
            new Advice(
                    "validity check failed",
                    "its certificate, or `agent.arbiter.authority`, is not valid at this time"),
            new Advice("No subject alternative", "its certificate is not for the name in `agent.arbiter.endpoints`"),
            new Advice("bad_certificate", "it wants another `agent.arbiter.certificate`, or any"),
            new Advice("certificate_required", "it wants an `agent.arbiter.certificate`"),
            new Advice("unknown_ca", "it does not know the authority that signed `agent.arbiter.certificate`"),
            new Advice(
                    "terminated the handshake",
                    "it has hung up: if it speaks no TLS, `agent.arbiter.endpoints` must say http"),
            // Of etcd's own.
            new Advice("user name is empty", "it wants a login: set `agent.arbiter.user` and `password-file`"),
            new Advice(
                    "invalid user ID or password",
                    "`agent.arbiter.user` or the password in `agent.arbiter.password-file` is wrong"),
            new Advice("authentication is not enabled", "it has no logins: leave out `agent.arbiter.user`"),
            new Advice(
                    "permission denied",
                    "`agent.arbiter.user` needs a role that may read and write all keys that begin with /holdfast/GUEST/"));

    /**
     * What a client hears of a server that hangs up at once. With TLS 1.3 (RFC 8446, 4.4.2.4) that is how one may hear that its
     * certificate is refused: the alert follows a handshake that is over for the client, and may be lost with the connection.
     */
    private static final List<String> HUNG_UP = List.of("received no bytes", "Connection reset", "Broken pipe");

    private EtcdTrouble() {}

    /** Of a question that did not get through, or whose answer did not come. */
    static String of(URI endpoint, IOException trouble) {
        for (Throwable cause = trouble; cause != null; cause = cause.getCause()) {
            String known = advised(cause.toString());
            if (!known.isEmpty()) {
                return known;
            }
        }
        String message = trouble.getMessage();
        if (message != null && HUNG_UP.stream().anyMatch(message::contains)) {
            return (endpoint.getScheme().equals("https")
                            ? "it has hung up: perhaps it wants another `agent.arbiter.certificate`"
                            : "it has hung up: if it speaks TLS, `agent.arbiter.endpoints` must say https")
                    + " (" + message + ")";
        }
        return trouble.getClass().getSimpleName() + (message == null ? "" : ": " + message);
    }

    /** Of an answer that is none. */
    static String of(int status, String body) {
        String message = message(body);
        String known = advised(message);
        return known.isEmpty() ? "HTTP " + status + " " + message : known;
    }

    /** What etcd says, which is one level deeper where it answers in a stream. */
    private static String message(String body) {
        try {
            JsonNode error = JSON.readTree(body).path("error");
            return error.path("message").asText(error.asText());
        } catch (JsonProcessingException e) {
            return body.substring(0, Math.min(body.length(), LONGEST_BODY)).strip();
        }
    }

    private static String advised(String text) {
        return ADVICE.stream()
                .filter(each -> text.contains(each.sign()))
                .map(each -> each.advice() + " (" + text + ")")
                .findFirst()
                .orElse("");
    }
}
