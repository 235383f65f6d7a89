package io.holdfast.bridge;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.awaitility.Awaitility.await;

import io.holdfast.testkit.Allocation;
import java.time.Duration;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.Test;

class TurnLockTest {

    private static final Duration LIMIT = Duration.ofSeconds(10);

    private final TurnLock lock = new TurnLock();
    private int entered;

    @Test
    void shouldBeOneThreadsAtATime() throws InterruptedException {
        int rounds = 20_000;
        Thread[] threads = new Thread[4];
        for (int i = 0; i < threads.length; i++) {
            threads[i] = Thread.ofPlatform().start(() -> {
                for (int round = 0; round < rounds; round++) {
                    lock.lock();
                    entered++;
                    lock.unlock();
                }
            });
        }
        for (Thread thread : threads) {
            thread.join();
        }
        assertThat(entered).isEqualTo(threads.length * rounds);
    }

    @Test
    void shouldTellWhetherItIsTheCallers() {
        assertThat(lock.isHeldByCurrentThread()).isFalse();
        lock.lock();
        assertThat(lock.isHeldByCurrentThread()).isTrue();
        assertThat(CompletableFuture.supplyAsync(lock::isHeldByCurrentThread).join())
                .isFalse();
    }

    @Test
    void shouldNotBeTakenFromAnother() {
        lock.lock();
        assertThat(CompletableFuture.supplyAsync(lock::tryLock).join()).isFalse();
        lock.unlock();
        assertThat(CompletableFuture.supplyAsync(lock::tryLock).join()).isTrue();
    }

    @Test
    void shouldNotBeGivenBackByAnother() {
        lock.lock();
        assertThatThrownBy(() -> CompletableFuture.runAsync(lock::unlock).join())
                .hasCauseInstanceOf(IllegalMonitorStateException.class);
        assertThat(lock.isHeldByCurrentThread()).isTrue();
    }

    /** Half a turn is none. */
    @Test
    void shouldBeTakenAlsoByAThreadThatIsInterruptedMeanwhile() throws InterruptedException {
        lock.lock();
        CompletableFuture<Boolean> interrupted = new CompletableFuture<>();
        Thread waiting = Thread.ofPlatform().start(() -> {
            lock.lock();
            interrupted.complete(Thread.currentThread().isInterrupted() && lock.isHeldByCurrentThread());
        });
        await().atMost(LIMIT).until(() -> waiting.getState() == Thread.State.WAITING);
        waiting.interrupt();
        assertThat(waiting.join(Duration.ofMillis(50))).isFalse();
        lock.unlock();
        assertThat(interrupted.join()).isTrue();
    }

    @Test
    void shouldLeaveNoGarbageWhenThreadsWait() {
        takeFromAnother(500);
        long allocatedBytes = takeFromAnother(2_000);
        assertThat(allocatedBytes).isLessThan(16_000); // A node for each time would come to 64,000.
    }

    /** What a thread has allocated that had to wait so many times. */
    private long takeFromAnother(int times) {
        AtomicInteger asked = new AtomicInteger();
        AtomicInteger taken = new AtomicInteger();
        CompletableFuture<Long> allocated = new CompletableFuture<>();
        Thread waiting = Thread.ofPlatform().start(() -> {
            long before = Allocation.bytesOfThisThread();
            for (int time = 1; time <= times; time++) {
                spinUntil(asked, time);
                lock.lock();
                lock.unlock();
                taken.set(time);
            }
            allocated.complete(Allocation.bytesOfThisThread() - before);
        });
        for (int time = 1; time <= times; time++) {
            lock.lock();
            asked.set(time);
            while (waiting.getState() != Thread.State.WAITING) {
                Thread.onSpinWait();
            }
            lock.unlock();
            spinUntil(taken, time);
        }
        return allocated.join();
    }

    private static void spinUntil(AtomicInteger value, int expected) {
        while (value.get() != expected) {
            Thread.onSpinWait();
        }
    }
}
