package io.holdfast.reverse;

import static io.holdfast.reverse.ReverseKit.GUEST_PORT;
import static io.holdfast.testkit.FrameBuilder.ethernet;
import static io.holdfast.testkit.FrameBuilder.hex;
import static io.holdfast.testkit.FrameBuilder.tcp;
import static io.holdfast.testkit.FrameBuilder.udp;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.holdfast.reverse.Reconciler.Phase;
import io.holdfast.reverse.Scene.Dialogue;
import io.holdfast.reverse.model.Segment;
import io.holdfast.testkit.FrameBuilder;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;

class ReconcilerTest {

    private static final long MILLI = 1_000_000L;
    private static final String GUEST = "02:00:00:00:00:01";
    private static final String CLIENT = "02:00:00:00:01:00";
    private static final byte[] DATAGRAM =
            ethernet(GUEST, CLIENT).ipv4("10.0.0.100", "10.0.0.1", 64, 17, udp(53, 53, new byte[20]));

    private final Scene scene = new Scene();

    @AfterEach
    void freeTheLog() {
        scene.close();
    }

    // ---- the log

    /** */
    @Test
    void shouldReplayWhatTheCheckpointMayLackAndNothingElse() {
        scene.checkpoint();
        Dialogue client = scene.open();
        client.ask("known,");
        client.answer("1");
        client.ask("perhaps,");
        scene.barrier();
        client.answer("2");
        scene.commit();
        scene.failOver();
        assertThat(client.said(client.toGuest())).isEqualTo("perhaps,");
    }

    /** */
    @Test
    void shouldForgetNothingBeforeTheCheckpointIsConfirmed() {
        Dialogue client = scene.open();
        scene.checkpoint();
        client.ask("a");
        client.answer("1");
        scene.barrier();
        scene.elapse(1);
        assertThat(scene.reconciler.logBytes()).isPositive();
        scene.commit();
        assertThat(scene.reconciler.logBytes()).isZero();
    }

    /** R-1; no frame waits until all of a long epoch is looked through. */
    @Test
    void shouldForgetALongEpochPieceByPiece() {
        scene.checkpoint();
        askAndAnswer(scene.open(), 1_000);
        scene.checkpoint();
        assertThat(scene.reconciler.logBytes()).isPositive();
        for (int i = 0; i < 10; i++) {
            scene.elapse(2);
        }
        assertThat(scene.reconciler.logBytes()).isZero();
    }

    /** */
    @Test
    void shouldReplayNothingThatTheCheckpointHasHoweverLongItsEpochWas() {
        scene.checkpoint();
        for (int i = 0; i < 1_000; i++) {
            scene.clientSends(DATAGRAM);
        }
        scene.checkpoint();
        scene.checkpoint();
        scene.failOver();
        assertThat(scene.notes.toGuest).isEmpty();
    }

    /** */
    @Test
    void shouldForgetALongEpochAtOnceRatherThanRefuseAFrame() {
        try (Scene small = new Scene(1 << 16, 1 << 20, 100, port -> false)) {
            small.checkpoint();
            Dialogue client = small.open();
            askAndAnswer(client, 295);
            small.checkpoint();
            for (int i = 0; i < 40; i++) {
                client.ask("a".repeat(1_400));
            }
            assertThat(small.reconciler.counters().refusedFrames.value()).isZero();
        }
    }

    /** */
    @Test
    void shouldKeepOtherInputThatMayHaveBeenOnItsWay() {
        scene.checkpoint();
        scene.clientSends(DATAGRAM);
        scene.checkpoint();
        scene.failOver();
        assertThat(scene.notes.toGuest)
                .singleElement()
                .extracting(ReverseKit.Sent::bytes)
                .isEqualTo(DATAGRAM);
    }

    /** */
    @Test
    void shouldKeepOtherInputForOneEpochOnly() {
        scene.checkpoint();
        scene.clientSends(DATAGRAM);
        scene.checkpoint();
        scene.checkpoint();
        scene.failOver();
        assertThat(scene.notes.toGuest).isEmpty();
    }

    /** the SYN of a connection that is over by now would open another one, and its client would hear of it. */
    @Test
    void shouldNotGiveAgainWhatAHeldConnectionSaidBeforeTheCheckpoint() {
        try (Scene held = new Scene(1 << 20, 1 << 20, 100, port -> port == GUEST_PORT)) {
            held.clientSends(DATAGRAM);
            held.open().ask("a");
            held.checkpoint();
            held.failOver();
            assertThat(held.notes.toGuest)
                    .singleElement()
                    .extracting(ReverseKit.Sent::bytes)
                    .isEqualTo(DATAGRAM);
        }
    }

    /** */
    @Test
    void shouldKeepInputThatWasOnItsWayWhenTheFirstCheckpointWasTaken() {
        Dialogue client = scene.open();
        client.ask("a");
        scene.barrier();
        client.answer("1");
        scene.commit();
        scene.failOver();
        assertThat(client.said(client.toGuest())).isEqualTo("a");
    }

    /** */
    @Test
    void shouldNotCollectInputWithoutABackup() {
        askAndAnswer(scene.open(), 1_000);
        assertThat(scene.reconciler.logBytes()).isLessThan(500);
    }

    /** */
    @Test
    void shouldKeepWhatTheGuestHasNoRoomForAndGiveItLater() {
        Dialogue client = scene.open();
        scene.notes.guestHasRoom = false;
        client.ask("a");
        client.ask("b");
        scene.notes.guestHasRoom = true;
        scene.elapse(1);
        assertThat(client.said(client.toGuest())).isEqualTo("ab");
    }

    @Test
    void shouldGiveTheGuestNothingThatIsNotWrittenDown() {
        try (Scene small = new Scene(4096, 1 << 20, 100, port -> false)) {
            small.checkpoint();
            Dialogue client = small.open();
            int asked = 0;
            while (small.reconciler.counters().refusedFrames.value() == 0 && asked < 100) {
                client.ask("a".repeat(500));
                asked++;
            }
            assertThat(small.reconciler.counters().refusedFrames.value()).isOne();
            assertThat(client.said(client.toGuest())).hasSize(500 * (asked - 1));
        }
    }

    private static void askAndAnswer(Dialogue client, int times) {
        for (int i = 0; i < times; i++) {
            client.ask("a");
            client.answer("1");
        }
    }

    // ---- what was released

    /** */
    @Test
    void shouldTakeTheSameBytesForTheSameWhereverSegmentsEnd() {
        Dialogue client = scene.open();
        scene.checkpoint();
        client.ask("a");
        client.answer("one");
        client.answer("two");
        client.acknowledge();
        scene.failOver();
        client.answer("onet");
        client.answer("wo");
        assertThat(scene.reconciler.isDecided()).isTrue();
        assertThat(scene.reconciler.divergedFlows()).isZero();
    }

    /** */
    @Test
    void shouldSeeThatTheGuestSaysSomethingElse() {
        Dialogue client = scene.open();
        scene.checkpoint();
        client.ask("a");
        client.answer("one");
        scene.failOver();
        client.answer("two");
        assertDivergence(Divergence.BYTES);
        assertThat(client.toClient()).isEmpty();
    }

    /** */
    @Test
    void shouldNotRepeatWhatTheClientHas() {
        Dialogue client = scene.open();
        scene.checkpoint();
        client.ask("a");
        client.answer("1");
        client.acknowledge();
        scene.failOver();
        client.answer("1");
        assertThat(client.toClient()).isEmpty();
        assertThat(client.toGuest()).last().extracting(Segment::acknowledgment).isEqualTo(client.guestNext);
    }

    /** */
    @Test
    void shouldRepeatWhatTheClientMayLack() {
        Dialogue client = scene.open();
        scene.checkpoint();
        client.ask("a");
        client.answer("1");
        scene.failOver();
        client.answer("1");
        assertThat(client.said(client.toClient())).isEqualTo("1");
    }

    /** a guest that has lost much repeats one segment, and nothing else before that is acknowledged. */
    @Test
    void shouldSendOnThePartOfASegmentThatIsKnownToBeEqual() {
        Dialogue client = scene.open();
        scene.checkpoint();
        client.ask("a");
        client.answer("1".repeat(ReleasedBytes.BLOCK_BYTES + 100));
        scene.failOver();
        client.answer("1".repeat(ReleasedBytes.BLOCK_BYTES + 50));
        assertThat(client.said(client.toClient())).isEqualTo("1".repeat(ReleasedBytes.BLOCK_BYTES));
    }

    /** */
    @Test
    void shouldAcknowledgeAPartOfABlockAndBringTheClientAllOfIt() {
        Dialogue client = askedInOneBlock();
        client.answer("one");
        assertThat(client.toClient()).isEmpty();
        assertThat(client.toGuest()).last().extracting(Segment::acknowledgment).isEqualTo(client.guestNext);
        client.answer("two");
        assertThat(client.said(client.toClient())).isEqualTo("onetwo");
        client.acknowledge();
        assertThat(scene.reconciler.isDecided()).isTrue();
    }

    /** R-2, INV-12. */
    @Test
    void shouldBringAClientNothingOfABlockThatIsNotEqual() {
        Dialogue client = askedInOneBlock();
        client.answer("one");
        client.answer("TWO");
        assertDivergence(Divergence.BYTES);
        assertThat(client.toClient()).isEmpty();
    }

    /** the guest will not repeat it. */
    @Test
    void shouldBringItAgainUntilTheClientHasIt() {
        Dialogue client = askedInOneBlock();
        client.answer("one");
        client.answer("two");
        scene.elapse(60);
        assertThat(client.said(client.toClient())).isEqualTo("onetwoonetwo");
        assertThat(scene.reconciler.isDecided()).isFalse();
        client.acknowledge();
        scene.elapse(60);
        assertThat(client.said(client.toClient())).isEqualTo("onetwoonetwo");
        assertThat(scene.reconciler.isDecided()).isTrue();
    }

    /** Its client has been told "onetwo" since the checkpoint, and may have got nothing of it. */
    private Dialogue askedInOneBlock() {
        Dialogue client = scene.open();
        scene.checkpoint();
        client.ask("a");
        client.answer("onetwo");
        scene.failOver();
        return client;
    }

    /** */
    @Test
    void shouldHoldAConnectionWhoseDigestsFindNoRoom() {
        try (Scene poor = new Scene(1 << 20, 16, 100, port -> false)) {
            poor.checkpoint();
            Dialogue client = poor.open();
            client.answer("1".repeat(ReleasedBytes.BLOCK_BYTES));
            client.answer("2".repeat(ReleasedBytes.BLOCK_BYTES));
            client.answer("3");
            assertThat(client.said(client.toClient())).hasSize(ReleasedBytes.BLOCK_BYTES);
            assertThat(client.held()).hasSize(2);
            assertThat(poor.reconciler.counters().incompleteFlows.value()).isOne();
        }
    }

    /** all that was said is part of the checkpoint, and has left. */
    @Test
    void shouldReleaseItAgainWhenItWasQuietForAnEpoch() {
        try (Scene poor = new Scene(1 << 20, 16, 100, port -> false)) {
            poor.checkpoint();
            Dialogue client = poor.open();
            client.answer("1".repeat(ReleasedBytes.BLOCK_BYTES));
            client.answer("2".repeat(ReleasedBytes.BLOCK_BYTES));
            poor.checkpoint();
            poor.checkpoint();
            poor.notes.clear();
            client.answer("3");
            assertThat(client.said(client.toClient())).isEqualTo("3");
            assertThat(client.held()).isEmpty();
        }
    }

    // ---- what cannot be taken back

    /** */
    @Test
    void shouldHoldARst() {
        Dialogue client = scene.open();
        scene.notes.clear();
        client.guestSends(client.fromGuest(Segment.RST | Segment.ACK));
        assertThat(client.held()).singleElement().matches(segment -> segment.has(Segment.RST));
        assertThat(client.toClient()).isEmpty();
    }

    /** */
    @Test
    void shouldHoldAFin() {
        Dialogue client = scene.open();
        scene.notes.clear();
        client.guestSends(client.fromGuest(Segment.FIN | Segment.ACK));
        assertThat(client.held()).singleElement().matches(segment -> segment.has(Segment.FIN));
        assertThat(client.toClient()).isEmpty();
    }

    /** */
    @Test
    void shouldLetTheDataOfAFinGoAndHoldTheFin() {
        Dialogue client = scene.open();
        scene.notes.clear();
        client.guestSends(
                client.fromGuest(Segment.FIN | Segment.PSH | Segment.ACK).payload(ReverseKit.bytes("last")));
        Segment data = only(client.toClient());
        assertThat(ReverseKit.text(data)).isEqualTo("last");
        assertThat(data.flags()).isEqualTo(Segment.PSH | Segment.ACK);
        Segment fin = only(client.held());
        assertThat(fin.flags()).isEqualTo(Segment.FIN | Segment.ACK);
        assertThat(fin.sequence()).isEqualTo(data.endSequence());
        assertThat(fin.payload()).isEmpty();
    }

    /** a client drops what has an earlier clock than the segment that it came with (PAWS: RFC 7323, section 5.3). */
    @Test
    void shouldHoldAFinWithTheClockOfTheDataThatItCameWith() {
        Dialogue client = scene.open();
        client.guestClock += 1_000;
        scene.notes.clear();
        client.guestSends(
                client.fromGuest(Segment.FIN | Segment.PSH | Segment.ACK).payload(ReverseKit.bytes("last")));
        assertThat(only(client.held()).tsval())
                .isEqualTo(only(client.toClient()).tsval());
    }

    // ---- what is held

    static Stream<byte[]> othersFromTheGuest() {
        return Stream.of(
                ethernet(CLIENT, GUEST).ipv4("10.0.0.1", "10.0.0.100", 64, 17, udp(53, 53, new byte[20])),
                ethernet(CLIENT, GUEST)
                        .ipv4("10.0.0.1", "10.0.0.100", 64, 6, 0x2000, tcp(GUEST_PORT, 40_000, 0x10, new byte[8])),
                ethernet(CLIENT, GUEST).arp(2, GUEST, "10.0.0.1", CLIENT, "10.0.0.100"),
                ethernet(CLIENT, GUEST).payload(0x88b5, hex("0102")));
    }

    /** */
    @ParameterizedTest
    @MethodSource("othersFromTheGuest")
    void shouldHoldWhatHasNoLedger(byte[] frame) {
        scene.open();
        scene.notes.clear();
        scene.guestSends(frame);
        assertThat(scene.notes.held)
                .singleElement()
                .extracting(ReverseKit.Sent::bytes)
                .isEqualTo(frame);
        assertThat(scene.notes.toClient).isEmpty();
    }

    /** */
    @Test
    void shouldHoldConnectionsThatTheGuestOpens() {
        Dialogue server = scene.dialogue();
        server.guestSends(server.fromGuest(Segment.SYN));
        server.clientSends(server.fromClient(Segment.SYN | Segment.ACK));
        server.answer("query");
        assertThat(server.toClient()).isEmpty();
        assertThat(server.held()).hasSize(2);
        assertThat(server.toGuest()).hasSize(1);
    }

    /** */
    @Test
    void shouldHoldThePortsThatAreToBeHeld() {
        try (Scene held = new Scene(1 << 20, 1 << 20, 100, port -> port == GUEST_PORT)) {
            Dialogue client = held.open();
            client.answer("1");
            assertThat(client.toClient()).isEmpty();
            assertThat(client.held()).hasSize(2);
        }
    }

    /** */
    @Test
    void shouldHoldConnectionsWhoseBeginningWasNotSeen() {
        Dialogue client = scene.dialogue();
        client.ask("a");
        client.answer("1");
        assertThat(client.said(client.toGuest())).isEqualTo("a");
        assertThat(client.toClient()).isEmpty();
        assertThat(client.said(client.held())).isEqualTo("1");
    }

    /** the client lacks it too, so the guest will say it again. */
    @Test
    void shouldReleaseWhatComesBehindASegmentThatWasLost() {
        Dialogue client = scene.open();
        client.answer("1");
        scene.notes.clear();
        client.guestNext += 1;
        client.answer("3");
        client.guestNext -= 2;
        client.answer("2");
        client.guestNext += 1;
        client.answer("4");
        assertThat(client.said(client.toClient())).isEqualTo("324");
        assertThat(client.held()).isEmpty();
        assertThat(scene.reconciler.counters().incompleteFlows.value()).isZero();
    }

    /** a FIN is no byte, and may be all that was lost. */
    @Test
    void shouldNotExpectBytesOfARestoredGuestBecauseOfAnAcknowledgementThatWasAhead() {
        Dialogue client = scene.open();
        scene.checkpoint();
        client.answer("1");
        client.guestNext += 1;
        client.guestAcknowledges();
        scene.failOver();
        client.answer("1");
        assertThat(scene.reconciler.isDecided()).isTrue();
    }

    /** no client has it, so a restored guest is free to say anything there. */
    @Test
    void shouldNotCompareWhatWasLostBeforeItCameHere() {
        Dialogue client = scene.open();
        scene.checkpoint();
        client.answer("1");
        client.guestNext += 1;
        client.answer("3");
        scene.failOver();
        client.answer("1");
        client.answer("x");
        client.answer("3");
        assertThat(scene.reconciler.divergedFlows()).isZero();
        assertThat(scene.reconciler.divergences()).isEmpty();
    }

    /** INV-12. */
    @Test
    void shouldCompareWhatCameBehindALostSegment() {
        Dialogue client = scene.open();
        scene.checkpoint();
        client.answer("1");
        client.guestNext += 1;
        client.answer("3");
        scene.failOver();
        client.answer("1");
        client.answer("2");
        client.answer("x");
        assertThat(scene.reconciler.divergedFlows()).isOne();
    }

    /** a guest does not send what its client has no room for, so it is not this connection's. */
    @Test
    void shouldHoldAConnectionFromASegmentOnThatLeavesAGapBeyondItsWindow() {
        Dialogue client = scene.open();
        client.answer("1");
        scene.notes.clear();
        client.guestNext += 100_000_000;
        client.answer("3");
        client.guestNext -= 100_000_001;
        client.answer("2");
        client.guestAcknowledges();
        assertThat(client.toClient()).isEmpty();
        assertThat(client.said(client.held())).isEqualTo("32");
        assertThat(scene.reconciler.counters().incompleteFlows.value()).isOne();
    }

    /** what its ledger lacks is unknown, however long the guest says nothing. */
    @Test
    void shouldNotReleaseAConnectionWithAHoleAgainWhenItWasQuiet() {
        scene.checkpoint();
        Dialogue client = scene.open();
        client.guestNext += 100_000_000;
        client.answer("3");
        scene.checkpoint();
        scene.checkpoint();
        scene.notes.clear();
        client.answer("4");
        assertThat(client.toClient()).isEmpty();
        assertThat(client.said(client.held())).isEqualTo("4");
    }

    /** nothing follows a FIN, so it is not this connection's. */
    @Test
    void shouldHoldWhatTheGuestSaysBehindItsFin() {
        Dialogue client = scene.open();
        client.guestSends(client.fromGuest(Segment.FIN | Segment.ACK));
        client.guestNext++;
        scene.notes.clear();
        client.answer("1");
        assertThat(client.toClient()).isEmpty();
        assertThat(client.said(client.held())).isEqualTo("1");
    }

    @Test
    void shouldHoldConnectionsThatFindNoRoomInTheTable() {
        try (Scene small = new Scene(1 << 20, 1 << 20, 1, port -> false)) {
            small.open().answer("1");
            Dialogue second = small.open();
            second.ask("a");
            second.answer("1");
            assertThat(second.toClient()).isEmpty();
            assertThat(second.held()).hasSize(2);
            assertThat(second.said(second.toGuest())).isEqualTo("a");
            assertThat(small.reconciler.flowCount()).isOne();
        }
    }

    @Test
    void shouldReleaseTheNextConnectionBetweenTheSamePorts() {
        Dialogue client = scene.open();
        closeGuestFirst(client);
        client.clientNext = 70_000;
        client.guestFirst = 90_000;
        client.open();
        client.answer("1");
        assertThat(client.said(client.toClient())).isEqualTo("1");
        assertThat(scene.reconciler.flowCount()).isOne();
    }

    /** The guest closes first, as servers do, and its acknowledgement is the last that is heard of the connection. */
    @Test
    void shouldForgetAConnectionThatTheGuestHasClosedFirst() {
        Dialogue client = scene.open();
        scene.checkpoint();
        closeGuestFirst(client);
        scene.checkpoint();
        scene.checkpoint();
        assertThat(scene.reconciler.flowCount()).isZero();
    }

    private static void closeGuestFirst(Dialogue client) {
        client.guestSends(client.fromGuest(Segment.FIN | Segment.ACK));
        client.clientHas = ++client.guestNext;
        client.clientSends(client.fromClient(Segment.FIN | Segment.ACK));
        client.clientNext++;
        client.guestAcknowledges();
    }

    /** the first one may have asked for something, and its client been told that it was done. */
    @Test
    void shouldBeginNoConnectionBetweenTheSamePortsBeforeACheckpointKnowsThatTheLastIsOver() {
        Dialogue client = scene.open();
        scene.checkpoint();
        client.ask("a");
        client.answer("1");
        client.clientSends(client.fromClient(Segment.RST));
        scene.notes.clear();
        client.clientNext = 70_000;
        client.syn();
        assertThat(client.toGuest()).isEmpty();
        client.clientNext = 70_000;
        scene.checkpoint();
        scene.checkpoint();
        client.syn();
        assertThat(client.toGuest()).hasSize(1);
    }

    /** then the RST has not arrived, and a checkpoint of the time may still have the connection. */
    @Test
    void shouldBeginNoConnectionBetweenTheSamePortsWhileTheGuestStillSpeaksOnTheLast() {
        Dialogue client = scene.open();
        scene.checkpoint();
        client.clientSends(client.fromClient(Segment.RST));
        scene.checkpoint();
        client.answer("1");
        scene.checkpoint();
        scene.notes.clear();
        client.clientNext = 70_000;
        client.syn();
        assertThat(client.toGuest()).isEmpty();
        scene.checkpoint();
        client.clientNext = 70_000;
        client.syn();
        assertThat(client.toGuest()).hasSize(1);
    }

    /** INV-12: of a client that has ended its stream the guest does not believe a SYN either, and goes on. */
    @Test
    void shouldCompareAfterASynThatComesWhenOnlyTheClientHasEnded() {
        Dialogue client = scene.open();
        scene.checkpoint();
        client.ask("a");
        client.clientSends(client.fromClient(Segment.FIN | Segment.ACK));
        client.answer("one");
        client.clientSends(Segment.withFlags(Segment.SYN).sequence(70_000));
        client.guestAcknowledges();
        scene.failOver();
        client.answer("two");
        assertThat(scene.reconciler.divergedFlows()).isOne();
    }

    /** Its numbers are nobody's, and may be anywhere as seen from the next guest's. */
    @Test
    void shouldForgetAnAnswerThatTheClientNeverSaw() {
        Dialogue client = scene.dialogue();
        scene.checkpoint();
        scene.reconciler.releaseAtOnce(false);
        scene.barrier();
        client.syn();
        client.synAck();
        scene.failOver();
        scene.goLive();
        scene.checkpoint();
        client.guestFirst -= 100_000;
        client.synAck();
        scene.notes.clear();
        scene.reconciler.onGuestLost();
        assertThat(client.toClient()).isEmpty();
    }

    // ---- the guest is lost

    @Test
    void shouldAskAClientHowFarItHasCome() {
        Dialogue client = scene.open();
        client.answer("1");
        client.acknowledge();
        int acknowledged = client.clientHas;
        client.answer("2");
        scene.notes.clear();
        scene.reconciler.onGuestLost();
        Segment probe = only(client.toClient());
        assertThat(probe.flags()).isEqualTo(Segment.ACK);
        assertThat(probe.sequence()).isEqualTo(acknowledged - 1);
        assertThat(probe.payload()).isEmpty();
        assertThat(probe.tsval()).isEqualTo(client.guestClock);
    }

    @Test
    void shouldNotAskAClientThatHasEverything() {
        Dialogue client = scene.open();
        client.answer("1");
        client.acknowledge();
        scene.notes.clear();
        scene.reconciler.onGuestLost();
        assertThat(client.toClient()).isEmpty();
    }

    @Test
    void shouldLetNobodyHearADeadGuest() {
        Dialogue client = scene.open();
        scene.reconciler.onGuestLost();
        scene.notes.clear();
        client.answer("1");
        scene.guestSends(DATAGRAM);
        assertThat(scene.notes.toClient).isEmpty();
        assertThat(scene.notes.held).isEmpty();
    }

    // ---- catching up

    @Test
    void shouldGiveNoInputBeforeTheOutputThatWasAheadOfIt() {
        Dialogue one = scene.open();
        Dialogue other = scene.open();
        scene.checkpoint();
        one.ask("a");
        one.answer("1");
        other.ask("b");
        scene.failOver();
        assertThat(other.toGuest()).isEmpty();
        one.answer("1");
        assertThat(other.said(other.toGuest())).isEqualTo("b");
    }

    @Test
    void shouldGiveOneRequestAfterTheOtherInSerialOrder() {
        Dialogue one = scene.open();
        Dialogue other = scene.open();
        scene.checkpoint();
        one.ask("a");
        other.ask("b");
        one.answer("1");
        other.answer("2");
        scene.failOver(ReplayOrder.SERIAL);
        assertThat(other.toGuest()).isEmpty();
        one.answer("1");
        assertThat(other.said(other.toGuest())).isEqualTo("b");
    }

    @Test
    void shouldGiveRequestsTogetherThatWereTogether() {
        Dialogue one = scene.open();
        Dialogue other = scene.open();
        scene.checkpoint();
        one.ask("a");
        other.ask("b");
        one.answer("1");
        other.answer("2");
        scene.failOver();
        assertThat(other.said(other.toGuest())).isEqualTo("b");
    }

    @Test
    void shouldGiveWhatIsNotAcknowledgedOnceMore() {
        Dialogue client = scene.open();
        scene.checkpoint();
        client.ask("a");
        client.answer("1");
        scene.failOver();
        scene.elapse(49);
        assertThat(client.said(client.toGuest())).isEqualTo("a");
        scene.elapse(1);
        assertThat(client.said(client.toGuest())).isEqualTo("aa");
    }

    /** later than it should, rather than never. */
    @Test
    void shouldGiveWhatHasWaitedForAnAnswerThatDoesNotCome() {
        Dialogue one = scene.open();
        scene.checkpoint();
        one.ask("a");
        scene.clientSends(DATAGRAM);
        one.answer("1");
        scene.notes.toGuest.clear();
        scene.failOver(ReplayOrder.SERIAL);
        scene.elapse(499);
        int before = scene.notes.toGuest.size();
        scene.elapse(1);
        assertThat(scene.notes.toGuest).hasSize(before + 1);
        assertThat(scene.notes.toGuest.getLast().bytes()).isEqualTo(DATAGRAM);
    }

    @Test
    void shouldGoPastAnAnswerThatDoesNotCome() {
        Dialogue one = scene.open();
        Dialogue other = scene.open();
        scene.checkpoint();
        one.ask("a");
        one.answer("1");
        other.ask("b");
        scene.failOver();
        scene.elapse(499);
        assertThat(other.toGuest()).isEmpty();
        scene.elapse(1);
        assertThat(other.said(other.toGuest())).isEqualTo("b");
        assertThat(scene.reconciler.counters().expiredGates.value()).isOne();
    }

    @Test
    void shouldWaitLongerForAGuestThatGoesOn() {
        Dialogue one = scene.open();
        Dialogue other = scene.open();
        scene.checkpoint();
        one.ask("a");
        one.answer("1");
        one.answer("2");
        one.acknowledge();
        other.ask("b");
        scene.failOver();
        scene.elapse(400);
        one.answer("1");
        scene.elapse(499);
        assertThat(other.toGuest()).isEmpty();
        scene.elapse(1);
        assertThat(other.said(other.toGuest())).isEqualTo("b");
    }

    @Test
    void shouldGoOnInTheNumbersOfAConnectionThatWasOpenedAnew() {
        scene.checkpoint();
        Dialogue client = scene.open();
        client.ask("a");
        client.answer("1");
        client.acknowledge();
        int next = client.clientHas;
        client.guestFirst = 12_345;
        scene.failOver();
        client.synAck();
        client.answer("1");
        scene.goLive();
        client.ask("b");
        assertThat(only(client.toGuest()).acknowledgment()).isEqualTo(12_345 + 2);
        client.answer("2");
        assertThat(only(client.toClient()).sequence()).isEqualTo(next);
    }

    @Test
    void shouldNotSetTheClockBackThatTheClientHasHeard() {
        Dialogue client = scene.open();
        scene.checkpoint();
        client.ask("a");
        client.guestClock += 1_000;
        client.answer("1");
        client.acknowledge();
        int heard = client.guestClock;
        scene.failOver();
        client.answer("1");
        scene.goLive();
        client.answer("2");
        assertThat(only(client.toClient()).tsval()).isEqualTo(heard + 2);
    }

    @Test
    void shouldNotSetTheClockBackInASecondFailoverEither() {
        Dialogue client = scene.open();
        scene.checkpoint();
        client.ask("a");
        client.guestClock += 1_000;
        client.answer("1");
        client.acknowledge();
        scene.failOver();
        client.answer("1");
        scene.goLive();
        scene.checkpoint();
        client.ask("b");
        client.guestClock += 2_000;
        client.answer("2");
        client.acknowledge();
        int heard = client.toClient().getLast().tsval();
        scene.failOver();
        client.answer("2");
        scene.goLive();
        client.answer("3");
        assertThat(only(client.toClient()).tsval() - heard).isPositive();
    }

    @Test
    void shouldSeeThatTheGuestAnswersWithOtherOptions() {
        scene.checkpoint();
        Dialogue client = scene.open();
        client.guestWindowScale++;
        scene.failOver();
        client.synAck();
        assertDivergence(Divergence.OFFER);
    }

    @Test
    void shouldSeeThatTheGuestEndsTooEarly() {
        Dialogue client = scene.open();
        scene.checkpoint();
        client.ask("a");
        client.answer("12");
        scene.failOver();
        client.guestSends(client.fromGuest(Segment.FIN | Segment.ACK).payload(ReverseKit.bytes("1")));
        assertDivergence(Divergence.END);
    }

    @Test
    void shouldSeeThatTheGuestResets() {
        Dialogue client = scene.open();
        scene.checkpoint();
        client.ask("a");
        client.answer("1");
        scene.failOver();
        client.guestSends(client.fromGuest(Segment.RST | Segment.ACK));
        assertDivergence(Divergence.RESET);
    }

    @Test
    void shouldGiveUpWhatDoesNotComeInTime() {
        Dialogue client = scene.open();
        scene.checkpoint();
        client.ask("a");
        client.answer("1");
        scene.failOver();
        assertThat(scene.reconciler.isDecided()).isFalse();
        scene.reconciler.giveUpRest();
        assertDivergence(Divergence.TIME);
    }

    /** The primary has died between the backup's confirmation and its own commit. */
    @Test
    void shouldGoOnFromACheckpointThatTheBackupHasAndNobodyHasCommitted() {
        Dialogue client = scene.open();
        scene.checkpoint();
        client.ask("a");
        client.answer("1");
        scene.barrier();
        client.ask("b");
        client.answer("2");
        scene.failOver();
        assertThat(client.said(client.toGuest())).isEqualTo("b");
        client.answer("2");
        client.acknowledge();
        assertThat(scene.reconciler.isDecided()).isTrue();
        assertThat(scene.reconciler.divergedFlows()).isZero();
    }

    /** INV-12: what the guest has said since then may be anything. */
    @ParameterizedTest
    @ValueSource(longs = {1, 3})
    void shouldResetWhatIsRestoredFromACheckpointOfWhichNothingIsKnown(long epoch) {
        scene.open();
        scene.checkpoint();
        scene.checkpoint();
        scene.reconciler.onGuestLost();
        scene.restore(epoch, ReplayOrder.GATED);
        assertDivergence(Divergence.FORGOTTEN);
    }

    /** Clients have heard since what nobody has kept. */
    @Test
    void shouldResetWhatIsRestoredOnceMoreFromACheckpointAfterItsGuestWasLive() {
        Dialogue client = scene.open();
        scene.checkpoint();
        scene.failOver();
        scene.goLive();
        client.ask("a");
        client.answer("1");
        scene.failOver();
        assertDivergence(Divergence.FORGOTTEN);
    }

    /** INV-12: of an epoch between two that were closed here nothing is known either. */
    @Test
    void shouldResetWhatIsRestoredFromACheckpointBetweenTwoThatAreKnown() {
        scene.open();
        scene.checkpoint();
        scene.reconciler.onBarrier(5, 1_000 * MILLI);
        scene.reconciler.onGuestLost();
        scene.restore(3, ReplayOrder.GATED);
        assertDivergence(Divergence.FORGOTTEN);
    }

    @Test
    void shouldTryOnceMoreFromTheBeginning() {
        Dialogue client = scene.open();
        scene.checkpoint();
        client.ask("a");
        client.answer("one");
        scene.failOver();
        client.answer("two");
        scene.restore(ReplayOrder.SERIAL);
        assertThat(scene.reconciler.divergedFlows()).isZero();
        assertThat(client.said(client.toGuest())).isEqualTo("a");
        client.answer("one");
        assertThat(scene.reconciler.isDecided()).isTrue();
        assertThat(scene.reconciler.divergedFlows()).isZero();
    }

    @Test
    void shouldCountAttemptsBeyondTheFirstOfEachFailover() {
        scene.checkpoint();
        scene.failOver();
        assertThat(scene.reconciler.counters().furtherAttempts.value()).isZero();
        scene.restore(ReplayOrder.SERIAL);
        assertThat(scene.reconciler.counters().furtherAttempts.value()).isOne();
        scene.goLive();
        scene.failOver();
        assertThat(scene.reconciler.counters().furtherAttempts.value()).isOne();
    }

    // ---- how long it took

    @Test
    void shouldMeasureFromTheRestoredGuestToTheDecision() {
        Dialogue only = failOverWithOneAnswerMissing();
        scene.elapse(30);
        assertThat(scene.reconciler.catchUpNanos()).isEmpty();
        only.answer("1");
        scene.elapse(10);
        scene.elapse(100);
        scene.goLive();
        assertThat(scene.reconciler.catchUpNanos()).hasValue(40 * MILLI);
    }

    @Test
    void shouldMeasureToTheMomentAtWhichTheRestIsGivenUp() {
        failOverWithOneAnswerMissing();
        scene.elapse(50);
        scene.reconciler.giveUpRest();
        scene.goLive();
        assertThat(scene.reconciler.catchUpNanos()).hasValue(50 * MILLI);
    }

    @Test
    void shouldAddUpTheAttemptsOfOneFailover() {
        Dialogue only = failOverWithOneAnswerMissing();
        only.answer("2");
        scene.elapse(20);
        scene.restore(ReplayOrder.SERIAL);
        assertThat(scene.reconciler.catchUpNanos()).isEmpty();
        only.answer("1");
        scene.elapse(5);
        assertThat(scene.reconciler.catchUpNanos()).hasValue(25 * MILLI);
    }

    private Dialogue failOverWithOneAnswerMissing() {
        Dialogue client = scene.open();
        scene.checkpoint();
        client.ask("a");
        client.answer("1");
        scene.failOver();
        return client;
    }

    // ---- nothing new before all is decided

    /** */
    @Test
    void shouldHoldAnAcknowledgementThatTheClientHasNotHeard() {
        Dialogue client = scene.open();
        scene.checkpoint();
        client.ask("a");
        scene.failOver();
        client.guestAcknowledges();
        assertThat(client.toClient()).isEmpty();
        assertThat(client.held()).hasSize(1);
    }

    /** */
    @Test
    void shouldHoldTheAnswerToASynThatTheClientHasNotHeard() {
        scene.checkpoint();
        Dialogue client = scene.dialogue();
        client.syn();
        scene.failOver();
        client.synAck();
        assertThat(client.toClient()).isEmpty();
        assertThat(client.held()).hasSize(1);
    }

    /** The guest would drop the segment and its bytes (RFC 5961, section 5.2). */
    @Test
    void shouldAcknowledgeNoMoreThanTheRestoredGuestHasSaid() {
        Dialogue client = scene.open();
        scene.checkpoint();
        client.ask("a");
        client.answer("1");
        client.ask("b");
        scene.failOver();
        scene.elapse(600); // The guest does not answer, and is given the rest all the same.
        assertThat(client.said(client.toGuest())).contains("b");
        assertThat(client.toGuest()).allMatch(segment -> segment.acknowledgment() == client.guestNext);
    }

    /** */
    @Test
    void shouldHoldWhatTheGuestSaysBeyondWhatWasRecorded() {
        Dialogue client = scene.open();
        scene.checkpoint();
        client.ask("a");
        client.answer("1");
        client.acknowledge();
        scene.failOver();
        client.answer("1");
        client.answer("2");
        client.guestSends(client.fromGuest(Segment.RST | Segment.ACK));
        assertThat(client.toClient()).isEmpty();
        assertThat(client.said(client.held())).isEqualTo("2");
        assertThat(client.held()).last().matches(segment -> segment.has(Segment.RST));
    }

    /** */
    @ParameterizedTest
    @EnumSource(
            value = Phase.class,
            names = {"LOST", "CATCHING_UP"})
    void shouldGiveNoLiveInputBeforeItIsLive(Phase phase) {
        Dialogue client = scene.open();
        scene.checkpoint();
        scene.reconciler.onGuestLost();
        if (phase == Phase.CATCHING_UP) {
            scene.restore(ReplayOrder.GATED);
        }
        assertThat(scene.reconciler.phase()).isEqualTo(phase);
        client.ask("live");
        scene.clientSends(DATAGRAM);
        assertThat(client.said(client.toGuest())).isEmpty();
        assertThat(scene.notes.toGuest).allMatch(sent -> sent.isOf(client.client));
        if (phase == Phase.LOST) {
            scene.restore(ReplayOrder.GATED);
        }
        assertThat(client.said(client.toGuest())).isEmpty();
        scene.goLive();
        assertThat(client.said(client.toGuest())).isEqualTo("live");
        assertThat(scene.notes.toGuest)
                .last()
                .extracting(ReverseKit.Sent::bytes)
                .isEqualTo(DATAGRAM);
    }

    /** */
    @Test
    void shouldHoldWhatHasNoLedgerWhileItCatchesUp() {
        scene.checkpoint();
        scene.failOver();
        scene.guestSends(DATAGRAM);
        assertThat(scene.notes.toClient).isEmpty();
        assertThat(scene.notes.held).hasSize(1);
    }

    /** */
    @Test
    void shouldNotGoLiveBeforeAllIsDecided() {
        Dialogue client = scene.open();
        Dialogue other = scene.open();
        scene.checkpoint();
        client.ask("a");
        client.answer("1");
        other.ask("b");
        other.answer("2");
        scene.failOver();
        client.answer("1");
        assertThat(scene.reconciler.isDecided()).isFalse();
        assertThatThrownBy(scene::goLive).isInstanceOf(IllegalStateException.class);
    }

    /** */
    @Test
    void shouldNotGoLiveBeforeTheGuestHasWhatTheClientWillNotSendAgain() {
        Dialogue client = scene.open();
        scene.checkpoint();
        client.ask("a");
        client.guestAcknowledges();
        scene.failOver();
        assertThat(scene.reconciler.isDecided()).isFalse();
        client.guestAcknowledges();
        assertThat(scene.reconciler.isDecided()).isTrue();
    }

    // ---- a further attempt

    @Test
    void shouldGiveTheInputInAnotherOrderAtEachFurtherAttempt() {
        assertThat(orderOfNextAttempt()).isEqualTo(ReplayOrder.GATED);
        assertThat(orderOfNextAttempt()).isEqualTo(ReplayOrder.SERIAL);
        assertThat(orderOfNextAttempt()).isEqualTo(ReplayOrder.REPAIRED);
        assertThat(orderOfNextAttempt()).isEqualTo(ReplayOrder.REPAIRED);
        assertThat(scene.reconciler.counters().attempts(ReplayOrder.REPAIRED).value())
                .isEqualTo(2);
    }

    /** both requests were on their way when the guest served the younger one first. */
    @Test
    void shouldLetARequestGoAheadWhereTheAnswerToAnotherWasWrong() {
        Dialogue one = scene.open();
        Dialogue other = scene.open();
        scene.checkpoint();
        one.ask("a");
        other.ask("b");
        other.answer("1");
        one.answer("2");
        one.acknowledge();
        other.acknowledge();
        scene.failOver(ReplayOrder.SERIAL);
        one.answer("1");
        assertThat(scene.reconciler.divergedFlows()).isOne();
        scene.reconciler.onGuestLost();
        scene.restore(ReplayOrder.REPAIRED);
        assertThat(other.said(other.toGuest())).isEqualTo("b");
        assertThat(one.toGuest()).isEmpty();
        other.answer("1");
        assertThat(one.said(one.toGuest())).isEqualTo("a");
        one.answer("2");
        assertThat(scene.reconciler.isDecided()).isTrue();
        assertThat(scene.reconciler.divergedFlows()).isZero();
    }

    /** an answer is shorter than a block, and the guest is not where it was for all that it says later. */
    @Test
    void shouldSeeInSerialOrderThatAnAnswerIsWrongBeforeItsBlockIsWhole() {
        Dialogue client = scene.open();
        scene.checkpoint();
        client.ask("a");
        client.answer("1");
        client.ask("b");
        client.answer("2");
        scene.failOver(ReplayOrder.SERIAL);
        client.answer("7");
        assertDivergence(Divergence.BYTES);
    }

    /** the answer had come behind a segment that was lost, which is no longer missing. */
    @Test
    void shouldNotTakeAnAnswerForWrongBecauseSomethingBeforeItCameLater() {
        Dialogue client = scene.open();
        scene.checkpoint();
        client.ask("a");
        client.guestNext += 1;
        client.answer("2");
        client.guestNext -= 2;
        client.answer("1");
        client.guestNext += 1;
        client.ask("b");
        client.answer("3");
        scene.failOver(ReplayOrder.SERIAL);
        client.answer("12");
        assertThat(scene.reconciler.divergedFlows()).isZero();
    }

    @Test
    void shouldBeginAnewWithTheNextFailover() {
        orderOfNextAttempt();
        scene.goLive();
        scene.checkpoint();
        assertThat(orderOfNextAttempt()).isEqualTo(ReplayOrder.GATED);
        assertThat(scene.reconciler.attempt()).isOne();
    }

    @Test
    void shouldTellInWhichOrderTheGuestCameToWhereItsClientsAre() {
        Dialogue client = scene.open();
        scene.checkpoint();
        client.ask("a");
        client.answer("one");
        scene.failOver(ReplayOrder.GATED);
        client.answer("two");
        scene.failOver(ReplayOrder.SERIAL);
        client.answer("one");
        scene.goLive();
        ReverseCounters counters = scene.reconciler.counters();
        assertThat(counters.exactAttempts(ReplayOrder.GATED).value()).isZero();
        assertThat(counters.exactAttempts(ReplayOrder.SERIAL).value()).isOne();
        assertThat(counters.divergedFlows.value()).isZero();
    }

    /** a client drops what comes from a clock that has gone back, whichever guest it has heard. */
    @Test
    void shouldNotGoBackBehindTheClockOfAnEarlierAttempt() {
        Dialogue client = scene.open();
        scene.checkpoint();
        client.ask("a");
        client.answer("one");
        scene.failOver();
        client.guestClock += 1_000;
        client.answer("one");
        int heard = only(client.toClient()).tsval();
        scene.failOver();
        client.answer("one");
        assertThat(only(client.toClient()).tsval() - heard).isNotNegative();
    }

    /** what is held meanwhile has earlier clocks, and the client would drop it. */
    @Test
    void shouldSendAgainWithTheClockThatTheClientHasHeardLast() {
        Dialogue client = scene.open();
        scene.checkpoint();
        client.ask("a");
        client.answer("one");
        int heard = client.toClient().getLast().tsval();
        scene.failOver();
        client.guestClock += 1_000;
        client.answer("one");
        assertThat(only(client.toClient()).tsval()).isEqualTo(heard);
    }

    /** what is held meanwhile acknowledges less, and leaves later; a further attempt's guest may have got less. */
    @Test
    void shouldSendAgainWithTheAcknowledgementThatTheClientHasHeardLast() {
        Dialogue client = scene.open();
        scene.checkpoint();
        client.ask("a");
        client.answer("one");
        int heard = client.toClient().getLast().acknowledgment();
        client.clientHas -= 3; // It has not come yet when the client goes on.
        client.ask("b");
        scene.failOver();
        client.answer("one");
        client.guestNext -= 3;
        client.answer("one"); // Once more, and meanwhile it has the next request.
        assertThat(client.toClient().getLast().acknowledgment()).isEqualTo(heard);
    }

    private ReplayOrder orderOfNextAttempt() {
        ReplayOrder order = scene.reconciler.nextOrder();
        scene.failOver(order);
        return order;
    }

    /** A RST that comes too early takes the request away that its client has seen answered. */
    @Test
    void shouldGiveAClientsResetWhenTheGuestHasSaidAgainWhatItSaidBefore() {
        Dialogue client = scene.open();
        scene.checkpoint();
        client.ask("a");
        client.answer("1");
        client.clientSends(client.fromClient(Segment.RST));
        scene.failOver();
        assertThat(client.toGuest()).noneMatch(segment -> segment.has(Segment.RST));
        client.answer("1");
        assertThat(client.toGuest().getLast().has(Segment.RST)).isTrue();
        assertThat(scene.reconciler.isDecided()).isTrue();
        scene.goLive();
        assertThat(scene.reconciler.counters().divergedFlows.value()).isZero();
    }

    /** Between the same ports: the guest answers a late segment of an earlier connection, and then takes the SYN. */
    @Test
    void shouldNotTakeARstForARefusalThatIsForSomethingElse() {
        Dialogue client = scene.dialogue();
        scene.checkpoint();
        client.open();
        client.answer("1");
        scene.failOver();
        client.guestSends(Segment.withFlags(Segment.RST).sequence(12_345));
        client.guestHas = client.clientNext;
        client.synAck();
        client.answer("1");
        assertThat(scene.reconciler.isDecided()).isTrue();
        assertThat(scene.reconciler.divergedFlows()).isZero();
    }

    /** As its client did, whose RST is not recorded: it came when the new connection had no ledger, or was not its own. */
    @Test
    void shouldEndAnEarlierConnectionThatTheRestoredGuestStillHas() {
        Dialogue client = scene.dialogue();
        scene.checkpoint();
        client.open();
        client.answer("1");
        scene.failOver();
        client.guestSends(Segment.withFlags(Segment.ACK).sequence(777).acknowledgment(12_345));
        assertThat(client.toGuest().getLast().has(Segment.RST)).isTrue();
        assertThat(client.toGuest().getLast().sequence()).isEqualTo(12_345);
        client.guestHas = client.clientNext;
        client.synAck();
        client.answer("1");
        assertThat(scene.reconciler.isDecided()).isTrue();
        assertThat(scene.reconciler.divergedFlows()).isZero();
    }

    /** INV-12: what is held leaves when the wall is opened, also if its connection turns out to have diverged. */
    @Test
    void shouldNotHoldWhatComesBehindBytesThatAreNotYetCompared() {
        Dialogue client = scene.open();
        scene.checkpoint();
        client.ask("a");
        client.answer("one");
        client.acknowledge();
        scene.failOver();
        int lost = client.guestNext;
        client.guestNext += 3;
        client.answer("more");
        client.guestNext = lost;
        client.answer("two");
        assertThat(scene.reconciler.divergedFlows()).isOne();
        assertThat(client.held()).isEmpty();
    }

    /** What has opened it has no bytes, and is not in the log. */
    @Test
    void shouldTellTheRestoredGuestThatAWindowIsOpenThatTheCheckpointHasAsShut() {
        Dialogue client = scene.open();
        client.clientSends(client.fromClient(Segment.ACK).window(0));
        scene.checkpoint();
        client.acknowledge();
        client.answer("1");
        client.acknowledge();
        scene.failOver();
        scene.elapse(50);
        assertThat(only(client.toGuest()).window()).isPositive();
    }

    /** In the client's place, which has not heard it: a guest that probes a shut window, or whether anybody is there. */
    @Test
    void shouldAnswerAProbeOfTheRestoredGuest() {
        Dialogue client = scene.open();
        scene.checkpoint();
        client.ask("a");
        client.answer("1");
        scene.failOver();
        scene.notes.clear();
        client.guestSends(client.fromGuest(Segment.ACK).sequence(client.guestNext - 1));
        assertThat(only(client.toGuest()).acknowledgment()).isEqualTo(client.guestNext);
    }

    /** Of an earlier connection between the same ports, or forged: the guest does not take it, and nobody waits for it. */
    @Test
    void shouldNotReplayWhatLiesBehindTheGuestsWindow() {
        Dialogue client = scene.open();
        scene.checkpoint();
        int guestHas = client.guestHas;
        client.clientSends(client.fromClient(Segment.ACK)
                .sequence(client.clientNext + 1_000_000)
                .payload(ReverseKit.bytes("old")));
        client.guestHas = guestHas;
        client.ask("a");
        client.answer("1");
        scene.failOver();
        client.answer("1");
        assertThat(client.said(client.toGuest())).isEqualTo("a");
        assertThat(scene.reconciler.isDecided()).isTrue();
    }

    // ---- INV-12: what diverged is reset

    /** INV-12. */
    @Test
    void shouldResetAClientExactlyWhereItStands() {
        Dialogue client = scene.open();
        int stands = diverge(client);
        Segment reset = client.toClient().getFirst();
        assertThat(reset.flags()).isEqualTo(Segment.RST | Segment.ACK);
        assertThat(reset.sequence()).isEqualTo(stands);
        assertThat(scene.reconciler.counters().divergedFlows.value()).isOne();
    }

    /** INV-12. */
    @Test
    void shouldAskAClientThatMayStandElsewhere() {
        Dialogue client = scene.open();
        int stands = diverge(client);
        Segment probe = client.toClient().getLast();
        assertThat(probe.flags()).isEqualTo(Segment.ACK);
        assertThat(probe.sequence()).isEqualTo(stands - 1);
    }

    /** INV-12. */
    @Test
    void shouldAnswerAChallengeWithTheNumberThatItNames() {
        Dialogue client = scene.open();
        int stands = diverge(client);
        scene.notes.clear();
        client.clientSends(client.fromClient(Segment.ACK).acknowledgment(stands + 1));
        Segment reset = only(client.toClient());
        assertThat(reset.has(Segment.RST)).isTrue();
        assertThat(reset.sequence()).isEqualTo(stands + 1);
        assertThat(scene.notes.toGuest).isEmpty();
    }

    /** INV-12. */
    @Test
    void shouldResetTheGuestWhereItStands() {
        Dialogue client = scene.open();
        diverge(client);
        Segment reset = client.toGuest().getFirst();
        assertThat(reset.has(Segment.RST)).isTrue();
        assertThat(reset.sequence()).isEqualTo(client.guestHas);
    }

    /** INV-12. */
    @Test
    void shouldLetNothingPassBetweenEndsThatWereReset() {
        Dialogue client = scene.open();
        diverge(client);
        scene.notes.clear();
        client.answer("more");
        assertThat(only(client.toGuest()).has(Segment.RST)).isTrue();
        assertThat(only(client.toGuest()).sequence()).isEqualTo(client.guestHas);
        client.ask("more");
        assertThat(client.said(client.toGuest())).isEmpty();
        assertThat(client.said(client.toClient())).isEmpty();
        assertThat(client.held()).isEmpty();
    }

    /** INV-12. */
    @Test
    void shouldRepeatAResetThatMayHaveBeenLostAndThenStop() {
        Dialogue client = scene.open();
        diverge(client);
        scene.notes.clear();
        for (int i = 0; i < 20; i++) {
            scene.elapse(1_000);
        }
        assertThat(client.toClient().stream().filter(segment -> segment.has(Segment.RST)))
                .hasSize(6);
    }

    /** INV-12. */
    @Test
    void shouldForgetAClientThatHasResetToo() {
        Dialogue client = scene.open();
        diverge(client);
        client.clientSends(client.fromClient(Segment.RST | Segment.ACK));
        assertThat(scene.reconciler.flowCount()).isZero();
    }

    /** INV-12. */
    @Test
    void shouldLetTheOthersGoOn() {
        Dialogue client = scene.open();
        Dialogue other = scene.open();
        scene.checkpoint();
        client.ask("a");
        client.answer("one");
        other.ask("b");
        other.answer("1");
        other.acknowledge();
        scene.failOver();
        client.answer("two");
        other.answer("1");
        scene.goLive();
        other.ask("c");
        other.answer("2");
        assertThat(other.said(other.toGuest())).isEqualTo("c");
        assertThat(other.said(other.toClient())).isEqualTo("2");
        assertThat(scene.reconciler.counters().reconciledFlows.value()).isOne();
    }

    /** The restored guest says something else than the client had been sent. Where the client stands, by what it has told. */
    private int diverge(Dialogue client) {
        scene.checkpoint();
        client.ask("a");
        client.answer("1");
        client.acknowledge();
        int stands = client.clientHas;
        client.answer("2");
        scene.failOver();
        client.answer("xy");
        scene.goLive();
        return stands;
    }

    private void assertDivergence(Divergence why) {
        assertThat(scene.reconciler.isDecided()).isTrue();
        assertThat(scene.reconciler.divergedFlows()).isOne();
        assertThat(scene.reconciler.divergences()).singleElement().asString().contains(why.name());
    }

    private static Segment only(List<Segment> segments) {
        assertThat(segments).hasSize(1);
        return segments.getFirst();
    }

    /** what came before the first barrier came in the epoch that it closed. */
    @Test
    void shouldKeepInputOfTheFirstCheckpointThatIsAcknowledgedAfterItsCommit() {
        Dialogue client = scene.open();
        client.ask("a");
        scene.checkpoint();
        client.answer("1");
        scene.failOver();
        assertThat(client.said(client.toGuest())).isEqualTo("a");
    }

    /** */
    @Test
    void shouldKeepOtherInputOfTheFirstCheckpoint() {
        byte[] datagram = FrameBuilder.ethernet("02:00:00:00:00:01", "02:00:00:00:01:00")
                .ipv4("10.0.0.100", "10.0.0.1", 64, 17, FrameBuilder.udp(53, 53, new byte[20]));
        scene.clientSends(datagram);
        scene.checkpoint();
        scene.failOver();
        assertThat(scene.notes.toGuest).hasSize(1);
    }

    /** INV-12: a RST that the guest does not believe (RFC 5961, section 3.2) must not end the comparison. */
    @Test
    void shouldCompareAfterAResetThatTheGuestHasNotBelieved() {
        Dialogue client = scene.open();
        scene.checkpoint();
        client.ask("a");
        client.answer("one");
        Segment.Builder forged = client.fromClient(Segment.RST).sequence(client.clientNext + 1_000);
        client.clientSends(forged);
        client.guestAcknowledges();
        scene.failOver();
        client.answer("two");
        assertThat(scene.reconciler.isDecided()).isTrue();
        scene.goLive();
        client.guestNext -= 3;
        client.answer("two");
        assertThat(client.said(client.toClient())).isEmpty();
    }

    /** INV-12: also if it is forged within what is on its way to the guest, where the guest might have stood. */
    @Test
    void shouldCompareAfterAResetAmongBytesThatAreOnTheirWay() {
        Dialogue client = scene.open();
        scene.checkpoint();
        client.ask("ab");
        client.clientSends(client.fromClient(Segment.RST).sequence(client.clientNext - 1));
        client.answer("one");
        scene.failOver();
        client.answer("two");
        scene.goLive();
        assertThat(client.toClient()).anyMatch(segment -> segment.has(Segment.RST));
    }

    /** INV-12: nor must a SYN that it does not believe (RFC 5961, section 4.2). What is held leaves when the wall is opened. */
    @Test
    void shouldCompareAfterASynThatTheGuestHasNotBelieved() {
        Dialogue client = scene.open();
        scene.checkpoint();
        client.ask("a");
        client.answer("one");
        client.clientSends(Segment.withFlags(Segment.SYN).sequence(70_000));
        client.guestAcknowledges();
        scene.failOver();
        client.answer("two");
        assertThat(client.said(client.held())).isEmpty();
        assertThat(scene.reconciler.divergedFlows()).isOne();
    }

    /** What its guest acknowledges behind it, it had when the RST came (RFC 5961, section 3.2). */
    @Test
    void shouldGoOnWithAConnectionWhoseGuestHasNotBelievedAReset() {
        Dialogue client = scene.open();
        scene.checkpoint();
        client.ask("ab");
        client.clientSends(client.fromClient(Segment.RST).sequence(client.clientNext - 1));
        client.answer("one");
        scene.failOver();
        assertThat(client.toGuest()).noneMatch(segment -> segment.has(Segment.RST));
        client.answer("one");
        scene.goLive();
        client.ask("c");
        assertThat(client.said(client.toGuest())).isEqualTo("c");
    }

    /** Otherwise one client fills the log for all. */
    @Test
    void shouldForgetAResetThatTheGuestHasNotBelieved() {
        Dialogue client = scene.open();
        scene.checkpoint();
        client.ask("ab");
        client.clientSends(client.fromClient(Segment.RST).sequence(client.clientNext - 1));
        client.answer("one");
        scene.checkpoint();
        scene.checkpoint();
        assertThat(scene.reconciler.logBytes()).isZero();
    }

    /** What follows it no guest takes, and others must not wait for that. */
    @Test
    void shouldNotWaitForRoomForWhatFollowsAReset() {
        Dialogue client = scene.open();
        Dialogue other = scene.open();
        scene.checkpoint();
        client.clientSends(client.fromClient(Segment.RST));
        int edge = client.clientNext + 64_000; // As the guest's SYN has said.
        client.clientSends(client.fromClient(Segment.ACK).sequence(edge).payload(new byte[1]));
        other.ask("a");
        scene.failOver();
        assertThat(other.said(other.toGuest())).isEqualTo("a");
    }

    /** The guest answers a late segment of an earlier connection with its numbers (RFC 9293, section 3.10.7.4), and goes on. */
    @Test
    void shouldNotTakeARstForAnEarlierConnectionForTheEndOfThisOne() {
        Dialogue client = scene.dialogue();
        scene.checkpoint();
        client.syn();
        client.synAck();
        client.guestSends(Segment.withFlags(Segment.RST).sequence(client.guestNext + 500_000_000));
        client.acknowledge();
        client.answer("1");
        scene.checkpoint();
        assertThat(scene.reconciler.flowCount()).isOne();
    }

    /** It would be said in the client's place to the restored guest, which would then drop what its client says. */
    @Test
    void shouldLearnNoClockFromALateSegment() {
        Dialogue client = scene.open();
        scene.checkpoint();
        client.clientSends(client.fromClient(Segment.ACK)
                .sequence(client.clientNext - 100_000)
                .timestamps(1_000_000, 0));
        scene.checkpoint();
        client.ask("a");
        client.answer("1");
        scene.failOver();
        client.answer("1");
        assertThat(client.toGuest()).isNotEmpty().allMatch(segment -> segment.tsval() <= client.clientClock);
    }

    /** Nothing of the old one holds for it. */
    @Test
    void shouldNotTranslateTheAnswerToANewConnectionBetweenThePortsOfATranslatedOne() {
        Dialogue client = scene.dialogue();
        scene.checkpoint();
        client.open();
        client.answer("1");
        scene.failOver();
        client.guestFirst += 1_000;
        client.synAck();
        client.answer("1");
        scene.goLive();
        client.guestFirst += 50_000;
        client.guestHas = 70_001;
        client.synAck();
        assertThat(client.held().getLast().sequence()).isEqualTo(client.guestFirst);
    }
}
