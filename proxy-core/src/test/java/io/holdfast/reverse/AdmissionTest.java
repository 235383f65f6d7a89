package io.holdfast.reverse;

import static org.assertj.core.api.Assertions.assertThat;

import io.holdfast.reverse.Scene.Dialogue;
import io.holdfast.testkit.FrameBuilder;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

/** one request at a time. */
class AdmissionTest {

    private final Scene scene = new Scene(Admission.SERIAL);
    private final Dialogue one = scene.open();
    private final Dialogue other = scene.open();

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
        Dialogue third = scene.dialogue();
        third.syn();
        assertThat(third.toGuest()).hasSize(1);
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
}
