package io.holdfast.agent.engine;

import static org.assertj.core.api.Assertions.assertThat;

import io.holdfast.testkit.InNetworkNamespace;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import org.junit.jupiter.api.Test;

/**
 * What a restored guest does by itself is silence, deadlock, corrupt data or a reset (Linux 6.1 with Redis 7). With its clients'
 * input replayed and its numbers reconciled, each of these connections goes on. The client is an ordinary socket.
 */
@NeedsQemu
@InNetworkNamespace
class ReverseFailoverTest {

    private static final String VALUE = "0123456789".repeat(10_000);
    /** More than the guest has numbers left, see {@link SequenceWrap}. */
    private static final int FETCHES_OVER_THE_WRAP = 12;

    @Test
    void shouldGoOnWhereTheClientHasRepliesThatTheRestoredGuestHasNotSent() throws Exception {
        try (InlineFailover guest = new InlineFailover();
                LineClient client = LineClient.connect()) {
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
                LineClient client = LineClient.connect()) {
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
                LineClient subscriber = LineClient.connect();
                LineClient publisher = LineClient.connect()) {
            subscriber.subscribe("news");
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
            try (LineClient client = LineClient.connect()) {
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
                LineClient client = LineClient.connect()) {
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
                LineClient unlucky = LineClient.connect();
                LineClient client = LineClient.connect()) {
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

    /** whatever the first guest has said was never said. */
    @Test
    void shouldKeepAConnectionThatASecondAttemptBringsToWhereItsClientIs() throws Exception {
        try (InlineFailover guest = new InlineFailover();
                LineClient client = LineClient.connect()) {
            client.expect("SET word needle-in-memory", "+OK");
            guest.checkpoint();
            client.expect("STRLEN word", ":16");
            client.send("GET word\r\n");
            client.skip(1);
            assertThat(client.reply()).isEqualTo("needle-in-memory");
            guest.lose();
            guest.attempt(withOtherText(guest.checkpointMemory(), "needle-in-memory", "noodle-in-memory"));
            assertThat(guest.report().divergences()).hasSize(1);
            guest.giveUpAttempt();
            guest.attempt(guest.checkpointMemory());
            assertThat(guest.report().attempt()).isEqualTo(2);
            guest.goLive();
            client.send("GET word\r\n");
            client.skip(1);
            assertThat(client.reply()).isEqualTo("needle-in-memory");
            assertThat(guest.counters().divergedFlows.value()).isZero();
            assertThat(guest.counters().exactAttempts(guest.report().order()).value())
                    .isOne();
        }
    }

    /** A copy in which the guest remembers something else. */
    private static MemorySegment withOtherText(MemorySegment memory, String text, String other) {
        byte[] bytes = memory.toArray(ValueLayout.JAVA_BYTE);
        byte[] wanted = text.getBytes(StandardCharsets.US_ASCII);
        byte[] instead = other.getBytes(StandardCharsets.US_ASCII);
        for (int at = 0; at <= bytes.length - wanted.length; at++) {
            if (bytes[at] == wanted[0] && Arrays.equals(bytes, at, at + wanted.length, wanted, 0, wanted.length)) {
                System.arraycopy(instead, 0, bytes, at, instead.length);
            }
        }
        return MemorySegment.ofArray(bytes);
    }

    @Test
    void shouldNotResetItWhereItsPortIsHeldByTheWall() throws Exception {
        try (InlineFailover guest = new InlineFailover(port -> port == LineClient.PORT);
                LineClient client = LineClient.connect()) {
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

    /** */
    @Test
    void shouldGoOnWhereTheGuestsSequenceNumbersBeginAnewAfterTheCheckpoint() throws Exception {
        try (InlineFailover guest = new InlineFailover();
                LineClient client = new SequenceWrap(guest.trace()).connect()) {
            client.store("value", VALUE);
            guest.checkpoint();
            assertThat(guest.trace().positionOf(client)).isNegative();
            for (int i = 0; i < FETCHES_OVER_THE_WRAP; i++) {
                client.expectStored("value", VALUE);
            }
            assertThat(guest.trace().positionOf(client)).isPositive();
            guest.failOver();
            for (int i = 0; i < FETCHES_OVER_THE_WRAP; i++) {
                client.expectStored("value", VALUE);
            }
            assertThat(guest.counters().divergedFlows.value()).isZero();
        }
    }

    /** R-4, with numbers that are translated: the restored guest draws others. */
    @Test
    void shouldGoOnWhereAConnectionThatTheCheckpointDoesNotKnowWasAboutToBeginAnew() throws Exception {
        try (InlineFailover guest = new InlineFailover()) {
            SequenceWrap wrap = new SequenceWrap(guest.trace());
            guest.checkpoint();
            try (LineClient client = wrap.connect()) {
                client.store("value", VALUE);
                assertThat(guest.trace().positionOf(client)).isNegative();
                guest.failOver();
                for (int i = 0; i < FETCHES_OVER_THE_WRAP; i++) {
                    client.expectStored("value", VALUE);
                }
                assertThat(guest.trace().positionOf(client)).isPositive();
                assertThat(guest.counters().divergedFlows.value()).isZero();
            }
        }
    }
}
