package io.holdfast.reverse;

import static org.assertj.core.api.Assertions.assertThat;

import java.lang.foreign.MemorySegment;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;

class CatchUpTest {

    /** The half of all clocks that is before 0. */
    private static final int SYN_CLOCK = -1_000;

    /** What the client has heard of the guest's clock (T). */
    private static final int HEARD = -50;

    private final Ledger ledger = ReverseKit.answered(-10, -20, 5);

    CatchUpTest() {
        ledger.releasedTimestamp = HEARD;
        ledger.releasedEdge = ledger.releasedAck + 1_000;
    }

    @Test
    void shouldSetTheClockOfTheCheckpointForwardToWhatTheClientHasHeard() {
        assertThat(timestampOffset(inCheckpoint(), HEARD - 200)).isEqualTo(201);
        assertThat(timestampOffset(inCheckpoint(), HEARD)).isEqualTo(1);
    }

    @Test
    void shouldLeaveAClockThatIsAlreadyAhead() {
        assertThat(timestampOffset(inCheckpoint(), HEARD + 1)).isZero();
        assertThat(timestampOffset(inCheckpoint(), HEARD + 1_000)).isZero();
    }

    /** Over a second failover it must not go back behind the first. */
    @Test
    void shouldKeepTheOffsetThatTheCheckpointHadBefore() {
        ledger.translation = new Translation(0, 500, 0, 0);
        assertThat(timestampOffset(inCheckpoint(), HEARD - 200)).isEqualTo(500);
        assertThat(timestampOffset(inCheckpoint(), HEARD - 700)).isEqualTo(701);
    }

    /** Its clock was drawn anew, and says nothing. */
    @Test
    void shouldSetANewClockForwardOrBack() {
        assertThat(timestampOffset(answeredAnew(0), HEARD - 200)).isEqualTo(201);
        assertThat(timestampOffset(answeredAnew(0), HEARD + 1_000)).isEqualTo(-999);
    }

    @Test
    void shouldMeasureTheClockOnce() {
        CatchUp catchUp = inCheckpoint();
        catchUp.hear(ledger, HEARD - 200);
        assertThat(timestampOffset(catchUp, HEARD - 300)).isEqualTo(201);
    }

    @Test
    void shouldHaveNoClockWithoutTimestamps() {
        ledger.guestOffer = new Offer(1460, 7, true, false);
        assertThat(timestampOffset(inCheckpoint(), 0)).isZero();
        assertThat(timestampOffset(answeredAnew(0), 0)).isZero();
    }

    @Test
    void shouldNotLetTheClientHearLessThanItHasHeard() {
        CatchUp catchUp = inCheckpoint();
        catchUp.hear(ledger, 0);
        assertThat(catchUp.translation().ackFloor()).isEqualTo(ledger.releasedAck);
        assertThat(catchUp.translation().edgeFloor()).isEqualTo(ledger.releasedEdge);
    }

    @Test
    void shouldMeasureTheNumberingOfAnAnswerAnew() {
        CatchUp catchUp = answeredAnew((int) ledger.guestFirst - 12_345);
        catchUp.hear(ledger, 0);
        assertThat(catchUp.sequenceOffset()).isEqualTo(12_345);
        assertThat(catchUp.guestEnd()).isEqualTo(ledger.guestFirst + 1);
    }

    @Test
    void shouldKeepTheNumberingOfAConnectionInTheCheckpoint() {
        ledger.translation = new Translation(77, 0, 0, 0);
        assertThat(inCheckpoint().sequenceOffset()).isEqualTo(77);
    }

    @Test
    void shouldNeverSetTheClientsClockBack() {
        CatchUp catchUp = inCheckpoint();
        catchUp.inject(0, true, 100);
        assertThat(catchUp.clientTimestamp(99)).isEqualTo(100);
        assertThat(catchUp.clientTimestamp(101)).isEqualTo(101);
    }

    @Test
    void shouldAcknowledgeNoMoreThanTheGuestHasSaidInThisLife() {
        CatchUp catchUp = released(300);
        ledger.clientAck = ledger.releasedEnd;
        catchUp.comparison().absorb(MemorySegment.ofArray(new byte[100]), 0, 100);
        assertThat(catchUp.acknowledgeable(ledger)).isEqualTo(ledger.releasedEnd - 200);
    }

    @Test
    void shouldAcknowledgeNoMoreThanTheClientHas() {
        CatchUp catchUp = released(300);
        ledger.clientAck = ledger.releasedEnd - 250;
        catchUp.comparison().absorb(MemorySegment.ofArray(new byte[300]), 0, 300);
        assertThat(catchUp.acknowledgeable(ledger)).isEqualTo(ledger.clientAck);
    }

    /** Others may depend on it. */
    @Test
    void shouldAcknowledgeEverythingOfOneThatIsGivenUp() {
        CatchUp catchUp = released(300);
        catchUp.diverge(Divergence.BYTES);
        catchUp.emit(ledger.releasedEnd + 50);
        assertThat(catchUp.acknowledgeable(ledger)).isEqualTo(ledger.releasedEnd + 50);
    }

    @Test
    void shouldBeDoneWhenTheGuestHasSaidEverythingAgain() {
        CatchUp catchUp = released(300);
        catchUp.comparison().absorb(MemorySegment.ofArray(new byte[299]), 0, 299);
        assertThat(catchUp.isDone(ledger)).isFalse();
        catchUp.comparison().absorb(MemorySegment.ofArray(new byte[1]), 0, 1);
        assertThat(catchUp.isDone(ledger)).isTrue();
    }

    @Test
    void shouldNotBeDoneBeforeTheGuestHasWhatTheClientWillNotSendAgain() {
        CatchUp catchUp = inCheckpoint();
        ledger.releasedAck += 10;
        assertThat(catchUp.isDone(ledger)).isFalse();
        catchUp.tell(ledger.releasedAck, ledger.releasedEdge, true, 0);
        assertThat(catchUp.isDone(ledger)).isTrue();
    }

    @Test
    void shouldNotBeDoneBeforeItsSynIsAnswered() {
        CatchUp catchUp = CatchUp.fromSyn(ledger);
        catchUp.tell(ledger.releasedAck, ledger.releasedEdge, true, 0);
        assertThat(catchUp.isDone(ledger)).isFalse();
        catchUp.number(ledger, 0, 0);
        assertThat(catchUp.isDone(ledger)).isTrue();
    }

    @Test
    void shouldKeepTheFirstReasonForGivingUp() {
        CatchUp catchUp = inCheckpoint();
        catchUp.diverge(Divergence.OFFER);
        catchUp.diverge(Divergence.TIME);
        assertThat(catchUp.divergence()).isEqualTo(Divergence.OFFER);
    }

    /** the checkpoint has its SYN, which is not replayed then; its clock may be anywhere. */
    @Test
    void shouldGoOnFromTheClockThatTheGuestKnowsFromTheSyn() {
        CatchUp catchUp = answeredAnew(5);
        assertThat(catchUp.clientTimestamp(SYN_CLOCK + 3)).isEqualTo(SYN_CLOCK + 3);
        assertThat(catchUp.clientTimestamp(SYN_CLOCK - 3)).isEqualTo(SYN_CLOCK);
    }

    /** After the checkpoint the client was sent that many zeroes. */
    private CatchUp released(int bytes) {
        ledger.closeEpochs(6, 5);
        ledger.released.put(ledger.released.end(), MemorySegment.ofArray(new byte[bytes]), 0, bytes);
        ledger.guestEnd += bytes;
        ledger.releaseEmitted();
        return inCheckpoint();
    }

    private CatchUp inCheckpoint() {
        @Nullable Mark mark = ledger.at(5);
        if (mark == null) {
            throw new AssertionError("it began in that epoch");
        }
        return CatchUp.from(ledger, mark);
    }

    private CatchUp answeredAnew(int guestFirst) {
        CatchUp catchUp = CatchUp.fromSyn(ledger);
        catchUp.number(ledger, guestFirst, SYN_CLOCK);
        return catchUp;
    }

    private int timestampOffset(CatchUp catchUp, int timestamp) {
        catchUp.hear(ledger, timestamp);
        return catchUp.translation().timestampOffset();
    }
}
