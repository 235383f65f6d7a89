package io.holdfast.demo;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.List;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;

class FailoverTest {

    private static final long KILLED = millis(1000);
    private static final long GONE = millis(1010);

    private final AnswerTimes first = new AnswerTimes(0);
    private final AnswerTimes second = new AnswerTimes(0);
    private final List<AnswerTimes> clients = List.of(first, second);
    private final Failover failover = new Failover(KILLED, GONE);

    @Test
    void shouldMeasureFromTheKillToTheFirstAndTheLastClientThatWasAnswered() {
        answer(first, 990, 1300, 1400);
        answer(second, 995, 1500);

        assertThat(failover.firstAnswerAfterNanos(clients)).hasValue(millis(300));
        assertThat(failover.lastClientAnsweredAfterNanos(clients)).hasValue(millis(500));
    }

    @Test
    void shouldNotTakeTheDeadPrimarysLastWordsForAnAnswerOfThePromotedGuest() {
        answer(first, 1005, 1012, 1300);

        assertThat(failover.firstAnswerAfterNanos(clients)).hasValue(millis(300));
    }

    @Test
    void shouldHaveNoTimeWhenNobodyWasAnsweredAgain() {
        answer(first, 990);

        assertThat(failover.firstAnswerAfterNanos(clients)).isEmpty();
    }

    @Test
    void shouldPutTheOperatorsTimesOnTheMonotonicClock() {
        assertThat(Commands.failover("mark failover 5000000 5001000", 7_000_000_000L, 5_003_000L))
                .contains(new Failover(6_997_000_000L, 6_998_000_000L));
        assertThat(Commands.failover("mark time", 0, 0)).isEmpty();
    }

    private static void answer(AnswerTimes times, long... atMillis) {
        for (long at : atMillis) {
            times.add(millis(at) - 1, millis(at));
        }
    }

    private static long millis(long count) {
        return TimeUnit.MILLISECONDS.toNanos(count);
    }
}
