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
}
