package io.holdfast.reverse;

import static io.holdfast.reverse.ReverseKit.PREFIX;
import static io.holdfast.reverse.ReverseKit.client;
import static org.assertj.core.api.Assertions.assertThat;

import io.holdfast.reverse.model.Endpoints;
import io.holdfast.reverse.model.Segment;
import java.lang.foreign.MemorySegment;
import java.util.SplittableRandom;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Each segment is read back by a receiver that finds fault with wrong checksums, finished and unfinished ones. */
class SegmentRewriterTest {

    private static final Endpoints FROM_CLIENT = client(0);
    private static final Endpoints FROM_GUEST = FROM_CLIENT.reversed();
    /** Numbers of the guest that the client sees after the turn. */
    private static final int SEQUENCE_OFFSET = 1_000;

    private static final int TIMESTAMP_OFFSET = 5_000;

    private final SegmentRewriter rewriter = new SegmentRewriter(PREFIX);
    private final Ledger ledger = ReverseKit.answered(-10, -20, 1);
    private final long heardAck = ledger.guestAck + 500;
    private final long heardEdge = heardAck + 64_000;
    private final Translation translation = new Translation(SEQUENCE_OFFSET, TIMESTAMP_OFFSET, heardAck, heardEdge);

    @ParameterizedTest
    @ValueSource(booleans = {false, true})
    void shouldShowTheClientItsOwnNumbering(boolean unfinished) {
        Segment shown = toClient(acknowledging(heardAck + 1, 1_000).sequence(-7), unfinished);
        assertThat(shown.sequence()).isEqualTo(SEQUENCE_OFFSET - 7);
        assertThat(shown.tsval()).isEqualTo(TIMESTAMP_OFFSET + 3);
        assertThat(shown.tsecr()).isEqualTo(4);
    }

    @ParameterizedTest
    @ValueSource(booleans = {false, true})
    void shouldNotTakeBackWhatTheClientWasTold(boolean unfinished) {
        Segment shown = toClient(acknowledging(heardAck - 500, 100), unfinished);
        assertThat(shown.acknowledgment()).isEqualTo((int) heardAck);
        assertThat(edge(shown)).isEqualTo(heardEdge);
    }

    @Test
    void shouldLeaveAnAcknowledgmentAndAWindowThatGoFurther() {
        Segment shown = toClient(acknowledging(heardAck + 10, 1_000), false);
        assertThat(shown.acknowledgment()).isEqualTo((int) heardAck + 10);
        assertThat(shown.window()).isEqualTo(1_000);
    }

    @Test
    void shouldNeverMoveTheWindowsEdgeToTheLeft() {
        SplittableRandom random = new SplittableRandom(ReverseKit.seed());
        long promised = heardEdge;
        for (int i = 0; i < 2_000; i++) {
            long ack = heardAck + random.nextInt(-500, 1_000);
            int window = random.nextInt(600);
            Segment shown = toClient(acknowledging(ack, window), random.nextBoolean());
            long meant = Math.max(promised, ack + ((long) window << ReverseKit.OFFER.windowScale()));
            assertThat(edge(shown)).isGreaterThanOrEqualTo(meant);
            assertThat(edge(shown) - meant).isLessThan(1 << ReverseKit.OFFER.windowScale());
            promised = edge(shown);
        }
    }

    @Test
    void shouldNotScaleTheWindowOfASyn() {
        Segment shown = toClient(acknowledging(heardAck, 100).flags(Segment.SYN | Segment.ACK), false);
        assertThat(shown.window()).isEqualTo((int) (heardEdge - heardAck));
    }

    @ParameterizedTest
    @ValueSource(booleans = {false, true})
    void shouldRemoveBlocksThatMayBeBehindTheAcknowledgment(boolean unfinished) {
        Segment shown = toClient(acknowledging(heardAck - 1, 1_000).sack(10, 20), unfinished);
        assertThat(shown.sack()).isEmpty();
        assertThat(shown.tsval()).isEqualTo(TIMESTAMP_OFFSET + 3);
    }

    @Test
    void shouldLeaveTheGuestsBlocksThatAreAheadOfTheAcknowledgment() {
        Segment shown = toClient(acknowledging(heardAck, 1_000).sack(-10, 20), false);
        assertThat(shown.sack()).containsExactly(-10, 20);
    }

    @Test
    void shouldGiveARstItsNumberAndNoAcknowledgment() {
        Segment shown = toClient(Segment.withFlags(Segment.RST).sequence(5), false);
        assertThat(shown.sequence()).isEqualTo(SEQUENCE_OFFSET + 5);
        assertThat(shown.acknowledgment()).isZero();
    }

    @ParameterizedTest
    @ValueSource(booleans = {false, true})
    void shouldTellTheGuestInItsOwnNumbering(boolean unfinished) {
        Segment told = toGuest(
                Segment.withFlags(Segment.ACK)
                        .sequence(9)
                        .acknowledgment(300)
                        .window(77)
                        .timestamps(3, TIMESTAMP_OFFSET - 1)
                        .sack(400, 1_500, 2_000, 2_001),
                unfinished);
        assertThat(told.sequence()).isEqualTo(9);
        assertThat(told.acknowledgment()).isEqualTo(300 - SEQUENCE_OFFSET);
        assertThat(told.window()).isEqualTo(77);
        assertThat(told.tsval()).isEqualTo(3);
        assertThat(told.tsecr()).isEqualTo(-1);
        assertThat(told.sack()).containsExactly(-600, 500, 1_000, 1_001);
    }

    @Test
    void shouldTellTheGuestNothingThatASegmentDoesNotSay() {
        Segment told = toGuest(Segment.withFlags(Segment.RST).sequence(9), false);
        assertThat(told.acknowledgment()).isZero();
    }

    @ParameterizedTest
    @ValueSource(booleans = {false, true})
    void shouldReplayWithNumbersOfTheGuestsNewLife(boolean unfinished) {
        MemorySegment frame = ReverseKit.frame(
                FROM_CLIENT,
                Segment.withFlags(Segment.ACK | Segment.PSH)
                        .sequence(9)
                        .acknowledgment(300)
                        .timestamps(3, 4)
                        .sack(400, 500)
                        .payload(ReverseKit.bytes("again")),
                unfinished);
        rewriter.replayed(frame, PREFIX, ReverseKit.view(frame), -2, 88, 33, 44);
        Segment replayed = ReverseKit.read(frame);
        assertThat(replayed.sequence()).isEqualTo(9);
        assertThat(replayed.acknowledgment()).isEqualTo(-2);
        assertThat(replayed.window()).isEqualTo(88);
        assertThat(replayed.tsval()).isEqualTo(33);
        assertThat(replayed.tsecr()).isEqualTo(44);
        assertThat(replayed.sack()).isEmpty();
        assertThat(ReverseKit.text(replayed)).isEqualTo("again");
    }

    @ParameterizedTest
    @ValueSource(booleans = {false, true})
    void shouldTakeTheFinAway(boolean unfinished) {
        MemorySegment frame = ReverseKit.frame(FROM_GUEST, Segment.withFlags(Segment.FIN | Segment.ACK), unfinished);
        rewriter.clearFin(frame, PREFIX, ReverseKit.view(frame));
        assertThat(ReverseKit.read(frame).flags()).isEqualTo(Segment.ACK);
    }

    /** Without prefixes, what stands before a frame is nobody's. */
    @Test
    void shouldFinishEveryChecksumWhereFramesHaveNoPrefix() {
        MemorySegment frame = ReverseKit.frame(FROM_CLIENT, Segment.withFlags(Segment.ACK));
        frame.asSlice(0, PREFIX).fill((byte) 0xff);
        new SegmentRewriter(0).toGuest(frame, PREFIX, ReverseKit.view(frame), translation);
        frame.asSlice(0, PREFIX).fill((byte) 0);
        assertThat(ReverseKit.read(frame).acknowledgment()).isEqualTo(-SEQUENCE_OFFSET);
    }

    @Test
    void shouldRoundAWindowUpAndNeverBeyondItsField() {
        assertThat(SegmentRewriter.window(1, 7)).isEqualTo(1);
        assertThat(SegmentRewriter.window(128, 7)).isEqualTo(1);
        assertThat(SegmentRewriter.window(129, 7)).isEqualTo(2);
        assertThat(SegmentRewriter.window(-1, 7)).isZero();
        assertThat(SegmentRewriter.window(1L << 40, 7)).isEqualTo(0xffff);
    }

    private static Segment.Builder acknowledging(long ack, int window) {
        return Segment.withFlags(Segment.ACK)
                .acknowledgment((int) ack)
                .window(window)
                .timestamps(3, 4);
    }

    private Segment toClient(Segment.Builder segment, boolean unfinished) {
        MemorySegment frame = ReverseKit.frame(FROM_GUEST, segment, unfinished);
        rewriter.toClient(frame, PREFIX, ReverseKit.view(frame), ledger, translation);
        return ReverseKit.read(frame);
    }

    private Segment toGuest(Segment.Builder segment, boolean unfinished) {
        MemorySegment frame = ReverseKit.frame(FROM_CLIENT, segment, unfinished);
        rewriter.toGuest(frame, PREFIX, ReverseKit.view(frame), translation);
        return ReverseKit.read(frame);
    }

    private long edge(Segment shown) {
        return SequenceNumbers.unwrap(heardAck, shown.acknowledgment())
                + ((long) shown.window() << ReverseKit.OFFER.windowScale());
    }
}
