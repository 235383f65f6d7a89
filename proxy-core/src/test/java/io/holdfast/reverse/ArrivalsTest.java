package io.holdfast.reverse;

import static io.holdfast.reverse.ReverseKit.PREFIX;
import static org.assertj.core.api.Assertions.assertThat;

import java.lang.foreign.MemorySegment;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

/** */
class ArrivalsTest {

    private static final int EPOCH = 7;

    private final InputLog log = new InputLog(4096, PREFIX);
    private final Arrivals arrivals = new Arrivals(log);
    private final Ledger ledger = ReverseKit.answered(0, 0, 1);
    private final Ledger other = ReverseKit.answered(0, 0, 1);

    @AfterEach
    void freeTheLog() {
        log.close();
    }

    @Test
    void shouldNoteTheEpochOfWhatTheGuestHasAcknowledgedWhole() {
        long first = logged(ledger, 10);
        long second = logged(ledger, 20);
        acknowledge(ledger, 19);
        assertThat(log.arrival(first)).isEqualTo(EPOCH);
        assertThat(log.arrival(second)).isEqualTo(InputLog.NONE);
    }

    @Test
    void shouldNoteAllThatOneAcknowledgementIsFor() {
        long first = logged(ledger, 10);
        long others = logged(other, 10);
        long second = logged(ledger, 20);
        acknowledge(ledger, 20);
        assertThat(log.arrival(first)).isEqualTo(EPOCH);
        assertThat(log.arrival(second)).isEqualTo(EPOCH);
        assertThat(log.arrival(others)).isEqualTo(InputLog.NONE);
    }

    @Test
    void shouldNoteTheFirstEpochOnly() {
        long first = logged(ledger, 10);
        acknowledge(ledger, 10);
        arrivals.note(ledger, EPOCH + 1);
        assertThat(log.arrival(first)).isEqualTo(EPOCH);
    }

    @Test
    void shouldGoOnAfterAllHasArrived() {
        logged(ledger, 10);
        acknowledge(ledger, 10);
        long second = logged(ledger, 20);
        acknowledge(ledger, 20);
        assertThat(log.arrival(second)).isEqualTo(EPOCH);
    }

    /** Where it stood there may be anything by now. */
    @Test
    void shouldTouchNothingThatIsForgotten() {
        logged(ledger, 10);
        long forgotten = log.tail();
        log.truncateBefore(forgotten);
        long of = logged(other, 5);
        acknowledge(ledger, 10);
        assertThat(log.arrival(of)).isEqualTo(InputLog.NONE);
        long next = logged(ledger, 20);
        acknowledge(ledger, 20);
        assertThat(log.arrival(next)).isEqualTo(EPOCH);
    }

    @Test
    void shouldKnowNothingOfARestoredGuest() {
        long first = logged(ledger, 10);
        acknowledge(ledger, 10);
        arrivals.forget();
        assertThat(log.arrival(first)).isEqualTo(InputLog.NONE);
    }

    private long logged(Ledger of, long end) {
        MemorySegment frame = MemorySegment.ofArray(new byte[PREFIX + 60]);
        long first = of.clientFirst;
        long position = log.append(InputLog.SEGMENT, 0, of.id, first + end - 5, first + end, EPOCH, frame, PREFIX, 60);
        arrivals.expect(of, position);
        return position;
    }

    private void acknowledge(Ledger of, long end) {
        of.guestAck = of.clientFirst + end;
        arrivals.note(of, EPOCH);
    }
}
