package io.holdfast.agent.engine;

import static org.assertj.core.api.Assertions.assertThat;

import io.holdfast.testkit.InNetworkNamespace;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.net.InetSocketAddress;
import java.net.Socket;
import java.nio.charset.StandardCharsets;
import org.junit.jupiter.api.Test;

/**
 * What a restored guest does by itself is silence, deadlock, corrupt data or a reset (Linux 6.1 with Redis 7). With its clients'
 * input replayed and its numbers reconciled, each of these connections goes on. The client is an ordinary socket.
 */
@NeedsQemu
@InNetworkNamespace
class ReverseFailoverTest {

    private static final int PORT = 6379;
    private static final int REPLY_LIMIT_MILLIS = 5_000;

    @Test
    void shouldGoOnWhereTheClientHasRepliesThatTheRestoredGuestHasNotSent() throws Exception {
        try (InlineFailover guest = new InlineFailover();
                Client client = new Client()) {
            client.expect("INCR a", ":1");
            guest.checkpoint();
            for (int i = 2; i <= 50; i++) {
                client.expect("INCR a", ":" + i);
            }
            guest.failOver();
            client.expect("INCR a", ":51");
            assertThat(guest.counters().divergedFlows.value()).isZero();
        }
    }

    @Test
    void shouldGoOnWhereTheLostGuestHadAcknowledgedHalfARequest() throws Exception {
        try (InlineFailover guest = new InlineFailover();
                Client client = new Client()) {
            client.expect("SET word x", "+OK");
            guest.checkpoint();
            client.send("APPEND wo");
            Thread.sleep(100);
            guest.failOver();
            client.send("rd yz\r\n");
            assertThat(client.reply()).isEqualTo(":3");
            client.expect("STRLEN word", ":3");
        }
    }

    @Test
    void shouldGoOnPushingWhereTheSubscriberIs() throws Exception {
        try (InlineFailover guest = new InlineFailover();
                Client subscriber = new Client();
                Client publisher = new Client()) {
            subscriber.send("SUBSCRIBE news\r\n");
            subscriber.skip(6);
            guest.checkpoint();
            for (int i = 0; i < 30; i++) {
                publisher.expect("PUBLISH news item-" + i, ":1");
                subscriber.expectMessage("item-" + i);
            }
            guest.failOver();
            for (int i = 30; i < 40; i++) {
                publisher.expect("PUBLISH news item-" + i, ":1");
                subscriber.expectMessage("item-" + i);
            }
            assertThat(guest.counters().reconciledFlows.value()).isEqualTo(2);
        }
    }

    @Test
    void shouldGoOnWithAConnectionThatTheCheckpointDoesNotKnow() throws Exception {
        try (InlineFailover guest = new InlineFailover()) {
            guest.checkpoint();
            try (Client client = new Client()) {
                for (int i = 1; i <= 20; i++) {
                    client.expect("INCR b", ":" + i);
                }
                guest.failOver();
                client.expect("INCR b", ":21");
                assertThat(guest.counters().divergedFlows.value()).isZero();
            }
        }
    }

    @Test
    void shouldEndWhatTheClientHadEndedAfterTheCheckpoint() throws Exception {
        try (InlineFailover guest = new InlineFailover();
                Client client = new Client()) {
            client.expect("INCR c", ":1");
            guest.checkpoint();
            client.expect("INCR c", ":2");
            client.finish();
            Thread.sleep(100);
            assertThat(guest.heldFrames()).isPositive(); // the guest's FIN.
            guest.failOver();
            assertThat(client.isAtEnd()).isTrue();
        }
    }

    /** INV-12. */
    @Test
    void shouldResetAConnectionWhoseRepliesDependOnChanceAndKeepTheOthers() throws Exception {
        try (InlineFailover guest = new InlineFailover();
                Client unlucky = new Client();
                Client client = new Client()) {
            client.expect("INCR d", ":1");
            unlucky.expect("INCR e", ":1");
            guest.checkpoint();
            for (int i = 2; i <= 20; i++) {
                client.expect("INCR d", ":" + i);
                unlucky.send("TIME\r\n");
                unlucky.skip(5);
            }
            guest.failOver();
            client.expect("INCR d", ":21");
            assertThat(unlucky.isReset()).isTrue();
            assertThat(guest.counters().divergedFlows.value()).isEqualTo(1);
        }
    }

    @Test
    void shouldNotResetItWhereItsPortIsHeldByTheWall() throws Exception {
        try (InlineFailover guest = new InlineFailover(port -> port == PORT);
                Client client = new Client()) {
            client.expect("INCR f", ":1");
            guest.checkpoint();
            client.send("TIME\r\n");
            Thread.sleep(100);
            assertThat(guest.heldFrames()).isPositive();
            guest.failOver();
            client.skip(5);
            client.expect("INCR f", ":2");
            assertThat(guest.counters().divergedFlows.value()).isZero();
        }
    }

    /** A Redis connection, line by line. */
    private static final class Client implements AutoCloseable {

        private final Socket socket = new Socket();
        private final BufferedReader replies;

        Client() throws IOException {
            socket.connect(new InetSocketAddress(TestGuest.ADDRESS, PORT), REPLY_LIMIT_MILLIS);
            socket.setSoTimeout(REPLY_LIMIT_MILLIS);
            socket.setTcpNoDelay(true);
            replies = new BufferedReader(new InputStreamReader(socket.getInputStream(), StandardCharsets.US_ASCII));
        }

        void send(String text) throws IOException {
            socket.getOutputStream().write(text.getBytes(StandardCharsets.US_ASCII));
        }

        String reply() throws IOException {
            return String.valueOf(replies.readLine());
        }

        void skip(int lines) throws IOException {
            for (int i = 0; i < lines; i++) {
                assertThat(replies.readLine()).isNotNull();
            }
        }

        void expect(String request, String reply) throws IOException {
            send(request + "\r\n");
            assertThat(reply()).as(request).isEqualTo(reply);
        }

        void expectMessage(String text) throws IOException {
            skip(6);
            assertThat(reply()).isEqualTo(text);
        }

        void finish() throws IOException {
            socket.shutdownOutput();
        }

        boolean isAtEnd() throws IOException {
            return replies.read() == -1;
        }

        boolean isReset() {
            try {
                send("PING\r\n");
                return replies.read() == -1;
            } catch (IOException e) {
                return String.valueOf(e.getMessage()).contains("reset")
                        || String.valueOf(e.getMessage()).contains("Broken pipe");
            }
        }

        @Override
        public void close() throws IOException {
            socket.close();
        }
    }
}
