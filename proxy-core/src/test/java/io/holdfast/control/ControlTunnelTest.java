package io.holdfast.control;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.awaitility.Awaitility.await;

import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.netty.channel.EventLoopGroup;
import io.netty.channel.MultiThreadIoEventLoopGroup;
import io.netty.channel.nio.NioIoHandler;
import java.io.BufferedReader;
import java.io.IOException;
import java.net.UnixDomainSocketAddress;
import java.nio.ByteBuffer;
import java.nio.channels.Channels;
import java.nio.channels.SocketChannel;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** A control socket that appears at another place. */
class ControlTunnelTest {

    private static final Duration LIMIT = Duration.ofSeconds(10);
    private static final ObjectMapper JSON = new ObjectMapper();

    @TempDir
    Path directory;

    private final EventLoopGroup group = new MultiThreadIoEventLoopGroup(1, NioIoHandler.newFactory());
    private final AtomicInteger closedSessions = new AtomicInteger();
    private ControlServer server;
    private ControlEntrance entrance;
    private ControlExit exit;

    @BeforeEach
    void connectBothEnds() throws IOException {
        Path real = directory.resolve("real.sock");
        server = ControlServer.builder(real, "proxy", "test")
                .command("echo", "says it again", (arguments, session) -> {
                    session.onClose(closedSessions::incrementAndGet);
                    return arguments;
                })
                .start();
        entrance = ControlEntrance.listen(directory.resolve("seeming.sock"), group, new LineCarrier() {
            @Override
            public void onBegin(int stream) {
                exit.begin(stream);
            }

            @Override
            public void onLine(int stream, String line) {
                exit.say(stream, line);
            }

            @Override
            public void onEnd(int stream) {
                exit.end(stream);
            }
        });
        exit = new ControlExit(real, group, new LineCarrier() {
            @Override
            public void onLine(int stream, String line) {
                entrance.say(stream, line);
            }

            @Override
            public void onEnd(int stream) {
                entrance.end(stream);
            }
        });
    }

    @AfterEach
    void close() throws IOException {
        entrance.close();
        server.close();
        group.shutdownGracefully(0, 1, TimeUnit.SECONDS).awaitUninterruptibly();
    }

    @Test
    void shouldCarryCommandsAndAnswersOfSeveralClients() throws Exception {
        try (ControlClient one = connect();
                ControlClient other = connect()) {
            assertThat(one.execute("echo", number(1))).isEqualTo(number(1));
            assertThat(other.execute("echo", number(2))).isEqualTo(number(2));
            assertThat(one.execute("echo", number(3))).isEqualTo(number(3));
        }
    }

    @Test
    void shouldCarryRefusals() throws Exception {
        try (ControlClient client = connect()) {
            assertThatThrownBy(() -> client.execute("unheard-of", number(1))).isInstanceOf(CommandException.class);
        }
    }

    @Test
    void shouldCarryEvents() throws Exception {
        AtomicInteger events = new AtomicInteger();
        try (ControlClient client =
                ControlClient.connect(directory.resolve("seeming.sock"), LIMIT, new ControlListener() {
                    @Override
                    public void onEvent(ControlEvent event) {
                        events.incrementAndGet();
                    }
                })) {
            client.execute("subscribe", JSON.createObjectNode());
            server.broadcast("WALL_PRESSURE", number(1));
            await().atMost(LIMIT).until(() -> events.get() == 1);
        }
    }

    /** INV-6: a wall whose engine is gone must know it. */
    @Test
    void shouldEndTheSessionWhenTheClientIsGone() throws Exception {
        try (ControlClient client = connect()) {
            client.execute("echo", number(1));
        }
        await().atMost(LIMIT).until(() -> closedSessions.get() == 1);
    }

    /** INV-6. */
    @Test
    void shouldEndTheSessionsWhenTheTunnelIsCut() throws Exception {
        try (ControlClient client = connect()) {
            client.execute("echo", number(1));
            exit.endAll();
            entrance.endAll();
            await().atMost(LIMIT).until(() -> closedSessions.get() == 1);
            assertThatThrownBy(() -> client.execute("echo", number(2))).isInstanceOf(IOException.class);
        }
    }

    @Test
    void shouldEndTheClientsConnectionWhenTheServerIsGone() throws Exception {
        try (ControlClient client = connect()) {
            client.execute("echo", number(1));
            server.close();
            assertThatThrownBy(() -> client.execute("echo", number(2))).isInstanceOf(IOException.class);
        }
    }

    /** As {@code printf | socat} does: the end of what it says is there with its command, and long before the answer. */
    @Test
    void shouldCarryTheAnswerToAClientThatHasFinishedSpeaking() throws Exception {
        for (int i = 0; i < 50; i++) {
            try (SocketChannel client =
                    SocketChannel.open(UnixDomainSocketAddress.of(directory.resolve("seeming.sock")))) {
                client.write(ByteBuffer.wrap("{\"execute\":\"echo\",\"arguments\":{\"number\":7}}\n".getBytes(UTF_8)));
                client.shutdownOutput();
                assertThat(new String(Channels.newInputStream(client).readAllBytes(), UTF_8))
                        .contains("{\"return\":{\"number\":7}}");
            }
        }
        await().atMost(LIMIT).until(() -> closedSessions.get() == 50);
    }

    /** The server does not answer it, and nothing would be heard after it. */
    @Test
    @Timeout(10)
    void shouldHearWhatComesBehindAnEmptyLine() throws Exception {
        try (SocketChannel client = SocketChannel.open(UnixDomainSocketAddress.of(directory.resolve("seeming.sock")))) {
            BufferedReader lines = new BufferedReader(Channels.newReader(client, UTF_8));
            assertThat(lines.readLine()).contains("holdfast");
            for (String said : List.of("\n", "")) {
                client.write(ByteBuffer.wrap(
                        (said + "{\"execute\":\"echo\",\"arguments\":{\"number\":7}}\n").getBytes(UTF_8)));
                assertThat(lines.readLine()).contains("{\"return\":{\"number\":7}}");
            }
        }
    }

    private ControlClient connect() throws IOException {
        return ControlClient.connect(directory.resolve("seeming.sock"), LIMIT);
    }

    private static ObjectNode number(int number) {
        return JSON.createObjectNode().put("number", number);
    }
}
