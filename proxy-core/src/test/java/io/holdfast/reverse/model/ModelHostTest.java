package io.holdfast.reverse.model;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.ByteArrayOutputStream;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Objects;
import java.util.SplittableRandom;
import java.util.function.Function;
import org.junit.jupiter.api.Test;

class ModelHostTest {

    private static final int PORT = 80;
    private static final long SECRET = 42;
    private static final int FRAME = 10;
    private static final long MILLI = 1_000_000;

    private final SegmentCodec codec = new SegmentCodec();
    private final MemorySegment memory = MemorySegment.ofArray(new byte[2_000]);
    private final List<Client> clients = new ArrayList<>();
    private long nowNanos = 7 * MILLI;
    private ModelHost host = host(EchoHash::new);
    private boolean copying;

    private static final class Client {

        private final Endpoints endpoints;
        private final ModelTcp tcp;
        private final ByteArrayOutputStream received = new ByteArrayOutputStream();

        Client(int port) {
            endpoints = Endpoints.ipv4(1, 2, 0x0a00_0001, 0x0a00_0002, port, PORT);
            tcp = ModelTcp.connect(TcpConfig.linux().build(), new SplittableRandom(port));
        }

        void send(String text) {
            tcp.write(text.getBytes(StandardCharsets.UTF_8));
        }
    }

    @Test
    void shouldAnswerEveryLineAsTheHashSays() {
        Client client = connect(1_000);
        client.send("1 first\n2 second\n3 thi");
        settle();
        client.send("rd\n");
        settle();
        assertThat(client.received.toByteArray())
                .isEqualTo(
                        concat(EchoHash.replyTo("1 first"), EchoHash.replyTo("2 second"), EchoHash.replyTo("3 third")));
    }

    @Test
    void shouldNumberTheRequestsOfAllConnections() {
        host = host(Counter::new);
        Client one = connect(1_000);
        Client other = connect(1_001);
        one.send("1 a\n");
        settle();
        other.send("1 b\n");
        settle();
        assertThat(one.received.toByteArray()).isEqualTo(Counter.replyTo(1, "1 a"));
        assertThat(other.received.toByteArray()).isEqualTo(Counter.replyTo(2, "1 b"));
    }

    @Test
    void shouldCountOnFromASnapshotApartFromTheOriginal() {
        host = host(Counter::new);
        Client client = connect(1_000);
        client.send("1 a\n");
        settle();
        ModelHost copy = host.copy(new SplittableRandom(9));
        client.send("2 b\n");
        settle();
        assertThat(host.shared().count()).isEqualTo(2);
        assertThat(copy.shared().count()).isEqualTo(1);
        assertThat(copy.connection(client.endpoints.reversed()).bytesRead()).isEqualTo(4);
    }

    @Test
    void shouldAnswerTheSameInAChainOfSnapshots() {
        copying = true;
        Client client = connect(1_000);
        ByteArrayOutputStream expected = new ByteArrayOutputStream();
        for (int i = 0; i < 50; i++) {
            client.send(i + " text\n");
            expected.writeBytes(EchoHash.replyTo(i + " text"));
        }
        settle();
        assertThat(client.received.toByteArray()).isEqualTo(expected.toByteArray());
        assertThat(client.tcp.verdicts().entries()).isEmpty();
    }

    @Test
    void shouldAnswerAtRandomInEveryLife() {
        host = host(RandomApp::new);
        Client client = connect(1_000);
        ModelHost copy = host.copy(new SplittableRandom(9));
        client.send("1 a\n");
        Segment request = Objects.requireNonNull(client.tcp.pollOutput(nowNanos));
        List<String> lives = new ArrayList<>();
        for (ModelHost life : List.of(host, copy)) {
            int length = codec.write(client.endpoints, request, memory, FRAME, false);
            life.onFrame(memory, FRAME, length, nowNanos);
            lives.add(String.valueOf(framesOf(life)));
        }
        assertThat(lives.getFirst()).isNotEqualTo(lives.getLast());
    }

    @Test
    void shouldPushWhenItsClockSaysSo() {
        host = host(ServerPush::new);
        Client client = connect(1_000);
        client.send("20 news\n");
        settle();
        assertThat(client.received.size()).isZero();
        for (int i = 1; i <= 2; i++) {
            nowNanos = host.nextTimerNanos();
            assertThat(nowNanos).isEqualTo(20L * i * MILLI);
            host.onTime(nowNanos);
            settle();
        }
        assertThat(client.received.toByteArray())
                .isEqualTo(concat(ServerPush.push("news", 0), ServerPush.push("news", 1)));
    }

    @Test
    void shouldCloseAfterItsClient() {
        Client client = connect(1_000);
        client.send("1 a\n");
        client.tcp.close();
        settle();
        assertThat(client.received.toByteArray()).isEqualTo(EchoHash.replyTo("1 a"));
        assertThat(client.tcp.state()).isEqualTo(ModelTcp.State.TIME_WAIT);
        assertThat(host.connections()).isEmpty();
    }

    @Test
    void shouldResetWhatBelongsToNoConnection() {
        Client client = connect(1_000);
        host = host(EchoHash::new);
        client.send("1 a\n");
        settle();
        assertThat(client.tcp.isReset()).isTrue();
    }

    @Test
    void shouldCountItsSequenceNumbersOnWithTime() {
        Endpoints local = new Client(1_000).endpoints.reversed();
        int first = host.initialSequence(local, 6_400);
        assertThat(host.initialSequence(local, 12_800) - first).isEqualTo(100);
        assertThat(host.initialSequence(new Client(1_001).endpoints.reversed(), 6_400))
                .isNotEqualTo(first);
    }

    private static ModelHost host(Function<Shared, App> apps) {
        TcpConfig config = TcpConfig.linux().delayedAckNanos(0).cutPercent(20).build();
        return new ModelHost(PORT, SECRET, config, true, apps, new SplittableRandom(1));
    }

    private Client connect(int port) {
        Client client = new Client(port);
        clients.add(client);
        settle();
        assertThat(client.tcp.state()).isEqualTo(ModelTcp.State.ESTABLISHED);
        return client;
    }

    /** Carries frames until nobody has one. */
    private void settle() {
        boolean moved = true;
        while (moved) {
            moved = false;
            if (copying) {
                host = host.copy(new SplittableRandom(nowNanos));
            }
            for (Client client : clients) {
                Segment segment = client.tcp.pollOutput(nowNanos);
                if (segment != null) {
                    int length = codec.write(client.endpoints, segment, memory, FRAME, false);
                    host.onFrame(memory, FRAME, length, nowNanos);
                    moved = true;
                }
            }
            int length = host.pollFrame(memory, FRAME, nowNanos);
            if (length > 0) {
                Endpoints from = codec.endpointsOf(memory, FRAME, length);
                Segment segment = codec.read(memory, FRAME, length);
                Client to = clients.stream()
                        .filter(client -> client.endpoints.equals(from.reversed()))
                        .findFirst()
                        .orElseThrow();
                to.tcp.onSegment(segment, nowNanos);
                to.received.writeBytes(to.tcp.read(1 << 20));
                moved = true;
            }
        }
    }

    private List<Integer> framesOf(ModelHost life) {
        List<Integer> frames = new ArrayList<>();
        for (int length = life.pollFrame(memory, FRAME, nowNanos);
                length > 0;
                length = life.pollFrame(memory, FRAME, nowNanos)) {
            frames.add(Arrays.hashCode(memory.asSlice(FRAME, length).toArray(ValueLayout.JAVA_BYTE)));
        }
        return frames;
    }

    private static byte[] concat(byte[]... parts) {
        ByteArrayOutputStream all = new ByteArrayOutputStream();
        for (byte[] part : parts) {
            all.writeBytes(part);
        }
        return all.toByteArray();
    }
}
