package io.holdfast.arp;

import static io.holdfast.arp.Announcements.nic;
import static io.holdfast.arp.Announcements.station;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.fail;

import io.holdfast.arp.Ownership.Standing;
import io.holdfast.frame.MacAddress;
import io.holdfast.frame.NetworkOrder;
import io.holdfast.frame.VlanTag;
import java.lang.foreign.MemorySegment;
import java.nio.ByteBuffer;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;

/** INV-9 and INV-10, with the clock stepped by hand. */
class AnnouncerTest {

    /** RARP, request, reply, and two advertisements. */
    private static final int FRAMES_PER_ROUND = 5;

    private static final int BURST = TokenBucket.MIN_BURST;
    private static final VlanTag VLAN_10 = new VlanTag(0x8100, 10);

    /** Such that it overflows soon: nanoTime may begin anywhere. */
    private static final long START_NANOS = Long.MAX_VALUE - 1_000_000;

    private final List<MemorySegment> sent = new ArrayList<>();
    private final List<MemorySegment> sentByOther = new ArrayList<>();
    private long framesUntilLoss = Long.MAX_VALUE;
    private boolean inDoubt;
    private boolean portTakes = true;
    private boolean portThrows;

    private final Announcer announcer = new Announcer(AnnounceSchedule.DEFAULT, 500, this::standing, senders());

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
        assertThat(announcer.status().getFirst()).isEqualTo(new SeriesStatus("net0", SeriesState.RUNNING, 5, 11, 0));
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
    void shouldSayAtOnceWhatIsNewAndNothingElseUntilTheNextRound() {
        announcer.start(nic(station(false)), START_NANOS);
        announcer.onTick(START_NANOS);
        assertThat(announcer.update(nic(station(false), station(false, VLAN_10))))
                .isTrue();
        assertThat(announcer.nanosUntilDue(START_NANOS + millis(1))).isZero();
        announcer.onTick(START_NANOS + millis(1));
        assertThat(sent).hasSize(2 * FRAMES_PER_ROUND);
        assertThat(sent.subList(FRAMES_PER_ROUND, sent.size())).allMatch(AnnouncerTest::isTagged);
        assertThat(announcer.update(nic(station(false), station(false, VLAN_10))))
                .isTrue();
        assertThat(announcer.nanosUntilDue(START_NANOS + millis(1)))
                .as("nothing is new, and the schedule goes on")
                .isEqualTo(millis(49));
        announcer.onTick(START_NANOS + millis(50));
        assertThat(sent).hasSize(4 * FRAMES_PER_ROUND);
    }

    @Test
    void shouldSayNoMoreWhatIsGoneEvenIfItWaits() {
        Announcer slow = slow();
        slow.start(manyStations(), START_NANOS);
        slow.onTick(START_NANOS);
        assertThat(sent).hasSize(BURST);
        assertThat(slow.update(nic(station(false, VLAN_10)))).isTrue();
        slow.onTick(START_NANOS + seconds(1) - 1);
        assertThat(sent.subList(BURST, sent.size())).isNotEmpty().allMatch(AnnouncerTest::isTagged);
    }

    @Test
    void shouldSendNoFasterThanTheLimitAndFinishTheRoundAllTheSame() {
        Announcer slow = slow();
        slow.start(manyStations(), START_NANOS);
        slow.onTick(START_NANOS);
        assertThat(sent).as("a burst").hasSize(BURST);
        assertThat(slow.status().getFirst().waitingFrames()).isEqualTo(48 - BURST);
        long nowNanos = START_NANOS;
        for (int more = 1; more <= 48 - BURST; more++) {
            assertThat(slow.nanosUntilDue(nowNanos)).isEqualTo(millis(100));
            nowNanos += millis(100);
            slow.onTick(nowNanos - 1);
            assertThat(sent).as("a nanosecond early").hasSize(BURST + more - 1);
            slow.onTick(nowNanos);
            assertThat(sent).hasSize(BURST + more);
        }
        assertThat(new HashSet<>(contents(sent))).as("each once").hasSize(48);
        assertThat(slow.nanosUntilDue(nowNanos)).isEqualTo(START_NANOS + seconds(10) - nowNanos);
        assertThat(slow.status().getFirst().waitingFrames()).isZero();
    }

    /** Or the addresses at the end of a long list would never be announced. */
    @Test
    void shouldBeginTheNextRoundWithWhatTheLimitLeftOfTheLast() {
        Announcer slow = new Announcer(
                new AnnounceSchedule(List.of(Duration.ZERO, Duration.ofMillis(500)), Duration.ZERO),
                10,
                this::standing,
                senders());
        slow.start(manyStations(), START_NANOS);
        slow.onTick(START_NANOS);
        for (long nowMillis = 100; nowMillis <= 10_000; nowMillis += 100) {
            slow.onTick(START_NANOS + millis(nowMillis));
        }
        List<ByteBuffer> all = contents(sent);
        assertThat(all).as("what was left, and then everything once").hasSize(BURST + 4 + 48);
        assertThat(new HashSet<>(all.subList(0, 48))).hasSize(48);
        assertThat(all.subList(BURST + 4, 48))
                .isEqualTo(contents(frames(manyStations())).subList(BURST + 4, 48));
        assertThat(slow.status().getFirst().state()).isEqualTo(SeriesState.COMPLETED);
        long overLimit = Arrays.stream(AnnounceForm.values())
                .mapToLong(form -> slow.counters().count("net0", form, AnnounceOutcome.OVER_LIMIT))
                .sum();
        assertThat(overLimit).isEqualTo(48 - BURST - 4);
    }

    /** Whoever starts it again and again must not get around it. */
    @Test
    void shouldKeepTheLimitWhenStartedAnew() {
        Announcer slow = slow();
        for (int i = 0; i < 100; i++) {
            slow.start(manyStations(), START_NANOS);
            slow.onTick(START_NANOS);
        }
        assertThat(sent).hasSize(BURST);
        slow.cancel("net0");
        slow.onTick(START_NANOS + seconds(100));
        assertThat(sent).as("what waited is not sent after the end").hasSize(BURST);
        assertThat(slow.status().getFirst().waitingFrames()).isZero();
    }

    /** INV-10. */
    @Test
    void shouldAskWhoOwnsTheGuestAlsoBeforeFramesThatWaitedForTheLimit() {
        Announcer slow = slow();
        slow.start(manyStations(), START_NANOS);
        slow.onTick(START_NANOS);
        inDoubt = true;
        slow.onTick(START_NANOS + seconds(1));
        assertThat(sent).hasSize(BURST);
        assertThat(slow.nanosUntilDue(START_NANOS + seconds(1)))
                .as("the round is left out")
                .isEqualTo(seconds(9));
    }

    /** Seeded; whatever happens and whenever the thread runs, the limit is kept. */
    @Test
    void shouldKeepTheLimitWhateverHappens() {
        long seed = System.nanoTime();
        Random random = new Random(seed);
        Announcer any = new Announcer(AnnounceSchedule.DEFAULT, 10, this::standing, senders());
        List<Long> sentAtNanos = new ArrayList<>();
        long nowNanos = START_NANOS;
        for (int step = 0; step < 2_000; step++) {
            switch (random.nextInt(6)) {
                case 0 -> any.start(manyStations(), nowNanos);
                case 1 -> any.update(random.nextBoolean() ? manyStations() : nic(station(false)));
                case 2 -> nowNanos += random.nextLong(seconds(2));
                case 3 -> inDoubt = random.nextInt(4) == 0;
                default -> nowNanos += Math.min(any.nanosUntilDue(nowNanos), seconds(1));
            }
            any.onTick(nowNanos);
            while (sentAtNanos.size() < sent.size()) {
                sentAtNanos.add(nowNanos);
            }
        }
        assertThat(sent).as("seed %d", seed).hasSizeGreaterThan(200);
        for (int first = 0; first < sentAtNanos.size(); first++) {
            for (int last = first; last < sentAtNanos.size(); last++) {
                long durationNanos = sentAtNanos.get(last) - sentAtNanos.get(first);
                if (last - first + 1 > BURST + durationNanos / millis(100) + 1) {
                    fail("seed %d: %d frames within %d ns", seed, last - first + 1, durationNanos);
                }
            }
        }
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
                new AnnounceSchedule(List.of(Duration.ZERO), Duration.ZERO), 10, nic -> Standing.OWNER, senders());
        finite.start(nic(station(false)), START_NANOS);
        finite.onTick(START_NANOS);
        assertThat(finite.status().getFirst().state()).isEqualTo(SeriesState.COMPLETED);
    }

    /** Ten frames per second, a round at once and another every ten seconds. */
    private Announcer slow() {
        return new Announcer(
                new AnnounceSchedule(List.of(Duration.ZERO), Duration.ofSeconds(10)), 10, this::standing, senders());
    }

    /** Of 48 frames, sixteen of which are RARPs. */
    private static GuestAddresses.Nic manyStations() {
        return nic(IntStream.rangeClosed(1, 16)
                .mapToObj(number -> new GuestAddresses.Station(
                        new MacAddress(0x5254_0000_0000L + number),
                        List.of(),
                        false,
                        List.of("10.0.0." + number),
                        List.of()))
                .toArray(GuestAddresses.Station[]::new));
    }

    private static List<MemorySegment> frames(GuestAddresses.Nic nic) {
        return AnnounceFrames.build(nic).stream().map(AnnounceFrame::memory).toList();
    }

    private static List<ByteBuffer> contents(List<MemorySegment> frames) {
        return frames.stream().map(MemorySegment::asByteBuffer).toList();
    }

    private static boolean isTagged(MemorySegment frame) {
        return NetworkOrder.getShort(frame, 12) == 0x8100;
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

    private Standing standing(String nic) {
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
