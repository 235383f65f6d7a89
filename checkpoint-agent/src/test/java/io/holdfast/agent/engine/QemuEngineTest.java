package io.holdfast.agent.engine;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatCode;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.awaitility.Awaitility.await;

import io.holdfast.agent.engine.GuestEventListener.GuestEvent;
import io.holdfast.testkit.InNetworkNamespace;
import java.lang.foreign.ValueLayout;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.concurrent.CopyOnWriteArrayList;
import org.junit.jupiter.api.Test;

/** A real QEMU with a real Redis. It boots once; after that it is restored, which is what is tested here anyway. */
@NeedsQemu
@InNetworkNamespace
class QemuEngineTest {

    private static final Duration EVENT_LIMIT = Duration.ofSeconds(5);

    @Test
    void shouldRestoreWhatWasCheckpointedAndNothingLaterThreeTimesInARow() throws Exception {
        TestGuest.createNetwork("tap0", "tap1");
        try (TestGuest first = new TestGuest("tap0");
                TestGuest second = new TestGuest("tap1")) {
            List<TestGuest> hosts = List.of(first, second);
            CheckpointEngine engine = first.running();
            for (int failover = 0; failover < 3; failover++) {
                QemuProcess primary = hosts.get(failover % 2).qemu();
                QemuStandby standby =
                        QemuStandby.start(hosts.get((failover + 1) % 2).settings());
                assertThat(engine.definition().differencesTo(standby.definition(), "a", "b"))
                        .isEmpty();
                Checkpoints backup = new Checkpoints(standby.memory());
                engine.precopy(backup);
                byte[] devices;
                try (RedisClient client = RedisClient.connect(TestGuest.ADDRESS, 2000)) {
                    assertThat(client.increment("counter")).isEqualTo(failover + 1);
                    engine.pause();
                    devices = engine.saveDevices();
                    engine.captureMemory(backup);
                    engine.resume();
                    assertThat(client.increment("counter")).isEqualTo(failover + 2);
                }
                engine.kill();
                assertThat(primary.isAlive()).isFalse();
                engine.close();

                engine = standby.promote(devices);
                try (RedisClient client = RedisClient.connect(TestGuest.ADDRESS, 2000)) {
                    assertThat(client.get("counter")).isEqualTo(failover + 1);
                }
            }
            engine.close();
        }
    }

    @Test
    void shouldHandOutDeltasThatMakeTheBackupEqualByteForByte() throws Exception {
        long seed = System.nanoTime();
        System.out.println("seed " + seed);
        Random random = new Random(seed);
        TestGuest.createNetwork("tap0");
        try (TestGuest guest = new TestGuest("tap0");
                QemuEngine engine = guest.running();
                RedisClient client = RedisClient.connect(TestGuest.ADDRESS, 2000)) {
            Checkpoints backup = new Checkpoints(engine.memoryBytes());
            engine.precopy(backup);
            for (int delta = 0; delta < 10; delta++) {
                for (int write = random.nextInt(20); write > 0; write--) {
                    client.set("key" + random.nextInt(50), "v".repeat(1 + random.nextInt(20_000)));
                }
                engine.pause();
                engine.captureMemory(backup);
                try (GuestMemory memory = GuestMemory.mapReadOnly(guest.memory())) {
                    assertThat(memory.segment().mismatch(backup.memory()))
                            .as("first byte that differs after delta %d", delta)
                            .isEqualTo(-1);
                }
                engine.resume();
            }
        }
    }

    @Test
    void shouldKeepDeviceStateInMemoryAlsoIfTheGuestsMemoryIsOnADisk() throws Exception {
        Path here = Files.createTempFile(Path.of("/dev/shm"), "hf-", ".ram");
        try {
            assertThat(QemuEngine.deviceStateFile(here)).isEqualTo(Path.of(here + ".devices"));
        } finally {
            Files.delete(here);
        }
        Path onDisk = Files.createTempFile(Path.of("target").toAbsolutePath(), "hf-", ".ram");
        try {
            assertThat(QemuEngine.deviceStateFile(onDisk)).startsWithRaw(Path.of("/dev/shm"));
        } finally {
            Files.delete(onDisk);
        }
    }

    @Test
    void shouldFindAndResumeAGuestThatAnEarlierAgentLeftPaused() throws Exception {
        TestGuest.createNetwork("tap0");
        try (TestGuest guest = new TestGuest("tap0")) {
            QemuEngine dying = guest.running();
            dying.pause();
            dying.close();
            try (QemuEngine engine = QemuEngine.attach(guest.socket(), guest.memory())) {
                assertThat(engine.isPaused()).isTrue();
                engine.resume();
                assertThat(engine.isPaused()).isFalse();
                try (RedisClient client = RedisClient.connect(TestGuest.ADDRESS, 2000)) {
                    assertThat(client.increment("after")).isEqualTo(1);
                }
            }
        }
    }

    @Test
    void shouldNotCaptureWithoutAWholeCopyToStartFrom() throws Exception {
        TestGuest.createNetwork("tap0");
        try (TestGuest guest = new TestGuest("tap0").startFrozen();
                QemuEngine engine = QemuEngine.attach(guest.socket(), guest.memory())) {
            assertThatThrownBy(() -> engine.captureMemory(new Checkpoints(engine.memoryBytes())))
                    .isInstanceOf(EngineException.class)
                    .hasMessageContaining("precopy");
            Checkpoints backup = new Checkpoints(engine.memoryBytes());
            engine.precopy(backup);
            assertThatCode(() -> engine.captureMemory(backup)).doesNotThrowAnyException();
        }
    }

    @Test
    void shouldReportThatTheGuestRebooted() throws Exception {
        TestGuest.createNetwork("tap0");
        try (TestGuest guest = new TestGuest("tap0");
                QemuEngine engine = guest.running()) {
            List<GuestEvent> events = listenTo(engine);
            operate(guest, "system_reset");
            await().atMost(EVENT_LIMIT).untilAsserted(() -> assertThat(events).containsExactly(GuestEvent.RESET));
        }
    }

    @Test
    void shouldReportThatTheGuestPoweredItselfOffAlsoToAnAgentThatComesLater() throws Exception {
        TestGuest.createNetwork("tap0");
        try (TestGuest guest = new TestGuest("tap0")) {
            try (QemuEngine engine = guest.running();
                    RedisClient client = RedisClient.connect(TestGuest.ADDRESS, 2000)) {
                List<GuestEvent> events = listenTo(engine);
                client.shutdownServer();
                await().atMost(EVENT_LIMIT)
                        .untilAsserted(() -> assertThat(events).containsExactly(GuestEvent.SHUTDOWN));
            }
            try (QemuEngine later = QemuEngine.attach(guest.socket(), guest.memory())) {
                List<GuestEvent> events = listenTo(later);
                await().atMost(EVENT_LIMIT)
                        .untilAsserted(() -> assertThat(events).containsExactly(GuestEvent.SHUTDOWN));
                assertThatThrownBy(later::resume)
                        .isInstanceOf(EngineException.class)
                        .hasMessageContaining("shutdown");
            }
        }
    }

    @Test
    void shouldReportThatTheKernelPanicked() throws Exception {
        TestGuest.createNetwork("tap0");
        try (TestGuest guest = new TestGuest("tap0");
                QemuEngine engine = guest.running()) {
            List<GuestEvent> events = listenTo(engine);
            operate(guest, "inject-nmi");
            await().atMost(EVENT_LIMIT).untilAsserted(() -> assertThat(events).containsExactly(GuestEvent.PANICKED));
        }
    }

    @Test
    void shouldReportThatQemuIsGone() throws Exception {
        TestGuest.createNetwork("tap0");
        try (TestGuest guest = new TestGuest("tap0").startFrozen();
                QemuEngine engine = QemuEngine.attach(guest.socket(), guest.memory())) {
            List<GuestEvent> events = listenTo(engine);
            assertThat(engine.isAlive()).isTrue();
            guest.qemu().kill();
            assertThat(engine.isAlive()).isFalse();
            await().atMost(EVENT_LIMIT)
                    .untilAsserted(() -> assertThat(events).containsExactly(GuestEvent.HYPERVISOR_GONE));
            assertThatThrownBy(engine::pause)
                    .isInstanceOf(EngineException.class)
                    .hasMessageContaining("gone");
        }
    }

    @Test
    void shouldNotTakeAnOperatorWhoEndsQemuForAGuestThatPoweredOff() throws Exception {
        TestGuest.createNetwork("tap0");
        try (TestGuest guest = new TestGuest("tap0").startFrozen();
                QemuEngine engine = QemuEngine.attach(guest.socket(), guest.memory())) {
            List<GuestEvent> events = listenTo(engine);
            quit(guest);
            await().atMost(EVENT_LIMIT)
                    .untilAsserted(() -> assertThat(events).containsExactly(GuestEvent.HYPERVISOR_GONE));
        }
    }

    @Test
    void shouldNotBuildOnACheckpointThatASinkDidNotTake() throws Exception {
        TestGuest.createNetwork("tap0");
        try (TestGuest guest = new TestGuest("tap0").startFrozen();
                QemuEngine engine = QemuEngine.attach(guest.socket(), guest.memory())) {
            Checkpoints backup = new Checkpoints(engine.memoryBytes());
            engine.precopy(backup);
            try (GuestMemory memory = GuestMemory.mapWritable(guest.memory())) {
                memory.segment().set(ValueLayout.JAVA_BYTE, 0, (byte) 1);
            }
            assertThatThrownBy(() -> engine.captureMemory((first, pages, content, offset) -> {
                        throw new IllegalStateException("link is down");
                    }))
                    .hasMessage("link is down");
            assertThatThrownBy(() -> engine.captureMemory(backup))
                    .isInstanceOf(EngineException.class)
                    .hasMessageContaining("precopy");
        }
    }

    @Test
    void shouldSayThatAnotherClientHoldsTheQmpSocket() throws Exception {
        TestGuest.createNetwork("tap0");
        try (TestGuest guest = new TestGuest("tap0").startFrozen();
                QemuEngine engine = QemuEngine.attach(guest.socket(), guest.memory())) {
            assertThatThrownBy(() -> QemuEngine.attach(guest.socket(), guest.memory()))
                    .isInstanceOf(GuestUnreachableException.class)
                    .hasMessageContaining("one client at a time");
            assertThat(engine.isPaused()).isTrue();
        }
    }

    @Test
    void shouldKillAGuestWhoseQmpSocketAnotherClientHolds() throws Exception {
        TestGuest.createNetwork("tap0");
        try (TestGuest guest = new TestGuest("tap0").startFrozen();
                QemuEngine other = QemuEngine.attach(guest.socket(), guest.memory())) {
            List<GuestEvent> events = listenTo(other);
            assertThat(QemuEngine.killHolder(guest.memory())).isTrue();
            await().atMost(EVENT_LIMIT)
                    .untilAsserted(() -> assertThat(events).containsExactly(GuestEvent.HYPERVISOR_GONE));
        }
    }

    private static List<GuestEvent> listenTo(QemuEngine engine) {
        List<GuestEvent> events = new CopyOnWriteArrayList<>();
        engine.onGuestEvent(events::add);
        return events;
    }

    /** It may be gone before it has answered. */
    private static void quit(TestGuest guest) {
        try {
            operate(guest, "quit");
        } catch (EngineException e) {
            assertThat(e).hasMessageContaining("is gone");
        }
    }

    private static void operate(TestGuest guest, String command) throws EngineException {
        try (QemuEvents unheard = new QemuEvents();
                QmpClient operator = QmpClient.connect(guest.monitor(), 2_000_000_000L, unheard)) {
            operator.execute(command, Map.of());
        }
    }
}
