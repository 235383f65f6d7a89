package io.holdfast.reverse;

import static org.assertj.core.api.Assertions.assertThat;

import io.holdfast.frame.IpPrefix;
import io.holdfast.reverse.DatagramRule.Policy;
import io.holdfast.reverse.DatagramRule.Protocol;
import io.holdfast.testkit.FrameBuilder;
import java.lang.foreign.MemorySegment;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

/** datagrams leave at once where the operator says so. */
class DatagramsTest {

    private static final String GUEST = "10.0.0.1";
    private static final String CLIENT = "10.0.0.100";
    private static final String OTHER_CLIENT = "10.0.0.101";
    private static final String GUEST6 = "2001:db8::1";
    private static final String CLIENT6 = "2001:db8::100";

    private final Scene scene = new Scene(List.of(
            new DatagramRule(Protocol.UDP, 53, null, Policy.REPLAY),
            new DatagramRule(Protocol.UDP, 123, IpPrefix.parse("10.0.0.0/24"), Policy.DROP),
            new DatagramRule(Protocol.ICMP, 0, null, Policy.REPLAY),
            new DatagramRule(Protocol.ICMPV6, 0, null, Policy.REPLAY)));

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

    private static byte[] fromClient6(int protocol, byte[] payload) {
        return FrameBuilder.ethernet("02:00:00:00:00:01", "02:00:00:00:01:00")
                .ipv6(CLIENT6, GUEST6, 64, protocol, payload);
    }

    private static byte[] fromGuest6(String guest, String client, int protocol, byte[] payload) {
        return FrameBuilder.ethernet("02:00:00:00:01:00", "02:00:00:00:00:01")
                .ipv6(guest, client, 64, protocol, payload);
    }

    private static byte[] echo(int type, int checksum) {
        return echo(type, checksum, 2);
    }

    private static byte[] echo(int type, int checksum, int sequence) {
        return new byte[] {(byte) type, 0, (byte) checksum, 0, 0, 1, 0, (byte) sequence, 'x'};
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

    @Test
    void shouldLetAnEchoReplyOverIpv6Go() {
        scene.guestSends(fromGuest6(GUEST6, CLIENT6, 58, echo(129, 7)));
        assertThat(left()).isOne();
    }

    /** The rule is for what clients ask. */
    @Test
    void shouldHoldAnEchoRequestOfTheGuest() {
        scene.guestSends(fromGuest(CLIENT, 1, echo(8, 7)));
        assertThat(held()).isOne();
    }

    @Test
    void shouldHoldAnEchoReplyWhereOnlyUdpIsOptedIn() {
        try (Scene udpOnly = new Scene(List.of(new DatagramRule(Protocol.UDP, 53, null, Policy.REPLAY)))) {
            udpOnly.guestSends(fromGuest(CLIENT, 1, echo(0, 7)));
            assertThat(udpOnly.notes.held).hasSize(1);
        }
    }

    @Test
    void shouldHoldAFragment() {
        scene.guestSends(FrameBuilder.ethernet("02:00:00:00:01:00", "02:00:00:00:00:01")
                .ipv4(GUEST, CLIENT, 64, 17, 0x2000, FrameBuilder.udp(53, 4000, ReverseKit.bytes("a"))));
        assertThat(held()).isOne();
    }

    @Test
    void shouldHoldAFragmentOverIpv6() {
        byte[] fragmentHeader = FrameBuilder.hex("11000001 00000001");
        byte[] datagram = FrameBuilder.udp(53, 4000, ReverseKit.bytes("a"));
        scene.guestSends(fromGuest6(GUEST6, CLIENT6, 44, FrameBuilder.join(fragmentHeader, datagram)));
        assertThat(held()).isOne();
    }

    /** Nobody will be restored who says it again. */
    @Test
    void shouldRememberNothingWithoutABackup() {
        scene.reconciler.stopRecording();
        for (int i = 0; i <= 1 << 16; i++) {
            answer(53, "a" + i);
        }
        assertThat(held()).isZero();
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

    /** The confirmed checkpoint is from before. */
    @Test
    void shouldSwallowWhatHadLeftBetweenABarrierAndItsCommit() {
        scene.barrier();
        answer(53, "a");
        scene.commit();
        scene.failOver();
        answer(53, "a");
        assertThat(held()).isZero();
    }

    @Test
    void shouldHoldTheSameReplyToAnotherClient() {
        answer(53, CLIENT, "a");
        scene.failOver();
        answer(53, OTHER_CLIENT, "a");
        assertThat(held()).isOne();
    }

    @Test
    void shouldHoldTheSameReplyToAnotherClientOverIpv6() {
        byte[] datagram = FrameBuilder.udp(53, 4000, ReverseKit.bytes("a"));
        scene.guestSends(fromGuest6(GUEST6, CLIENT6, 17, datagram));
        scene.failOver();
        scene.guestSends(fromGuest6(GUEST6, "2001:db8::101", 17, datagram));
        assertThat(held()).isOne();
    }

    @Test
    void shouldHoldTheSameReplyFromAnotherOfTheGuestsAddresses() {
        byte[] datagram = FrameBuilder.udp(53, 4000, ReverseKit.bytes("a"));
        scene.guestSends(fromGuest6("2001:db8::1", CLIENT6, 17, datagram));
        scene.failOver();
        scene.guestSends(fromGuest6("fe80::1", CLIENT6, 17, datagram));
        assertThat(held()).isOne();
    }

    @Test
    void shouldHoldTheSameReplyToAnotherPort() {
        scene.guestSends(fromGuest(CLIENT, 17, FrameBuilder.udp(53, 4000, ReverseKit.bytes("a"))));
        scene.failOver();
        scene.guestSends(fromGuest(CLIENT, 17, FrameBuilder.udp(53, 4001, ReverseKit.bytes("a"))));
        assertThat(held()).isOne();
    }

    @Test
    void shouldHoldTheReplyToAnotherEchoRequest() {
        scene.guestSends(fromGuest(CLIENT, 1, echo(0, 7, 2)));
        scene.failOver();
        scene.guestSends(fromGuest(CLIENT, 1, echo(0, 7, 3)));
        assertThat(held()).isOne();
    }

    @Test
    void shouldHoldTheSameReplyInAnotherNetwork() {
        answer(53, "a");
        scene.failOver();
        byte[] frame = fromGuest(CLIENT, 17, FrameBuilder.udp(53, 4000, ReverseKit.bytes("a")));
        MemorySegment memory = MemorySegment.ofArray(FrameBuilder.join(new byte[ReverseKit.PREFIX], frame));
        scene.reconciler.onGuestFrame(1, memory, ReverseKit.PREFIX, frame.length, 0);
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
    void shouldKnowADatagramThoughItsChecksumIsLeftToADevice() {
        byte[] datagram = FrameBuilder.udp(53, 4000, ReverseKit.bytes("a"));
        scene.guestSends(fromGuest(CLIENT, 17, datagram));
        scene.failOver();
        datagram[7] = 1;
        scene.guestSends(fromGuest(CLIENT, 17, datagram));
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

    /** What left before is of no use to the next guest, whose first checkpoint is younger. */
    @Test
    void shouldHaveRoomAgainWhenTheCatchUpIsOver() {
        for (int i = 0; i < 1 << 16; i++) {
            answer(53, "a" + i);
        }
        scene.failOver();
        scene.goLive();
        scene.barrier();
        answer(53, "one more");
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

    @Test
    void shouldGiveARequestAgainOfAClientThatTheRuleIsNotFor() {
        byte[] datagram = FrameBuilder.udp(4000, 123, ReverseKit.bytes("q"));
        scene.clientSends(FrameBuilder.ethernet("02:00:00:00:00:01", "02:00:00:00:01:00")
                .ipv4("10.0.1.1", GUEST, 64, 17, datagram));
        scene.failOver();
        assertThat(scene.notes.toGuest).hasSize(1);
    }

    @Test
    void shouldNotGiveAnEchoRequestAgainThatIsToBeDropped() {
        try (Scene dropped = dropping(Protocol.ICMPV6, DatagramRule.NO_PORT)) {
            dropped.clientSends(fromClient6(58, echo(128, 7)));
            dropped.failOver();
            assertThat(dropped.notes.toGuest).isEmpty();
        }
    }

    /** It asks for nothing. */
    @Test
    void shouldGiveAnEchoReplyOfAClientAgain() {
        try (Scene dropped = dropping(Protocol.ICMP, DatagramRule.NO_PORT)) {
            dropped.clientSends(fromClient(1, echo(0, 7)));
            dropped.failOver();
            assertThat(dropped.notes.toGuest).hasSize(1);
        }
    }

    @Test
    void shouldGiveAnEchoRequestAgainWhereOnlyUdpIsToBeDropped() {
        try (Scene dropped = dropping(Protocol.UDP, 53)) {
            dropped.clientSends(fromClient(1, echo(8, 7)));
            dropped.failOver();
            assertThat(dropped.notes.toGuest).hasSize(1);
        }
    }

    private static Scene dropping(Protocol protocol, int port) {
        Scene scene = new Scene(List.of(new DatagramRule(protocol, port, null, Policy.DROP)));
        scene.checkpoint();
        return scene;
    }

    // ---- several rules ----

    @Test
    void shouldTakeTheFirstRuleThatFitsARequest() {
        try (Scene both = replayingSomeAndDroppingTheRest()) {
            both.clientSends(fromClient(17, FrameBuilder.udp(4000, 53, ReverseKit.bytes("q"))));
            both.failOver();
            assertThat(both.notes.toGuest).hasSize(1);
        }
    }

    @Test
    void shouldTakeTheFirstRuleThatFitsAReply() {
        try (Scene both = replayingSomeAndDroppingTheRest()) {
            both.failOver();
            both.guestSends(fromGuest(CLIENT, 17, FrameBuilder.udp(53, 4000, ReverseKit.bytes("a"))));
            assertThat(both.notes.held).hasSize(1);
        }
    }

    private static Scene replayingSomeAndDroppingTheRest() {
        Scene scene = new Scene(List.of(
                new DatagramRule(Protocol.UDP, 53, IpPrefix.parse("10.0.0.0/24"), Policy.REPLAY),
                new DatagramRule(Protocol.UDP, 53, null, Policy.DROP)));
        scene.checkpoint();
        return scene;
    }
}
