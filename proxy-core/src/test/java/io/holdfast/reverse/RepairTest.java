package io.holdfast.reverse;

import static org.assertj.core.api.Assertions.assertThat;

import java.lang.foreign.MemorySegment;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

/** requests are letters, each of its own connection unless it says otherwise. */
class RepairTest {

    private static final MemorySegment FRAME = MemorySegment.ofArray(new byte[60]);

    private final InputLog log = new InputLog(1 << 16, 0);
    private final Repair repair = new Repair(log);

    @AfterEach
    void free() {
        log.close();
    }

    @Test
    void shouldChangeNothingBeforeAnAnswerWasWrong() {
        long a = ask(1);
        ask(2);
        answer(2);
        answer(1);
        improve();
        assertThat(repair.nextAheadOf(a)).isEqualTo(InputLog.NONE);
    }

    @Test
    void shouldLetGoAheadWhatWasOnItsWayAtTheSameTime() {
        long a = ask(1);
        long b = ask(2);
        answer(1);
        answer(2);
        wrong(a);
        improve();
        assertThat(repair.nextAheadOf(a)).isEqualTo(b);
        assertThat(repair.isMoved(b)).isTrue();
        repair.onGiven(b);
        assertThat(repair.nextAheadOf(a)).isEqualTo(InputLog.NONE);
    }

    /** Who asked after it may have seen the answer. */
    @Test
    void shouldLetNothingGoAheadOfWhatWasAnsweredBefore() {
        long a = ask(1);
        answer(1);
        ask(2);
        answer(2);
        wrong(a);
        improve();
        assertThat(repair.nextAheadOf(a)).isEqualTo(InputLog.NONE);
    }

    /** It overlaps with the one, but not with the other that it would have to pass. */
    @Test
    void shouldPassNothingThatWasAnsweredBefore() {
        long a = ask(1);
        long b = ask(2);
        answer(2);
        ask(3);
        answer(3);
        answer(1);
        wrong(a);
        improve();
        assertThat(repair.nextAheadOf(a)).isEqualTo(b);
        wrong(b);
        improve();
        assertThat(repair.nextAheadOf(a)).isEqualTo(InputLog.NONE);
    }

    @Test
    void shouldTryFirstWhatWasAnsweredFirst() {
        long a = ask(1);
        ask(2);
        long c = ask(3);
        answer(3);
        answer(1);
        answer(2);
        wrong(a);
        improve();
        assertThat(repair.nextAheadOf(a)).isEqualTo(c);
    }

    @Test
    void shouldTryAnotherOneWhereTheFirstWasWrongItself() {
        long a = ask(1);
        long b = ask(2);
        long c = ask(3);
        answer(2);
        answer(3);
        answer(1);
        wrong(a);
        improve();
        wrong(b);
        improve();
        assertThat(repair.isMoved(b)).isFalse();
        assertThat(repair.nextAheadOf(a)).isEqualTo(c);
    }

    @Test
    void shouldLetASecondOneGoAheadWhereTheFirstWasRightAndNotEnough() {
        long a = ask(1);
        long b = ask(2);
        long c = ask(3);
        answer(2);
        answer(3);
        answer(1);
        wrong(a);
        improve();
        wrong(a);
        improve();
        assertThat(repair.nextAheadOf(a)).isEqualTo(b);
        repair.onGiven(b);
        assertThat(repair.nextAheadOf(a)).isEqualTo(c);
    }

    @Test
    void shouldSayWhetherThereIsAnythingElseToTry() {
        long a = ask(1);
        long b = ask(2);
        answer(2);
        answer(1);
        assertThat(repair.mayImprove()).isFalse();
        wrong(a);
        assertThat(repair.mayImprove()).isTrue();
        improve();
        wrong(b);
        assertThat(repair.mayImprove()).isFalse();
    }

    /** Its connection's first request has to come before the second. */
    @Test
    void shouldNotLetASecondRequestGoAheadOfTheFirst() {
        long a = ask(1);
        ask(2);
        ask(2);
        answer(2);
        answer(1);
        wrong(a);
        improve();
        assertThat(repair.nextAheadOf(a)).isEqualTo(InputLog.NONE);
    }

    @Test
    void shouldGoByTheFirstWrongAnswerOfAnAttempt() {
        long a = ask(1);
        long b = ask(2);
        answer(2);
        answer(1);
        wrong(a);
        wrong(b);
        improve();
        assertThat(repair.isMoved(b)).isTrue();
    }

    @Test
    void shouldForgetEverythingWithTheNextLoss() {
        long a = ask(1);
        ask(2);
        answer(2);
        answer(1);
        wrong(a);
        improve();
        repair.forget();
        improve();
        assertThat(repair.nextAheadOf(a)).isEqualTo(InputLog.NONE);
    }

    private void improve() {
        repair.improve();
    }

    private void wrong(long place) {
        repair.onWrongAnswer(place, log.tail());
    }

    private long ask(long flow) {
        return log.append(InputLog.SEGMENT, 0, flow, 0, 1, 1, FRAME, 0, 60);
    }

    private void answer(long flow) {
        assertThat(log.appendOutput(flow, 1, 0, 1)).isTrue();
    }
}
