package io.holdfast.reverse;

import static org.assertj.core.api.Assertions.assertThat;

import io.holdfast.reverse.Scene.Dialogue;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** Between holding everything and releasing what can be repaired, while connections are open. */
class ModeTest {

    private static final long UNCONFIRMED_EPOCH = 50;

    private final Scene scene = new Scene();

    @BeforeEach
    void protect() {
        scene.checkpoint();
    }

    @AfterEach
    void freeTheLog() {
        scene.close();
    }

    @Test
    void shouldReleaseAtOnceUntilTheEpochEnds() {
        Dialogue client = scene.open();
        scene.reconciler.releaseAtOnce(false);
        client.answer("a");
        assertThat(client.said(client.toClient())).isEqualTo("a");
    }

    @Test
    void shouldHoldWhatIsSaidInTheNextEpoch() {
        Dialogue client = scene.open();
        scene.reconciler.releaseAtOnce(false);
        scene.checkpoint();
        scene.notes.clear();
        client.answer("a");
        assertThat(client.toClient()).isEmpty();
        assertThat(client.said(client.held())).isEqualTo("a");
    }

    @Test
    void shouldHoldConnectionsThatBeginMeanwhile() {
        scene.reconciler.releaseAtOnce(false);
        scene.checkpoint();
        Dialogue client = scene.dialogue();
        client.syn();
        client.synAck();
        assertThat(client.toClient()).isEmpty();
        assertThat(client.held()).hasSize(1);
    }

    @Test
    void shouldReleaseAConnectionAgainWhenAllThatWasHeldOfItHasLeft() {
        Dialogue client = held("a");
        scene.reconciler.releaseAtOnce(true);
        scene.checkpoint();
        scene.notes.clear();
        client.answer("b");
        assertThat(client.said(client.toClient())).isEqualTo("b");
    }

    /** what is held of it would be missing in its ledger. */
    @Test
    void shouldNotReleaseAConnectionOfWhichSomethingIsHeld() {
        Dialogue client = held("a");
        scene.reconciler.releaseAtOnce(true);
        scene.barrier();
        client.answer("b");
        scene.commit();
        scene.notes.clear();
        client.answer("c");
        assertThat(client.said(client.held())).isEqualTo("c");
    }

    /** INV-12. */
    @Test
    void shouldFindWhatWasReleasedBeforeTheChoiceAndDiffersNow() {
        Dialogue client = scene.open();
        scene.checkpoint();
        client.answer("abc");
        scene.reconciler.releaseAtOnce(false);
        scene.reconciler.onBarrier(UNCONFIRMED_EPOCH, 0);
        scene.failOver();
        client.answer("xyz");
        assertThat(scene.reconciler.divergedFlows()).isEqualTo(1);
    }

    /** INV-12. */
    @Test
    void shouldFindWhatWasReleasedAfterTheChoiceAndDiffersNow() {
        Dialogue client = held("a");
        scene.reconciler.releaseAtOnce(true);
        scene.checkpoint();
        client.answer("abc");
        scene.failOver();
        client.answer("xyz");
        assertThat(scene.reconciler.divergedFlows()).isEqualTo(1);
    }

    @Test
    void shouldForgetWhatWasHeldAndNotConfirmed() {
        Dialogue client = held("a");
        client.answer("never heard");
        scene.failOver();
        assertThat(scene.reconciler.isDecided()).isTrue();
    }

    @Test
    void shouldChangeAtOnceWithoutABackup() {
        scene.reconciler.stopRecording();
        scene.reconciler.releaseAtOnce(false);
        assertThat(scene.reconciler.isReleasingAtOnce()).isFalse();
    }

    /** A connection that is held, and of which something was said and has left. */
    private Dialogue held(String said) {
        Dialogue client = scene.open();
        scene.reconciler.releaseAtOnce(false);
        scene.checkpoint();
        client.answer(said);
        scene.checkpoint();
        return client;
    }
}
