package io.holdfast.cli.service;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import io.holdfast.measure.Pulse;
import java.nio.file.Path;
import java.time.Duration;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.atomic.AtomicLong;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class ServiceManagerTest {

    private static final Duration LIMIT = Duration.ofSeconds(10);

    @TempDir
    Path directory;

    private final AtomicLong rounds = new AtomicLong();

    @Test
    void shouldTellAManagerAtAPath() throws Throwable {
        String path = directory.resolve("notify").toString();
        try (FakeManager fake = new FakeManager(path);
                ServiceManager manager = inform(Map.of("NOTIFY_SOCKET", path))) {
            fake.awaitNotice("READY=1");
            fake.awaitNotice("STATUS=wall CLOSED");
            manager.close();
            fake.awaitNotice("STOPPING=1");
        }
    }

    @Test
    void shouldTellAManagerAtAnAbstractAddress() throws Throwable {
        String name = "@holdfast-test-" + ProcessHandle.current().pid();
        try (FakeManager fake = new FakeManager(name);
                ServiceManager manager = inform(Map.of("NOTIFY_SOCKET", name))) {
            fake.awaitNotice("READY=1");
        }
    }

    @Test
    void shouldLookThriceWithinTheWatchdogsLimitAndEveryTwoSecondsAtLeast() {
        assertThat(ServiceManager.lookNanos(Optional.of(Duration.ofMillis(300))))
                .isEqualTo(100_000_000);
        assertThat(ServiceManager.lookNanos(Optional.of(Duration.ofSeconds(30))))
                .isEqualTo(2_000_000_000);
        assertThat(ServiceManager.lookNanos(Optional.empty())).isEqualTo(2_000_000_000);
    }

    @Test
    void shouldGiveASignOfLifeAtEachLook() throws Throwable {
        String path = directory.resolve("notify").toString();
        long began = System.nanoTime();
        try (FakeManager fake = new FakeManager(path);
                ServiceManager manager = inform(Map.of("NOTIFY_SOCKET", path, "WATCHDOG_USEC", "300000"))) {
            await().atMost(LIMIT).until(() -> signsOfLife(fake) >= 5);
            long looks = (System.nanoTime() - began) / 100_000_000 + 1;
            assertThat(signsOfLife(fake)).isLessThanOrEqualTo(looks);
        }
    }

    private static long signsOfLife(FakeManager fake) {
        return fake.notices().stream().filter("WATCHDOG=1"::equals).count();
    }

    @Test
    void shouldDoNothingWithoutAManager() {
        Set<Thread> before = Thread.getAllStackTraces().keySet();
        try (ServiceManager manager = inform(Map.of("WATCHDOG_USEC", "300000"))) {
            assertThat(Thread.getAllStackTraces().keySet())
                    .filteredOn(thread -> !before.contains(thread))
                    .noneMatch(thread -> thread.getName().equals("service-manager"));
        }
    }

    @Test
    void shouldGoOnAlthoughTheManagerIsNotThere() throws Exception {
        try (ServiceManager manager =
                inform(Map.of("NOTIFY_SOCKET", directory.resolve("nobody").toString()))) {
            await().atMost(LIMIT).until(() -> rounds.get() > 2);
        }
    }

    @Test
    void shouldNotBeWatchedByAWatchdogThatIsForAnotherProcess() {
        assertThat(ServiceManager.watchdog(watchdog("3000000", "1"))).isEmpty();
        String own = Long.toString(ProcessHandle.current().pid());
        assertThat(ServiceManager.watchdog(watchdog("3000000", own))).contains(Duration.ofSeconds(3));
        assertThat(ServiceManager.watchdog(Map.of("WATCHDOG_USEC", "3000000"))).contains(Duration.ofSeconds(3));
        assertThat(ServiceManager.watchdog(watchdog("0", own))).isEmpty();
        assertThat(ServiceManager.watchdog(watchdog("soon", own))).isEmpty();
        assertThat(ServiceManager.watchdog(Map.of())).isEmpty();
    }

    private static Map<String, String> watchdog(String micros, String process) {
        return new HashMap<>(Map.of("WATCHDOG_USEC", micros, "WATCHDOG_PID", process));
    }

    private ServiceManager inform(Map<String, String> environment) {
        return ServiceManager.inform(
                environment, () -> List.of(new Pulse("capture", rounds.incrementAndGet())), () -> "wall CLOSED");
    }
}
