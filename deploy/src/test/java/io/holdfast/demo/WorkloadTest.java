package io.holdfast.demo;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.ByteArrayOutputStream;
import java.io.File;
import java.io.IOException;
import java.io.PipedInputStream;
import java.io.PipedOutputStream;
import java.io.PrintStream;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Objects;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.function.Consumer;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Assumptions;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import picocli.CommandLine;
import redis.clients.jedis.Jedis;
import redis.clients.jedis.args.ClientPauseMode;
import redis.clients.jedis.args.ClientType;
import redis.clients.jedis.params.ClientKillParams;

/** Runs the whole workload against a real Redis, and tampers with that behind the clients' backs. */
class WorkloadTest {

    private static final int CLIENTS = 8;

    private int port;
    private Process redis;

    /** In CI the tests then fail, because nothing may be left out there. */
    @BeforeAll
    static void skipWithoutRedis() {
        boolean installed = Stream.of(
                        Objects.requireNonNullElse(System.getenv("PATH"), "").split(File.pathSeparator, -1))
                .anyMatch(directory -> Files.isExecutable(Path.of(directory, "redis-server")));
        if (!installed && System.getenv("CI") == null) {
            System.err.println("SKIPPED: these tests need redis-server (package redis-server)");
            Assumptions.abort("redis-server is not installed");
        }
    }

    @BeforeEach
    void startRedis(@TempDir Path directory) throws IOException {
        port = unusedPort();
        redis = new ProcessBuilder("redis-server", "--port", String.valueOf(port), "--bind", "127.0.0.1", "--save", "")
                .directory(directory.toFile())
                .redirectErrorStream(true)
                .redirectOutput(ProcessBuilder.Redirect.DISCARD)
                .start();
    }

    @AfterEach
    void stopRedis() throws InterruptedException {
        redis.destroyForcibly().waitFor();
    }

    @Test
    void shouldFindNothingWrongWithARedisThatIsLeftAlone() throws Exception {
        JsonNode report = reportAfter(connection -> {});

        assertThat(report.get("violations").asInt()).isZero();
        assertThat(report.get("survived").asInt()).isEqualTo(CLIENTS);
        assertThat(report.get("replies_before").asInt()).isPositive();
    }

    @Test
    void shouldSeeACounterThatWasSetBack() throws Exception {
        JsonNode report = reportAfter(connection -> connection.set("demo:counter-1", "0"));

        assertThat(report.get("violations").asInt()).isEqualTo(1);
    }

    @Test
    void shouldSeeASharedCounterThatWasSetBack() throws Exception {
        JsonNode report = reportAfter(connection -> connection.decrBy("demo:shared", 5));

        assertThat(report.get("violations").asInt()).isPositive();
    }

    @Test
    void shouldSeeThatTheNewestTokenIsGone() throws Exception {
        JsonNode report = reportAfter(connection -> connection.rpop("demo:tokens"));

        assertThat(report.get("violations").asInt()).isPositive();
    }

    @Test
    void shouldSeeAMessageThatNobodySent() throws Exception {
        JsonNode report = reportAfter(connection -> connection.publish("demo:stream", "7 what"));

        assertThat(report.get("violations").asInt()).isEqualTo(1);
    }

    @Test
    void shouldSeeAMessageThatCameTwice() throws Exception {
        JsonNode report = reportAfter(connection -> connection.publish("demo:stream", new StreamMessage(1).encoded()));

        // The stream's next message does not follow the repeated one either.
        assertThat(report.get("violations").asInt()).isEqualTo(2);
    }

    @Test
    void shouldCountAConnectionThatBrokeAsReset() throws Exception {
        JsonNode report =
                reportAfter(connection -> connection.clientKill(new ClientKillParams().type(ClientType.PUBSUB)));

        assertThat(report.get("reset").asInt()).isEqualTo(1);
        assertThat(report.get("survived").asInt()).isEqualTo(CLIENTS - 1);
        assertThat(report.get("violations").asInt()).isZero();
    }

    @Test
    void shouldCountASilentConnectionAsStuck() throws Exception {
        JsonNode report = reportAfter(connection -> {
            connection.clientPause(1500, ClientPauseMode.WRITE);
            await().pollDelay(Duration.ofMillis(1200)).until(() -> true);
        });

        assertThat(report.get("stuck").asInt()).isEqualTo(CLIENTS);
        assertThat(report.get("violations").asInt()).isZero();
    }

    @Test
    void shouldShareNothingAmongClientsThatAreIndependent() throws Exception {
        reportAfter(
                connection -> assertThat(connection.exists("demo:tokens", "demo:shared"))
                        .isZero(),
                "demo:list-2",
                "--independent");
    }

    @Test
    void shouldSeeThatTheNewestTokenOfAClientsOwnListIsGone() throws Exception {
        JsonNode report = reportAfter(connection -> connection.rpop("demo:list-2"), "demo:list-2", "--independent");

        assertThat(report.get("violations").asInt()).isPositive();
    }

    /** The service itself, as the guest has it. */
    @Test
    void shouldFindNothingWrongWithTheRandomService() throws Exception {
        int randomPort = unusedPort();
        Process service = new ProcessBuilder(
                        "socat",
                        "TCP-LISTEN:" + randomPort + ",bind=127.0.0.1,reuseaddr,fork",
                        "EXEC:" + Path.of("guest/random-service").toAbsolutePath())
                .start();
        try {
            awaitListener(randomPort);
            JsonNode report = reportAfter(
                    connection -> {}, "demo:list-3", "--independent", "--random", "--random-port=" + randomPort);

            assertThat(report.get("violations").asInt()).isZero();
            assertThat(report.get("survived").asInt()).isEqualTo(CLIENTS);
        } finally {
            service.destroyForcibly().waitFor();
        }
    }

    private static void awaitListener(int port) {
        await().ignoreExceptions().until(() -> {
            new Socket(InetAddress.getLoopbackAddress(), port).close();
            return true;
        });
    }

    private static int unusedPort() throws IOException {
        try (ServerSocket unused = new ServerSocket(0, 1, InetAddress.getLoopbackAddress())) {
            return unused.getLocalPort();
        }
    }

    private JsonNode reportAfter(Consumer<Jedis> tampering) throws Exception {
        return reportAfter(tampering, "demo:tokens");
    }

    /** Lets the clients talk until a list has grown, tampers, lets them go on for a moment, and returns their report. */
    private JsonNode reportAfter(Consumer<Jedis> tampering, String list, String... options) throws Exception {
        ByteArrayOutputStream out = new ByteArrayOutputStream();
        try (ExecutorService executor = Executors.newSingleThreadExecutor();
                PipedOutputStream commands = new PipedOutputStream();
                PipedInputStream in = new PipedInputStream(commands);
                Jedis connection = connectWhenItListens()) {
            Workload workload = new Workload(in, new PrintStream(out, true, StandardCharsets.UTF_8));
            Stream<String> always =
                    Stream.of("--host=127.0.0.1", "--port=" + port, "--clients=" + CLIENTS, "--stuck-millis=800");
            String[] arguments = Stream.concat(always, Stream.of(options)).toArray(String[]::new);
            Future<Integer> exitCode = executor.submit(() -> new CommandLine(workload).execute(arguments));
            await().until(() -> connection.llen(list) > 10);
            tampering.accept(connection);
            await().pollDelay(Duration.ofMillis(100)).until(() -> true);
            commands.write("stop\n".getBytes(StandardCharsets.UTF_8));
            commands.flush();
            assertThat(exitCode.get()).isZero();
        }
        return events(out)
                .filter(event -> event.get("event").asText().equals("report"))
                .findFirst()
                .orElseThrow();
    }

    private Jedis connectWhenItListens() {
        return Objects.requireNonNull(await().ignoreExceptions().until(this::connect, Jedis::isConnected));
    }

    private Jedis connect() {
        Jedis connection = new Jedis("127.0.0.1", port);
        connection.connect();
        return connection;
    }

    private static Stream<JsonNode> events(ByteArrayOutputStream out) {
        List<String> lines = out.toString(StandardCharsets.UTF_8).lines().toList();
        return lines.stream().map(line -> {
            try {
                return new ObjectMapper().readTree(line);
            } catch (IOException e) {
                throw new AssertionError("not JSON: " + line, e);
            }
        });
    }
}
