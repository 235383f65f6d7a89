package io.holdfast.agent.engine;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.awaitility.Awaitility.await;

import io.holdfast.testkit.InNetworkNamespace;
import io.holdfast.testkit.Shell;
import java.io.IOException;
import java.lang.foreign.ValueLayout;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.junit.jupiter.api.Test;

@NeedsQemu
@InNetworkNamespace
class QemuStandbyTest {

    private static final byte[] NONSENSE = "QEVM\0\0\0\3 and then nothing of sense".getBytes(StandardCharsets.US_ASCII);

    @Test
    void shouldWaitWithZeroedMemoryAndTheMachineOfTheGuestItWaitsFor() throws Exception {
        TestGuest.createNetwork("tap0", "tap1");
        try (TestGuest here = new TestGuest("tap0").startFrozen();
                TestGuest there = new TestGuest("tap1");
                QemuEngine engine = QemuEngine.attach(here.socket(), here.memory());
                QemuStandby standby = QemuStandby.start(there.settings())) {
            assertThat(standby.isReady()).isTrue();
            assertThat(standby.memoryBytes()).isEqualTo(engine.memoryBytes());
            Checkpoints zeros = new Checkpoints(standby.memoryBytes());
            assertThat(standby.memory().mismatch(zeros.memory())).isEqualTo(-1);
            assertThat(engine.definition().differencesTo(standby.definition(), "a", "b"))
                    .isEmpty();
            assertThat(engine.definition().properties())
                    .containsEntry("machine", "pc-i440fx-7.2")
                    .containsEntry("accelerator", "tcg")
                    .containsEntry("processors", "1")
                    .containsEntry("processor model", "qemu64-x86_64-cpu")
                    .containsEntry("memory bytes", Long.toString(96L << 20))
                    .containsEntry("nic nic0", "virtio-net-pci 52:54:00:07:00:10")
                    .containsEntry("pci 02.0", "1af4:1000 class 0200 nic0")
                    .containsEntry("device nic0 csum", "true");
        }
    }

    @Test
    void shouldNameWhatDiffersFromTheMachineOfTheGuest() throws Exception {
        TestGuest.createNetwork("tap0", "tap1");
        try (TestGuest here = new TestGuest("tap0").startFrozen();
                TestGuest there = new TestGuest("tap1");
                QemuEngine engine = QemuEngine.attach(here.socket(), here.memory());
                QemuStandby standby = QemuStandby.start(there.settings(
                        "--memory",
                        "128",
                        "--cpus",
                        "2",
                        "--mac",
                        "52:54:00:07:00:11",
                        "--",
                        "-global",
                        "virtio-net-pci.mq=on",
                        "-device",
                        "virtio-rng-pci,id=entropy"))) {
            assertThat(engine.definition().differencesTo(standby.definition(), "a", "b"))
                    .contains(
                            "memory bytes: 100663296 on host a, 134217728 on host b",
                            "processors: 1 on host a, 2 on host b",
                            "nic nic0: virtio-net-pci 52:54:00:07:00:10 on host a, virtio-net-pci 52:54:00:07:00:11 on host b",
                            "device nic0 mq: false on host a, true on host b",
                            "device entropy: absent on host a, virtio-rng-pci on host b",
                            "pci 04.0: absent on host a, 1af4:1005 class 00ff entropy on host b");
        }
    }

    @Test
    void shouldKnowThatTheWaitingProcessDied() throws Exception {
        TestGuest.createNetwork("tap0");
        try (TestGuest guest = new TestGuest("tap0");
                QemuStandby standby = QemuStandby.start(guest.settings())) {
            guest.qemu().kill();
            assertThat(standby.isReady()).isFalse();
            assertThatThrownBy(() -> standby.promote(NONSENSE)).isInstanceOf(GuestNotStartedException.class);
        }
    }

    @Test
    void shouldRunTheGuestInAnotherProcessWhenTheOneThatWaitedHasDied() throws Exception {
        TestGuest.createNetwork("tap0");
        try (TestGuest guest = new TestGuest("tap0")) {
            byte[] devices = guest.image().devices().toArray(ValueLayout.JAVA_BYTE);
            QemuStandby standby = QemuStandby.start(guest.settings());
            standby.memory().copyFrom(guest.image().memory());
            guest.qemu().kill();
            standby.restart();
            assertThat(standby.isReady()).isTrue();
            assertThat(standby.memory().mismatch(guest.image().memory())).isEqualTo(-1);
            expectToServe(standby.promote(devices));
        }
    }

    /** It has loaded some devices before it ends itself. */
    @Test
    void shouldRunTheGuestInAnotherProcessWhenOneBrokeOffWhileItTookTheState() throws Exception {
        TestGuest.createNetwork("tap0");
        try (TestGuest guest = new TestGuest("tap0")) {
            byte[] devices = guest.image().devices().toArray(ValueLayout.JAVA_BYTE);
            QemuStandby standby = QemuStandby.start(guest.settings());
            standby.memory().copyFrom(guest.image().memory());
            assertThatThrownBy(() -> standby.promote(Arrays.copyOf(devices, devices.length * 3 / 4)))
                    .isInstanceOf(GuestNotStartedException.class);
            standby.restart();
            assertThat(standby.memory().mismatch(guest.image().memory())).isEqualTo(-1);
            expectToServe(standby.promote(devices));
        }
    }

    private static void expectToServe(QemuEngine guest) throws Exception {
        try (guest;
                RedisClient client = RedisClient.connect(TestGuest.ADDRESS, 5000)) {
            assertThat(client.increment("counter")).isEqualTo(1);
            guest.kill();
        }
    }

    @Test
    void shouldNotBeRestartedOnceItsGuestHasRun() throws Exception {
        TestGuest.createNetwork("tap0");
        try (TestGuest guest = new TestGuest("tap0")) {
            byte[] devices = guest.image().devices().toArray(ValueLayout.JAVA_BYTE);
            QemuStandby standby = QemuStandby.start(guest.settings());
            standby.memory().copyFrom(guest.image().memory());
            try (QemuEngine engine = standby.promote(devices)) {
                engine.kill();
                assertThatThrownBy(standby::restart)
                        .isInstanceOf(IllegalStateException.class)
                        .hasMessageContaining("may have run");
            }
        }
    }

    /** QEMU would make a new file, of zeros, and run whatever that is. */
    @Test
    void shouldNotBeRestartedWithoutTheFileThatIsItsMemory() throws Exception {
        TestGuest.createNetwork("tap0");
        try (TestGuest guest = new TestGuest("tap0");
                QemuStandby standby = QemuStandby.start(guest.settings())) {
            guest.qemu().kill();
            Files.delete(guest.memory());
            assertThatThrownBy(standby::restart)
                    .isInstanceOf(EngineException.class)
                    .hasMessageContaining("is gone");
            Files.createFile(guest.memory());
            assertThatThrownBy(standby::restart)
                    .isInstanceOf(EngineException.class)
                    .hasMessageContaining("another file");
        }
    }

    @Test
    void shouldNotBeRestartedOnMemoryThatItsFirstProcessMayHaveThrownAway() throws Exception {
        TestGuest.createNetwork("tap0");
        try (TestGuest guest = new TestGuest("tap0");
                QemuStandby standby = QemuStandby.start(discardingMemory(guest))) {
            guest.qemu().kill();
            assertThatThrownBy(standby::restart)
                    .isInstanceOf(EngineException.class)
                    .hasMessageContaining("leave discard-data=on out of agent.qemu.command");
        }
    }

    /** As after an upgrade: a command that is the same names a QEMU that is not. */
    @Test
    void shouldNotBeRestartedAsAnotherMachine() throws Exception {
        TestGuest.createNetwork("tap0");
        try (TestGuest guest = new TestGuest("tap0")) {
            Path qemu = guest.folder().resolve("qemu");
            List<String> command = new ArrayList<>(guest.settings().command());
            int program = command.indexOf("qemu-system-x86_64");
            command.set(program, qemu.toString());
            writeProgram(qemu, "exec qemu-system-x86_64 \"$@\"");
            QemuStandby.Settings settings = guest.settings();
            try (QemuStandby standby = QemuStandby.start(new QemuStandby.Settings(
                    command, settings.socket(), settings.memory(), settings.incoming(), settings.runtimeDirectory()))) {
                guest.qemu().kill();
                writeProgram(qemu, "exec qemu-system-x86_64 \"$@\" -global virtio-net-pci.mq=on");
                assertThatThrownBy(standby::restart)
                        .isInstanceOf(EngineException.class)
                        .hasMessageContaining("another machine");
                assertThat(standby.isReady()).isFalse();
                assertThat(QemuProcess.holding(guest.memory())).isEmpty();
            }
        }
    }

    private static void writeProgram(Path file, String line) throws IOException {
        Files.writeString(file, "#!/bin/sh\n" + line + "\n");
        Files.setPosixFilePermissions(file, PosixFilePermissions.fromString("rwx------"));
    }

    private static QemuStandby.Settings discardingMemory(TestGuest guest) {
        QemuStandby.Settings settings = guest.settings();
        List<String> command = settings.command().stream()
                .map(word -> word.startsWith("memory-backend-file,") ? word + ",discard-data=on" : word)
                .toList();
        return new QemuStandby.Settings(
                command, settings.socket(), settings.memory(), settings.incoming(), settings.runtimeDirectory());
    }

    @Test
    void shouldReplaceAProcessThatAnEarlierAgentLeftWaiting() throws Exception {
        TestGuest.createNetwork("tap0");
        try (TestGuest guest = new TestGuest("tap0")) {
            QemuStandby abandoned = QemuStandby.start(guest.settings());
            QemuProcess leftover = guest.qemu();
            try (QemuStandby standby = QemuStandby.start(guest.settings())) {
                assertThat(leftover.isAlive()).isFalse();
                assertThat(abandoned.isReady()).isFalse();
                assertThat(standby.isReady()).isTrue();
                assertThat(guest.qemu()).isNotEqualTo(leftover);
            }
        }
    }

    @Test
    void shouldReplaceAProcessThatWaitsWithoutANote() throws Exception {
        TestGuest.createNetwork("tap0");
        try (TestGuest guest = new TestGuest("tap0").startFrozen("--", "-incoming", "defer")) {
            QemuProcess leftover = guest.qemu();
            try (QemuStandby standby = QemuStandby.start(guest.settings())) {
                assertThat(leftover.isAlive()).isFalse();
                assertThat(standby.isReady()).isTrue();
            }
        }
    }

    @Test
    void shouldNotTouchAPromotedGuestWhenAskedToWaitInItsPlace() throws Exception {
        TestGuest.createNetwork("tap0");
        try (TestGuest guest = new TestGuest("tap0")) {
            QemuEngine agent = guest.restored();
            agent.close();
            assertThatThrownBy(() -> QemuStandby.start(guest.settings()))
                    .isInstanceOf(EngineException.class)
                    .hasMessageContaining("runs a guest");
            try (QemuEngine again = QemuEngine.attach(guest.socket(), guest.memory());
                    RedisClient client = RedisClient.connect(TestGuest.ADDRESS, 2000)) {
                assertThat(again.isPaused()).isFalse();
                assertThat(client.increment("alive")).isEqualTo(1);
            }
        }
    }

    /** As a further attempt does after the first guest has diverged. */
    @Test
    void shouldRestoreAKilledGuestOnceMoreFromMemoryThatWasFilledWhileItRan() throws Exception {
        TestGuest.createNetwork("tap0");
        try (TestGuest guest = new TestGuest("tap0");
                SpareMemories spares = new SpareMemories(guest.settings().memory(), 1)) {
            byte[] devices = guest.image().devices().toArray(ValueLayout.JAVA_BYTE);
            spares.fillFrom(guest.image().memory());
            try (QemuEngine first = guest.restored();
                    RedisClient client = RedisClient.connect(TestGuest.ADDRESS, 5000)) {
                assertThat(client.increment("counter")).isEqualTo(1);
                first.kill();
            }
            QemuStandby again =
                    QemuStandby.start(guest.settings(), spares.take().orElseThrow());
            try (QemuEngine second = again.promote(devices);
                    RedisClient client = RedisClient.connect(TestGuest.ADDRESS, 5000)) {
                assertThat(client.increment("counter")).isEqualTo(1);
                second.kill();
            }
        }
    }

    @Test
    void shouldKillTheProcessThatDidNotTakeTheState() throws Exception {
        TestGuest.createNetwork("tap0");
        try (TestGuest guest = new TestGuest("tap0")) {
            QemuStandby standby = QemuStandby.start(guest.settings());
            QemuProcess process = guest.qemu();
            assertThatThrownBy(() -> standby.promote(NONSENSE))
                    .isInstanceOf(EngineException.class)
                    .hasMessageContaining("did not take the checkpoint")
                    .hasMessageContaining("it said");
            assertThat(process.isAlive()).isFalse();
            assertThat(standby.isReady()).isFalse();
        }
    }

    /** Else it could come to itself later and run a guest that has been given up. */
    @Test
    void shouldKillTheProcessThatIsStuckWhenGivenTheState() throws Exception {
        TestGuest.createNetwork("tap0");
        try (TestGuest guest = new TestGuest("tap0")) {
            QemuStandby standby = QemuStandby.start(guest.settings());
            QemuProcess process = guest.qemu();
            Shell.run("kill", "-STOP", Long.toString(process.pid()));
            assertThatThrownBy(() -> standby.promote(NONSENSE))
                    .isInstanceOf(EngineException.class)
                    .hasMessageContaining("did not answer query-status");
            assertThat(process.isAlive()).isFalse();
        }
    }

    @Test
    void shouldStayReadyWhenGivenBytesThatAreNoStateAtAll() throws Exception {
        TestGuest.createNetwork("tap0");
        try (TestGuest guest = new TestGuest("tap0");
                QemuStandby standby = QemuStandby.start(guest.settings())) {
            assertThatThrownBy(() -> standby.promote("garbage".getBytes(StandardCharsets.US_ASCII)))
                    .isInstanceOf(EngineException.class)
                    .hasMessageContaining("not one of QEMU's");
            assertThat(standby.isReady()).isTrue();
        }
    }

    @Test
    void shouldSayWhyTheCommandDidNotStart() throws Exception {
        TestGuest.createNetwork("tap0");
        try (TestGuest guest = new TestGuest("tap0")) {
            assertThatThrownBy(() -> QemuStandby.start(guest.settings("--", "-device", "no-such-device")))
                    .isInstanceOf(EngineException.class)
                    .hasMessageContaining("check agent.qemu.command")
                    .hasMessageContaining("no-such-device");
            List<String> incoming = new ArrayList<>(guest.command());
            incoming.addAll(List.of("-incoming", "defer"));
            QemuStandby.Settings settings = guest.settings();
            assertThatThrownBy(() -> QemuStandby.start(new QemuStandby.Settings(
                            incoming,
                            settings.socket(),
                            settings.memory(),
                            settings.incoming(),
                            settings.runtimeDirectory())))
                    .isInstanceOf(EngineException.class)
                    .hasMessageContaining("must not contain -incoming");
        }
    }

    @Test
    void shouldEndTheWaitingProcessWhenClosed() throws Exception {
        TestGuest.createNetwork("tap0");
        try (TestGuest guest = new TestGuest("tap0")) {
            QemuStandby standby = QemuStandby.start(guest.settings());
            QemuProcess process = guest.qemu();
            standby.close();
            await().atMost(Duration.ofSeconds(10)).until(() -> !process.isAlive());
        }
    }
}
