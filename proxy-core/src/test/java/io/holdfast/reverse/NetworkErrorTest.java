package io.holdfast.reverse;

import static io.holdfast.reverse.ReverseKit.PREFIX;
import static io.holdfast.testkit.FrameBuilder.ethernet;
import static io.holdfast.testkit.IcmpErrors.PACKET_TOO_BIG_V6;
import static io.holdfast.testkit.IcmpErrors.UNREACHABLE;
import static io.holdfast.testkit.IcmpErrors.icmp;
import static io.holdfast.testkit.IcmpErrors.icmpv6;
import static io.holdfast.testkit.IcmpErrors.isCorrect;
import static org.assertj.core.api.Assertions.assertThat;

import io.holdfast.frame.NetworkOrder;
import io.holdfast.reverse.ReverseKit.Sent;
import io.holdfast.reverse.Scene.Dialogue;
import io.holdfast.reverse.model.Endpoints;
import io.holdfast.reverse.model.Segment;
import io.holdfast.testkit.FrameBuilder;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.Arrays;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * What the network says of segments that it could not forward. It has seen them as the client would have, and the guest must
 * hear of them as it sent them: else it ignores that the path takes less than it sends.
 */
class NetworkErrorTest {

    private static final int SHIFT = 1_000_000;
    private static final long ROUTER_MAC = 0x0200_0000_0200L;
    private static final int SOURCE_MAC = 6;
    private static final int ETHERNET_BYTES = 14;
    private static final int IPV4_BYTES = 20;
    private static final int IPV6_BYTES = 40;
    private static final int ICMP_BYTES = 8;
    private static final int SEQUENCE = 4;
    /** An IP header and what RFC 792 promises of the rest. */
    private static final int LEAST_BYTES = IPV4_BYTES + 8;

    private static final int MOST_BYTES = 548;
    private static final String ROUTER_V6 = "2001:db8::1";
    private static final String GUEST_V6 = "fd00::2";
    private static final Endpoints CLIENT_V6 =
            Endpoints.ipv6(0x0200_0000_0100L, 0x0200_0000_0001L, 0x2001_0db8L << 32, 9, 0xfd00L << 48, 2, 40_000, 80);

    private final Scene scene = new Scene();

    @BeforeEach
    void protect() {
        scene.checkpoint();
    }

    @AfterEach
    void freeTheLog() {
        scene.close();
    }

    @ParameterizedTest
    @ValueSource(ints = {LEAST_BYTES, MOST_BYTES})
    void shouldQuoteToTheGuestTheNumberThatItHasSent(int quotedBytes) {
        Dialogue client = translated(scene.dialogue());
        int sent = client.guestNext;
        client.answer("too big");
        scene.clientSends(error(client, sent + SHIFT, quotedBytes));
        assertQuotes(sent);
    }

    @Test
    void shouldDoSoOverIpv6InAVlan() {
        Dialogue client = translated(scene.dialogue(CLIENT_V6.inVlan(7)));
        int sent = client.guestNext;
        byte[] quoted = quoted(client, sent + SHIFT, IPV6_BYTES + 18);
        scene.notes.clear();
        scene.clientSends(router().tag(0x8100, 7)
                .ipv6(ROUTER_V6, GUEST_V6, 64, 58, icmpv6(ROUTER_V6, GUEST_V6, PACKET_TOO_BIG_V6, quoted)));
        byte[] frame = given();
        byte[] message = Arrays.copyOfRange(frame, ETHERNET_BYTES + 4 + IPV6_BYTES, frame.length);
        assertThat(isCorrect(ROUTER_V6, GUEST_V6, 58, message)).isTrue();
        assertThat(number(message, ICMP_BYTES + IPV6_BYTES + SEQUENCE)).isEqualTo(sent);
    }

    @Test
    void shouldGiveOtherMessagesAsTheyAre() {
        Dialogue client = translated(scene.dialogue());
        byte[] redirect = error(5, quoted(client, client.guestNext + SHIFT, MOST_BYTES));
        scene.clientSends(redirect);
        assertThat(given()).isEqualTo(redirect);
    }

    @Test
    void shouldGiveAnErrorAsItIsWhereNumbersAreTheSame() {
        Dialogue client = scene.open();
        byte[] error = error(client, client.guestNext, MOST_BYTES);
        scene.notes.clear();
        scene.clientSends(error);
        assertThat(given()).isEqualTo(error);
    }

    @Test
    void shouldGiveAnErrorAsItIsThatQuotesNoKnownConnection() {
        translated(scene.dialogue());
        byte[] error = error(scene.dialogue(), SHIFT, MOST_BYTES);
        scene.clientSends(error);
        assertThat(given()).isEqualTo(error);
    }

    /** The client's segments have other addresses and ports, the other way round. */
    @Test
    void shouldGiveAnErrorAsItIsThatQuotesTheClientsOwnSegment() {
        Dialogue client = translated(scene.dialogue());
        byte[] packet = packet(client.client, SHIFT, MOST_BYTES);
        scene.clientSends(error(UNREACHABLE, packet));
        assertThat(given()).isEqualTo(error(UNREACHABLE, packet));
    }

    @Test
    void shouldTranslateOnceWhatTheGuestHadNoRoomFor() {
        Dialogue client = translated(scene.dialogue());
        scene.notes.guestHasRoom = false;
        scene.clientSends(error(client, client.guestNext + SHIFT, MOST_BYTES));
        scene.notes.guestHasRoom = true;
        scene.elapse(1);
        assertQuotes(client.guestNext);
    }

    /** It came while the guest was dead, and is given when it is known how the connection is numbered. */
    @Test
    void shouldTranslateWhatCameBeforeItWasKnownHow() {
        Dialogue client = scene.open();
        client.answer("hello");
        client.acknowledge();
        scene.failOver();
        scene.clientSends(error(client, client.clientHas, MOST_BYTES));
        client.guestFirst -= SHIFT;
        client.synAck();
        client.answer("hello");
        scene.goLive();
        assertQuotes(client.guestNext);
    }

    /** The guest ignores it, or takes it where numbers are the same, as those of connections in the checkpoint are at first. */
    @Test
    void shouldReplayAnErrorAsItCame() {
        Dialogue client = translated(scene.dialogue());
        scene.checkpoint();
        byte[] error = error(client, client.guestNext + SHIFT, MOST_BYTES);
        scene.clientSends(error);
        scene.failOver();
        assertThat(given()).isEqualTo(error);
    }

    @Test
    void shouldTranslateForAConnectionThatAnEarlierLifeOfTheProxyHasTranslated() {
        Dialogue client = translated(scene.dialogue());
        scene.restartProxy();
        scene.clientSends(error(client, client.guestNext + SHIFT, MOST_BYTES));
        assertQuotes(client.guestNext);
    }

    /** Opened after the checkpoint; the restored guest has numbered it otherwise. */
    private Dialogue translated(Dialogue client) {
        client.open();
        client.answer("hello");
        client.acknowledge();
        scene.failOver();
        client.guestFirst -= SHIFT;
        client.synAck();
        client.answer("hello");
        scene.goLive();
        scene.notes.clear();
        return client;
    }

    /** That the network could not forward what the guest sent with a number that its client would have seen. */
    private static byte[] error(Dialogue client, int sequence, int quotedBytes) {
        return error(UNREACHABLE, quoted(client, sequence, quotedBytes));
    }

    private static byte[] error(int type, byte[] quoted) {
        return router().ipv4("10.0.0.254", "10.0.0.1", 64, 1, icmp(type, 4, quoted));
    }

    private static byte[] quoted(Dialogue client, int sequence, int lengthBytes) {
        return packet(client.client.reversed(), sequence, lengthBytes);
    }

    private static byte[] packet(Endpoints from, int sequence, int lengthBytes) {
        Segment.Builder segment =
                Segment.withFlags(Segment.ACK).sequence(sequence).payload(new byte[1_000]);
        MemorySegment frame = ReverseKit.frame(from.inVlan(Endpoints.NO_VLAN), segment);
        return frame.asSlice(PREFIX + ETHERNET_BYTES, lengthBytes).toArray(ValueLayout.JAVA_BYTE);
    }

    private static FrameBuilder router() {
        return ethernet("02:00:00:00:00:01", "02:00:00:00:02:00");
    }

    private byte[] given() {
        List<Sent> errors = scene.notes.toGuest.stream()
                .filter(sent -> NetworkOrder.getMac(sent.frame(), PREFIX + SOURCE_MAC) == ROUTER_MAC)
                .toList();
        assertThat(errors).hasSize(1);
        return errors.getFirst().bytes();
    }

    private void assertQuotes(int sequence) {
        byte[] frame = given();
        byte[] message = Arrays.copyOfRange(frame, ETHERNET_BYTES + IPV4_BYTES, frame.length);
        assertThat(isCorrect(message)).isTrue();
        assertThat(number(message, ICMP_BYTES + IPV4_BYTES + SEQUENCE)).isEqualTo(sequence);
    }

    private static int number(byte[] message, int at) {
        return NetworkOrder.getInt(MemorySegment.ofArray(message), at);
    }
}
