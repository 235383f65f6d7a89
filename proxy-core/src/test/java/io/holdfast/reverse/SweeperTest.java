package io.holdfast.reverse;

import static org.assertj.core.api.Assertions.assertThat;

import io.holdfast.reverse.Scene.Dialogue;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

/** A table with room for one connection. */
class SweeperTest {

    private static final long FIVE_MINUTES_MILLIS = 300_000;

    private final Scene scene = new Scene(1 << 20, 1 << 20, 1, port -> false);
    private final Dialogue old = scene.dialogue();
    private final Dialogue next = scene.dialogue();

    @AfterEach
    void freeTheLog() {
        scene.close();
    }

    private boolean isReleased(Dialogue dialogue) {
        dialogue.syn();
        dialogue.synAck();
        return !dialogue.toClient().isEmpty();
    }

    @Test
    void shouldForgetOneThatTheGuestDoesNotAnswer() {
        old.syn();
        scene.elapse(1_000);
        assertThat(isReleased(next)).isTrue();
        assertThat(scene.reconciler.counters().forgottenFlows.value()).isOne();
    }

    @Test
    void shouldKeepOneThatTheGuestMayStillAnswer() {
        old.syn();
        scene.elapse(999);
        assertThat(isReleased(next)).isFalse();
    }

    @Test
    void shouldKeepOneThatItsClientAsksForAgain() {
        old.syn();
        scene.elapse(999);
        old.clientNext--;
        old.syn();
        scene.elapse(999);
        assertThat(isReleased(next)).isFalse();
    }

    /** What the guest says to it then is held, and nobody has been told anything. */
    @Test
    void shouldLeaveAForgottenOneToTheWall() {
        old.syn();
        scene.elapse(1_000);
        next.syn();
        old.synAck();
        assertThat(old.toClient()).isEmpty();
        assertThat(old.held()).hasSize(1);
    }

    @Test
    void shouldForgetOneThatItsClientDoesNotComplete() {
        scene.checkpoint();
        old.syn();
        old.synAck();
        scene.checkpoint();
        scene.elapse(3_000);
        assertThat(isReleased(next)).isTrue();
    }

    @Test
    void shouldKeepASilentOne() {
        old.open();
        scene.elapse(FIVE_MINUTES_MILLIS - 1);
        assertThat(isReleased(next)).isFalse();
    }

    @Test
    void shouldForgetOneThatHasLongBeenSilent() {
        scene.checkpoint();
        old.open();
        old.answer("a");
        scene.checkpoint();
        scene.elapse(FIVE_MINUTES_MILLIS);
        assertThat(isReleased(next)).isTrue();
    }

    /** A failover would have to say it again. */
    @Test
    void shouldKeepOneThatHasSeenWhatNoCheckpointHas() {
        scene.checkpoint();
        old.open();
        scene.checkpoint();
        old.answer("a");
        scene.elapse(FIVE_MINUTES_MILLIS);
        assertThat(isReleased(next)).isFalse();
    }

    @Test
    void shouldKeepOneThatIsTranslated() {
        scene.checkpoint();
        old.open();
        old.guestFirst += 1_000;
        scene.failOver();
        old.synAck();
        scene.goLive();
        scene.elapse(FIVE_MINUTES_MILLIS);
        assertThat(isReleased(next)).isFalse();
    }

    /** its client may not send again what the guest has acknowledged. */
    @Test
    void shouldKeepOneWhoseGuestHasGotWhatNoCheckpointHas() {
        scene.checkpoint();
        old.open();
        scene.checkpoint();
        old.ask("a");
        old.guestAcknowledges();
        scene.elapse(FIVE_MINUTES_MILLIS);
        assertThat(isReleased(next)).isFalse();
    }

    /** A failover would have to open it again. */
    @Test
    void shouldKeepOneThatBeganAfterTheCheckpoint() {
        scene.checkpoint();
        old.open();
        scene.elapse(FIVE_MINUTES_MILLIS);
        assertThat(isReleased(next)).isFalse();
    }

    @Test
    void shouldForgetASilentOneThatNoCheckpointHasIfThereIsNoBackup() {
        scene.checkpoint();
        scene.reconciler.stopRecording();
        old.open();
        scene.elapse(FIVE_MINUTES_MILLIS);
        assertThat(isReleased(next)).isTrue();
    }

    /** What it has asked for is dropped without its ledger. */
    @Test
    void shouldKeepOneThatWaitsForItsTurn() {
        try (Scene serial = new Scene(1 << 20, 1 << 20, 2, port -> false, port -> Admission.SERIAL)) {
            serial.checkpoint();
            Dialogue asking = serial.open();
            Dialogue waiting = serial.open();
            serial.checkpoint();
            asking.ask("a");
            asking.guestAcknowledges(); // No checkpoint has it, so that this one is kept as well.
            waiting.ask("b");
            serial.notes.guestHasRoom = false;
            serial.elapse(FIVE_MINUTES_MILLIS);
            serial.notes.guestHasRoom = true;
            serial.dialogue().syn();
            assertThat(serial.reconciler.counters().forgottenFlows.value()).isZero();
        }
    }

    /** What the next guest has to say again is not decided yet. */
    @Test
    void shouldForgetNobodyWhileThereIsNoGuest() {
        scene.checkpoint();
        old.open();
        scene.checkpoint();
        scene.reconciler.onGuestLost();
        scene.elapse(FIVE_MINUTES_MILLIS);
        next.syn();
        assertThat(scene.reconciler.counters().forgottenFlows.value()).isZero();
    }

    @Test
    void shouldLookBeyondOneThatIsToBeKept() {
        try (Scene wider = new Scene(1 << 20, 1 << 20, 2, port -> false)) {
            wider.dialogue().syn();
            wider.open();
            wider.elapse(1_000);
            wider.dialogue().syn();
            assertThat(wider.reconciler.counters().forgottenFlows.value()).isOne();
        }
    }

    /** In a flood each SYN would look at the whole table. The next one goes on where this one has stopped. */
    @Test
    void shouldLookAtNoMoreThanAFewForOneSyn() {
        try (Scene wide = new Scene(1 << 20, 1 << 20, 17, port -> false)) {
            wide.dialogue().syn(); // The last one to be looked at.
            for (int i = 0; i < 16; i++) {
                wide.open();
            }
            wide.elapse(1_000);
            wide.dialogue().syn();
            assertThat(wide.reconciler.counters().forgottenFlows.value()).isZero();
            wide.dialogue().syn();
            assertThat(wide.reconciler.counters().forgottenFlows.value()).isOne();
        }
    }
}
