package io.holdfast.arp;

import static io.holdfast.arp.Announcements.nic;
import static io.holdfast.arp.Announcements.station;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.holdfast.arp.Ownership.Standing;
import io.holdfast.frame.VlanTag;
import java.lang.foreign.MemorySegment;
import java.time.Duration;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;

/** INV-9 and INV-10, with the clock stepped by hand. */
class AnnouncerTest {

    /** RARP, request, reply, and two advertisements. */
    private static final int FRAMES_PER_ROUND = 5;

    /** Such that it overflows soon: nanoTime may begin anywhere. */
    private static final long START_NANOS = Long.MAX_VALUE - 1_000_000;

    private final List<MemorySegment> sent = new ArrayList<>();
    private final List<MemorySegment> sentByOther = new ArrayList<>();
    private long framesUntilLoss = Long.MAX_VALUE;
    private boolean inDoubt;
    private boolean portTakes = true;
    private boolean portThrows;

    private final Announcer announcer = new Announcer(AnnounceSchedule.DEFAULT, this::standing, senders());

    @Test
    void shouldSendNothingBeforeItIsStarted() {
        announcer.onTick(START_NANOS);
        assertThat(announcer.update(nic(station(false)))).isFalse();
        announcer.onTick(START_NANOS + seconds(100));
        assertThat(sent).isEmpty();
        assertThat(announcer.nanosUntilDue(START_NANOS)).isEqualTo(AnnounceSchedule.NEVER);
        assertThat(announcer.status().getFirst().state()).isEqualTo(SeriesState.READY);
    }

    @Test
    void shouldFollowTheSchedule() {
        announcer.start(nic(station(false)), START_NANOS);
        assertThat(sent).as("start itself does not send").isEmpty();
        List<Long> dueMillis = new ArrayList<>();
        long nowNanos = START_NANOS;
        for (int round = 1; round <= 11; round++) {
            nowNanos += announcer.nanosUntilDue(nowNanos);
            announcer.onTick(nowNanos - 1);
            assertThat(sent).as("a nanosecond early").hasSize((round - 1) * FRAMES_PER_ROUND);
            announcer.onTick(nowNanos);
            announcer.onTick(nowNanos);
            assertThat(sent).hasSize(round * FRAMES_PER_ROUND);
            dueMillis.add((nowNanos - START_NANOS) / 1_000_000);
        }
        assertThat(dueMillis).containsExactly(0L, 50L, 200L, 450L, 800L, 1900L, 3000L, 4100L, 5200L, 65_200L, 125_200L);
        assertThat(announcer.status().getFirst()).isEqualTo(new SeriesStatus("net0", SeriesState.RUNNING, 5, 11));
    }

    @Test
    void shouldSendOneRoundForAllThatWereMissed() {
        announcer.start(nic(station(false)), START_NANOS);
        announcer.onTick(START_NANOS + millis(500));
        assertThat(sent).hasSize(FRAMES_PER_ROUND);
        assertThat(announcer.nanosUntilDue(START_NANOS + millis(500))).isEqualTo(millis(300));
        announcer.onTick(START_NANOS + seconds(3600));
        assertThat(sent).hasSize(2 * FRAMES_PER_ROUND);
    }

    @Test
    void shouldEndInTheMiddleOfARoundWhenTheGuestIsNoLongerItsOwn() {
        framesUntilLoss = 2 * FRAMES_PER_ROUND + 2;
        announcer.start(nic(station(false)), START_NANOS);
        announcer.onTick(START_NANOS);
        announcer.onTick(START_NANOS + millis(50));
        announcer.onTick(START_NANOS + millis(200));
        assertThat(sent).hasSize(2 * FRAMES_PER_ROUND + 2);
        assertThat(announcer.status().getFirst().state()).isEqualTo(SeriesState.NOT_OWNER);
        assertThat(announcer.nanosUntilDue(START_NANOS + millis(200))).isEqualTo(AnnounceSchedule.NEVER);
        framesUntilLoss = Long.MAX_VALUE;
        announcer.onTick(START_NANOS + seconds(100));
        assertThat(announcer.update(nic(station(true)))).isFalse();
        announcer.onTick(START_NANOS + seconds(200));
        assertThat(sent).as("owning it again does not revive the series").hasSize(2 * FRAMES_PER_ROUND + 2);
        assertThat(count(AnnounceForm.GARP_REPLY, AnnounceOutcome.NOT_OWNER)).isOne();
    }

    /** INV-10: a wall that has lost its backup does not know whether that has promoted. */
    @Test
    void shouldBeSilentWhileTheOwnerIsInDoubtAndGoOnAfterwards() {
        announcer.start(nic(station(false)), START_NANOS);
        announcer.onTick(START_NANOS);
        inDoubt = true;
        announcer.onTick(START_NANOS + millis(50));
        announcer.onTick(START_NANOS + seconds(70));
        assertThat(sent).hasSize(FRAMES_PER_ROUND);
        assertThat(announcer.status().getFirst().state()).isEqualTo(SeriesState.RUNNING);
        assertThat(count(AnnounceForm.RARP, AnnounceOutcome.IN_DOUBT)).isEqualTo(2);
        inDoubt = false;
        announcer.onTick(START_NANOS + seconds(130));
        assertThat(sent).as("the refresh goes on").hasSize(2 * FRAMES_PER_ROUND);
    }

    @Test
    void shouldNotSendOneFrameWithoutOwnership() {
        framesUntilLoss = 0;
        announcer.start(nic(station(false)), START_NANOS);
        announcer.onTick(START_NANOS);
        assertThat(sent).isEmpty();
        assertThat(count(AnnounceForm.RARP, AnnounceOutcome.NOT_OWNER)).isOne();
    }

    @Test
    void shouldStartAnewAfterItEnded() {
        framesUntilLoss = 0;
        announcer.start(nic(station(false)), START_NANOS);
        announcer.onTick(START_NANOS);
        framesUntilLoss = Long.MAX_VALUE;
        announcer.start(nic(station(false)), START_NANOS + seconds(9));
        assertThat(announcer.nanosUntilDue(START_NANOS + seconds(9))).isZero();
        announcer.onTick(START_NANOS + seconds(9));
        assertThat(sent).hasSize(FRAMES_PER_ROUND);
        assertThat(announcer.status().getFirst().rounds()).isOne();
    }

    @Test
    void shouldSaySomethingElseFromTheNextRoundOn() {
        announcer.start(nic(station(false)), START_NANOS);
        announcer.onTick(START_NANOS);
        assertThat(announcer.update(nic(station(false), station(false, new VlanTag(0x8100, 10)))))
                .isTrue();
        announcer.onTick(START_NANOS + millis(1));
        assertThat(sent).as("the schedule goes on").hasSize(FRAMES_PER_ROUND);
        announcer.onTick(START_NANOS + millis(50));
        assertThat(sent).hasSize(3 * FRAMES_PER_ROUND);
    }

    @Test
    void shouldStopWhenCancelled() {
        announcer.start(nic(station(false)), START_NANOS);
        announcer.onTick(START_NANOS);
        announcer.cancel("net0");
        announcer.onTick(START_NANOS + seconds(100));
        assertThat(sent).hasSize(FRAMES_PER_ROUND);
        assertThat(announcer.status().getFirst().state()).isEqualTo(SeriesState.CANCELLED);
    }

    @Test
    void shouldKeepOneSeriesForEachNic() {
        announcer.start(nic(station(false)), START_NANOS);
        announcer.start(new GuestAddresses.Nic("net1", List.of(station(false))), START_NANOS + millis(10));
        announcer.onTick(START_NANOS + millis(10));
        announcer.cancel("net0");
        assertThat(announcer.nanosUntilDue(START_NANOS + millis(10))).isEqualTo(millis(50));
        announcer.onTick(START_NANOS + millis(60));
        assertThat(sent).hasSize(FRAMES_PER_ROUND);
        assertThat(sentByOther).hasSize(2 * FRAMES_PER_ROUND);
        assertThatIllegalArgumentException()
                .isThrownBy(() -> announcer.cancel("net2"))
                .withMessageContaining("net0, net1");
    }

    @Test
    void shouldCountWhatThePortRefusedAndGoOn() {
        portTakes = false;
        announcer.start(nic(station(false)), START_NANOS);
        announcer.onTick(START_NANOS);
        portTakes = true;
        announcer.onTick(START_NANOS + millis(50));
        assertThat(sent).hasSize(FRAMES_PER_ROUND);
        for (AnnounceForm form : AnnounceForm.values()) {
            long each = form == AnnounceForm.NA ? 2 : 1;
            assertThat(count(form, AnnounceOutcome.REFUSED_BY_PORT))
                    .as(form.label())
                    .isEqualTo(each);
            assertThat(count(form, AnnounceOutcome.SENT)).as(form.label()).isEqualTo(each);
            assertThat(count(form, AnnounceOutcome.NOT_OWNER)).as(form.label()).isZero();
        }
    }

    @Test
    void shouldFailAloneWhenItsSenderThrows() {
        portThrows = true;
        announcer.start(nic(station(false)), START_NANOS);
        announcer.start(new GuestAddresses.Nic("net1", List.of(station(false))), START_NANOS);
        assertThatThrownBy(() -> announcer.onTick(START_NANOS)).hasMessage("port is gone");
        assertThat(sentByOther).hasSize(FRAMES_PER_ROUND);
        assertThat(announcer.status())
                .extracting(SeriesStatus::state)
                .containsExactly(SeriesState.FAILED, SeriesState.RUNNING);
    }

    @Test
    void shouldCompleteAScheduleThatEnds() {
        Announcer finite = new Announcer(
                new AnnounceSchedule(List.of(Duration.ZERO), Duration.ZERO), () -> Standing.OWNER, senders());
        finite.start(nic(station(false)), START_NANOS);
        finite.onTick(START_NANOS);
        assertThat(finite.status().getFirst().state()).isEqualTo(SeriesState.COMPLETED);
    }

    private Map<String, FrameSender> senders() {
        Map<String, FrameSender> senders = new LinkedHashMap<>();
        senders.put("net0", (memory, offsetBytes, lengthBytes) -> {
            if (portThrows) {
                throw new IllegalStateException("port is gone");
            }
            if (portTakes) {
                sent.add(memory.asSlice(offsetBytes, lengthBytes));
            }
            return portTakes;
        });
        senders.put(
                "net1",
                (memory, offsetBytes, lengthBytes) -> sentByOther.add(memory.asSlice(offsetBytes, lengthBytes)));
        return senders;
    }

    private Standing standing() {
        if (inDoubt) {
            return Standing.IN_DOUBT;
        }
        return framesUntilLoss-- > 0 ? Standing.OWNER : Standing.NOT_OWNER;
    }

    private long count(AnnounceForm form, AnnounceOutcome outcome) {
        return announcer.counters().count("net0", form, outcome);
    }

    private static long millis(long count) {
        return count * 1_000_000;
    }

    private static long seconds(long count) {
        return millis(count * 1_000);
    }
}
