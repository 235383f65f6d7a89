package io.holdfast.agent.engine;

import static org.assertj.core.api.Assertions.assertThat;

import io.holdfast.agent.engine.Conversation.Counting;
import io.holdfast.agent.engine.Conversation.Publishing;
import io.holdfast.agent.engine.Conversation.Storing;
import io.holdfast.reverse.model.ConnectionJudge;
import io.holdfast.reverse.model.TraceJudge;
import io.holdfast.testkit.InNetworkNamespace;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;

/** All kinds of connections at once, each on its own keys, over a network that loses frames. */
@NeedsQemu
@InNetworkNamespace
class MixedReverseFailoverTest {

    private static final int LOSS_PERCENT = 2;
    private static final String[] ENDS = {InlineFailover.UPLINK, InlineFailover.CLIENT_INTERFACE, InlineFailover.TRUNK};
    private static final int CONNECTIONS = 50;
    private static final long BUSY_MILLIS = 5;
    private static final long BULK_MILLIS = 50;
    private static final long NEVER_MILLIS = 60_000;
    private static final long SOME_TIME_MILLIS = 300;

    private final List<Conversation> lasting = new ArrayList<>();
    private final List<Conversation> ending = new ArrayList<>();
    private int connections;

    @Test
    void shouldKeepEachOfFiftyConnections() throws Exception {
        try (InlineFailover guest = new InlineFailover()) {
            openBeforeTheCheckpoint();
            guest.wire().lose(LOSS_PERCENT, ENDS);
            Thread.sleep(SOME_TIME_MILLIS);
            guest.checkpoint();
            openAfterTheCheckpoint();
            ending.forEach(Conversation::end);
            Thread.sleep(SOME_TIME_MILLIS);
            assertThat(connections).isEqualTo(CONNECTIONS);
            assertBothEndsHaveReportedLoss(guest.trace().read());
            guest.failOver();
            Thread.sleep(SOME_TIME_MILLIS);
            lasting.forEach(Conversation::end);
            for (Conversation conversation : lasting) {
                conversation.awaitEnd();
            }
            for (Conversation conversation : ending) {
                conversation.awaitEnd();
            }
            assertThat(guest.counters().divergedFlows.value()).isZero();
            for (String end : ENDS) {
                assertThat(guest.wire().lostFrames(end)).as(end).isPositive();
            }
        }
    }

    private void openBeforeTheCheckpoint() throws IOException, InterruptedException {
        for (int i = 0; i < 9; i++) {
            lasting.add(new Conversation(new Counting(client(), "idle-" + i), NEVER_MILLIS));
        }
        for (int i = 0; i < 15; i++) {
            lasting.add(new Conversation(new Counting(client(), "count-" + i), BUSY_MILLIS));
        }
        for (int i = 0; i < 6; i++) {
            lasting.add(new Conversation(new Storing(client(), "value-" + i), BULK_MILLIS));
        }
        for (int i = 0; i < 4; i++) {
            LineClient subscriber = client();
            subscriber.subscribe("news-" + i);
            lasting.add(new Conversation(new Publishing(client(), subscriber, "news-" + i), BUSY_MILLIS));
        }
        for (int i = 0; i < 3; i++) {
            ending.add(new Conversation(new Counting(client(), "ending-" + i), BUSY_MILLIS));
        }
        awaitFirstExchanges();
    }

    private void openAfterTheCheckpoint() throws IOException, InterruptedException {
        for (int i = 0; i < 4; i++) {
            lasting.add(new Conversation(new Counting(client(), "new-count-" + i), BUSY_MILLIS));
        }
        for (int i = 0; i < 2; i++) {
            lasting.add(new Conversation(new Storing(client(), "new-value-" + i), BULK_MILLIS));
        }
        for (int i = 0; i < 3; i++) {
            ending.add(new Conversation(new Counting(client(), "new-ending-" + i), BUSY_MILLIS));
        }
        awaitFirstExchanges();
    }

    private void awaitFirstExchanges() throws InterruptedException {
        for (Conversation conversation : lasting) {
            conversation.awaitFirstExchange();
        }
        for (Conversation conversation : ending) {
            conversation.awaitFirstExchange();
        }
    }

    /** By IPv4, by IPv6 and in a VLAN, in turn. */
    private LineClient client() throws IOException {
        return LineClient.connect(TestGuest.ADDRESSES.get(connections++ % TestGuest.ADDRESSES.size()));
    }

    /** Or else the run is not what it is meant to be. */
    private static void assertBothEndsHaveReportedLoss(TraceJudge trace) {
        assertThat(trace.connections().stream()
                        .mapToLong(ConnectionJudge::sackFromClient)
                        .sum())
                .isPositive();
        assertThat(trace.connections().stream()
                        .mapToLong(ConnectionJudge::sackFromGuest)
                        .sum())
                .isPositive();
    }
}
