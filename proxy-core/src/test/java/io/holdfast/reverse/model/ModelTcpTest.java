package io.holdfast.reverse.model;

import static org.assertj.core.api.Assertions.assertThat;

import io.holdfast.reverse.model.Exchange.Faults;
import java.util.ArrayList;
import java.util.List;
import java.util.SplittableRandom;
import java.util.random.RandomGenerator;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.ValueSource;

class ModelTcpTest {

    private static final int EXCHANGES = 3_000;
    private static final int CLEAN_EXCHANGES = 300;
    private static final long MILLI = 1_000_000;
    private static final int CLIENT_ISN = -3;
    private static final int SERVER_ISN = -2;
    private static final int CLIENT_CLOCK = -5;
    private static final int SERVER_CLOCK = 1_000;

    private final long seed = Long.getLong("holdfast.seed", System.nanoTime());
    private final RandomGenerator random = new SplittableRandom(seed);
    private long nowNanos = 50 * MILLI;
    private ModelTcp client = ModelTcp.connect(config(CLIENT_ISN, CLIENT_CLOCK).build(), random);
    private ModelTcp server = client;

    @Test
    void shouldBringAllBytesOverALossyNetwork() {
        for (int i = 0; i < EXCHANGES; i++) {
            long exchangeSeed = seed + i;
            RandomGenerator choices = new SplittableRandom(exchangeSeed);
            Faults faults = new Faults(choices.nextInt(12), choices.nextInt(12), 1 + choices.nextLong(8 * MILLI));
            Exchange exchange = randomExchange(choices, faults);
            assertThat(exchange.run()).as("seed %d ends", exchangeSeed).isTrue();
            for (Exchange.End end : List.of(exchange.client(), exchange.server())) {
                Verdicts verdicts = end.tcp().verdicts();
                assertThat(end.isComplete())
                        .as("seed %d %s", exchangeSeed, end.tcp())
                        .isTrue();
                long late = verdicts.count(Verdict.PAWS) + verdicts.count(Verdict.ACK_TOO_OLD);
                assertThat(verdicts.faultCount())
                        .as("seed %d %s", exchangeSeed, verdicts)
                        .isEqualTo(late);
            }
        }
    }

    @Test
    void shouldJudgeNothingInACleanExchange() {
        for (int i = 0; i < CLEAN_EXCHANGES; i++) {
            long exchangeSeed = seed + i;
            Exchange exchange = randomExchange(new SplittableRandom(exchangeSeed), Faults.NONE);
            assertThat(exchange.run()).as("seed %d ends", exchangeSeed).isTrue();
            for (Exchange.End end : List.of(exchange.client(), exchange.server())) {
                assertThat(end.isComplete())
                        .as("seed %d %s", exchangeSeed, end.tcp())
                        .isTrue();
                Verdicts verdicts = end.tcp().verdicts();
                // Probes of a closed window are old by intention.
                assertThat(verdicts.faultCount())
                        .as("seed %d %s", exchangeSeed, verdicts)
                        .isZero();
                assertThat(verdicts.entries())
                        .as("seed %d", exchangeSeed)
                        .allMatch(e -> e.segment().length() == 0);
                assertThat(end.tcp().retransmissions())
                        .as("seed %d", exchangeSeed)
                        .isZero();
            }
        }
    }

    @ParameterizedTest
    @CsvSource({"true,true,true", "false,true,true", "true,false,true", "true,true,false", "false,false,false"})
    void shouldUseAnOptionOnlyIfBothOfferIt(boolean timestamps, boolean sack, boolean scaling) {
        int scale = scaling ? 3 : Segment.NO_WINDOW_SCALE;
        open(
                config(CLIENT_ISN, CLIENT_CLOCK),
                config(SERVER_ISN, SERVER_CLOCK)
                        .timestamps(timestamps)
                        .sack(sack)
                        .windowScale(scale));
        client.write(new byte[3_000]);
        List<Segment> data = outputOf(client);
        server.onSegment(data.get(2), nowNanos);
        Segment answer = only(outputOf(server));
        assertThat(answer.hasTimestamps()).isEqualTo(timestamps);
        assertThat(answer.sack().length > 0).isEqualTo(sack);
        assertThat(data.getFirst().window()).isEqualTo(scaling ? (64 << 10) >> 5 : 0xffff);
        assertThat(data.getFirst().payload()).hasSize(timestamps ? 1448 : 1460);
    }

    @Test
    void shouldGoOnFromASnapshotWithoutTouchingTheOriginal() {
        open();
        client.write(new byte[20_000]);
        List<Segment> data = outputOf(client);
        server.onSegment(data.get(0), nowNanos);
        server.onSegment(data.get(2), nowNanos);
        String before = server.toString();
        ModelTcp copy = server.copy(new SplittableRandom(1));
        ModelTcp again = server.copy(new SplittableRandom(1));

        for (Segment segment : data) {
            copy.onSegment(segment, nowNanos + MILLI);
        }
        copy.read(7_000);
        copy.write(new byte[5_000]);
        copy.close();
        outputOf(copy);
        copy.onTime(nowNanos + 1_000 * MILLI);

        assertThat(server.toString()).isEqualTo(before);
        assertThat(textsOf(outputOf(server))).isEqualTo(textsOf(outputOf(again)));
        assertThat(server.readableBytes()).isEqualTo(1448);
    }

    @Test
    void shouldDoInAChainOfSnapshotsWhatItDoesInOneLife() {
        for (int i = 0; i < CLEAN_EXCHANGES; i++) {
            long exchangeSeed = seed + i;
            Faults faults = new Faults(5, 5, 4 * MILLI);
            Exchange oneLife =
                    randomExchange(new SplittableRandom(exchangeSeed), faults).traced();
            Exchange manyLives = randomExchange(new SplittableRandom(exchangeSeed), faults)
                    .traced()
                    .inManyLives();
            assertThat(oneLife.run()).as("seed %d ends", exchangeSeed).isTrue();
            assertThat(manyLives.run()).as("seed %d ends", exchangeSeed).isTrue();
            assertThat(manyLives.traceHash()).as("seed %d", exchangeSeed).isEqualTo(oneLife.traceHash());
            assertThat(countersOf(manyLives.client().tcp()))
                    .isEqualTo(countersOf(oneLife.client().tcp()));
            assertThat(countersOf(manyLives.server().tcp()))
                    .isEqualTo(countersOf(oneLife.server().tcp()));
        }
    }

    @Test
    void shouldCloseInASnapshotThatWasTakenBeforeTheFin() {
        open();
        client.close();
        client = client.copy(random);
        assertThat(only(outputOf(client)).has(Segment.FIN)).isTrue();
    }

    @Test
    void shouldResetInASnapshotThatWasTakenBeforeTheReset() {
        open();
        client.abort();
        client = client.copy(random);
        server.onSegment(only(outputOf(client)), nowNanos);
        assertThat(server.copy(random).isReset()).isTrue();
    }

    @Test
    void shouldCutSegmentsElsewhereInAnotherLife() {
        open(config(CLIENT_ISN, CLIENT_CLOCK), config(SERVER_ISN, SERVER_CLOCK).cutPercent(50));
        server.write(new byte[10_000]);
        List<String> first = textsOf(outputOf(server.copy(new SplittableRandom(1))));
        List<String> second = textsOf(outputOf(server.copy(new SplittableRandom(2))));
        List<String> sameAsFirst = textsOf(outputOf(server.copy(new SplittableRandom(1))));
        assertThat(second).isNotEqualTo(first);
        assertThat(sameAsFirst).isEqualTo(first);
    }

    @Test
    void shouldStateItsPositionToAProbe() {
        open();
        client.onSegment(fromServer().sequence(client.rcvNxt() - 1).build(), nowNanos);
        Segment answer = only(outputOf(client));
        assertThat(answer.acknowledgment()).isEqualTo(client.rcvNxt());
        assertThat(answer.length()).isZero();
    }

    @Test
    void shouldAnswerOnlyOneProbeInAWhile() {
        open();
        Segment probe = fromServer().sequence(client.rcvNxt() - 1).build();
        client.onSegment(probe, nowNanos);
        client.onSegment(probe, nowNanos + 499 * MILLI);
        assertThat(outputOf(client)).hasSize(1);
        client.onSegment(probe, nowNanos + 500 * MILLI);
        assertThat(outputOf(client)).hasSize(1);
    }

    @Test
    void shouldAnswerOldDataAtOnce() {
        open();
        server.write(new byte[100]);
        Segment data = only(outputOf(server));
        client.onSegment(data, nowNanos);
        assertThat(outputOf(client)).hasSize(1);
        client.onSegment(data, nowNanos);
        assertThat(client.verdicts().count(Verdict.OLD_DUPLICATE)).isEqualTo(1);
        assertThat(outputOf(client)).hasSize(1);
        assertThat(client.readableBytes()).isEqualTo(100);
    }

    @Test
    void shouldRefuseDataBeyondTheWindow() {
        open();
        client.onSegment(
                fromServer().sequence(client.rcvEdge()).payload(new byte[10]).build(), nowNanos);
        assertThat(client.verdicts().count(Verdict.FUTURE)).isEqualTo(1);
        assertThat(outputOf(client)).hasSize(1);
    }

    @Test
    void shouldDropAnOldTimestampAndAnswer() {
        open();
        Segment segment = fromServer()
                .timestamps(SERVER_CLOCK - 1, CLIENT_CLOCK + 50)
                .payload(new byte[10])
                .build();
        client.onSegment(segment, nowNanos);
        assertThat(client.verdicts().count(Verdict.PAWS)).isEqualTo(1);
        assertThat(client.readableBytes()).isZero();
        assertThat(outputOf(client)).hasSize(1);
    }

    @Test
    void shouldTellAnOldTimestampThatBringsNothing() {
        open();
        client.onSegment(
                fromServer().timestamps(SERVER_CLOCK - 1, CLIENT_CLOCK + 50).build(), nowNanos);
        assertThat(client.verdicts().count(Verdict.PAWS_OLD)).isEqualTo(1);
    }

    @Test
    void shouldNotBelieveATimestampOfASegmentOutOfOrder() {
        open();
        Segment.Builder early = fromServer().sequence(client.rcvNxt() + 10).payload(new byte[10]);
        client.onSegment(early.timestamps(SERVER_CLOCK + 90, CLIENT_CLOCK + 50).build(), nowNanos);
        client.onSegment(fromServer().payload(new byte[10]).build(), nowNanos);
        assertThat(client.readableBytes()).isEqualTo(20);
    }

    @Test
    void shouldBeResetWhateverTheTimestamp() {
        open();
        client.onSegment(
                fromServer().flags(Segment.RST).timestamps(SERVER_CLOCK - 99, 0).build(), nowNanos);
        assertThat(client.isReset()).isTrue();
    }

    @Test
    void shouldDropASegmentWithoutTheTimestampThatWasAgreedOn() {
        open();
        client.onSegment(fromServer().withoutTimestamps().payload(new byte[1]).build(), nowNanos);
        assertThat(client.verdicts().count(Verdict.MISSING_TIMESTAMP)).isEqualTo(1);
        assertThat(client.readableBytes()).isZero();
    }

    @Test
    void shouldNoticeAnEchoThatItNeverSent() {
        open();
        client.onSegment(
                fromServer().timestamps(SERVER_CLOCK + 60, CLIENT_CLOCK + 51).build(), nowNanos);
        assertThat(client.verdicts().count(Verdict.BAD_ECHO)).isEqualTo(1);
    }

    @Test
    void shouldBeResetAtExactlyItsPosition() {
        open();
        client.onSegment(fromServer().flags(Segment.RST).build(), nowNanos);
        assertThat(client.isReset()).isTrue();
        assertThat(client.isClosed()).isTrue();
    }

    @Test
    void shouldChallengeAResetElsewhereInTheWindow() {
        open();
        client.onSegment(
                fromServer().flags(Segment.RST).sequence(client.rcvNxt() + 1).build(), nowNanos);
        assertThat(client.isReset()).isFalse();
        assertThat(client.verdicts().count(Verdict.CHALLENGED_RST)).isEqualTo(1);
        assertThat(only(outputOf(client)).acknowledgment()).isEqualTo(client.rcvNxt());
    }

    @ParameterizedTest
    @ValueSource(ints = {-3, 1 << 20})
    void shouldBeSilentToAResetOutsideTheWindow(int distance) {
        open();
        Segment.Builder segment = fromServer().flags(Segment.RST);
        client.onSegment(segment.sequence(client.rcvNxt() + distance).build(), nowNanos);
        assertThat(client.isReset()).isFalse();
        assertThat(outputOf(client)).isEmpty();
    }

    @Test
    void shouldChallengeASynOfAnotherConnection() {
        open();
        server.onSegment(
                Segment.withFlags(Segment.SYN).sequence(server.rcvNxt() + 99).build(), nowNanos);
        assertThat(server.verdicts().count(Verdict.CHALLENGED_SYN)).isEqualTo(1);
        assertThat(only(outputOf(server)).acknowledgment()).isEqualTo(server.rcvNxt());
    }

    @Test
    void shouldDropDataWithAnAcknowledgmentOfWhatWasNotSent() {
        open();
        Segment segment = fromServer()
                .acknowledgment(client.sndNxt() + 1)
                .payload(new byte[10])
                .build();
        client.onSegment(segment, nowNanos);
        assertThat(client.verdicts().count(Verdict.ACK_TOO_NEW)).isEqualTo(1);
        assertThat(client.readableBytes()).isZero();
        assertThat(outputOf(client)).hasSize(1);
    }

    @Test
    void shouldDropDataWithAnAcknowledgmentFromBeforeTheConnection() {
        open();
        Segment segment = fromServer()
                .acknowledgment(CLIENT_ISN - 1)
                .payload(new byte[10])
                .build();
        client.onSegment(segment, nowNanos);
        assertThat(client.verdicts().count(Verdict.ACK_TOO_OLD)).isEqualTo(1);
        assertThat(client.readableBytes()).isZero();
        assertThat(outputOf(client)).hasSize(1);
    }

    @Test
    void shouldTakeDataWithAnOldAcknowledgmentWithinTheWindow() {
        open();
        client.write(new byte[1_000]);
        exchange();
        Segment segment = fromServer()
                .acknowledgment(client.sndUna() - 1_000)
                .payload(new byte[10])
                .build();
        client.onSegment(segment, nowNanos);
        assertThat(client.readableBytes()).isEqualTo(10);
        assertThat(client.verdicts().entries()).isEmpty();
    }

    @Test
    void shouldNoticeABlockOfWhatWasNotSent() {
        open();
        client.write(new byte[1_000]);
        outputOf(client);
        int next = client.sndNxt();
        client.onSegment(fromServer().sack(next - 10, next).build(), nowNanos);
        assertThat(client.verdicts().entries()).isEmpty();
        client.onSegment(fromServer().sack(next - 10, next + 1).build(), nowNanos);
        assertThat(client.verdicts().count(Verdict.BAD_SACK)).isEqualTo(1);
    }

    @Test
    void shouldNoticeABlockThatIsTakenBack() {
        open();
        client.write(new byte[1_000]);
        outputOf(client);
        int una = client.sndUna();
        client.onSegment(
                fromServer().acknowledgment(una).sack(una + 100, una + 500).build(), nowNanos);
        client.onSegment(fromServer().acknowledgment(una + 200).build(), nowNanos);
        assertThat(client.verdicts().count(Verdict.SACK_RENEGED)).isEqualTo(1);
    }

    @Test
    void shouldSendAgainWhatWasTakenBack() {
        open();
        client.write(new byte[1_000]);
        outputOf(client);
        int una = client.sndUna();
        client.onSegment(
                fromServer().acknowledgment(una).sack(una + 100, una + 500).build(), nowNanos);
        client.onSegment(fromServer().acknowledgment(una + 200).build(), nowNanos);
        client.onTime(client.nextTimerNanos());
        Segment again = only(outputOf(client));
        assertThat(again.sequence()).isEqualTo(una + 200);
        assertThat(again.payload()).hasSize(800);
    }

    @Test
    void shouldNoticeAWindowThatShrinks() {
        open();
        client.write(new byte[1_000]);
        outputOf(client);
        Segment.Builder later = fromServer().acknowledgment(client.sndNxt());
        client.onSegment(later.window(later.build().window() - 100).build(), nowNanos);
        assertThat(client.verdicts().count(Verdict.WINDOW_SHRUNK)).isEqualTo(1);
    }

    @Test
    void shouldNotSendAgainWhatTheBlocksReport() {
        open();
        client.write(new byte[8 * 1448]);
        List<Segment> data = outputOf(client);
        for (int i : new int[] {1, 2, 4, 5, 6}) {
            server.onSegment(data.get(i), nowNanos);
            outputOf(server).forEach(ack -> client.onSegment(ack, nowNanos));
        }
        assertThat(outputOf(client))
                .extracting(Segment::sequence)
                .containsExactly(data.get(0).sequence(), data.get(3).sequence());
    }

    @Test
    void shouldSendAgainAfterThreeDuplicateAcknowledgments() {
        open(config(CLIENT_ISN, CLIENT_CLOCK).sack(false), config(SERVER_ISN, SERVER_CLOCK));
        client.write(new byte[10]);
        exchange();
        client.write(new byte[5 * 1448]);
        List<Segment> data = outputOf(client);
        for (int i = 1; i <= 3; i++) {
            assertThat(outputOf(client)).isEmpty();
            server.onSegment(data.get(i), nowNanos);
            outputOf(server).forEach(ack -> client.onSegment(ack, nowNanos));
        }
        assertThat(only(outputOf(client)).sequence()).isEqualTo(data.getFirst().sequence());
    }

    @Test
    void shouldSendAgainAfterADoublingTimeoutAndGiveUp() {
        open();
        client.write(new byte[10]);
        outputOf(client);
        long sentNanos = nowNanos;
        for (long wait : new long[] {200, 400, 800, 1_600, 2_000, 2_000}) {
            assertThat(client.nextTimerNanos() - sentNanos).isEqualTo(wait * MILLI);
            sentNanos = client.nextTimerNanos();
            client.onTime(sentNanos);
            assertThat(outputOf(client)).hasSize(1);
        }
        while (!client.isClosed()) {
            client.onTime(client.nextTimerNanos());
        }
        assertThat(client.copy(random).isTimedOut()).isTrue();
    }

    @Test
    void shouldProbeAClosedWindowAndGoOnWhenItOpens() {
        open(
                config(CLIENT_ISN, CLIENT_CLOCK),
                config(SERVER_ISN, SERVER_CLOCK).receiveCapacityBytes(4_096).windowScale(0));
        client.write(new byte[10_000]);
        exchange();
        assertThat(server.readableBytes()).isEqualTo(4_096);
        client.onTime(client.nextTimerNanos());
        client = client.copy(random);
        Segment probe = only(outputOf(client));
        assertThat(probe.sequence()).isEqualTo(client.sndUna() - 1);
        assertThat(probe.length()).isZero();
        for (int i = 0; i < 3; i++) {
            server.read(10_000);
            exchange();
        }
        assertThat(server.bytesReceived()).isEqualTo(10_000);
    }

    @Test
    void shouldDelayAnAcknowledgment() {
        open(config(CLIENT_ISN, CLIENT_CLOCK), config(SERVER_ISN, SERVER_CLOCK).delayedAckNanos(40 * MILLI));
        client.write(new byte[10]);
        server.onSegment(only(outputOf(client)), nowNanos);
        assertThat(outputOf(server)).isEmpty();
        server.onTime(nowNanos + 40 * MILLI);
        assertThat(only(outputOf(server)).acknowledgment()).isEqualTo(client.sndNxt());
    }

    @Test
    void shouldGoOnReceivingAfterItHasClosed() {
        open();
        client.close();
        exchange();
        assertThat(client.state()).isEqualTo(ModelTcp.State.FIN_WAIT_2);
        assertThat(server.isEndOfStream()).isTrue();
        server.write(new byte[5_000]);
        exchange();
        assertThat(client.readableBytes()).isEqualTo(5_000);
        server.close();
        exchange();
        assertThat(client.state()).isEqualTo(ModelTcp.State.TIME_WAIT);
        assertThat(server.isClosed()).isTrue();
    }

    @Test
    void shouldAnswerAFinAgainInTimeWait() {
        open();
        client.close();
        exchange();
        server.close();
        Segment fin = only(outputOf(server));
        client.onSegment(fin, nowNanos);
        outputOf(client);
        client.onSegment(fin, nowNanos);
        assertThat(only(outputOf(client)).acknowledgment()).isEqualTo(fin.endSequence());
        client.onTime(client.nextTimerNanos());
        assertThat(client.isClosed()).isTrue();
    }

    @Test
    void shouldResetThePeerWhenItAborts() {
        open();
        client.abort();
        server.onSegment(only(outputOf(client)), nowNanos);
        assertThat(server.isReset()).isTrue();
    }

    @Test
    void shouldRefuseAnAnswerToAnotherSyn() {
        only(outputOf(client));
        Segment stale = Segment.withFlags(Segment.SYN | Segment.ACK)
                .acknowledgment(CLIENT_ISN)
                .build();
        client.onSegment(stale, nowNanos);
        Segment answer = only(outputOf(client));
        assertThat(answer.has(Segment.RST)).isTrue();
        assertThat(answer.sequence()).isEqualTo(CLIENT_ISN);
        assertThat(client.state()).isEqualTo(ModelTcp.State.SYN_SENT);
    }

    @ParameterizedTest
    @EnumSource(Verdict.class)
    void shouldDescribeNoMoreThanTheFirstFew(Verdict verdict) {
        Verdicts verdicts = new Verdicts();
        Segment segment = Segment.withFlags(Segment.ACK).build();
        for (int i = 0; i < 100; i++) {
            verdicts.add(new Verdicts.Entry(verdict, segment, i, 0, 0, 0));
        }
        assertThat(verdicts.count(verdict)).isEqualTo(100);
        assertThat(verdicts.entries()).hasSize(Verdicts.MAX_DESCRIBED);
        assertThat(verdicts.faultCount()).isEqualTo(verdict.isOrdinary() ? 0 : 100);
    }

    private static List<Object> countersOf(ModelTcp tcp) {
        return List.of(
                tcp.bytesRead(),
                tcp.bytesReceived(),
                tcp.bytesWritten(),
                tcp.retransmissions(),
                tcp.verdicts().toString());
    }

    private static TcpConfig.Builder config(int initialSequence, int clockOffsetMillis) {
        return TcpConfig.linux()
                .initialSequence(initialSequence)
                .clockOffsetMillis(clockOffsetMillis)
                .windowScale(5)
                .delayedAckNanos(0);
    }

    private void open() {
        open(config(CLIENT_ISN, CLIENT_CLOCK), config(SERVER_ISN, SERVER_CLOCK));
    }

    private void open(TcpConfig.Builder clientConfig, TcpConfig.Builder serverConfig) {
        client = ModelTcp.connect(clientConfig.build(), random);
        server = ModelTcp.accept(serverConfig.build(), random, only(outputOf(client)));
        exchange();
        assertThat(client.state()).isEqualTo(ModelTcp.State.ESTABLISHED);
        assertThat(server.state()).isEqualTo(ModelTcp.State.ESTABLISHED);
    }

    /** Lets both send until neither has anything to say. */
    private void exchange() {
        List<Segment> fromServer = outputOf(server);
        List<Segment> fromClient = outputOf(client);
        while (!fromServer.isEmpty() || !fromClient.isEmpty()) {
            fromServer.forEach(segment -> client.onSegment(segment, nowNanos));
            fromClient.forEach(segment -> server.onSegment(segment, nowNanos));
            fromServer = outputOf(server);
            fromClient = outputOf(client);
        }
    }

    /** A segment as the server would send it now, to be spoilt. */
    private Segment.Builder fromServer() {
        return Segment.withFlags(Segment.ACK)
                .sequence(client.rcvNxt())
                .acknowledgment(client.sndUna())
                .window((64 << 10) >> 5)
                .timestamps(SERVER_CLOCK + 50, CLIENT_CLOCK + 50);
    }

    private List<Segment> outputOf(ModelTcp tcp) {
        List<Segment> output = new ArrayList<>();
        for (Segment s = tcp.pollOutput(nowNanos); s != null; s = tcp.pollOutput(nowNanos)) {
            output.add(s);
        }
        return output;
    }

    private static Segment only(List<Segment> segments) {
        assertThat(segments).hasSize(1);
        return segments.getFirst();
    }

    private static List<String> textsOf(List<Segment> segments) {
        return segments.stream().map(Segment::toString).toList();
    }

    static Exchange randomExchange(RandomGenerator choices, Faults faults) {
        byte[] fromClient = new byte[choices.nextInt(40_000)];
        byte[] fromServer = new byte[choices.nextInt(40_000)];
        choices.nextBytes(fromClient);
        choices.nextBytes(fromServer);
        return new Exchange(choices, faults, randomConfig(choices), fromClient, randomConfig(choices), fromServer);
    }

    private static TcpConfig randomConfig(RandomGenerator choices) {
        int scale = choices.nextInt(-1, 1 + TcpConfig.MAX_WINDOW_SCALE);
        int unit = 1 << Math.max(0, scale);
        return TcpConfig.linux()
                .initialSequence(-choices.nextInt(60_000))
                .clockOffsetMillis(choices.nextBoolean() ? choices.nextInt() : -choices.nextInt(2_000))
                .mss(choices.nextInt(200, 1_461))
                .timestamps(choices.nextInt(4) > 0)
                .sack(choices.nextInt(4) > 0)
                .windowScale(scale)
                .sendCapacityBytes(choices.nextInt(1_000, 70_000))
                .receiveCapacityBytes(unit + choices.nextInt(1_000, 70_000))
                .delayedAckNanos(choices.nextBoolean() ? 0 : 40 * MILLI)
                .cutPercent(choices.nextInt(3) * 20)
                .answerIntervalNanos(choices.nextBoolean() ? 0 : 500 * MILLI)
                .build();
    }
}
