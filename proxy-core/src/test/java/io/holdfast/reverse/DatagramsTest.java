package io.holdfast.reverse;

import static org.assertj.core.api.Assertions.assertThat;

import io.holdfast.frame.IpPrefix;
import io.holdfast.reverse.DatagramRule.Policy;
import io.holdfast.reverse.DatagramRule.Protocol;
import io.holdfast.testkit.FrameBuilder;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

/** datagrams leave at once where the operator says so. */
class DatagramsTest {

    private static final String GUEST = "10.0.0.1";
    private static final String CLIENT = "10.0.0.100";

    private final Scene scene = new Scene(List.of(
            new DatagramRule(Protocol.UDP, 53, null, Policy.REPLAY),
            new DatagramRule(Protocol.UDP, 123, IpPrefix.parse("10.0.0.0/24"), Policy.DROP),
            new DatagramRule(Protocol.ICMP, 0, null, Policy.REPLAY)));

    DatagramsTest() {
        scene.checkpoint();
    }

    @AfterEach
    void freeTheLog() {
        scene.close();
    }

    private void ask(int port, String text) {
        scene.clientSends(fromClient(17, FrameBuilder.udp(4000, port, ReverseKit.bytes(text))));
    }

    private void answer(int port, String text) {
        answer(port, CLIENT, text);
    }

    private void answer(int port, String client, String text) {
        scene.guestSends(fromGuest(client, 17, FrameBuilder.udp(port, 4000, ReverseKit.bytes(text))));
    }

    private static byte[] fromClient(int protocol, byte[] payload) {
        return FrameBuilder.ethernet("02:00:00:00:00:01", "02:00:00:00:01:00")
                .ipv4(CLIENT, GUEST, 64, protocol, payload);
    }

    private static byte[] fromGuest(String client, int protocol, byte[] payload) {
        return FrameBuilder.ethernet("02:00:00:00:01:00", "02:00:00:00:00:01")
                .ipv4(GUEST, client, 64, protocol, payload);
    }

    private static byte[] echo(int type, int checksum) {
        return new byte[] {(byte) type, 0, (byte) checksum, 0, 0, 1, 0, 2, 'x'};
    }

    private int left() {
        return scene.notes.toClient.size();
    }

    private int held() {
        return scene.notes.held.size();
    }

    // ---- while the guest runs ----

    @Test
    void shouldLetADatagramOfAnOptedInPortGo() {
        answer(53, "a");
        assertThat(left()).isOne();
    }

    @Test
    void shouldHoldADatagramOfAnotherPort() {
        answer(54, "a");
        assertThat(held()).isOne();
    }

    @Test
    void shouldHoldADatagramToAClientThatTheRuleIsNotFor() {
        answer(123, "10.0.1.1", "a");
        assertThat(held()).isOne();
    }

    @Test
    void shouldLetAnEchoReplyGo() {
        scene.guestSends(fromGuest(CLIENT, 1, echo(0, 7)));
        assertThat(left()).isOne();
    }

    @Test
    void shouldHoldOtherMessagesOfIcmp() {
        scene.guestSends(fromGuest(CLIENT, 1, echo(3, 7)));
        assertThat(held()).isOne();
    }

    /** A restored guest says it again, and nobody would know. */
    @Test
    void shouldHoldADatagramThatItHasNoRoomToRemember() {
        for (int i = 0; i < 1 << 16; i++) {
            answer(53, "a" + i);
        }
        answer(53, "one more");
        assertThat(held()).isOne();
        assertThat(scene.reconciler.counters().heldDatagrams.value()).isOne();
    }

    @Test
    void shouldForgetDatagramsThatACheckpointHas() {
        for (int i = 0; i < 1 << 16; i++) {
            answer(53, "a" + i);
        }
        scene.checkpoint();
        answer(53, "one more");
        assertThat(held()).isZero();
    }

    // ---- after a failover ----

    @Test
    void shouldGiveARequestAgain() {
        ask(53, "q");
        scene.failOver();
        assertThat(scene.notes.toGuest).hasSize(1);
    }

    @Test
    void shouldSwallowAReplyAsOftenAsItHadLeft() {
        answer(53, "a");
        answer(53, "a");
        scene.failOver();
        answer(53, "a");
        answer(53, "a");
        assertThat(held()).isZero();
        answer(53, "a");
        assertThat(held()).isOne();
    }

    @Test
    void shouldNotSwallowWhatHadLeftBeforeTheCheckpoint() {
        answer(53, "a");
        scene.checkpoint();
        scene.failOver();
        answer(53, "a");
        assertThat(held()).isOne();
    }

    /** */
    @Test
    void shouldHoldAReplyThatHadNotLeft() {
        answer(53, "a");
        scene.failOver();
        answer(53, "b");
        assertThat(left()).isZero();
        assertThat(held()).isOne();
    }

    @Test
    void shouldKnowAReplyThoughItsChecksumIsLeftToADevice() {
        scene.guestSends(fromGuest(CLIENT, 1, echo(0, 7)));
        scene.failOver();
        scene.guestSends(fromGuest(CLIENT, 1, echo(0, 8)));
        assertThat(held()).isZero();
    }

    @Test
    void shouldSwallowTheSameAgainInASecondAttempt() {
        answer(53, "a");
        scene.failOver();
        answer(53, "a");
        scene.restore(ReplayOrder.SERIAL);
        answer(53, "a");
        assertThat(held()).isZero();
    }

    @Test
    void shouldLetEqualRepliesGoWhenTheCatchUpIsOver() {
        answer(53, "a");
        scene.failOver();
        scene.goLive();
        answer(53, "a");
        assertThat(left()).isOne();
    }

    // ---- policy drop ----

    @Test
    void shouldNotGiveARequestAgainThatIsToBeDropped() {
        ask(123, "q");
        assertThat(scene.notes.toGuest).hasSize(1);
        scene.failOver();
        assertThat(scene.notes.toGuest).isEmpty();
    }

    @Test
    void shouldDropWhatTheGuestSaysUntilTheCatchUpIsOver() {
        scene.failOver();
        answer(123, "new");
        assertThat(left() + held()).isZero();
        scene.goLive();
        answer(123, "newer");
        assertThat(left()).isOne();
    }

    @Test
    void shouldGiveARequestThatCameWhileThereWasNoGuest() {
        scene.reconciler.onGuestLost();
        ask(123, "q");
        scene.restore(ReplayOrder.GATED);
        assertThat(scene.notes.toGuest).isEmpty();
        scene.goLive();
        assertThat(scene.notes.toGuest).hasSize(1);
    }
}
