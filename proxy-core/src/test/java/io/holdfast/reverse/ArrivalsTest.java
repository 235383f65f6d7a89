package io.holdfast.reverse;

import static io.holdfast.reverse.ReverseKit.PREFIX;
import static org.assertj.core.api.Assertions.assertThat;

import java.lang.foreign.MemorySegment;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

/** */
class ArrivalsTest {

    private static final int EPOCH = 7;
    private static final int LOG_BYTES = 4096;

    private final InputLog log = new InputLog(LOG_BYTES, PREFIX);
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

    @Test
    void shouldGoOnAfterAllIsForgotten() {
        logged(ledger, 10);
        log.truncateBefore(log.tail());
        long next = logged(ledger, 20);
        acknowledge(ledger, 20);
        assertThat(log.arrival(next)).isEqualTo(EPOCH);
    }

    @Test
    void shouldNoteNothingWhereSomethingForgottenStood() {
        logged(ledger, 10);
        long instead = loggedInstead(other);
        acknowledge(ledger, 10);
        assertThat(log.arrival(instead)).isEqualTo(InputLog.NONE);
    }

    @Test
    void shouldLeaveTheOrderOfWhatStandsWhereSomethingForgottenStood() {
        logged(ledger, 10);
        loggedInstead(other);
        long second = logged(other, 20);
        logged(ledger, 20);
        acknowledge(other, 20);
        assertThat(log.arrival(second)).isEqualTo(EPOCH);
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

    /** Forgets what there is, and writes on until something stands where the log's first record stood. */
    private long loggedInstead(Ledger of) {
        long position;
        do {
            log.truncateBefore(log.tail());
            position = logged(of, 10);
        } while (position < LOG_BYTES);
        assertThat(position).as("the records divide the log").isEqualTo(LOG_BYTES);
        return position;
    }

    private void acknowledge(Ledger of, long end) {
        of.guestAck = of.clientFirst + end;
        arrivals.note(of, EPOCH);
    }
}
