package io.holdfast.http;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.awaitility.Awaitility.await;

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
import java.util.Map;
import java.util.Random;
import java.util.concurrent.atomic.AtomicReference;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

@Timeout(60)
class LoopbackServerTest {

    private static final InetSocketAddress ANY_PORT = new InetSocketAddress(InetAddress.ofLiteral("127.0.0.1"), 0);

    private static final String BIG = "x".repeat(20_000);

    private final AtomicReference<String> thread = new AtomicReference<>();
    private final AtomicReference<@Nullable String> accept = new AtomicReference<>();
    private final HttpClient client = HttpClient.newHttpClient();
    private LoopbackServer server;

    @BeforeEach
    void start() throws IOException {
        server = LoopbackServer.start(
                ANY_PORT,
                Map.of(
                        "/big", this::big,
                        "/word", accepted -> Answer.line(200, "a word"),
                        "/broken",
                                accepted -> {
                                    throw new IllegalStateException("no answer");
                                },
                        "/assets/icon.svg",
                                accepted -> new Answer(200, "image/svg+xml", Answer.KEEP_FOREVER, new byte[] {1})));
    }

    @AfterEach
    void stop() {
        server.close();
        client.close();
    }

    private Answer big(@Nullable String accepted) {
        thread.set(Thread.currentThread().getName());
        accept.set(accepted);
        return Answer.current("text/plain", BIG.getBytes(StandardCharsets.UTF_8));
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
    void shouldAnswerOnAThreadOfItsOwnWithWhatThePathHas() throws Exception {
        HttpResponse<String> response = request("GET", "/big?x=y", "Accept", "text/plain");
        assertThat(response.statusCode()).isEqualTo(200);
        assertThat(response.headers().firstValue("content-type")).contains("text/plain");
        assertThat(response.body()).isEqualTo(BIG);
        assertThat(accept.get()).isEqualTo("text/plain");
        assertThat(thread.get()).startsWith("http");
    }

    @Test
    void shouldSayThatAResourceHasFailed() throws Exception {
        HttpResponse<String> response = request("GET", "/broken");
        assertThat(response.statusCode()).isEqualTo(500);
        assertThat(response.body()).isEqualTo("/broken has failed; see the log\n");
    }

    @Test
    void shouldLetOnlyWhatNeverChangesBeKept() throws Exception {
        assertThat(request("GET", "/word").headers().firstValue("cache-control"))
                .contains("no-store");
        assertThat(request("GET", "/assets/icon.svg").headers().firstValue("cache-control"))
                .contains("public, max-age=31536000, immutable");
        assertThat(request("GET", "/nowhere").headers().firstValue("cache-control"))
                .contains("no-store");
    }

    @Test
    void shouldTellBrowsersToAskNobodyElse() throws Exception {
        HttpResponse<String> response = request("GET", "/word");
        assertThat(response.headers().firstValue("content-security-policy").orElseThrow())
                .startsWith("default-src 'self';")
                .doesNotContain("unsafe");
        assertThat(response.headers().firstValue("x-content-type-options")).contains("nosniff");
        assertThat(response.headers().firstValue("cross-origin-resource-policy"))
                .contains("same-origin");
        assertThat(response.headers().firstValue("access-control-allow-origin")).isEmpty();
    }

    @Test
    void shouldCompressForWhoeverCanReadThat() throws Exception {
        HttpResponse<String> small = request("GET", "/big", "Accept-Encoding", "gzip");
        assertThat(small.headers().firstValue("content-encoding")).contains("gzip");
        assertThat(small.body().length()).isLessThan(BIG.length() / 10);
        assertThat(request("GET", "/big").headers().firstValue("content-encoding"))
                .isEmpty();
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "evil.example",
                "127.0.0.1.evil.example",
                "localhost.evil.example:9601",
                "10.7.0.2.evil.example",
                ""
            })
    void shouldAnswerNobodyWhomANameMayHaveMisled(String host) throws Exception {
        assertThat(raw("GET /word HTTP/1.1\r\nHost: " + host + "\r\nConnection: close\r\n\r\n"))
                .startsWith("HTTP/1.1 421 ")
                .doesNotContain("a word");
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "127.0.0.1",
                "127.0.0.1:9601",
                "127.8.8.8",
                "LocalHost:80",
                "page.localhost",
                "[::1]",
                "[::1]:9601",
                "10.7.0.2:9601",
                "[fd07::1]"
            })
    void shouldAnswerWhoeverAsksForAnAddressOrThisHost(String host) throws Exception {
        assertThat(raw("GET /word HTTP/1.1\r\nHost: " + host + "\r\nConnection: close\r\n\r\n"))
                .startsWith("HTTP/1.1 200 ");
    }

    @ParameterizedTest
    @ValueSource(strings = {"/", "/wor", "/word/", "/word/x", "/word%00", "/../word", "/WORD", "/assets/"})
    void shouldKnowNoOtherPath(String path) throws Exception {
        HttpResponse<String> response = request("GET", path);
        assertThat(response.statusCode()).isEqualTo(404);
        assertThat(response.body()).isEqualTo("there is only /big, /broken, /word\n");
    }

    @ParameterizedTest
    @ValueSource(strings = {"POST", "PUT", "DELETE", "OPTIONS", "PATCH"})
    void shouldAnswerNoOtherMethod(String method) throws Exception {
        HttpResponse<String> response = request(method, "/big");
        assertThat(response.statusCode()).isEqualTo(405);
        assertThat(response.headers().firstValue("allow")).contains("GET, HEAD");
    }

    @Test
    void shouldAnswerHeadWithoutABody() throws Exception {
        HttpResponse<String> head = request("HEAD", "/big");
        assertThat(head.statusCode()).isEqualTo(200);
        assertThat(head.body()).isEmpty();
        assertThat(head.headers().firstValueAsLong("content-length").orElseThrow())
                .isPositive();
        assertThat(request("HEAD", "/nowhere").statusCode()).isEqualTo(404);
    }

    @Test
    void shouldBoundWhatARequestMayHave() throws Exception {
        assertThat(raw("GET /" + "x".repeat(10_000) + " HTTP/1.1\r\n\r\n")).startsWith("HTTP/1.1 4");
        assertThat(raw("GET /big HTTP/1.1\r\nX: " + "x".repeat(30_000) + "\r\n\r\n"))
                .startsWith("HTTP/1.1 4");
        assertThat(raw("GET /big HTTP/1.1\r\nConnection: close\r\nContent-Length: 100000\r\n\r\n"))
                .startsWith("HTTP/1.1 413");
        assertThat(raw("nonsense\r\n\r\n")).startsWith("HTTP/1.1 400");
        assertThat(request("GET", "/word").statusCode()).isEqualTo(200);
    }

    @Test
    void shouldDropAClientThatAsksOnWithoutReading() throws Exception {
        // Some 40 MB of answers, far more than the kernel takes off the server's hands.
        int requests = 2_000;
        try (Socket deaf = connect()) {
            deaf.setSoTimeout(10_000);
            deaf.getOutputStream()
                    .write("GET /big HTTP/1.1\r\n\r\n".repeat(requests).getBytes(StandardCharsets.ISO_8859_1));
            // Answered by the same thread, so afterwards.
            assertThat(request("GET", "/word").statusCode()).isEqualTo(200);
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
        await().ignoreExceptions().until(() -> request("GET", "/word").statusCode() == 200);
    }

    @Test
    void shouldSayThatThePortIsTaken() {
        assertThatThrownBy(() -> LoopbackServer.start(server.address(), Map.of()))
                .isInstanceOf(IOException.class)
                .hasMessageContaining("127.0.0.1:" + server.address().getPort())
                .hasMessageContaining("the port is taken")
                .hasMessageContaining("set another one with `http`");
    }

    @Test
    void shouldListenAtLoopbackOnly() {
        InetSocketAddress everywhere = new InetSocketAddress(InetAddress.ofLiteral("0.0.0.0"), 0);
        assertThatThrownBy(() -> LoopbackServer.start(everywhere, Map.of()))
                .isInstanceOf(IOException.class)
                .hasMessageContaining("loopback");
    }

    @Test
    void shouldStayAliveWhateverItIsSent() throws Exception {
        long seed = System.nanoTime();
        System.out.println("LoopbackServerTest seed " + seed);
        Random random = new Random(seed);
        for (int round = 0; round < 200; round++) {
            byte[] attack = "GET /big HTTP/1.1\r\nHost: [::1]\r\nContent-Length: 3\r\n\r\nabc"
                    .getBytes(StandardCharsets.ISO_8859_1);
            for (int i = random.nextInt(6); i > 0; i--) {
                attack[random.nextInt(attack.length)] = (byte) random.nextInt(256);
            }
            try (Socket socket = connect()) {
                socket.getOutputStream().write(attack, 0, random.nextInt(attack.length + 1));
            }
        }
        await().ignoreExceptions().until(() -> request("GET", "/word").statusCode() == 200);
        assertThat(request("GET", "/big").statusCode()).as("seed %d", seed).isEqualTo(200);
    }
}
