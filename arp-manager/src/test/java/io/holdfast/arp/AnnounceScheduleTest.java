package io.holdfast.arp;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;

import java.time.Duration;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.stream.LongStream;
import org.junit.jupiter.api.Test;

class AnnounceScheduleTest {

    @Test
    void shouldBeginFastAndThenRefresh() {
        assertThat(LongStream.range(0, 12)
                        .map(AnnounceSchedule.DEFAULT::offsetNanos)
                        .map(TimeUnit.NANOSECONDS::toMillis))
                .containsExactly(0L, 50L, 200L, 450L, 800L, 1900L, 3000L, 4100L, 5200L, 65_200L, 125_200L, 185_200L);
    }

    @Test
    void shouldRepeatAfterTheLocktimeOfLinux() {
        List<Duration> offsets = AnnounceSchedule.DEFAULT.offsets();
        for (int i = 5; i < offsets.size(); i++) {
            assertThat(offsets.get(i).minus(offsets.get(i - 1))).isGreaterThan(Duration.ofSeconds(1));
        }
    }

    @Test
    void shouldCountExactlyTheRoundsWhoseTimeHasCome() {
        AnnounceSchedule schedule = AnnounceSchedule.DEFAULT;
        assertThat(schedule.roundsDue(-1)).isZero();
        for (long round = 0; round < 100; round++) {
            assertThat(schedule.roundsDue(schedule.offsetNanos(round) - 1)).isEqualTo(round);
            assertThat(schedule.roundsDue(schedule.offsetNanos(round))).isEqualTo(round + 1);
        }
        assertThat(schedule.roundsDue(Duration.ofDays(10_000).toNanos())).isEqualTo(9 + 10_000L * 24 * 60 - 1);
    }

    @Test
    void shouldEndWithoutRefresh() {
        AnnounceSchedule schedule = new AnnounceSchedule(List.of(Duration.ofMillis(5)), Duration.ZERO);
        assertThat(schedule.offsetNanos(0)).isEqualTo(5_000_000);
        assertThat(schedule.offsetNanos(1)).isEqualTo(AnnounceSchedule.NEVER);
        assertThat(schedule.roundsDue(Long.MAX_VALUE)).isOne();
    }

    @Test
    void shouldRefuseWhatIsNoSchedule() {
        Duration minute = Duration.ofMinutes(1);
        assertThatIllegalArgumentException().isThrownBy(() -> new AnnounceSchedule(List.of(), minute));
        assertThatIllegalArgumentException().isThrownBy(() -> new AnnounceSchedule(List.of(minute, minute), minute));
        assertThatIllegalArgumentException().isThrownBy(() -> new AnnounceSchedule(List.of(minute.negated()), minute));
        assertThatIllegalArgumentException()
                .isThrownBy(() -> new AnnounceSchedule(List.of(Duration.ofDays(2)), minute));
        assertThatIllegalArgumentException()
                .isThrownBy(() -> new AnnounceSchedule(List.of(minute), Duration.ofMillis(10)));
    }
}
