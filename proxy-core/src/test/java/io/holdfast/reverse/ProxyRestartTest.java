package io.holdfast.reverse;

import static org.assertj.core.api.Assertions.assertThat;

import io.holdfast.reverse.Scene.Dialogue;
import io.holdfast.reverse.model.Segment;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** What becomes of connections when the proxy itself dies, and with it all ledgers and the log. */
class ProxyRestartTest {

    private static final int SHIFT = 1_000_000;

    private final Scene scene = new Scene();

    @BeforeEach
    void protect() {
        scene.checkpoint();
    }

    @AfterEach
    void freeTheLog() {
        scene.close();
    }

    /** Opened after the checkpoint; the restored guest has numbered it otherwise. */
    private Dialogue translated() {
        Dialogue client = scene.open();
        client.answer("hello");
        client.acknowledge();
        scene.failOver();
        client.guestFirst -= SHIFT;
        client.synAck();
        client.answer("hello");
        assertThat(scene.reconciler.isDecided()).isTrue();
        scene.goLive();
        return client;
    }

    // ---- translations

    @Test
    void shouldTellHowConnectionsWillBeTranslatedBeforeTheGuestGoesOn() {
        Dialogue client = scene.open();
        client.answer("hello");
        client.acknowledge();
        scene.failOver();
        client.guestFirst -= SHIFT;
        client.synAck();
        client.answer("hello");
        assertThat(scene.reconciler.translations())
                .singleElement()
                .extracting(KeptTranslation::sequenceOffset)
                .isEqualTo(SHIFT);
    }

    @Test
    void shouldHoldWhatTheGuestSaysInTheNumberingThatTheClientKnows() {
        Dialogue client = translated();
        int expected = client.clientHas;
        scene.restartProxy();
        client.answer(" again");
        assertThat(client.toClient()).isEmpty();
        assertThat(client.held()).singleElement().satisfies(segment -> {
            assertThat(segment.sequence()).isEqualTo(expected);
            assertThat(ReverseKit.text(segment)).isEqualTo(" again");
        });
    }

    @Test
    void shouldGiveTheGuestItsOwnNumbering() {
        Dialogue client = translated();
        int expected = client.guestNext;
        scene.restartProxy();
        client.ask("more");
        assertThat(client.toGuest())
                .singleElement()
                .extracting(Segment::acknowledgment)
                .isEqualTo(expected);
    }

    @Test
    void shouldGoOnTranslatingInAThirdLife() {
        Dialogue client = translated();
        int expected = client.clientHas;
        scene.restartProxy();
        scene.restartProxy();
        client.answer(" again");
        assertThat(client.held()).singleElement().extracting(Segment::sequence).isEqualTo(expected);
    }

    @Test
    void shouldEndATranslationWhenTheGuestBeginsAnotherConnection() {
        Dialogue client = translated();
        scene.restartProxy();
        scene.reconciler.onTranslationsKept(List.of());
        client.syn();
        client.guestFirst = 77;
        client.synAck();
        assertThat(client.held()).singleElement().extracting(Segment::sequence).isEqualTo(77);
        assertThat(scene.reconciler.translations()).isEmpty();
    }

    /** Anybody could send a SYN in the client's name (RFC 5961, section 4). */
    @Test
    void shouldNotEndATranslationBecauseOfAClientsSyn() {
        Dialogue client = translated();
        scene.restartProxy();
        client.syn();
        assertThat(scene.reconciler.translations()).hasSize(1);
    }

    /** Else a next life would take its namesake's numbering for its own. */
    @Test
    void shouldNotLetAConnectionBeginWhileItsNamesakeIsOnDisk() {
        Dialogue client = translated();
        scene.reconciler.onTranslationsKept(scene.reconciler.translations());
        client.guestSends(client.fromGuest(Segment.RST));
        client.syn();
        assertThat(client.toGuest()).isEmpty();
        scene.reconciler.onTranslationsKept(scene.reconciler.translations());
        client.clientNext--;
        client.syn();
        assertThat(client.toGuest()).hasSize(1);
    }

    @Test
    void shouldSayThatTranslationsHaveChangedWhenOneIsOver() {
        Dialogue client = translated();
        long before = scene.reconciler.translationVersion();
        client.guestSends(client.fromGuest(Segment.RST));
        scene.checkpoint();
        scene.checkpoint();
        assertThat(scene.reconciler.translationVersion()).isGreaterThan(before);
    }

    // ---- a checkpoint older than the proxy

    /** INV-12. */
    @Test
    void shouldRefuseAClientOfWhomNothingIsKnown() {
        Dialogue client = scene.open();
        client.answer("hello");
        scene.restartProxy();
        failOverAndGoLive();
        client.ask("more");
        assertThat(client.toGuest()).isEmpty();
        assertThat(client.toClient()).singleElement().satisfies(segment -> {
            assertThat(segment.has(Segment.RST)).isTrue();
            assertThat(segment.sequence()).isEqualTo(client.clientHas);
        });
    }

    /** INV-12. */
    @Test
    void shouldRefuseWhatTheGuestSaysToAStranger() {
        Dialogue client = scene.open();
        client.answer("hello");
        scene.restartProxy();
        failOverAndGoLive();
        client.answer("other");
        assertThat(client.said(client.toClient())).isEmpty();
        assertThat(client.held()).isEmpty();
        assertThat(client.toGuest()).singleElement().satisfies(segment -> {
            assertThat(segment.has(Segment.RST)).isTrue();
            assertThat(segment.sequence()).isEqualTo(client.guestHas);
        });
    }

    /** Such a client may only listen. It answers what it cannot accept with the number that it waits for. */
    @Test
    void shouldAskAStrangerToWhomTheGuestSpeaksHowFarItHasCome() {
        Dialogue client = scene.open();
        client.answer("hello");
        scene.restartProxy();
        failOverAndGoLive();
        int sequence = client.guestNext;
        client.answer("other");
        assertThat(client.toClient()).singleElement().satisfies(segment -> {
            assertThat(segment.flags()).isEqualTo(Segment.ACK);
            assertThat(segment.sequence()).isEqualTo(sequence - 1);
            assertThat(segment.tsval()).isEqualTo(client.guestClock);
        });
    }

    /** */
    @Test
    void shouldNotRefuseAClientBeforeTheGuestGoesOn() {
        Dialogue client = scene.open();
        scene.restartProxy();
        scene.failOver();
        client.ask("more");
        assertThat(client.toClient()).isEmpty();
        assertThat(client.toGuest()).isEmpty();
    }

    @Test
    void shouldServeConnectionsThatBeginLater() {
        scene.restartProxy();
        failOverAndGoLive();
        Dialogue client = scene.open();
        client.answer("hello");
        assertThat(client.said(client.toClient())).isEqualTo("hello");
    }

    /** Its input is not in the log, which is younger than the checkpoint. */
    @Test
    void shouldResetAConnectionThatBeganBeforeItsFirstCheckpoint() {
        scene.restartProxy();
        Dialogue client = scene.open();
        client.answer("hello");
        client.acknowledge();
        failOverAndGoLive();
        assertThat(client.toClient()).first().matches(segment -> segment.has(Segment.RST));
    }

    @Test
    void shouldKnowEverybodyAfterACheckpointOfItsOwn() {
        Dialogue client = scene.open();
        scene.restartProxy();
        scene.checkpoint();
        failOverAndGoLive();
        client.ask("more");
        assertThat(client.said(client.toGuest())).isEqualTo("more");
    }

    /** Confirmed now, and closed in an earlier life. */
    @Test
    void shouldNotTakeAnOlderCheckpointForOneOfItsOwn() {
        Dialogue client = scene.open();
        scene.barrier();
        scene.restartProxy();
        scene.commit();
        failOverAndGoLive();
        client.ask("more");
        assertThat(client.toGuest()).isEmpty();
    }

    // ---- another proxy's guest

    /** INV-12: it may be numbered otherwise, and only the lost proxy knew. */
    @Test
    void shouldRefuseWhoeverOnlyALostProxyKnew() {
        Dialogue client = translated();
        scene.replaceProxy();
        assertThat(scene.reconciler.onNumberingLost(3)).isTrue();
        client.ask("more");
        assertThat(client.toGuest()).isEmpty();
        assertThat(client.toClient()).singleElement().satisfies(segment -> {
            assertThat(segment.has(Segment.RST)).isTrue();
            assertThat(segment.sequence()).isEqualTo(client.clientHas);
        });
        client.answer("other");
        assertThat(client.held()).isEmpty();
        assertThat(scene.reconciler.counters().strangerSegments.value()).isEqualTo(2);
    }

    @Test
    void shouldServeWhoBeginsAfterTheOtherProxyWasLost() {
        scene.replaceProxy();
        scene.reconciler.onNumberingLost(3);
        Dialogue client = scene.open();
        client.answer("hello");
        assertThat(client.said(client.toClient())).isEqualTo("hello");
    }

    /** An engine that comes back says so again. */
    @Test
    void shouldNotRefuseAnybodyTwiceForTheSameLoss() {
        scene.replaceProxy();
        scene.reconciler.onNumberingLost(3);
        Dialogue client = scene.open();
        assertThat(scene.reconciler.onNumberingLost(3)).isFalse();
        client.ask("more");
        assertThat(client.said(client.toGuest())).isEqualTo("more");
    }

    /** INV-12: the connection may have gone on behind the other proxy, which then had another guest. */
    @Test
    void shouldNotRelyOnWhatItKnewBeforeTheOtherProxyHadTheGuest() {
        Dialogue client = scene.open();
        client.answer("hello");
        client.acknowledge();
        scene.reconciler.onNumberingLost(3);
        assertThat(scene.reconciler.flowCount()).isZero();
        scene.notes.clear();
        client.ask("more");
        assertThat(client.toGuest()).isEmpty();
    }

    /** INV-12: its log is of the time before. */
    @Test
    void shouldNotRestoreAGuestFromACheckpointOfTheTimeBefore() {
        scene.reconciler.onNumberingLost(3);
        Dialogue client = scene.open();
        client.answer("hello");
        client.acknowledge();
        failOverAndGoLive();
        assertThat(client.toClient()).first().matches(segment -> segment.has(Segment.RST));
    }

    @Test
    void shouldNotGiveTheGuestWhatWasSentToTheOneBefore() {
        Dialogue client = scene.open();
        scene.reconciler.onGuestLost();
        scene.notes.clear();
        client.ask("lost");
        scene.reconciler.onNumberingLost(3);
        scene.elapse(10);
        assertThat(client.toGuest()).isEmpty();
        Dialogue next = scene.open();
        next.ask("new");
        assertThat(next.said(next.toGuest())).isEqualTo("new");
    }

    private void failOverAndGoLive() {
        scene.failOver();
        scene.goLive();
    }
}
