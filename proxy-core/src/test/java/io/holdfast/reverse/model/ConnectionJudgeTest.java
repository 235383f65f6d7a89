package io.holdfast.reverse.model;

import static org.assertj.core.api.Assertions.assertThat;

import io.holdfast.reverse.model.Exchange.Faults;
import java.util.EnumMap;
import java.util.EnumSet;
import java.util.Map;
import java.util.Set;
import java.util.SplittableRandom;
import java.util.random.RandomGenerator;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

class ConnectionJudgeTest {

    private static final int EXCHANGES = 150;
    private static final long MILLI = 1_000_000;
    private static final int CLIENT = -4;
    private static final int GUEST = -3;
    private static final int WINDOW = 1000;

    private final Verdicts verdicts = new Verdicts();
    private final ConnectionJudge judge = new ConnectionJudge(
            Segment.withFlags(Segment.SYN)
                    .sequence(CLIENT - 1)
                    .window(WINDOW)
                    .sackPermitted(true)
                    .timestamps(100, 0)
                    .build(),
            verdicts);

    @BeforeEach
    void open() {
        judge.onGuestSegment(
                Segment.withFlags(Segment.SYN | Segment.ACK)
                        .sequence(GUEST - 1)
                        .acknowledgment(CLIENT)
                        .window(WINDOW)
                        .sackPermitted(true)
                        .timestamps(-1, 100)
                        .build(),
                0);
        judge.onClientSegment(
                fromClient(0, 0).payload(new byte[10]).timestamps(101, -1).build());
    }

    @Test
    void shouldFindNoFaultWithWhatComesInOrder() {
        judge.onGuestSegment(fromGuest(0, 10).payload(new byte[20]).build(), 0);
        judge.onGuestSegment(fromGuest(20, 10).payload(new byte[20]).build(), 0);
        assertThat(verdicts.entries()).isEmpty();
        assertThat(judge.rcvNxt()).isEqualTo(GUEST + 40);
    }

    @Test
    void shouldTakeARetransmissionForNoFault() {
        judge.onGuestSegment(fromGuest(0, 10).payload(new byte[20]).build(), 0);
        judge.onGuestSegment(fromGuest(0, 10).payload(new byte[20]).build(), 0);
        assertThat(verdicts.count(Verdict.OLD_DUPLICATE)).isEqualTo(1);
        assertThat(verdicts.faultCount()).isZero();
    }

    @Test
    void shouldTellAStaleSegmentFromARetransmission() {
        judge.onGuestSegment(
                fromGuest(0, 10).payload(new byte[20]).timestamps(5, 101).build(), 0);
        judge.onGuestSegment(
                fromGuest(0, 10).payload(new byte[20]).timestamps(4, 101).build(), 0);
        assertThat(verdicts.count(Verdict.PAWS_OLD)).isEqualTo(1);
    }

    @Test
    void shouldFindAClockThatWentBack() {
        judge.onGuestSegment(fromGuest(0, 10).timestamps(5, 101).build(), 0);
        judge.onGuestSegment(
                fromGuest(0, 10).payload(new byte[20]).timestamps(4, 101).build(), 0);
        assertOnlyFault(Verdict.PAWS);
    }

    @Test
    void shouldFindAMissingTimestamp() {
        judge.onGuestSegment(fromGuest(0, 10).withoutTimestamps().build(), 0);
        assertOnlyFault(Verdict.MISSING_TIMESTAMP);
    }

    @Test
    void shouldFindAnEchoOfAnUnknownClock() {
        judge.onGuestSegment(fromGuest(0, 10).timestamps(0, 102).build(), 0);
        assertOnlyFault(Verdict.BAD_ECHO);
    }

    @Test
    void shouldFindWhatIsBeyondTheWindow() {
        judge.onGuestSegment(fromGuest(WINDOW, 10).payload(new byte[1]).build(), 0);
        assertOnlyFault(Verdict.FUTURE);
    }

    @Test
    void shouldFindWhatIsPartlyBeyondTheWindow() {
        judge.onGuestSegment(fromGuest(WINDOW - 1, 10).payload(new byte[2]).build(), 0);
        assertOnlyFault(Verdict.FUTURE);
    }

    @Test
    void shouldFindAnAcknowledgementOfWhatTheClientHasNotSent() {
        judge.onGuestSegment(fromGuest(0, 11).build(), 0);
        assertOnlyFault(Verdict.ACK_TOO_NEW);
    }

    @Test
    void shouldFindAnAcknowledgementFromBeforeTheConnection() {
        judge.onGuestSegment(fromGuest(0, -1).build(), 0);
        assertOnlyFault(Verdict.ACK_TOO_OLD);
    }

    @Test
    void shouldFindAnAcknowledgementThatIsOlderThanTheWindow() {
        judge.onClientSegment(
                fromClient(10, 0).payload(new byte[WINDOW]).timestamps(101, -1).build());
        judge.onGuestSegment(fromGuest(0, WINDOW + 10).build(), 0);
        judge.onGuestSegment(fromGuest(0, 9).build(), 0);
        assertOnlyFault(Verdict.ACK_TOO_OLD);
    }

    @Test
    void shouldFindAResetBesideTheNextNumber() {
        judge.onGuestSegment(Segment.withFlags(Segment.RST).sequence(GUEST + 1).build(), 0);
        assertOnlyFault(Verdict.CHALLENGED_RST);
    }

    @Test
    void shouldFindNoFaultWithAResetAtTheNextNumber() {
        judge.onGuestSegment(Segment.withFlags(Segment.RST).sequence(GUEST).build(), 0);
        assertThat(verdicts.entries()).isEmpty();
    }

    @Test
    void shouldFindAnotherSyn() {
        judge.onGuestSegment(fromGuest(0, 10).addFlags(Segment.SYN).build(), 0);
        assertOnlyFault(Verdict.CHALLENGED_SYN);
    }

    @Test
    void shouldFindABlockThatTheClientHasNotSent() {
        judge.onGuestSegment(fromGuest(0, 0).sack(CLIENT + 5, CLIENT + 11).build(), 0);
        assertOnlyFault(Verdict.BAD_SACK);
    }

    @Test
    void shouldFindNoFaultWithTheReportOfADuplicate() {
        judge.onGuestSegment(fromGuest(0, 10).sack(CLIENT, CLIENT + 5).build(), 0);
        assertThat(verdicts.entries()).isEmpty();
    }

    @Test
    void shouldFindAnEdgeThatMovesLeft() {
        judge.onGuestSegment(fromGuest(0, 10).build(), 0);
        judge.onGuestSegment(
                fromGuest(0, 10).window(WINDOW - 1).timestamps(1, 101).build(), 0);
        assertOnlyFault(Verdict.WINDOW_SHRUNK);
    }

    @Test
    void shouldFindTheFaultsThatTheClientItselfFinds() {
        long seed = Long.getLong("holdfast.seed", System.nanoTime());
        Map<Verdict, Long> found = new EnumMap<>(Verdict.class);
        for (int i = 0; i < EXCHANGES; i++) {
            SplittableRandom choices = new SplittableRandom(seed + i);
            Faults faults = new Faults(choices.nextInt(4), choices.nextInt(4), 1 + choices.nextLong(8 * MILLI));
            Verdicts bystanders = new Verdicts();
            Exchange exchange = ModelTcpTest.randomExchange(choices, faults)
                    .through(segment -> segment, segment -> damaged(segment, choices))
                    .watchedBy(bystanders);
            exchange.run();
            Verdicts clients = exchange.client().tcp().verdicts();
            for (Verdict verdict : comparable()) {
                assertThat(bystanders.count(verdict))
                        .as("seed %d, %s: the client %s, the bystander %s", seed + i, verdict, clients, bystanders)
                        .isEqualTo(clients.count(verdict));
                found.merge(verdict, clients.count(verdict), Long::sum);
            }
        }
        assertThat(found).doesNotContainValue(0L);
    }

    /** A block that is taken back is not among them: no number of the segment is wrong. */
    private static Set<Verdict> comparable() {
        return EnumSet.of(
                Verdict.FUTURE,
                Verdict.PAWS,
                Verdict.BAD_ECHO,
                Verdict.ACK_TOO_NEW,
                Verdict.ACK_TOO_OLD,
                Verdict.BAD_SACK,
                Verdict.WINDOW_SHRUNK);
    }

    /** Now and then, one without data that says something wrong, so that the connection survives it. */
    private static Segment damaged(Segment segment, RandomGenerator choices) {
        if (segment.length() > 0 || segment.has(Segment.RST) || choices.nextInt(8) > 0) {
            return segment;
        }
        Segment.Builder damaged = segment.toBuilder();
        return switch (choices.nextInt(6)) {
            case 0 -> damaged.sequence(segment.sequence() + (1 << 30)).build();
            case 1 ->
                damaged.acknowledgment(segment.acknowledgment() + (1 << 29)).build();
            case 2 ->
                damaged.acknowledgment(segment.acknowledgment() - (1 << 30)).build();
            case 3 -> damaged.window(segment.window() / 2).build();
            case 4 ->
                damaged.sack(segment.acknowledgment() + 1, segment.acknowledgment() + (1 << 29))
                        .build();
            default ->
                segment.hasTimestamps()
                        ? damaged.timestamps(segment.tsval(), segment.tsecr() + (1 << 30))
                                .build()
                        : segment;
        };
    }

    private void assertOnlyFault(Verdict verdict) {
        assertThat(verdicts.count(verdict)).isEqualTo(1);
        assertThat(verdicts.entries()).hasSize(1);
    }

    private static Segment.Builder fromClient(int sequence, int acknowledgment) {
        return Segment.withFlags(Segment.ACK)
                .sequence(CLIENT + sequence)
                .acknowledgment(GUEST + acknowledgment)
                .window(WINDOW);
    }

    private static Segment.Builder fromGuest(int sequence, int acknowledgment) {
        return Segment.withFlags(Segment.ACK)
                .sequence(GUEST + sequence)
                .acknowledgment(CLIENT + acknowledgment)
                .window(WINDOW)
                .timestamps(0, 101);
    }
}
