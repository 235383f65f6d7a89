package io.holdfast.metrics;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.awaitility.Awaitility.await;

import io.micrometer.core.instrument.Gauge;
import java.io.EOFException;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.Socket;
import java.net.SocketException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.concurrent.atomic.AtomicReference;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

@Timeout(60)
class MetricsServerTest {

    private static final InetSocketAddress ANY_PORT = new InetSocketAddress(InetAddress.ofLiteral("127.0.0.1"), 0);

    private final AtomicReference<Health> readiness = new AtomicReference<>(Health.failing("wall is CLOSED"));
    private final HttpClient client = HttpClient.newHttpClient();
    private final MetricsRegistry registry = new MetricsRegistry("redis", "a");
    private MetricsServer server;

    @BeforeEach
    void start() throws IOException {
        server = MetricsServer.start(ANY_PORT, registry, () -> Health.ok("alive"), readiness::get);
    }

    @AfterEach
    void stop() {
        server.close();
        client.close();
        registry.close();
    }

    private HttpResponse<String> request(String method, String path, String... headers) throws Exception {
        HttpRequest.Builder request = HttpRequest.newBuilder(
                        URI.create("http://127.0.0.1:" + server.address().getPort() + path))
                .method(method, HttpRequest.BodyPublishers.noBody());
        if (headers.length > 0) {
            request.headers(headers);
        }
        return client.send(request.build(), HttpResponse.BodyHandlers.ofString());
    }

    private Socket connect() throws IOException {
        return new Socket(server.address().getAddress(), server.address().getPort());
    }

    /** Writes bytes as they are and reads until the server closes. */
    private String raw(String text) throws IOException {
        try (Socket socket = connect()) {
            socket.setSoTimeout(5_000);
            socket.getOutputStream().write(text.getBytes(StandardCharsets.ISO_8859_1));
            return new String(socket.getInputStream().readAllBytes(), StandardCharsets.ISO_8859_1);
        }
    }

    @Test
    void shouldServeMetricsInBothFormats() throws Exception {
        HttpResponse<String> plain = request("GET", "/metrics");
        assertThat(plain.statusCode()).isEqualTo(200);
        assertThat(plain.headers().firstValue("content-type")).contains("text/plain; version=0.0.4; charset=utf-8");
        assertThat(Exposition.parse(plain.body()).types).containsKey("process_uptime_seconds");

        HttpResponse<String> open = request("GET", "/metrics?x=y", "Accept", "application/openmetrics-text");
        assertThat(open.headers().firstValue("content-type").orElseThrow()).startsWith("application/openmetrics-text");
        assertThat(open.body()).endsWith("# EOF\n");
    }

    @Test
    void shouldScrapeOnAThreadOfItsOwn() throws Exception {
        AtomicReference<String> thread = new AtomicReference<>();
        Gauge.builder("holdfast.thread", () -> {
                    thread.set(Thread.currentThread().getName());
                    return 1;
                })
                .register(registry.meters());
        request("GET", "/metrics");
        assertThat(thread.get()).startsWith("metrics-http");
    }

    @Test
    void shouldAnswerProbesWithTheReason() throws Exception {
        assertThat(request("GET", "/livez").statusCode()).isEqualTo(200);
        HttpResponse<String> closed = request("GET", "/readyz");
        assertThat(closed.statusCode()).isEqualTo(503);
        assertThat(closed.body()).isEqualTo("wall is CLOSED\n");

        readiness.set(Health.ok("wall is PROTECTED"));
        HttpResponse<String> open = request("GET", "/readyz?verbose");
        assertThat(open.statusCode()).isEqualTo(200);
        assertThat(open.body()).isEqualTo("wall is PROTECTED\n");
    }

    @Test
    void shouldCountAProbeThatFailsAsNotReady() throws Exception {
        MetricsServer broken = MetricsServer.start(ANY_PORT, registry, () -> Health.ok("alive"), () -> {
            throw new IllegalStateException("no wall");
        });
        server.close();
        server = broken;
        HttpResponse<String> response = request("GET", "/readyz");
        assertThat(response.statusCode()).isEqualTo(503);
        assertThat(response.body()).contains("no wall");
    }

    @ParameterizedTest
    @ValueSource(strings = {"/", "/metric", "/metrics/", "/metrics/x", "/readyz%00", "/../metrics", "/METRICS"})
    void shouldKnowNoOtherPath(String path) throws Exception {
        assertThat(request("GET", path).statusCode()).isEqualTo(404);
    }

    @ParameterizedTest
    @ValueSource(strings = {"POST", "PUT", "DELETE", "OPTIONS", "PATCH"})
    void shouldAnswerNoOtherMethod(String method) throws Exception {
        HttpResponse<String> response = request(method, "/metrics");
        assertThat(response.statusCode()).isEqualTo(405);
        assertThat(response.headers().firstValue("allow")).contains("GET, HEAD");
    }

    @Test
    void shouldAnswerHeadWithoutABody() throws Exception {
        HttpResponse<String> head = request("HEAD", "/metrics");
        assertThat(head.statusCode()).isEqualTo(200);
        assertThat(head.body()).isEmpty();
        assertThat(head.headers().firstValueAsLong("content-length").orElseThrow())
                .isPositive();
        assertThat(request("HEAD", "/readyz").statusCode()).isEqualTo(503);
    }

    @Test
    void shouldBoundWhatARequestMayHave() throws Exception {
        assertThat(raw("GET /" + "x".repeat(10_000) + " HTTP/1.1\r\n\r\n")).startsWith("HTTP/1.1 4");
        assertThat(raw("GET /metrics HTTP/1.1\r\nX: " + "x".repeat(30_000) + "\r\n\r\n"))
                .startsWith("HTTP/1.1 4");
        assertThat(raw("GET /metrics HTTP/1.1\r\nConnection: close\r\nContent-Length: 100000\r\n\r\n"))
                .startsWith("HTTP/1.1 413");
        assertThat(raw("nonsense\r\n\r\n")).startsWith("HTTP/1.1 400");
        assertThat(request("GET", "/livez").statusCode()).isEqualTo(200);
    }

    @Test
    void shouldDropAClientThatAsksOnWithoutReading() throws Exception {
        // Some 40 MB of answers, far more than the kernel takes off the server's hands.
        int requests = 2_000;
        try (Socket deaf = connect()) {
            deaf.setSoTimeout(10_000);
            deaf.getOutputStream()
                    .write("GET /metrics HTTP/1.1\r\n\r\n".repeat(requests).getBytes(StandardCharsets.ISO_8859_1));
            // Answered by the same thread, so afterwards.
            assertThat(request("GET", "/livez").statusCode()).isEqualTo(200);
            assertThatThrownBy(() -> {
                        long bytes = deaf.getInputStream().transferTo(OutputStream.nullOutputStream());
                        throw new EOFException("the server closed after " + bytes + " bytes");
                    })
                    .isInstanceOfAny(EOFException.class, SocketException.class);
        }
    }

    @Test
    void shouldBoundTheNumberOfConnections() throws Exception {
        List<Socket> sockets = new ArrayList<>();
        try {
            for (int i = 0; i < 40; i++) {
                sockets.add(connect());
            }
            try (Socket late = connect()) {
                late.setSoTimeout(5_000);
                InputStream input = late.getInputStream();
                assertThat(input.read()).isEqualTo(-1);
            }
        } finally {
            for (Socket socket : sockets) {
                socket.close();
            }
        }
        await().ignoreExceptions().until(() -> request("GET", "/livez").statusCode() == 200);
    }

    @Test
    void shouldSayThatThePortIsTaken() {
        assertThatThrownBy(() -> MetricsServer.start(server.address(), registry, readiness::get, readiness::get))
                .isInstanceOf(IOException.class)
                .hasMessageContaining("127.0.0.1:" + server.address().getPort())
                .hasMessageContaining("the port is taken")
                .hasMessageContaining("set another one with `http`");
    }

    @Test
    void shouldListenAtLoopbackOnly() {
        InetSocketAddress everywhere = new InetSocketAddress(InetAddress.ofLiteral("0.0.0.0"), 0);
        assertThatThrownBy(() -> MetricsServer.start(everywhere, registry, readiness::get, readiness::get))
                .isInstanceOf(IOException.class)
                .hasMessageContaining("loopback");
    }

    @Test
    void shouldStayAliveWhateverItIsSent() throws Exception {
        long seed = System.nanoTime();
        System.out.println("MetricsServerTest seed " + seed);
        Random random = new Random(seed);
        for (int round = 0; round < 200; round++) {
            byte[] attack = "GET /metrics HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\nabc"
                    .getBytes(StandardCharsets.ISO_8859_1);
            for (int i = random.nextInt(6); i > 0; i--) {
                attack[random.nextInt(attack.length)] = (byte) random.nextInt(256);
            }
            try (Socket socket = connect()) {
                socket.getOutputStream().write(attack, 0, random.nextInt(attack.length + 1));
            }
        }
        await().ignoreExceptions().until(() -> request("GET", "/livez").statusCode() == 200);
        assertThat(request("GET", "/metrics").statusCode()).as("seed %d", seed).isEqualTo(200);
    }
}
