package io.holdfast.agent.arbiter;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpRequest.BodyPublishers;
import java.net.http.HttpResponse;
import java.net.http.HttpResponse.BodyHandlers;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import javax.net.ssl.SSLContext;
import org.jspecify.annotations.Nullable;

/**
 * etcd's HTTP gateway (etcd v3 API, "gRPC gateway": JSON by POST, numbers of 64 bit as text): each question goes to one endpoint
 * after the other, beginning with the one that answered last, until one answers.
 *
 * <p>Confined to one thread, except for {@link #close}.
 */
final class EtcdGateway implements AutoCloseable {

    private static final ObjectMapper JSON = new ObjectMapper();
    private static final int OK = 200;
    private static final int UNAUTHORIZED = 401;

    /** What etcd says, as of a wrong argument, to a token from before users or roles were changed. */
    private static final String OLD_REVISION = "revision of auth store is old";

    /** No endpoint has given an answer that can be used; whether the question was carried out is unknown. */
    static final class UnansweredException extends Exception {
        UnansweredException(String message) {
            super(message);
        }
    }

    /** One endpoint has not. */
    private static final class EndpointException extends Exception {
        final boolean unauthorized;

        EndpointException(String message, boolean unauthorized) {
            super(message);
            this.unauthorized = unauthorized;
        }
    }

    private final List<URI> endpoints;
    private final Duration limit;
    private final Optional<EtcdLogin> login;
    private final HttpClient client;
    private int current;
    private @Nullable String token;

    EtcdGateway(List<URI> endpoints, Duration limit, Optional<SSLContext> tls, Optional<EtcdLogin> login) {
        this.endpoints = List.copyOf(endpoints);
        this.limit = limit;
        this.login = login;
        HttpClient.Builder builder = HttpClient.newBuilder()
                .version(HttpClient.Version.HTTP_1_1)
                .proxy(HttpClient.Builder.NO_PROXY)
                .connectTimeout(limit);
        tls.ifPresent(builder::sslContext);
        this.client = builder.build();
    }

    static ObjectNode object() {
        return JSON.createObjectNode();
    }

    /** @param path such as {@code /v3/kv/txn} */
    JsonNode ask(String path, ObjectNode question) throws UnansweredException, InterruptedException {
        StringBuilder troubles = new StringBuilder();
        for (int attempt = 0; attempt < endpoints.size(); attempt++) {
            URI endpoint = endpoints.get(current);
            try {
                return askAs(endpoint, path, question);
            } catch (EndpointException e) {
                troubles.append(troubles.isEmpty() ? "" : "; ")
                        .append(endpoint)
                        .append(": ")
                        .append(e.getMessage());
                current = (current + 1) % endpoints.size();
            }
        }
        throw new UnansweredException(troubles.toString());
    }

    /** Logs in first where that is needed, and once more if the token is not valid any more. */
    private JsonNode askAs(URI endpoint, String path, ObjectNode question)
            throws EndpointException, InterruptedException {
        if (login.isEmpty()) {
            return post(endpoint, path, question);
        }
        if (token != null) {
            try {
                return post(endpoint, path, question);
            } catch (EndpointException e) {
                if (!e.unauthorized) {
                    throw e;
                }
            }
        }
        token = null;
        token = post(
                        endpoint,
                        "/v3/auth/authenticate",
                        object().put("name", login.get().user())
                                .put("password", password(login.get().passwordFile())))
                .path("token")
                .asText();
        return post(endpoint, path, question);
    }

    private static String password(Path file) throws EndpointException {
        try (var lines = Files.lines(file, StandardCharsets.UTF_8)) {
            return lines.findFirst().orElse("");
        } catch (UncheckedIOException e) {
            throw new EndpointException("the password in %s is not UTF-8: %s".formatted(file, e.getCause()), false);
        } catch (IOException e) {
            throw new EndpointException("cannot read the password in " + file + ": " + e.getMessage(), false);
        }
    }

    private JsonNode post(URI endpoint, String path, ObjectNode question)
            throws EndpointException, InterruptedException {
        HttpRequest.Builder request = HttpRequest.newBuilder(endpoint.resolve(path))
                .timeout(limit)
                .header("Content-Type", "application/json")
                .POST(BodyPublishers.ofString(question.toString()));
        if (token != null) {
            request.header("Authorization", token);
        }
        try {
            HttpResponse<String> response = client.send(request.build(), BodyHandlers.ofString());
            if (response.statusCode() != OK) {
                throw new EndpointException(
                        EtcdTrouble.of(response.statusCode(), response.body()),
                        response.statusCode() == UNAUTHORIZED || response.body().contains(OLD_REVISION));
            }
            return JSON.readTree(response.body());
        } catch (JsonProcessingException e) {
            throw new EndpointException("not JSON: " + e.getOriginalMessage(), false);
        } catch (IOException e) {
            throw new EndpointException(EtcdTrouble.of(endpoint, e), false);
        }
    }

    /** Ends what is under way. */
    @Override
    public void close() {
        client.shutdownNow();
    }
}
