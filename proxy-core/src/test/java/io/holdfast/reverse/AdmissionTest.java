package io.holdfast.reverse;

import static org.assertj.core.api.Assertions.assertThat;

import io.holdfast.reverse.Scene.Dialogue;
import io.holdfast.reverse.model.Segment;
import io.holdfast.testkit.FrameBuilder;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

/** one request at a time, or one batch. */
class AdmissionTest {

    private final Scene scene = new Scene(Admission.SERIAL);
    private final Dialogue one = scene.open();
    private final Dialogue other = scene.open();
    private final Dialogue third = scene.open();

    AdmissionTest() {
        scene.checkpoint();
        scene.notes.clear();
    }

    @AfterEach
    void freeTheLog() {
        scene.close();
    }

    @Test
    void shouldLetTheNextRequestInWhenTheOneBeforeItIsAnswered() {
        one.ask("a");
        other.ask("b");
        assertThat(other.said(other.toGuest())).isEmpty();
        one.answer("1");
        assertThat(other.said(other.toGuest())).isEqualTo("b");
    }

    @Test
    void shouldLetTheRestOfTheRequestPassThoseThatWait() {
        one.ask("first half, ");
        other.ask("b");
        one.ask("second half");
        assertThat(one.said(one.toGuest())).isEqualTo("first half, second half");
        assertThat(other.said(other.toGuest())).isEmpty();
    }

    /** The guest may need it to answer, its neighbour's address for one. */
    @Test
    void shouldLetOtherFramesPassThoseThatWait() {
        one.ask("a");
        other.ask("b");
        int before = scene.notes.toGuest.size();
        scene.clientSends(FrameBuilder.ethernet("02:00:00:00:00:01", "02:00:00:00:01:00")
                .arp(2, "02:00:00:00:01:00", "10.0.0.100", "02:00:00:00:00:01", "10.0.0.1"));
        assertThat(scene.notes.toGuest).hasSize(before + 1);
    }

    @Test
    void shouldLetNewConnectionsPassThoseThatWait() {
        one.ask("a");
        other.ask("b");
        Dialogue fourth = scene.dialogue();
        fourth.syn();
        assertThat(fourth.toGuest()).hasSize(1);
    }

    @Test
    void shouldGiveEachFrameOnce() {
        one.ask("a");
        other.ask("b");
        one.ask("c");
        one.answer("1");
        other.answer("2");
        one.ask("d");
        assertThat(one.said(one.toGuest())).isEqualTo("acd");
        assertThat(other.said(other.toGuest())).isEqualTo("b");
    }

    @Test
    void shouldNotMakeAnybodyWaitForWhatAClientRepeats() {
        one.ask("a");
        one.guestAcknowledges();
        one.answer("1");
        one.clientNext--;
        one.ask("a");
        other.ask("b");
        assertThat(other.said(other.toGuest())).isEqualTo("b");
    }

    @Test
    void shouldLetTheNextOneInAndCountItWhenNoAnswerComes() {
        one.ask("a");
        other.ask("b");
        scene.elapse(249);
        assertThat(other.said(other.toGuest())).isEmpty();
        scene.elapse(2);
        assertThat(other.said(other.toGuest())).isEqualTo("b");
        assertThat(scene.reconciler.counters().expiredAdmissions.value()).isOne();
    }

    /** A guest that is paused for a checkpoint answers nobody. */
    @Test
    void shouldBeginToWaitAnewWhenTheGuestWasPaused() {
        one.ask("a");
        other.ask("b");
        scene.elapse(200);
        scene.barrier();
        scene.elapse(200);
        assertThat(other.said(other.toGuest())).isEmpty();
    }

    @Test
    void shouldLetAllOfARequestInWhenItsTurnHasCome() {
        one.ask("a");
        other.ask("first half, ");
        third.ask("c");
        other.ask("second half");
        one.answer("1");
        assertThat(other.said(other.toGuest())).isEqualTo("first half, second half");
    }

    /** It may be the answer to an earlier request on the same connection. */
    @Test
    void shouldNotTakeForAnAnswerWhatTheGuestSaidBeforeItHadTheWholeRequest() {
        one.ask("a");
        int before = one.guestHas;
        one.ask("b");
        int after = one.guestHas;
        one.guestHas = before;
        one.answer("1");
        one.guestHas = after;
        one.guestAcknowledges();
        other.ask("c");
        assertThat(other.said(other.toGuest())).isEmpty();
        one.answer("2");
        assertThat(other.said(other.toGuest())).isEqualTo("c");
    }

    @Test
    void shouldServeThoseThatWaitInTheOrderInWhichTheyCame() {
        one.ask("a");
        other.ask("b");
        third.ask("c");
        one.answer("1");
        assertThat(third.said(third.toGuest())).isEmpty();
        other.answer("2");
        assertThat(third.said(third.toGuest())).isEqualTo("c");
    }

    /** A client that shuts its side down still waits for its answer. */
    @Test
    void shouldWaitForTheAnswerToOneThatSendsNoMore() {
        one.clientSends(one.fromClient(Segment.FIN | Segment.ACK).payload(ReverseKit.bytes("a")));
        other.ask("b");
        assertThat(other.said(other.toGuest())).isEmpty();
    }

    @Test
    void shouldNotWaitForOneThatIsReset() {
        one.ask("a");
        other.ask("b");
        one.guestSends(one.fromGuest(Segment.RST | Segment.ACK));
        assertThat(other.said(other.toGuest())).isEqualTo("b");
    }

    @Test
    void shouldReplayRequestsInTheOrderInWhichTheyWereServed() {
        one.ask("a");
        other.ask("b");
        one.answer("1");
        other.answer("2");
        scene.failOver();
        assertThat(other.said(other.toGuest())).isEmpty();
        one.answer("1");
        assertThat(other.said(other.toGuest())).isEqualTo("b");
    }

    /** It came before the one that was answered first, and was let in after it. */
    @Test
    void shouldReplayARequestWhereItWasServedAndNotWhereItCame() {
        one.ask("a");
        other.ask("b");
        one.ask(", rest of a");
        one.answer("1");
        other.answer("2");
        one.ask("c");
        one.answer("3");
        scene.failOver();
        assertThat(one.said(one.toGuest())).isEqualTo("a, rest of a");
        assertThat(other.toGuest()).isEmpty();
        one.answer("1");
        assertThat(other.said(other.toGuest())).isEqualTo("b");
        assertThat(one.said(one.toGuest())).isEqualTo("a, rest of a");
        other.answer("2");
        assertThat(one.said(one.toGuest())).isEqualTo("a, rest of ac");
    }

    /** Its answer came after that of the one that was let in when the time was over, and so it does again. */
    @Test
    void shouldNotAwaitInAReplayWhatHadNotBeenAwaited() {
        one.ask("blocks");
        other.ask("unblocks");
        scene.elapse(251);
        other.answer("2");
        one.answer("1");
        scene.failOver();
        assertThat(other.said(other.toGuest())).isEqualTo("unblocks");
    }

    @Test
    void shouldGiveWhatNeverHadItsTurnAfterAllThatWasRecorded() {
        one.ask("a");
        other.ask("b");
        scene.failOver();
        assertThat(one.said(one.toGuest())).isEqualTo("a");
        assertThat(other.toGuest()).isEmpty();
        one.guestAcknowledges();
        scene.goLive();
        assertThat(other.said(other.toGuest())).isEqualTo("b");
    }

    /** the guest has not got it, so no checkpoint has. */
    @Test
    void shouldKeepWhatWaitsThroughCheckpoints() {
        one.ask("a");
        other.ask("b");
        one.guestAcknowledges();
        scene.checkpoint();
        scene.checkpoint();
        one.answer("1");
        other.answer("2");
        scene.failOver();
        one.answer("1");
        assertThat(other.said(other.toGuest())).isEqualTo("b");
    }

    /** it came long ago, but no checkpoint has it, and its client has its acknowledgement. */
    @Test
    void shouldKeepWhatHasWaitedThroughTheCommitOfAnEarlierEpoch() {
        scene.checkpoint();
        one.ask("a");
        other.ask("b");
        one.guestAcknowledges();
        scene.checkpoint();
        scene.barrier();
        one.answer("1");
        scene.commit();
        one.ask("c"); // Forgets what the commit has made needless.
        other.answer("2");
        scene.failOver();
        one.answer("1");
        assertThat(other.said(other.toGuest())).isEqualTo("b");
    }

    @Test
    void shouldGiveARequestAndCountItWhenThereIsNoRoomToNoteItsTurn() {
        try (Scene narrow = new Scene(4096, Admission.SERIAL)) {
            Dialogue first = narrow.open();
            Dialogue second = narrow.open();
            narrow.checkpoint();
            first.ask("a");
            second.ask("b");
            for (int i = 0; i < 100; i++) {
                narrow.clientSends(new byte[60]);
            }
            first.answer("1");
            assertThat(second.said(second.toGuest())).isEqualTo("b");
            assertThat(narrow.reconciler.counters().unorderedRequests.value()).isOne();
        }
    }

    // ---- batches ----

    private static Dialogue[] batch(Scene together, int connections) {
        Dialogue[] all = new Dialogue[connections];
        for (int i = 0; i < connections; i++) {
            all[i] = together.open();
        }
        together.checkpoint();
        together.notes.clear();
        return all;
    }

    @Test
    void shouldLetAllThatWaitInTogetherWhenTheBatchBeforeIsAnswered() {
        try (Scene together = new Scene(Admission.BATCH)) {
            Dialogue[] all = batch(together, 3);
            all[0].ask("a");
            together.elapse(1);
            all[1].ask("b");
            all[2].ask("c");
            assertThat(all[1].toGuest()).isEmpty();
            all[0].answer("1");
            together.elapse(1);
            assertThat(all[1].said(all[1].toGuest())).isEqualTo("b");
            assertThat(all[2].said(all[2].toGuest())).isEqualTo("c");
        }
    }

    @Test
    void shouldWaitForEveryAnswerOfABatch() {
        try (Scene together = new Scene(Admission.BATCH)) {
            Dialogue[] all = batch(together, 3);
            all[0].ask("a");
            all[1].ask("b");
            together.elapse(1);
            all[1].answer("2");
            all[1].ask("d");
            all[2].ask("c");
            together.elapse(1);
            assertThat(all[1].said(all[1].toGuest())).isEqualTo("b");
            assertThat(all[2].toGuest()).isEmpty();
            all[0].answer("1");
            together.elapse(1);
            assertThat(all[1].said(all[1].toGuest())).isEqualTo("bd");
            assertThat(all[2].said(all[2].toGuest())).isEqualTo("c");
        }
    }

    /** One that has not looked for work since may serve the next ones in the order of the last ones. */
    @Test
    void shouldGiveTheGuestTimeToLookForWorkBeforeTheNextBatch() {
        try (Scene together = new Scene(Admission.BATCH)) {
            Dialogue[] all = batch(together, 2);
            all[0].ask("a");
            together.elapse(1);
            all[0].answer("1");
            all[1].ask("b");
            assertThat(all[1].toGuest()).isEmpty();
            together.elapse(1);
            assertThat(all[1].said(all[1].toGuest())).isEqualTo("b");
        }
    }

    @Test
    void shouldCountABatchThatIsNotAnsweredAndLetTheNextOneIn() {
        try (Scene together = new Scene(Admission.BATCH)) {
            Dialogue[] all = batch(together, 3);
            all[0].ask("a");
            all[1].ask("b");
            together.elapse(1);
            all[2].ask("c");
            all[0].answer("1");
            together.elapse(248);
            assertThat(all[2].toGuest()).isEmpty();
            together.elapse(2);
            together.elapse(1);
            assertThat(all[2].said(all[2].toGuest())).isEqualTo("c");
            assertThat(together.reconciler.counters().expiredAdmissions.value()).isOne();
        }
    }

    @Test
    void shouldReplayABatchInTheOrderInWhichItWasLetIn() {
        try (Scene together = new Scene(Admission.BATCH)) {
            Dialogue[] all = batch(together, 3);
            all[0].ask("a");
            together.elapse(1);
            all[2].ask("c");
            all[1].ask("b");
            all[0].answer("1");
            together.elapse(1);
            all[1].answer("2");
            all[2].answer("3");
            together.failOver();
            assertThat(all[1].toGuest()).isEmpty();
            assertThat(all[2].toGuest()).isEmpty();
            all[0].answer("1");
            assertThat(together.notes.toGuest.stream()
                            .filter(sent -> sent.isOf(all[1].client) || sent.isOf(all[2].client))
                            .map(sent -> ReverseKit.text(sent.segment())))
                    .containsExactly("c", "b");
        }
    }

    @Test
    void shouldNotLetASerialRequestInWithABatch() {
        try (Scene mixed = new Scene(port -> port == ReverseKit.GUEST_PORT ? Admission.SERIAL : Admission.BATCH)) {
            Dialogue batched = mixed.open(8080);
            Dialogue serial = mixed.open();
            Dialogue late = mixed.open(8080);
            mixed.checkpoint();
            mixed.notes.clear();
            batched.ask("a");
            serial.ask("b");
            late.ask("c");
            assertThat(serial.toGuest()).isEmpty();
            assertThat(late.toGuest()).isEmpty();
            batched.answer("1");
            assertThat(serial.said(serial.toGuest())).isEqualTo("b");
            serial.answer("2");
            mixed.elapse(1);
            assertThat(late.said(late.toGuest())).isEqualTo("c");
        }
    }

    @Test
    void shouldNotLetABatchInWithASerialRequest() {
        try (Scene mixed = new Scene(port -> port == ReverseKit.GUEST_PORT ? Admission.SERIAL : Admission.BATCH)) {
            Dialogue serial = mixed.open();
            Dialogue batched = mixed.open(8080);
            mixed.checkpoint();
            mixed.notes.clear();
            serial.ask("a");
            batched.ask("b");
            assertThat(batched.toGuest()).isEmpty();
            serial.answer("1");
            mixed.elapse(1);
            assertThat(batched.said(batched.toGuest())).isEqualTo("b");
        }
    }

    /** It looks for work for the first time. */
    @Test
    void shouldNotWaitForWhatAnotherGuestHadToSettle() {
        try (Scene together = new Scene(Admission.BATCH)) {
            Dialogue[] all = batch(together, 2);
            all[0].ask("a");
            all[0].answer("1");
            all[0].acknowledge();
            all[1].ask("b");
            together.failOver();
            all[0].answer("1");
            together.goLive();
            assertThat(all[1].said(all[1].toGuest())).isEqualTo("b");
        }
    }

    // ---- by port ----

    @Test
    void shouldLetRequestsForFreePortsPass() {
        try (Scene mixed = new Scene(port -> port == ReverseKit.GUEST_PORT ? Admission.SERIAL : Admission.FREE)) {
            Dialogue serial = mixed.open();
            Dialogue free = mixed.open(8080);
            serial.ask("a");
            free.ask("b");
            assertThat(free.said(free.toGuest())).isEqualTo("b");
        }
    }

    @Test
    void shouldNotMakeSerialRequestsWaitForFreeOnes() {
        try (Scene mixed = new Scene(port -> port == ReverseKit.GUEST_PORT ? Admission.SERIAL : Admission.FREE)) {
            Dialogue serial = mixed.open();
            Dialogue free = mixed.open(8080);
            free.ask("b");
            serial.ask("a");
            assertThat(serial.said(serial.toGuest())).isEqualTo("a");
        }
    }
}
