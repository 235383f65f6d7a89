package io.holdfast.reverse;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.Map;
import java.util.SplittableRandom;
import java.util.TreeMap;
import org.junit.jupiter.api.Test;

class LedgerTest {

    private static final int CLIENT_FIRST = -10;
    private static final int GUEST_FIRST = -20;
    private static final long NONE = 0;

    @Test
    void shouldBeInNoCheckpointBeforeItBegan() {
        Ledger ledger = ReverseKit.ledger(CLIENT_FIRST, 5);
        assertThat(ledger.at(4)).isNull();
        assertThat(ledger.at(5)).isNotNull();
    }

    @Test
    void shouldStandWhereItIsWhenNothingWasSaidSinceTheBarrier() {
        Ledger ledger = ReverseKit.answered(CLIENT_FIRST, GUEST_FIRST, 5);
        ledger.guestEnd += 100;
        assertThat(endAt(ledger, 5)).isEqualTo(ledger.guestEnd);
        assertThat(endAt(ledger, 9)).isEqualTo(ledger.guestEnd);
    }

    @Test
    void shouldKeepWhereItStoodAtTheBarrier() {
        Ledger ledger = ReverseKit.answered(CLIENT_FIRST, GUEST_FIRST, 5);
        ledger.guestTimestamp = 1;
        ledger.clientTimestamp = 2;
        Mark before = new Mark(5, ledger.guestEnd, ledger.guestAck, ledger.guestEdge, 1, 2);
        ledger.closeEpochs(6, NONE);
        ledger.guestEnd += 100;
        ledger.guestAck += 10;
        ledger.guestEdge += 10;
        ledger.guestTimestamp = 3;
        ledger.clientTimestamp = 4;
        assertThat(ledger.at(5)).isEqualTo(before);
        assertThat(endAt(ledger, 6)).isEqualTo(ledger.guestEnd);
    }

    @Test
    void shouldStandStillThroughEpochsInWhichNothingWasSaid() {
        Ledger ledger = ReverseKit.answered(CLIENT_FIRST, GUEST_FIRST, 5);
        long before = ledger.guestEnd;
        ledger.closeEpochs(9, NONE);
        ledger.guestEnd += 100;
        for (long epoch = 5; epoch < 9; epoch++) {
            assertThat(endAt(ledger, epoch)).isEqualTo(before);
        }
        assertThat(ledger.at(4)).isNull();
    }

    @Test
    void shouldNoteABarrierOnce() {
        Ledger ledger = ReverseKit.answered(CLIENT_FIRST, GUEST_FIRST, 5);
        assertThat(ledger.closeEpochs(5, NONE)).isFalse();
        assertThat(ledger.closeEpochs(6, NONE)).isTrue();
        ledger.guestEnd += 100;
        assertThat(ledger.closeEpochs(6, NONE)).isFalse();
        assertThat(endAt(ledger, 5)).isEqualTo(ledger.guestEnd - 100);
    }

    /** The newest confirmed checkpoint is the one that a guest is restored from. */
    @Test
    void shouldKnowTheNewestConfirmedCheckpointAndAllLaterOnes() {
        SplittableRandom random = new SplittableRandom(ReverseKit.seed());
        for (int run = 0; run < 300; run++) {
            Ledger ledger = ReverseKit.answered(CLIENT_FIRST, GUEST_FIRST, 1);
            Map<Long, Long> truth = new TreeMap<>();
            long committed = 0;
            for (long epoch = 1; epoch < 40; epoch++) {
                if (random.nextBoolean()) {
                    ledger.closeEpochs(epoch, committed);
                    ledger.guestEnd += 1 + random.nextInt(100);
                }
                truth.put(epoch, ledger.guestEnd);
                if (random.nextInt(3) == 0) {
                    committed = random.nextLong(committed, epoch + 1);
                }
                for (long asked = Math.max(1, committed); asked <= epoch; asked++) {
                    assertThat(endAt(ledger, asked)).isEqualTo(truth.get(asked));
                }
            }
        }
    }

    @Test
    void shouldForgetWhatIsOlderThanTheNewestConfirmedCheckpoint() {
        Ledger ledger = ReverseKit.answered(CLIENT_FIRST, GUEST_FIRST, 1);
        ledger.closeEpochs(2, NONE);
        ledger.closeEpochs(3, NONE);
        ledger.closeEpochs(4, 2);
        assertThat(ledger.at(1)).isNull();
        assertThat(ledger.at(2)).isNotNull();
    }

    @Test
    void shouldNotBeKnownToAClientThatHasNoAnswer() {
        Ledger ledger = ReverseKit.ledger(CLIENT_FIRST, 1);
        assertThat(ledger.isKnownToClient()).isFalse();
        ledger.answer(ReverseKit.OFFER, SequenceNumbers.first(GUEST_FIRST), 0);
        assertThat(ledger.isKnownToClient()).isFalse();
        ledger.releaseEmitted();
        assertThat(ledger.isKnownToClient()).isTrue();
    }

    @Test
    void shouldBeFinishedWhenEachEndHasTheOthersFin() {
        Ledger ledger = ReverseKit.answered(CLIENT_FIRST, GUEST_FIRST, 1);
        ledger.guestFinEnd = ledger.guestEnd + 1;
        ledger.clientFinEnd = ledger.clientEnd + 1;
        ledger.guestAck = ledger.clientFinEnd;
        ledger.clientAck = ledger.guestFinEnd - 1;
        ledger.noteFinished(7);
        assertThat(ledger.isFinished()).isFalse();
        ledger.clientAck = ledger.guestFinEnd;
        ledger.noteFinished(8);
        ledger.noteFinished(9);
        assertThat(ledger.isFinished()).isTrue();
        assertThat(ledger.finishedEpoch).isEqualTo(8);
    }

    @Test
    void shouldTakeNoFinForAByte() {
        Ledger ledger = ReverseKit.answered(CLIENT_FIRST, GUEST_FIRST, 1);
        assertThat(ledger.bytesBefore(ledger.guestEnd)).isEqualTo(ledger.guestEnd);
        ledger.guestFinEnd = ++ledger.guestEnd;
        assertThat(ledger.bytesBefore(ledger.guestEnd)).isEqualTo(ledger.guestEnd - 1);
    }

    /** RFC 7323, section 2.2: only if both have said it. */
    @Test
    void shouldScaleWindowsOnlyIfBothDo() {
        Ledger ledger = ReverseKit.ledger(CLIENT_FIRST, 1);
        ledger.answer(new Offer(1460, 9, true, true), SequenceNumbers.first(GUEST_FIRST), 0);
        assertThat(ledger.guestWindowScale()).isEqualTo(9);
        assertThat(ledger.clientWindowScale()).isEqualTo(ReverseKit.OFFER.windowScale());
        ledger.answer(new Offer(1460, -1, true, true), SequenceNumbers.first(GUEST_FIRST), 0);
        assertThat(ledger.guestWindowScale()).isZero();
        assertThat(ledger.clientWindowScale()).isZero();
    }

    private static long endAt(Ledger ledger, long epoch) {
        Mark mark = ledger.at(epoch);
        if (mark == null) {
            throw new AssertionError("nothing is known of epoch " + epoch);
        }
        return mark.guestEnd();
    }

    /** The wall has let go what was held of it. */
    @Test
    void shouldCountTheClockOfACommittedEpochAsHeard() {
        Ledger ledger = ReverseKit.answered(-10, -20, 5);
        ledger.translation = new Translation(0, 30, 0, 0);
        ledger.release(new Mark(5, ledger.guestEnd, ledger.guestAck, ledger.guestEdge, 2_000, 0));
        assertThat(ledger.releasedTimestamp).isEqualTo(2_030);
        ledger.release(new Mark(5, ledger.guestEnd, ledger.guestAck, ledger.guestEdge, 1_500, 0));
        assertThat(ledger.releasedTimestamp).isEqualTo(2_030);
    }

    /** A mark of an epoch in which the connection had not begun says nothing. */
    @Test
    void shouldNotTakeTheClockOfAGuestThatHadNotAnswered() {
        Ledger ledger = ReverseKit.answered(-10, -20, 5);
        ledger.releasedTimestamp = -1_000;
        ledger.release(new Mark(4, 0, ledger.clientFirst, 0, 0, 0));
        assertThat(ledger.releasedTimestamp).isEqualTo(-1_000);
    }
}
