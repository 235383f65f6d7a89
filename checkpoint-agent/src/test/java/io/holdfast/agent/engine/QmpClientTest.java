package io.holdfast.agent.engine;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.awaitility.Awaitility.await;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.holdfast.agent.engine.QmpClient.Reply;
import java.io.BufferedReader;
import java.io.IOException;
import java.net.StandardProtocolFamily;
import java.net.UnixDomainSocketAddress;
import java.nio.ByteBuffer;
import java.nio.channels.Channels;
import java.nio.channels.ServerSocketChannel;
import java.nio.channels.SocketChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** The client against a server that says whatever a test wants. */
@Timeout(20)
class QmpClientTest {

    private static final String GREETING = "{\"QMP\": {\"version\": {}, \"capabilities\": []}}\r\n";
    private static final long LIMIT_NANOS = 500_000_000L;

    @TempDir
    private Path folder;

    private Path path = Path.of("unset");
    private ServerSocketChannel server;
    /** Ends when the server has played its part; fails if it could not. */
    private CompletableFuture<Void> played = CompletableFuture.completedFuture(null);

    private final List<String> heard = new CopyOnWriteArrayList<>();
    private final QmpClient.Listener listener = new QmpClient.Listener() {
        @Override
        public void onEvent(String name, JsonNode data) {
            heard.add(name + " " + data);
        }

        @Override
        public void onLost(String reason) {
            heard.add("lost: " + reason);
        }
    };

    @BeforeEach
    void listen() throws IOException {
        path = folder.resolve("qmp.sock");
        server = ServerSocketChannel.open(StandardProtocolFamily.UNIX).bind(UnixDomainSocketAddress.of(path));
    }

    @AfterEach
    void stop() throws Exception {
        played.get(5, TimeUnit.SECONDS);
        server.close();
    }

    @Test
    void shouldGiveEachCommandItsOwnAnswerWhateverTheOrder() throws Exception {
        play(peer -> {
            peer.greet();
            long first = peer.nextId("first");
            long second = peer.nextId("second");
            peer.say("{\"return\": 2, \"id\": %d}\n{\"return\": 1, \"id\": %d}\n".formatted(second, first));
        });
        try (QmpClient client = connect()) {
            CompletableFuture<JsonNode> first = CompletableFuture.supplyAsync(() -> execute(client, "first"));
            await().until(() -> commands.contains("first"));
            assertThat(client.execute("second").asInt()).isEqualTo(2);
            assertThat(first.get().asInt()).isEqualTo(1);
        }
    }

    @Test
    void shouldTellRefusalsFromResults() throws Exception {
        play(peer -> {
            peer.greet();
            for (int i = 0; i < 2; i++) {
                peer.say("{\"error\": {\"class\": \"GenericError\", \"desc\": \"no\"}, \"id\": %d}\n"
                        .formatted(peer.nextId("cont")));
            }
        });
        try (QmpClient client = connect()) {
            assertThat(client.call("cont", Map.of())).isEqualTo(new Reply.Refused("GenericError", "no"));
            assertThatThrownBy(() -> client.execute("cont"))
                    .isInstanceOf(EngineException.class)
                    .hasMessageContainingAll("refused cont", "no", path.toString());
        }
    }

    @Test
    void shouldLeaveOutWhatItDoesNotUnderstand() throws Exception {
        play(peer -> {
            peer.greet();
            long id = peer.nextId("query");
            for (String line : List.of(
                    "{",
                    "]",
                    "null",
                    "7",
                    "\"text\"",
                    "[]",
                    "{}",
                    "\u0000\u0001\u0002",
                    "",
                    "{\"return\": 1}",
                    "{\"return\": 1, \"id\": \"x\"}",
                    "{\"return\": 1, \"id\": 999}",
                    "{\"error\": 5, \"id\": 998}",
                    "{\"event\": {}}",
                    "{\"QMP\": 1}")) {
                peer.say(line + "\n");
            }
            peer.say("{\"return\": 42, \"id\": %d}\n".formatted(id));
        });
        try (QmpClient client = connect()) {
            assertThat(client.execute("query").asInt()).isEqualTo(42);
            assertThat(client.isConnected()).isTrue();
        }
    }

    @Test
    void shouldSurviveRandomBytes() throws Exception {
        long seed = System.nanoTime();
        System.out.println("seed " + seed);
        Random random = new Random(seed);
        play(peer -> {
            peer.greet();
            long id = peer.nextId("query");
            byte[] noise = new byte[100_000];
            random.nextBytes(noise);
            peer.say(noise);
            peer.say("\n{\"return\": 42, \"id\": %d}\n".formatted(id));
        });
        try (QmpClient client = connect()) {
            assertThat(client.execute("query").asInt()).isEqualTo(42);
        }
    }

    @Test
    void shouldPutLinesTogetherThatComeInPieces() throws Exception {
        String text = "x".repeat(200_000);
        play(peer -> {
            peer.greet();
            byte[] line = "{\"event\": \"E\", \"data\": {}}\n{\"return\": \"%s\", \"id\": %d}\n"
                    .formatted(text, peer.nextId("query"))
                    .getBytes(StandardCharsets.UTF_8);
            for (int at = 0; at < line.length; ) {
                int length = Math.min(at < 50 ? 1 : 7_001, line.length - at);
                peer.say(Arrays.copyOfRange(line, at, at + length));
                at += length;
            }
        });
        try (QmpClient client = connect()) {
            assertThat(client.execute("query").asText()).isEqualTo(text);
            assertThat(heard).containsExactly("E {}");
        }
    }

    @Test
    void shouldReportTheLossAndFailWhatIsUnanswered() throws Exception {
        play(peer -> {
            peer.greet();
            peer.nextId("stop");
            peer.close();
        });
        try (QmpClient client = connect()) {
            assertThatThrownBy(() -> client.execute("stop"))
                    .isInstanceOf(EngineException.class)
                    .hasMessageContaining("gone");
            await().atMost(Duration.ofSeconds(10))
                    .untilAsserted(() -> assertThat(heard).containsExactly("lost: QEMU closed the connection"));
            assertThat(client.isConnected()).isFalse();
            assertThatThrownBy(() -> client.execute("cont")).isInstanceOf(EngineException.class);
        }
    }

    @Test
    void shouldNotReportItsOwnClosingAsLoss() throws Exception {
        play(peer -> {
            peer.greet();
            peer.awaitEnd();
        });
        connect().close();
        assertThat(heard).isEmpty();
    }

    @Test
    void shouldSayWhatIsWrongWhenNobodyGreets() throws Exception {
        play(Peer::awaitEnd);
        assertThatThrownBy(this::connect)
                .isInstanceOf(EngineException.class)
                .hasMessageContaining("one client at a time");
    }

    @Test
    void shouldSayWhatIsWrongWhenNobodyListens() throws Exception {
        server.close();
        assertThatThrownBy(this::connect)
                .isInstanceOf(EngineException.class)
                .hasMessageContainingAll("cannot reach QEMU", path.toString(), "-qmp");
    }

    private final List<String> commands = new CopyOnWriteArrayList<>();

    private QmpClient connect() throws EngineException {
        return QmpClient.connect(path, LIMIT_NANOS, listener);
    }

    private static JsonNode execute(QmpClient client, String command) {
        try {
            return client.execute(command);
        } catch (EngineException e) {
            throw new AssertionError(e);
        }
    }

    private interface Script {
        void play(Peer peer) throws IOException;
    }

    private void play(Script script) {
        played = new CompletableFuture<>();
        CompletableFuture<Void> done = played;
        Thread.ofPlatform().daemon().start(() -> {
            try (SocketChannel channel = server.accept()) {
                script.play(new Peer(channel));
                done.complete(null);
                // Leave the connection to the client to end.
                channel.read(ByteBuffer.allocate(1 << 16));
            } catch (IOException | RuntimeException e) {
                done.completeExceptionally(e);
            }
        });
    }

    /** QEMU's end of the connection. */
    private final class Peer {

        private final SocketChannel channel;
        private final BufferedReader lines;

        Peer(SocketChannel channel) {
            this.channel = channel;
            this.lines = new BufferedReader(Channels.newReader(channel, StandardCharsets.UTF_8));
        }

        void greet() throws IOException {
            say(GREETING);
            say("{\"return\": {}, \"id\": %d}\r\n".formatted(nextId("qmp_capabilities")));
        }

        /** Reads the next command, which must be this one. */
        long nextId(String command) throws IOException {
            JsonNode message = new ObjectMapper().readTree(lines.readLine());
            assertThat(message.path("execute").asText()).isEqualTo(command);
            commands.add(command);
            return message.path("id").asLong();
        }

        void say(String text) throws IOException {
            say(text.getBytes(StandardCharsets.UTF_8));
        }

        void say(byte[] bytes) throws IOException {
            ByteBuffer buffer = ByteBuffer.wrap(bytes);
            while (buffer.hasRemaining()) {
                channel.write(buffer);
            }
        }

        void awaitEnd() throws IOException {
            assertThat(lines.readLine()).isNull();
        }

        void close() throws IOException {
            channel.close();
        }
    }
}
