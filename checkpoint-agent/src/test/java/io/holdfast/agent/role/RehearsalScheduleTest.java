package io.holdfast.agent.role;

import static org.assertj.core.api.Assertions.assertThat;

import io.holdfast.agent.role.RehearsalSchedule.Standing;
import io.holdfast.wall.Epoch;
import org.junit.jupiter.api.Test;

class RehearsalScheduleTest {

    private static final long EVERY_NANOS = 1_000;
    private static final long LIMIT_NANOS = 100;
    /** Monotonic clocks begin anywhere, also below zero. */
    private static final long START_NANOS = -500;

    private static final Standing WELL = new Standing(41, true, true, false);
    private static final Standing UNARMED = new Standing(41, true, false, false);

    private final RehearsalSchedule schedule = new RehearsalSchedule(EVERY_NANOS, LIMIT_NANOS, START_NANOS);

    @Test
    void shouldWaitForTheIntervalBeforeTheFirst() {
        assertThat(schedule.isDue(WELL, START_NANOS + EVERY_NANOS - 1)).isFalse();
        assertThat(schedule.isDue(WELL, START_NANOS + EVERY_NANOS)).isTrue();
    }

    @Test
    void shouldWaitForTheIntervalAfterOneHasBegun() {
        schedule.onBegin(START_NANOS + EVERY_NANOS);
        schedule.onEnd();
        assertThat(schedule.isDue(WELL, START_NANOS + 2 * EVERY_NANOS - 1)).isFalse();
        assertThat(schedule.isDue(WELL, START_NANOS + 2 * EVERY_NANOS)).isTrue();
    }

    @Test
    void shouldCountTheIntervalFromAnOperatorsRehearsalToo() {
        schedule.onBegin(START_NANOS + EVERY_NANOS / 2);
        schedule.onEnd();
        assertThat(schedule.isDue(WELL, START_NANOS + EVERY_NANOS)).isFalse();
    }

    @Test
    void shouldNeverBeginByItselfWithoutAnInterval() {
        assertThat(new RehearsalSchedule(0, LIMIT_NANOS, START_NANOS).isDue(WELL, START_NANOS + EVERY_NANOS))
                .isFalse();
    }

    @Test
    void shouldNotBeginByItselfWhileTheBackupMayNotPromote() {
        assertThat(schedule.isDue(UNARMED, START_NANOS + EVERY_NANOS)).isFalse();
    }

    @Test
    void shouldBeginByItselfAsSoonAsABackupThatIsLateMayPromote() {
        assertThat(schedule.isDue(UNARMED, START_NANOS + 3 * EVERY_NANOS)).isFalse();
        assertThat(schedule.isDue(WELL, START_NANOS + 3 * EVERY_NANOS + 1)).isTrue();
    }

    @Test
    void shouldNotBeginByItselfWhileOneIsUnderWay() {
        schedule.onBegin(START_NANOS);
        assertThat(schedule.isDue(WELL, START_NANOS + EVERY_NANOS)).isFalse();
    }

    @Test
    void shouldLetTheOperatorRehearseABackupThatMayNotPromote() {
        assertThat(schedule.refusal(UNARMED)).isEmpty();
    }

    @Test
    void shouldRefuseASecondOneAtATime() {
        schedule.onBegin(START_NANOS);
        assertThat(schedule.refusal(WELL))
                .hasValueSatisfying(why -> assertThat(why).contains("under way"));
        schedule.onEnd();
        assertThat(schedule.refusal(WELL)).isEmpty();
    }

    @Test
    void shouldRefuseWithoutACheckpoint() {
        assertThat(schedule.refusal(new Standing(Epoch.NONE, true, false, false)))
                .hasValueSatisfying(why -> assertThat(why).contains("never confirmed"));
    }

    @Test
    void shouldRefuseWithoutTheMemoryThatTheCheckpointIsIn() {
        assertThat(schedule.refusal(new Standing(41, false, false, false)))
                .hasValueSatisfying(why -> assertThat(why).contains("waiting hypervisor"));
    }

    @Test
    void shouldRefuseOncePromotionIsDecided() {
        assertThat(schedule.refusal(new Standing(41, true, true, true)))
                .hasValueSatisfying(why -> assertThat(why).contains("takes over"));
    }

    @Test
    void shouldGiveOneItsTimeAndNoMore() {
        schedule.onBegin(START_NANOS);
        assertThat(schedule.isOverdue(START_NANOS + LIMIT_NANOS)).isFalse();
        assertThat(schedule.isOverdue(START_NANOS + LIMIT_NANOS + 1)).isTrue();
        schedule.onEnd();
        assertThat(schedule.isOverdue(START_NANOS + LIMIT_NANOS + 1)).isFalse();
    }
}
