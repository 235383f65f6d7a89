package io.holdfast.bridge;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.awaitility.Awaitility.await;

import com.sun.management.ThreadMXBean;
import io.holdfast.measure.Pulse;
import io.holdfast.wall.BufferWall;
import io.holdfast.wall.Epoch;
import io.holdfast.wall.Term;
import io.holdfast.wall.WallRefusal;
import io.holdfast.wall.WallState;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.lang.management.ManagementFactory;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.OptionalLong;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

class BridgeTest {

    private static final long SHORT_LEASE_NANOS = 200_000_000L;

    private static final Term TERM = new Term(1, Term.Claim.PROMOTION, "a");
    private static final Duration LIMIT = Duration.ofSeconds(5);
    private static final Duration A_WHILE = Duration.ofMillis(50);

    private final MemoryPort guest = new MemoryPort("tap0", true);
    private final MemoryPort uplink = new MemoryPort("up0", true);
    private final MemoryPort secondGuest = new MemoryPort("tap1", true);
    private final MemoryPort secondUplink = new MemoryPort("up1", true);
    private final AtomicInteger pressures = new AtomicInteger();
    private final List<String> observed = new CopyOnWriteArrayList<>();
    private final BufferWall wall = new BufferWall("9f", Term.none(), false);
    private final Bridge bridge = new Bridge(
            wall,
            List.of(new Bridge.Nic(guest, uplink), new Bridge.Nic(secondGuest, secondUplink)),
            new Bridge.Settings(2 * 65_536, 65_536, 2_000_000, true),
            () -> (memory, offsetBytes, lengthBytes) -> lengthBytes == 99,
            observer(),
            pressures::incrementAndGet,
            (lane, cause) -> {});

    private FrameObserver observer() {
        return new FrameObserver() {
            @Override
            public void onOutboundFrame(int nic, MemorySegment memory, long offsetBytes, int lengthBytes) {}

            @Override
            public void onInboundFrame(int nic, MemorySegment memory, long offsetBytes, int lengthBytes) {
                observed.add(nic + ":" + lengthBytes + ":" + memory.get(ValueLayout.JAVA_BYTE, offsetBytes));
            }
        };
    }

    BridgeTest() {
        bridge.start();
    }

    @AfterEach
    void stop() {
        bridge.close();
    }

    /** INV-1, INV-3, INV-4. */
    @Test
    void shouldReleaseFramesOfAllNicsInOrderAtOneCommit() throws WallRefusal {
        own();
        for (int i = 0; i < 50; i++) {
            guest.arrive(frame(60, i));
            secondGuest.arrive(frame(60, i));
        }
        commit(barrier());
        awaitSent(uplink, 50);
        awaitSent(secondUplink, 50);
        for (int i = 0; i < 50; i++) {
            assertThat(uplink.sent().get(i)).isEqualTo(frame(60, i));
        }
    }

    /** INV-2. */
    @Test
    void shouldHoldWhatCameAfterTheBarrier() throws WallRefusal {
        own();
        guest.arrive(frame(60, 1));
        long epoch = barrier();
        guest.arrive(frame(60, 2));
        commit(epoch);
        awaitSent(uplink, 1);
        assertStaysAt(uplink, 1);
    }

    /** INV-4. */
    @Test
    void shouldSendAtOnceWhenAloneAndKeepTheOrder() throws WallRefusal {
        own();
        guest.arrive(frame(60, 1));
        guest.arrive(frame(60, 2));
        bridge.open(1, "9f", 1, "test");
        for (int i = 3; i < 100; i++) {
            guest.arrive(frame(60, i));
        }
        awaitSent(uplink, 99);
        for (int i = 1; i < 100; i++) {
            assertThat(uplink.sent().get(i - 1)).isEqualTo(frame(60, i));
        }
    }

    /** INV-6: whether or not the wall has noticed yet. */
    @Test
    void shouldLetNothingPassWhenTheLeaseHasRunOutThoughNobodyHasSealedTheWall() throws Exception {
        own();
        bridge.open(1, "9f", 1, "test", OptionalLong.of(System.nanoTime() + SHORT_LEASE_NANOS));
        guest.arrive(frame(60, 1));
        awaitSent(uplink, 1);
        TimeUnit.NANOSECONDS.sleep(SHORT_LEASE_NANOS);
        guest.arrive(frame(60, 2));
        assertStaysAt(uplink, 1);
        assertThat(bridge.wall().state()).isEqualTo(WallState.ALONE);
        assertThat(bridge.counters().getFirst().discardedFrames()).isEqualTo(1);
    }

    /** INV-6: it would let leave what came before it. */
    @Test
    void shouldSealRatherThanPlaceABarrierWhenTheLeaseHasRunOut() throws Exception {
        own();
        bridge.open(1, "9f", 1, "test", OptionalLong.of(System.nanoTime() + SHORT_LEASE_NANOS));
        TimeUnit.NANOSECONDS.sleep(SHORT_LEASE_NANOS);
        assertThatThrownBy(this::barrier).isInstanceOf(WallRefusal.class);
        assertThat(bridge.wall().state()).isEqualTo(WallState.SEALED);
    }

    /** INV-10: also while nothing gets in. */
    @Test
    void shouldShowWhatComesFromTheNetworkInEveryStateOnce() throws WallRefusal {
        uplink.arrive(frame(60, 2));
        await().atMost(LIMIT).until(() -> observed.size() == 1);
        own();
        secondUplink.arrive(frame(61, 3));
        await().atMost(LIMIT).until(() -> secondGuest.sent().size() == 1);
        guest.arrive(frame(60, 4));
        bridge.seal(new Term(2, Term.Claim.PROMOTION, "b"), "test");
        uplink.arrive(frame(62, 5));
        await().atMost(LIMIT).until(() -> observed.size() == 3);
        assertThat(observed.get(0)).startsWith("0:60:");
        assertThat(observed.get(1)).startsWith("1:61:");
        assertThat(observed.get(2)).startsWith("0:62:");
    }

    /** INV-6, INV-9. */
    @Test
    void shouldLetNothingInOrOutBeforeItIsOwned() throws WallRefusal {
        guest.arrive(frame(60, 1));
        uplink.arrive(frame(60, 2));
        assertStaysAt(uplink, 0);
        assertStaysAt(guest, 0);
        own();
        bridge.open(1, "9f", 1, "test");
        assertStaysAt(uplink, 0);
        assertStaysAt(guest, 0);
        assertThat(bridge.counters().get(0).discardedFrames()).isEqualTo(1);
        assertThat(bridge.counters().get(0).shutOutFrames()).isEqualTo(1);
    }

    @Test
    void shouldHandInputOnWhileOutputWaits() throws WallRefusal {
        own();
        guest.arrive(frame(60, 1));
        uplink.arrive(frame(60, 2));
        awaitSent(guest, 1);
        assertStaysAt(uplink, 0);
    }

    @Test
    void shouldSendAnExemptedFrameAtOnceButNotWhileSuspended() throws WallRefusal {
        own();
        guest.arrive(frame(99, 1));
        awaitSent(uplink, 1);
        bridge.suspend(1, "9f", 1, "test");
        guest.arrive(frame(99, 2));
        assertStaysAt(uplink, 1);
    }

    @Test
    void shouldTellHowLongTheOpenEpochHasWaitedForABarrierAndNotWhatABarrierCannotHasten() throws Exception {
        own();
        assertThat(bridge.longestWaitForBarrierNanos()).isZero();
        guest.arrive(frame(60, 1));
        Thread.sleep(20);
        secondGuest.arrive(frame(60, 2));
        assertThat(bridge.longestWaitForBarrierNanos()).isGreaterThanOrEqualTo(20_000_000);
        barrier();
        assertThat(bridge.longestWaitForBarrierNanos()).isZero();
    }

    @Test
    void shouldTellTheAgeOfTheOldestHeldFrameThoughNobodyHasReleasedAnythingYet() throws Exception {
        own();
        guest.arrive(frame(60, 1));
        Thread.sleep(20);
        assertThat(bridge.counters().get(0).oldestAgeNanos()).isGreaterThanOrEqualTo(20_000_000);
    }

    @Test
    void shouldPassFramesAtOnceWithoutHoldingButOnlyWhileItIsOwned() throws WallRefusal {
        MemoryPort bareGuest = new MemoryPort("tap3", true);
        MemoryPort bareUplink = new MemoryPort("up3", true);
        try (Bridge bare = new Bridge(
                new BufferWall("9f", Term.none(), false),
                List.of(new Bridge.Nic(bareGuest, bareUplink)),
                new Bridge.Settings(65_536, 65_536, 1_000_000, false),
                () -> Exemption.NONE,
                (nic, memory, offsetBytes, lengthBytes) -> {},
                () -> {},
                (lane, cause) -> {})) {
            bare.start();
            bareGuest.arrive(frame(60, 1));
            assertStaysAt(bareUplink, 0);
            bare.hello(1, TERM, Epoch.FIRST);
            bareGuest.arrive(frame(60, 2));
            assertStaysAt(bareUplink, 1);
            bare.seal(TERM, "fenced");
            bareGuest.arrive(frame(60, 3));
            bareUplink.arrive(frame(60, 4));
            assertStaysAt(bareUplink, 1);
            assertStaysAt(bareGuest, 0);
        }
    }

    @Test
    void shouldCarryWhatTheKernelSaysOfAFrameThroughTheWallAndPastIt() throws WallRefusal {
        int prefixBytes = 10;
        MemoryPort merged = new MemoryPort("tap2", true, prefixBytes);
        MemoryPort mergedUplink = new MemoryPort("up2", true, prefixBytes);
        BufferWall ownWall = new BufferWall("9f", Term.none(), false);
        try (Bridge carrier = new Bridge(
                ownWall,
                List.of(new Bridge.Nic(merged, mergedUplink)),
                new Bridge.Settings(1 << 20, 1 << 20, 1_000_000, true),
                () -> Exemption.NONE,
                (nic, memory, offsetBytes, lengthBytes) ->
                        assertThat(lengthBytes).isEqualTo(50),
                () -> {},
                (lane, cause) -> {})) {
            carrier.start();
            carrier.hello(1, new Term(1, Term.Claim.PROMOTION, "a"), 1);
            merged.arrive(frame(60, 1));
            long held = carrier.barrier(1, "9f", 1).epoch();
            carrier.commit(1, "9f", 1, held, System.nanoTime() + 1_000_000_000L);
            await().until(() -> mergedUplink.sent().size() == 1);
            carrier.open(1, "9f", 1, "test");
            merged.arrive(frame(60, 2));
            await().until(() -> mergedUplink.sent().size() == 2);
            mergedUplink.arrive(frame(60, 3));
            assertThat(mergedUplink.sent()).containsExactly(frame(60, 1), frame(60, 2));
            assertThat(merged.sent()).containsExactly(frame(60, 3));
        }
    }

    @Test
    void shouldRefusePortsOfDifferentKinds() {
        assertThatThrownBy(() -> new Bridge.Nic(guest, new MemoryPort("up3", true, 10)))
                .hasMessageContaining("different kinds");
    }

    /** INV-5. */
    @Test
    void shouldReleaseNothingAndCountWhatItDropsAtTheLimit() throws WallRefusal {
        own();
        int frames = 100;
        for (int i = 0; i < frames; i++) {
            guest.arrive(frame(1500, i));
        }
        NicCounters counters = bridge.counters().get(0);
        assertThat(counters.droppedAtLimitFrames()).isPositive();
        assertThat(counters.droppedAtLimitFrames() + counters.bufferedFrames()).isEqualTo(frames);
        assertStaysAt(uplink, 0);
    }

    @Test
    void shouldReportPressureForEachFrameAboveTheHighWaterMarkAndForNoOther() throws WallRefusal {
        own();
        while (pressures.get() == 0) {
            guest.arrive(frame(1500, 1));
        }
        assertThat(bridge.counters().get(0).bufferedBytes()).isBetween(32_768L - 1500, 32_768L + 1500);
        guest.arrive(frame(1500, 2));
        assertThat(pressures).hasValue(2);
    }

    /** INV-5. */
    @Test
    void shouldSayAtTheBarrierThatTheGuestMustStayPausedBecauseTheWallIsFull() throws WallRefusal {
        own();
        for (int i = 0; i < 100; i++) {
            guest.arrive(frame(1500, i));
        }
        assertThat(bridge.barrier(1, "9f", 1).atLimit()).isTrue();
    }

    /** INV-2. */
    @Test
    void shouldWaitAtTheBarrierForWhatTheKernelHasButNotForEver() throws WallRefusal {
        own();
        secondGuest.drained = false;
        assertThat(bridge.barrier(1, "9f", 1).drained()).isFalse();
        secondGuest.drained = true;
        assertThat(bridge.barrier(1, "9f", 1).drained()).isTrue();
    }

    /** INV-6. */
    @Test
    void shouldReleaseNothingWhenItStops() throws WallRefusal {
        own();
        guest.arrive(frame(60, 1));
        barrier();
        bridge.close();
        assertThat(uplink.sent()).isEmpty();
    }

    /** INV-7. */
    @Test
    void shouldDiscardWhatItHoldsWhenItIsSealed() throws WallRefusal {
        own();
        guest.arrive(frame(60, 1));
        assertThat(bridge.seal(TERM, "fenced")).isTrue();
        assertThat(wall.state()).isEqualTo(WallState.SEALED);
        await().atMost(LIMIT).until(() -> bridge.counters().get(0).bufferedFrames() == 0);
        guest.arrive(frame(60, 2));
        assertStaysAt(uplink, 0);
        assertThat(bridge.counters().get(0).discardedFrames()).isEqualTo(2);
    }

    /** INV-6. */
    @Test
    void shouldNotReleaseAfterTheEngineIsLost() throws WallRefusal {
        own();
        guest.arrive(frame(60, 1));
        barrier();
        bridge.ownerLost(1);
        assertStaysAt(uplink, 0);
    }

    /** INV-1, INV-2, INV-4. */
    @Test
    void shouldHoldEveryFrameThatPoursInOnTwoNicsWhileBarriersPass() throws Exception {
        own();
        int frames = 20_000;
        List<Thread> wires = new ArrayList<>();
        for (MemoryPort port : List.of(guest, secondGuest)) {
            Thread wire = new Thread(() -> {
                for (int i = 0; i < frames; i++) {
                    port.arrive(frame(60, i));
                    if (i % 100 == 0) {
                        java.util.concurrent.locks.LockSupport.parkNanos(50_000);
                    }
                }
            });
            wires.add(wire);
            wire.start();
        }
        long epoch = Epoch.NONE;
        while (wires.stream().anyMatch(Thread::isAlive)) {
            epoch = barrier();
            long confirmed = wall.frontier();
            assertThat(confirmed).isLessThan(epoch);
            commit(epoch);
        }
        commit(barrier());
        for (int nic = 0; nic < 2; nic++) {
            int at = nic;
            await().atMost(LIMIT).until(() -> bridge.counters().get(at).bufferedFrames() == 0);
            NicCounters counters = bridge.counters().get(nic);
            assertThat(counters.releasedFrames() + counters.droppedAtLimitFrames())
                    .isEqualTo(frames);
        }
    }

    @Test
    void shouldShowThatTheReleaseOfEachNicGoesRoundThoughNothingIsHeld() {
        long before = pulse("release of tap0").rounds();
        long secondBefore = pulse("release of tap1").rounds();
        await().atMost(LIMIT).until(() -> pulse("release of tap0").rounds() > before + 2);
        await().atMost(LIMIT).until(() -> pulse("release of tap1").rounds() > secondBefore + 2);
    }

    @Test
    void shouldShowThatAReleaseHangsInASend() throws Exception {
        own();
        uplink.sendGoesOn = new CountDownLatch(1);
        guest.arrive(frame(60, 1));
        commit(barrier());
        await().atMost(LIMIT).until(() -> !goesRound("release of tap0"));
        assertThat(goesRound("release of tap1")).isTrue();

        uplink.sendGoesOn.countDown();
        await().atMost(LIMIT).until(() -> goesRound("release of tap0"));
    }

    private boolean goesRound(String work) throws InterruptedException {
        long before = pulse(work).rounds();
        Thread.sleep(A_WHILE.toMillis());
        return pulse(work).rounds() > before;
    }

    private Pulse pulse(String work) {
        return bridge.pulses().stream()
                .filter(pulse -> pulse.work().equals(work))
                .findFirst()
                .orElseThrow();
    }

    @Test
    void shouldAllocateNothingToHoldAndReleaseAFrame() throws Exception {
        MemoryPort quietGuest = new MemoryPort("tap2", false);
        MemoryPort quietUplink = new MemoryPort("up2", false);
        BufferWall quietWall = new BufferWall("9f", Term.none(), false);
        try (Arena arena = Arena.ofShared();
                Bridge quiet = new Bridge(
                        quietWall,
                        List.of(new Bridge.Nic(quietGuest, quietUplink)),
                        new Bridge.Settings(1 << 20, 1 << 20, 1_000_000, true),
                        () -> Exemption.NONE,
                        (nic, memory, offsetBytes, lengthBytes) -> {},
                        () -> {},
                        (lane, cause) -> {})) {
            quiet.start();
            quiet.hello(1, TERM, Epoch.FIRST);
            MemorySegment frame = arena.allocate(1500);
            ThreadMXBean threads = (ThreadMXBean) ManagementFactory.getThreadMXBean();
            Thread releaser = Thread.getAllStackTraces().keySet().stream()
                    .filter(thread -> thread.getName().equals("release-tap2"))
                    .findFirst()
                    .orElseThrow();
            double leastPerFrame = Double.MAX_VALUE; // Nobody can say when the last method has been compiled.
            for (int round = 1, window = 0; leastPerFrame >= 0.5 && window < 40; window++) {
                long bytes = -threads.getThreadAllocatedBytes(releaser.threadId());
                for (int end = round + 20; round < end; round++) {
                    long before = threads.getCurrentThreadAllocatedBytes();
                    for (int i = 0; i < 500; i++) {
                        quietGuest.arrive(frame, 1500);
                    }
                    bytes += threads.getCurrentThreadAllocatedBytes() - before;
                    quiet.commit(1, "9f", 1, quiet.barrier(1, "9f", 1).epoch(), System.nanoTime() + 1_000_000_000L);
                    while (quietUplink.sentFrames < round * 500L) {
                        Thread.onSpinWait();
                    }
                }
                bytes += threads.getThreadAllocatedBytes(releaser.threadId());
                leastPerFrame = Math.min(leastPerFrame, bytes / (20 * 500.0));
            }
            assertThat(leastPerFrame).isLessThan(0.5);
        }
    }

    private void own() throws WallRefusal {
        bridge.hello(1, TERM, Epoch.FIRST);
    }

    private long barrier() throws WallRefusal {
        return bridge.barrier(1, "9f", 1).epoch();
    }

    private void commit(long epoch) throws WallRefusal {
        bridge.commit(1, "9f", 1, epoch, System.nanoTime() + 1_000_000_000L);
    }

    private static void awaitSent(MemoryPort port, int frames) {
        await().atMost(LIMIT)
                .pollInterval(Duration.ofMillis(1))
                .until(() -> port.sent().size() >= frames);
    }

    private static void assertStaysAt(MemoryPort port, int frames) {
        await().during(A_WHILE).atMost(LIMIT).until(() -> port.sent().size() == frames);
    }

    private static byte[] frame(int lengthBytes, int fill) {
        byte[] frame = new byte[lengthBytes];
        java.util.Arrays.fill(frame, (byte) fill);
        return frame;
    }
}
