package io.holdfast.control;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.awaitility.Awaitility.await;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.holdfast.testkit.Shell;
import java.io.IOException;
import java.net.StandardProtocolFamily;
import java.net.UnixDomainSocketAddress;
import java.nio.ByteBuffer;
import java.nio.channels.ServerSocketChannel;
import java.nio.channels.SocketChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.List;
import java.util.Random;
import java.util.Set;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** Server and client over a real socket. */
@Timeout(60)
class ControlServerTest {

    private static final Duration LIMIT = Duration.ofSeconds(5);

    private final Set<Thread> commandThreads = ConcurrentHashMap.newKeySet();
    private final List<String> ended = Collections.synchronizedList(new ArrayList<>());
    private final CountDownLatch mayFinish = new CountDownLatch(1);
    private Path directory;
    private Path path;
    private ControlServer server;

    @BeforeEach
    void start() throws IOException {
        directory = Sockets.temporaryDirectory();
        path = directory.resolve("run/redis/proxy.sock");
        server = builder().start();
    }

    @AfterEach
    void stop() throws IOException {
        mayFinish.countDown();
        server.close();
        Sockets.remove(directory);
    }

    private ControlServer.Builder builder() {
        return ControlServer.builder(path, "proxy", "0.1.0")
                .command("echo", "Returns its arguments.", (arguments, session) -> {
                    commandThreads.add(Thread.currentThread());
                    return arguments;
                })
                .command("own", "Notes when its session ends.", (arguments, session) -> {
                    session.onClose(() -> {
                        commandThreads.add(Thread.currentThread());
                        ended.add("session " + arguments.path("name").asText());
                    });
                    return Messages.object();
                })
                .command("drop", "Closes its own session.", (arguments, session) -> {
                    session.close();
                    return Messages.object();
                })
                .command("wait", "Waits for the test.", (arguments, session) -> {
                    try {
                        mayFinish.await();
                    } catch (InterruptedException e) {
                        Thread.currentThread().interrupt();
                    }
                    return Messages.object();
                })
                .command(
                        "big",
                        "Returns nearly a full line.",
                        (arguments, session) -> Messages.object().put("text", "x".repeat(60_000)));
    }

    private ControlClient connect() throws ControlUnavailableException {
        return ControlClient.connect(path, LIMIT);
    }

    private SocketChannel connectRaw() throws IOException {
        return SocketChannel.open(UnixDomainSocketAddress.of(path));
    }

    private static void write(SocketChannel channel, byte[] bytes) throws IOException {
        ByteBuffer buffer = ByteBuffer.wrap(bytes);
        while (buffer.hasRemaining()) {
            channel.write(buffer);
        }
    }

    private static ObjectNode name(String name) {
        return Messages.object().put("name", name);
    }

    private void assertAlive() throws Exception {
        try (ControlClient client = connect()) {
            assertThat(client.execute("echo", name("alive"))).isEqualTo(name("alive"));
        }
    }

    @Test
    void shouldListenInAFreshDirectoryForOwnerAndGroupOnly() throws Exception {
        assertThat(PosixFilePermissions.toString(Files.getPosixFilePermissions(path)))
                .isEqualTo("rw-rw----");
        assertThat(PosixFilePermissions.toString(Files.getPosixFilePermissions(path.getParent())))
                .isEqualTo("rwxr-x---");
        try (ControlClient client = connect()) {
            assertThat(client.greeting()).hasToString("{\"version\":\"0.1.0\",\"role\":\"proxy\",\"protocol\":1}");
        }
    }

    @Test
    void shouldRunAllCommandsAndEndsOfSessionsOnOneThread() throws Exception {
        try (ControlClient one = connect();
                ControlClient two = connect()) {
            one.execute("echo", name("a"));
            two.execute("echo", name("a"));
            one.execute("own", name("one"));
            assertThat(ended).isEmpty();
        }
        await().untilAsserted(() -> assertThat(ended).containsExactly("session one"));
        assertThat(commandThreads).hasSize(1);
        await().untilAsserted(() -> assertThat(server.sessions()).isZero());
    }

    @Test
    void shouldRunCommandsOnTheThreadThatItIsGiven() throws Exception {
        server.close();
        try (ExecutorService given = Executors.newSingleThreadExecutor(r -> new Thread(r, "given"))) {
            server = builder().commandThread(given).start();
            try (ControlClient client = connect()) {
                client.execute("echo", name("a"));
                client.execute("own", name("a"));
            }
            await().untilAsserted(() -> assertThat(ended).hasSize(1));
            assertThat(commandThreads)
                    .singleElement()
                    .extracting(Thread::getName)
                    .isEqualTo("given");
            server.close();
        }
    }

    @Test
    void shouldGiveTheRefusalToTheCaller() throws Exception {
        try (ControlClient client = connect()) {
            assertThatThrownBy(() -> client.execute("ecko", name("a")))
                    .isInstanceOf(CommandException.class)
                    .hasMessageContaining("did you mean `echo`?")
                    .extracting("errorClass")
                    .isEqualTo("CommandNotFound");
            assertThatThrownBy(() -> client.execute("echo", name("x".repeat(70_000))))
                    .isInstanceOf(CommandException.class)
                    .extracting("errorClass")
                    .isEqualTo("LineTooLong");
            assertThat(client.execute("echo", name("a"))).isEqualTo(name("a"));
        }
    }

    @Test
    void shouldServeSeveralThreadsOfOneClient() throws Exception {
        try (ControlClient client = connect();
                ExecutorService threads = Executors.newFixedThreadPool(4)) {
            List<java.util.concurrent.Future<JsonNode>> replies = new ArrayList<>();
            for (int i = 0; i < 200; i++) {
                ObjectNode arguments = name("call " + i);
                replies.add(threads.submit(() -> client.execute("echo", arguments)));
            }
            for (int i = 0; i < 200; i++) {
                assertThat(replies.get(i).get()).isEqualTo(name("call " + i));
            }
        }
    }

    @Test
    void shouldReplaceTheSocketThatACrashLeftBehind() throws Exception {
        server.close();
        // A channel that is closed without removing its file is what a killed process leaves.
        try (ServerSocketChannel crashed = ServerSocketChannel.open(StandardProtocolFamily.UNIX)) {
            crashed.bind(UnixDomainSocketAddress.of(path));
        }
        assertThat(path).exists();
        server = builder().start();
        assertAlive();
    }

    @Test
    void shouldRefuseAPathAtWhichSomebodyAnswers() throws Exception {
        assertThatThrownBy(() -> builder().start())
                .isInstanceOf(IOException.class)
                .hasMessageContaining("another process listens at " + path);
        assertAlive();

        server.close();
        try (ServerSocketChannel foreign = ServerSocketChannel.open(StandardProtocolFamily.UNIX)) {
            foreign.bind(UnixDomainSocketAddress.of(path));
            assertThatThrownBy(() -> builder().start()).hasMessageContaining("another process listens");
            assertThat(path).exists();
        }
    }

    @Test
    void shouldNotRemoveWhatIsNoSocket() throws Exception {
        server.close();
        Files.writeString(path, "precious");
        assertThatThrownBy(() -> builder().start()).hasMessageContaining("is not a socket");
        assertThat(path).hasContent("precious");
    }

    @Test
    void shouldRemoveTheSocketWhenItCloses() throws Exception {
        ControlClient client = connect();
        server.close();
        assertThat(path).doesNotExist();
        assertThatThrownBy(() -> client.execute("echo", name("a"))).isInstanceOf(ControlUnavailableException.class);
        assertThatThrownBy(this::connect)
                .isInstanceOf(ControlUnavailableException.class)
                .hasMessage("nobody listens at " + path + "; is the proxy running?");
        client.close();
    }

    @Test
    void shouldTellTheClientAtOnceThatTheServerIsGone() throws Exception {
        BlockingQueue<String> reasons = new LinkedBlockingQueue<>();
        ControlClient client = ControlClient.connect(path, LIMIT, new ControlListener() {
            @Override
            public void onDisconnect(String reason) {
                reasons.add(reason);
            }
        });
        server.close();
        assertThat(reasons.poll(5, TimeUnit.SECONDS)).contains("closed the connection");
        client.close();
        assertThat(reasons).isEmpty();
    }

    @Test
    void shouldNotReportTheEndThatTheClientWanted() throws Exception {
        BlockingQueue<String> reasons = new LinkedBlockingQueue<>();
        ControlClient client = ControlClient.connect(path, LIMIT, new ControlListener() {
            @Override
            public void onDisconnect(String reason) {
                reasons.add(reason);
            }
        });
        client.close();
        await().untilAsserted(() -> assertThat(server.sessions()).isZero());
        assertThat(reasons).isEmpty();
    }

    @Test
    void shouldFailTheCommandThatWaitsWhenTheConnectionEnds() throws Exception {
        try (ControlClient client = connect()) {
            assertThatThrownBy(() -> client.execute("drop", name("a")))
                    .isInstanceOf(ControlUnavailableException.class)
                    .hasMessageContaining("has closed the connection");
        }
        assertAlive();
    }

    @Test
    void shouldStopWaitingAtTheTimeLimitAndDropTheLateReply() throws Exception {
        try (ControlClient client = connect()) {
            assertThatThrownBy(() -> client.execute("wait", name("a"), Duration.ofMillis(50)))
                    .isInstanceOf(ControlUnavailableException.class)
                    .hasMessageContaining("did not answer `wait` within 50 ms");
            mayFinish.countDown();
            assertThat(client.execute("echo", name("b"))).isEqualTo(name("b"));
        }
    }

    @Test
    void shouldComplainAboutAProcessThatListensButDoesNotGreet() throws Exception {
        Path silent = directory.resolve("agent.sock");
        try (ServerSocketChannel listener = ServerSocketChannel.open(StandardProtocolFamily.UNIX)) {
            listener.bind(UnixDomainSocketAddress.of(silent));
            assertThatThrownBy(() -> ControlClient.connect(silent, Duration.ofMillis(50)))
                    .isInstanceOf(ControlUnavailableException.class)
                    .hasMessageContaining("sent no greeting within 50 ms");
            try (SocketChannel first = listener.accept()) {
                assertThat(first.isOpen()).isTrue();
            }
            Thread.ofPlatform().start(() -> {
                try (SocketChannel second = listener.accept()) {
                    write(second, "HTTP/1.1 400 Bad Request\r\n".getBytes(StandardCharsets.UTF_8));
                } catch (IOException e) {
                    throw new IllegalStateException(e);
                }
            });
            assertThatThrownBy(() -> ControlClient.connect(silent, LIMIT))
                    .hasMessageContaining("does not speak the Holdfast control protocol");
        }
        assertThatThrownBy(() -> ControlClient.connect(silent, LIMIT))
                .hasMessage("nobody listens at " + silent + "; is the agent running?");
        assertThatThrownBy(() -> ControlClient.connect(directory.resolve("none/agent.sock"), LIMIT))
                .hasMessageContaining("nobody listens at");
    }

    @Test
    void shouldDeliverEventsToSubscribersOnly() throws Exception {
        BlockingQueue<ControlEvent> events = new LinkedBlockingQueue<>();
        ControlListener listener = new ControlListener() {
            @Override
            public void onEvent(ControlEvent event) {
                events.add(event);
                throw new IllegalStateException("a listener's defect");
            }
        };
        try (ControlClient subscriber = ControlClient.connect(path, LIMIT, listener);
                ControlClient other = ControlClient.connect(path, LIMIT, listener)) {
            server.broadcast("WALL_PRESSURE", name("too early"));
            subscriber.execute("subscribe", Messages.object());
            other.execute("echo", name("a"));
            server.broadcast("WALL_PRESSURE", name("one"));
            server.broadcast("WALL_PRESSURE", name("two"));

            ControlEvent first = events.poll(5, TimeUnit.SECONDS);
            assertThat(first).isNotNull();
            assertThat(first.name()).isEqualTo("WALL_PRESSURE");
            assertThat(first.data()).isEqualTo(name("one"));
            assertThat(first.at()).isBetween(java.time.Instant.now().minusSeconds(10), java.time.Instant.now());
            assertThat(events.poll(5, TimeUnit.SECONDS))
                    .extracting(ControlEvent::data)
                    .isEqualTo(name("two"));
            assertThat(subscriber.execute("echo", name("still"))).isEqualTo(name("still"));
            assertThat(events).isEmpty();
        }
    }

    @Test
    void shouldRefuseToExecuteFromAListener() throws Exception {
        BlockingQueue<Throwable> failures = new LinkedBlockingQueue<>();
        ControlClient[] client = new ControlClient[1];
        client[0] = ControlClient.connect(path, LIMIT, new ControlListener() {
            @Override
            public void onEvent(ControlEvent event) {
                try {
                    client[0].execute("echo", Messages.object());
                } catch (IllegalStateException | CommandException | ControlUnavailableException e) {
                    failures.add(e);
                }
            }
        });
        client[0].execute("subscribe", Messages.object());
        server.broadcast("X", Messages.object());
        assertThat(failures.poll(5, TimeUnit.SECONDS)).isInstanceOf(IllegalStateException.class);
        client[0].close();
    }

    @Test
    void shouldDisconnectAClientThatDoesNotReadItsReplies() throws Exception {
        try (SocketChannel deaf = connectRaw()) {
            new LineReader(deaf).next();
            // 60 MB of replies, far more than the kernel takes off the server's hands.
            write(deaf, "{\"execute\":\"big\"}\n".repeat(1_000).getBytes(StandardCharsets.UTF_8));
            await().untilAsserted(() -> assertThat(server.sessions()).isZero());
        }
        assertAlive();
    }

    @Test
    void shouldDisconnectASubscriberThatDoesNotReadItsEvents() throws Exception {
        try (SocketChannel deaf = connectRaw()) {
            write(deaf, "{\"execute\":\"subscribe\"}\n".getBytes(StandardCharsets.UTF_8));
            await().until(() -> server.sessions() == 1);
            ObjectNode data = name("x".repeat(1_000));
            await().untilAsserted(() -> {
                for (int i = 0; i < 1_000; i++) {
                    server.broadcast("NOISE", data);
                }
                assertThat(server.sessions()).isZero();
            });
        }
        assertAlive();
    }

    @Test
    void shouldBoundTheNumberOfClients() throws Exception {
        List<SocketChannel> clients = new ArrayList<>();
        try {
            for (int i = 0; i < 64; i++) {
                clients.add(connectRaw());
            }
            await().until(() -> server.sessions() == 64);
            assertThatThrownBy(this::connect).hasMessageContaining("64 clients are connected already");
        } finally {
            for (SocketChannel client : clients) {
                client.close();
            }
        }
        await().until(() -> server.sessions() == 0);
        assertAlive();
    }

    @Test
    void shouldAnswerAOneShotClientThatClosesItsSideAtOnce() throws Exception {
        for (int i = 0; i < 5; i++) {
            String output = Shell.run(
                    "sh",
                    "-c",
                    "printf '%s\\n' '{\"execute\":\"echo\",\"id\":1}' '{\"execute\":\"echo\",\"id\":2}' | socat -t 0.2 -"
                            + " UNIX-CONNECT:" + path);
            assertThat(output.lines())
                    .containsExactly(
                            "{\"holdfast\":{\"version\":\"0.1.0\",\"role\":\"proxy\",\"protocol\":1}}",
                            "{\"return\":{},\"id\":1}",
                            "{\"return\":{},\"id\":2}");
        }
    }

    @Test
    @SuppressWarnings("FutureReturnValueIgnored")
    void shouldAnswerAOneShotClientWhenTheCommandTakesLongOnAnotherThread() throws Exception {
        server.close();
        try (ScheduledExecutorService given = Executors.newSingleThreadScheduledExecutor()) {
            // Every command starts late: the client's end of input waits in the socket long before the reply is made.
            server = builder()
                    .commandThread(command -> given.schedule(command, 50, TimeUnit.MILLISECONDS))
                    .start();
            String output =
                    Shell.run("sh", "-c", "echo '{\"execute\":\"echo\",\"id\":1}' | socat -t 2 - UNIX-CONNECT:" + path);
            assertThat(output.lines()).last().isEqualTo("{\"return\":{},\"id\":1}");
            server.close();
        }
    }

    @Test
    void shouldCarryOutWhatADisconnectingClientSentBefore() throws Exception {
        try (SocketChannel client = connectRaw()) {
            new LineReader(client).next();
            write(
                    client,
                    "{\"execute\":\"own\",\"arguments\":{\"name\":\"brief\"}}\n{\"exec"
                            .getBytes(StandardCharsets.UTF_8));
        }
        await().untilAsserted(() -> assertThat(ended).containsExactly("session brief"));
        assertAlive();
    }

    @Test
    void shouldStayAliveWhateverItIsSent() throws Exception {
        long seed = System.nanoTime();
        System.out.println("ControlServerTest seed " + seed);
        Random random = new Random(seed);
        byte[] valid = "{\"execute\":\"echo\",\"arguments\":{\"name\":[1,2.5,null,\"é\"]},\"id\":{\"a\":[true]}}\n"
                .getBytes(StandardCharsets.UTF_8);
        try (ControlClient witness = connect()) {
            for (int round = 0; round < 300; round++) {
                try (SocketChannel attacker = connectRaw()) {
                    byte[] attack = attack(random, valid);
                    int at = 0;
                    while (at < attack.length) {
                        int end = random.nextInt(4) == 0
                                ? attack.length
                                : Math.min(attack.length, at + random.nextInt(1, 200));
                        write(attacker, Arrays.copyOfRange(attack, at, end));
                        at = end;
                    }
                    if (random.nextBoolean()) {
                        // The same connection answers a valid command afterwards.
                        write(attacker, "\n{\"execute\":\"echo\",\"id\":\"after\"}\n".getBytes(StandardCharsets.UTF_8));
                        awaitLine(attacker, "{\"return\":{},\"id\":\"after\"}", "seed " + seed + ", round " + round);
                    }
                }
                assertThat(witness.execute("echo", name("round " + round)))
                        .as("seed %d", seed)
                        .isEqualTo(name("round " + round));
            }
        }
        await().untilAsserted(() -> assertThat(server.sessions()).isZero());
        assertThat(commandThreads).hasSize(1);
    }

    private static byte[] attack(Random random, byte[] valid) {
        return switch (random.nextInt(5)) {
            case 0 -> {
                byte[] noise = new byte[random.nextInt(1, 4_000)];
                random.nextBytes(noise);
                yield noise;
            }
            case 1 -> {
                byte[] nesting = new byte[random.nextInt(1, 100_000)];
                Arrays.fill(nesting, (byte) "[{\"1-\\".charAt(random.nextInt(6)));
                yield nesting;
            }
            case 2 -> "\n".repeat(random.nextInt(1, 10_000)).getBytes(StandardCharsets.UTF_8);
            default -> {
                byte[] lines = new byte[valid.length * random.nextInt(1, 20)];
                for (int i = 0; i < lines.length; i++) {
                    lines[i] = valid[i % valid.length];
                }
                for (int i = random.nextInt(5); i > 0; i--) {
                    lines[random.nextInt(lines.length)] = (byte) random.nextInt(256);
                }
                yield lines;
            }
        };
    }

    private static void awaitLine(SocketChannel channel, String line, String context) throws IOException {
        LineReader lines = new LineReader(channel);
        for (ByteBuffer next = lines.next(); next != null; next = lines.next()) {
            if (StandardCharsets.UTF_8.decode(next).toString().equals(line)) {
                return;
            }
        }
        throw new AssertionError("the connection ended without an answer: " + context);
    }
}
