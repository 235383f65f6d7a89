package io.holdfast.agent.role;

import static org.assertj.core.api.Assertions.assertThat;

import io.holdfast.agent.role.CatchUpAttempts.Next;
import org.junit.jupiter.api.Test;

class CatchUpAttemptsTest {

    private static final long BUDGET = 3_000;
    /** A monotonic clock may be anywhere. */
    private static final long BEGIN = -1_000;

    private final CatchUpAttempts attempts = new CatchUpAttempts(2, BUDGET);

    CatchUpAttemptsTest() {
        attempts.onRestore(BEGIN);
    }

    @Test
    void shouldWaitWhileNothingIsDecided() {
        assertThat(attempts.next(false, false, BEGIN + BUDGET)).isEqualTo(Next.WAIT);
    }

    @Test
    void shouldGoLiveWhereNothingCouldBeBetter() {
        assertThat(attempts.next(true, false, BEGIN + 10)).isEqualTo(Next.GO_LIVE);
    }

    @Test
    void shouldRestoreAgainAsSoonAsAConnectionHasDiverged() {
        assertThat(attempts.next(false, true, BEGIN + 10)).isEqualTo(Next.RESTORE_AGAIN);
        assertThat(attempts.next(true, true, BEGIN + 10)).isEqualTo(Next.RESTORE_AGAIN);
    }

    /** Late is better than never: nobody else serves. */
    @Test
    void shouldReplaceADeadHypervisorAsLongAsAnAttemptIsLeft() {
        assertThat(attempts.mayReplaceDead()).isTrue();
        attempts.onRestore(BEGIN + BUDGET);
        assertThat(attempts.mayReplaceDead()).isFalse();
    }

    @Test
    void shouldLetTheLastAttemptComeToItsEnd() {
        attempts.onRestore(BEGIN + 100);
        assertThat(attempts.attempt()).isEqualTo(2);
        assertThat(attempts.next(false, true, BEGIN + 110)).isEqualTo(Next.WAIT);
        assertThat(attempts.next(true, true, BEGIN + 120)).isEqualTo(Next.GO_LIVE);
    }

    @Test
    void shouldNotBeginAnAttemptWithLessThanAThirdOfTheTime() {
        CatchUpAttempts three = new CatchUpAttempts(3, BUDGET);
        three.onRestore(BEGIN);
        three.onRestore(BEGIN + 1_999);
        assertThat(three.next(true, true, BEGIN + 2_000)).isEqualTo(Next.RESTORE_AGAIN);
        assertThat(three.next(true, true, BEGIN + 2_001)).isEqualTo(Next.GO_LIVE);
    }

    @Test
    void shouldNotBeginAnAttemptThatCannotTakeTwiceAsLongAsTheLast() {
        assertThat(attempts.next(true, true, BEGIN + 1_000)).isEqualTo(Next.RESTORE_AGAIN);
        assertThat(attempts.next(true, true, BEGIN + 1_001)).isEqualTo(Next.GO_LIVE);
    }

    @Test
    void shouldGiveUpWhatIsLateCountedFromTheFirstAttempt() {
        attempts.onRestore(BEGIN + 1_000);
        assertThat(attempts.next(false, true, BEGIN + BUDGET)).isEqualTo(Next.WAIT);
        assertThat(attempts.next(false, true, BEGIN + BUDGET + 1)).isEqualTo(Next.GIVE_UP_REST);
    }

    @Test
    void shouldGoLiveThoughItIsLateIfAllIsDecided() {
        assertThat(attempts.next(true, false, BEGIN + BUDGET + 1)).isEqualTo(Next.GO_LIVE);
    }

    @Test
    void shouldGoLiveAfterTheOnlyAttempt() {
        CatchUpAttempts one = new CatchUpAttempts(1, BUDGET);
        one.onRestore(BEGIN);
        assertThat(one.next(true, true, BEGIN + 10)).isEqualTo(Next.GO_LIVE);
    }
}
