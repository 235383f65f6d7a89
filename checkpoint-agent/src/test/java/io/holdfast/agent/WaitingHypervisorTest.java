package io.holdfast.agent;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import io.holdfast.agent.engine.CheckpointEngine;
import io.holdfast.agent.engine.EngineException;
import io.holdfast.agent.engine.MachineDefinition;
import io.holdfast.agent.engine.StandbyEngine;
import io.holdfast.agent.role.BackupRole;
import io.holdfast.wall.Term;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Processes are pretended; the threads are real. */
class WaitingHypervisorTest {

    private static final Duration LIMIT = Duration.ofSeconds(10);
    private static final long SECOND = 1_000_000_000L;

    private final TestHost host;
    private final Worker engineThread = new Worker("test-engine");
    private final AppliedCheckpoint applied = new AppliedCheckpoint(false);
    private final List<WaitingProcess> started = new CopyOnWriteArrayList<>();
    private final AtomicInteger startsThatFail = new AtomicInteger();
    private final CountDownLatch begun = new CountDownLatch(1);
    private volatile CountDownLatch permission = new CountDownLatch(0);
    private final AtomicInteger ready = new AtomicInteger();
    private final List<String> lost = new CopyOnWriteArrayList<>();
    private final WaitingHypervisor hypervisor;

    WaitingHypervisorTest(@TempDir Path directory) throws Exception {
        host = new TestHost(directory, "backup");
        BackupRole role = new BackupRole("a", Term.none(), false, host.context.patience(), host.context.safeguards());
        hypervisor = new WaitingHypervisor(
                host.context,
                role,
                engineThread,
                applied,
                new WaitingHypervisor.Listener() {
                    @Override
                    public void onReady() {
                        ready.incrementAndGet();
                    }

                    @Override
                    public void onLost(String reason) {
                        lost.add(reason);
                    }
                },
                filled -> begin());
    }

    @AfterEach
    void end() throws IOException {
        permission.countDown();
        engineThread.run(applied::close);
        engineThread.close();
        host.close();
    }

    // ---- it starts

    @Test
    void shouldTryAgainWhenNoneStarts() {
        startsThatFail.set(1);
        hypervisor.start();
        await().atMost(LIMIT).until(() -> ready.get() == 1);
        assertThat(started).hasSize(1);
    }

    // ---- it dies

    @Test
    void shouldReplaceAProcessThatDiesOnItsMemory() throws Exception {
        WaitingProcess process = awaitReady();
        die(process, SECOND);
        assertThat(process.restarts).isEqualTo(1);
        assertThat(hypervisor.waiting()).isSameAs(process);
        assertThat(lost).isEmpty();
    }

    @Test
    void shouldGiveUpAProcessThatDiesSoSoonAfterAnotherOne() throws Exception {
        WaitingProcess process = awaitReady();
        die(process, SECOND);
        die(process, 10 * SECOND);
        assertThat(process.restarts).isEqualTo(1);
        assertThat(process.ends).isEqualTo(1);
        assertThat(lost).containsExactly("its process is gone, so soon after another one");
    }

    @Test
    void shouldReplaceAProcessThatHasWaitedForLong() throws Exception {
        WaitingProcess process = awaitReady();
        die(process, SECOND);
        die(process, 11 * SECOND);
        assertThat(process.restarts).isEqualTo(2);
        assertThat(lost).isEmpty();
    }

    @Test
    void shouldGiveUpAProcessThatCannotBeReplaced() throws Exception {
        WaitingProcess process = awaitReady();
        process.failsToRestart = true;
        die(process, SECOND);
        assertThat(process.ends).isEqualTo(1);
        assertThat(lost).containsExactly("its process is gone, and another one does not start: no room");
    }

    // ---- the role ends

    @Test
    void shouldEndTheOneThatWaits() throws Exception {
        WaitingProcess process = awaitReady();
        host.onConductor(() -> hypervisor.close(false));
        settle();
        assertThat(process.ends).isEqualTo(1);
    }

    @Test
    void shouldLeaveTheOneInWhichAGuestGoesOn() throws Exception {
        WaitingProcess process = awaitReady();
        host.onConductor(() -> hypervisor.close(true));
        settle();
        assertThat(process.ends).isZero();
    }

    @Test
    void shouldLeaveNoneBehindThatWasBeingStarted() throws Exception {
        permission = new CountDownLatch(1);
        hypervisor.start();
        awaitBegun();
        host.onConductor(() -> hypervisor.close(false));
        permission.countDown();
        settle();
        assertEnded();
    }

    /** Also the conductor then. */
    @Test
    void shouldLeaveNoneBehindThatWasBeingStartedWhenTheAgentStops() throws Exception {
        permission = new CountDownLatch(1);
        hypervisor.start();
        awaitBegun();
        host.onConductor(() -> hypervisor.close(false));
        host.conductor.close();
        permission.countDown();
        awaitEngineThread();
        assertEnded();
    }

    @Test
    void shouldLeaveNoneBehindOfWhichTheConductorHasNotHeardYet() throws Exception {
        host.onConductor(() -> {
            hypervisor.start();
            awaitEngineThread();
            hypervisor.close(false);
        });
        settle();
        assertEnded();
    }

    /** That thread ends some seconds after the role, whatever it has still to do. */
    @Test
    void shouldLeaveNoneBehindThatTakesLongerThanItsThread() throws Exception {
        permission = new CountDownLatch(1);
        hypervisor.start();
        awaitBegun();
        host.onConductor(() -> hypervisor.close(false));
        engineThread.close();
        permission.countDown();
        await().atMost(LIMIT).until(() -> !started.isEmpty() && started.getFirst().ends == 1);
    }

    @Test
    void shouldNotTryAgainAfterTheEnd() throws Exception {
        startsThatFail.set(Integer.MAX_VALUE);
        hypervisor.start();
        awaitBegun();
        host.onConductor(() -> hypervisor.close(false));
        settle();
        int left = startsThatFail.get();
        await().during(Duration.ofMillis(1_500)).atMost(LIMIT).until(() -> startsThatFail.get() == left);
    }

    private void assertEnded() {
        assertThat(started).hasSize(1);
        assertThat(started.getFirst().ends).isEqualTo(1);
        assertThat(ready.get()).isZero();
        assertThat(hypervisor.waiting()).isNull();
    }

    private WaitingProcess awaitReady() {
        hypervisor.start();
        await().atMost(LIMIT).until(() -> ready.get() == 1);
        return started.getFirst();
    }

    private void awaitBegun() throws InterruptedException {
        assertThat(begun.await(LIMIT.toSeconds(), TimeUnit.SECONDS)).isTrue();
    }

    private void die(WaitingProcess process, long nowNanos) {
        process.ready = false;
        host.onConductor(() -> hypervisor.onTick(nowNanos));
        settle();
    }

    /** Until what was begun is done, and reported. */
    private void settle() {
        awaitEngineThread();
        host.onConductor(() -> {});
        awaitEngineThread();
    }

    private void awaitEngineThread() {
        CompletableFuture<Void> done = new CompletableFuture<>();
        engineThread.run(() -> done.complete(null));
        done.orTimeout(LIMIT.toSeconds(), TimeUnit.SECONDS).join();
    }

    private StandbyEngine begin() throws EngineException {
        begun.countDown();
        awaitPermission();
        if (startsThatFail.getAndUpdate(left -> Math.max(0, left - 1)) > 0) {
            throw new EngineException("no room");
        }
        WaitingProcess process = new WaitingProcess();
        started.add(process);
        return process;
    }

    /** Whatever interrupts it. */
    private void awaitPermission() {
        boolean interrupted = false;
        for (; ; ) {
            try {
                permission.await();
                break;
            } catch (InterruptedException e) {
                interrupted = true;
            }
        }
        if (interrupted) {
            Thread.currentThread().interrupt();
        }
    }

    private static final class WaitingProcess implements StandbyEngine {

        private static final long BYTES = 4096;

        private final MemorySegment memory = Arena.ofAuto().allocate(BYTES);
        volatile boolean ready = true;
        volatile boolean failsToRestart;
        volatile int restarts;
        volatile int ends;

        @Override
        public MachineDefinition definition() {
            return MachineDefinition.of(Map.of());
        }

        @Override
        public List<String> exitsPastTheWall(List<String> wallGuestPorts) {
            return List.of();
        }

        @Override
        public boolean isReady() {
            return ready;
        }

        @Override
        public long memoryBytes() {
            return BYTES;
        }

        @Override
        public MemorySegment memory() {
            return memory;
        }

        @Override
        public CheckpointEngine promote(byte[] deviceState) {
            throw new UnsupportedOperationException();
        }

        @Override
        @SuppressWarnings("NonAtomicVolatileUpdate") // One thread writes.
        public void restart() throws EngineException {
            if (failsToRestart) {
                throw new EngineException("no room");
            }
            restarts++;
            ready = true;
        }

        @Override
        @SuppressWarnings("NonAtomicVolatileUpdate") // One thread writes.
        public void close() {
            ends++;
        }
    }
}
