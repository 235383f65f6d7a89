package io.holdfast.agent.engine;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import com.fasterxml.jackson.databind.json.JsonMapper;
import io.holdfast.agent.rehearsal.CheckpointSource;
import io.holdfast.agent.rehearsal.Rehearsal;
import io.holdfast.agent.rehearsal.RehearsalReport;
import io.holdfast.agent.rehearsal.RehearsalStep;
import io.holdfast.agent.role.RehearsalOutcome;
import io.holdfast.arp.GuestAddresses;
import io.holdfast.config.RehearsalConfig;
import io.holdfast.frame.MacAddress;
import io.holdfast.testkit.InNetworkNamespace;
import io.holdfast.testkit.Shell;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicReference;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;

/** A checkpoint of a real guest, restored beside a QEMU that waits. */
@NeedsQemu
@InNetworkNamespace
class RehearsalTest {

    private static final long EPOCH = 41;
    private static final Duration PATIENCE = Duration.ofSeconds(30);
    private static final Duration LIMIT = Duration.ofMinutes(2);
    private static final String KNOWN = addressed(TestGuest.ADDRESS);
    private static final String NOBODYS = addressed("10.7.0.77");

    @Test
    void shouldHaveTheGuestAnswerWhereNobodyElseSeesIt() throws Exception {
        TestGuest.createNetwork("tap0", "tap1");
        try (TestGuest here = new TestGuest("tap0");
                QemuEngine engine = here.running();
                TestGuest there = new TestGuest("tap1");
                QemuStandby standby = QemuStandby.start(there.settings());
                RedisClient client = RedisClient.connect(TestGuest.ADDRESS, 5_000)) {
            long before = client.increment("seen");
            standby.memory().copyFrom(here.image().memory());
            RehearsalReport report = rehearse(there.settings(), sourceOf(standby.memory(), here, KNOWN), List.of());
            assertThat(report.outcome()).as(report.reason()).isEqualTo(RehearsalOutcome.ANSWERED);
            assertThat(report.address()).isEqualTo(TestGuest.ADDRESS);
            assertThat(report.epoch()).isEqualTo(EPOCH);
            assertThat(report.nanosByStep())
                    .containsOnlyKeys(
                            RehearsalStep.ROOM,
                            RehearsalStep.COPY,
                            RehearsalStep.START,
                            RehearsalStep.LOAD,
                            RehearsalStep.ANSWER);
            assertThat(client.increment("seen")).as("the guest that serves").isEqualTo(before + 1);
            assertThat(framesFrom("tap1")).as("INV-9").isZero();
            assertThat(engine.isPaused()).isFalse();
        }
    }

    @Test
    void shouldLeaveTheOneThatWaitsAsItIs() throws Exception {
        TestGuest.createNetwork("tap0");
        try (TestGuest guest = new TestGuest("tap0")) {
            TestGuest.BootImage image = guest.image();
            try (QemuStandby standby = QemuStandby.start(guest.settings())) {
                Path console = guest.socket().resolveSibling("console.log");
                Files.writeString(console, "said before\n");
                MemorySegment zeros = new Checkpoints(standby.memoryBytes()).memory();
                assertThat(rehearse(guest.settings(), sourceOf(image.memory(), guest, KNOWN), List.of())
                                .outcome())
                        .isEqualTo(RehearsalOutcome.ANSWERED);
                assertThat(console).content().isEqualTo("said before\n");
                assertThat(standby.memory().mismatch(zeros)).as("its memory").isEqualTo(-1);
                assertThat(standby.isReady()).isTrue();
                // It still takes a state over its sockets, and is the one that the agent knows.
                standby.memory().copyFrom(image.memory());
                try (QemuEngine promoted = standby.promote(image.devices().toArray(ValueLayout.JAVA_BYTE));
                        RedisClient client = RedisClient.connect(TestGuest.ADDRESS, 5_000)) {
                    assertThat(client.increment("promoted")).isEqualTo(1);
                    assertThat(promoted.isPaused()).isFalse();
                }
            }
        }
    }

    /** A link in the path must not lead from the spare's view to the sockets of the one that waits. */
    @Test
    void shouldFindItsOwnSocketsWhereTheRuntimeDirectoryIsALink() throws Exception {
        TestGuest.createNetwork("tap0");
        try (TestGuest guest = new TestGuest("tap0");
                Linked linked = new Linked(guest)) {
            TestGuest.BootImage image = guest.image();
            try (QemuStandby standby = QemuStandby.start(linked.settings())) {
                assertThat(rehearse(linked.settings(), sourceOf(image.memory(), guest, KNOWN), List.of())
                                .outcome())
                        .isEqualTo(RehearsalOutcome.ANSWERED);
                assertThat(standby.isReady()).isTrue();
            }
        }
    }

    @Test
    void shouldSayThatASilentGuestDoesNotAnswer() throws Exception {
        RehearsalReport report = rehearsed(NOBODYS, Duration.ofMillis(500), List.of());
        assertThat(report.outcome()).isEqualTo(RehearsalOutcome.NO_ANSWER);
        assertThat(report.reason()).contains("10.7.0.77", "500 ms");
    }

    @Test
    void shouldNotClaimAnAnswerWhereNobodyKnowsWhomToAsk() throws Exception {
        RehearsalReport report = rehearsed("", PATIENCE, List.of());
        assertThat(report.outcome()).isEqualTo(RehearsalOutcome.RESTORED);
        assertThat(report.reason()).contains("no address");
    }

    @Test
    void shouldLetTheOperatorsCheckSpeakWithTheGuest() throws Exception {
        String ping =
                "exec 3<>/dev/tcp/$HOLDFAST_GUEST_ADDRESS/6379; printf 'PING\\r\\n' >&3; head -c 5 <&3 | grep PONG";
        RehearsalReport report = rehearsed(KNOWN, PATIENCE, List.of("bash", "-c", ping));
        assertThat(report.outcome()).as(report.reason()).isEqualTo(RehearsalOutcome.ANSWERED);
        assertThat(report.nanosByStep()).containsKey(RehearsalStep.CHECK);
    }

    @Test
    void shouldBelieveTheOperatorsCheckThatTheGuestIsNotWell() throws Exception {
        RehearsalReport report = rehearsed(KNOWN, PATIENCE, List.of("sh", "-c", "echo no tables; exit 3"));
        assertThat(report.outcome()).isEqualTo(RehearsalOutcome.NO_ANSWER);
        assertThat(report.reason()).contains("ended with 3", "no tables");
    }

    @Test
    void shouldFailWithWhatQemuSaysOfTheState() throws Exception {
        byte[] nonsense = "QEVM\0\0\0\3 and then nothing of sense".getBytes(StandardCharsets.US_ASCII);
        TestGuest.createNetwork("tap0");
        try (TestGuest guest = new TestGuest("tap0");
                QemuStandby standby = QemuStandby.start(guest.settings())) {
            RehearsalReport report = rehearse(
                    guest.settings(), target -> new CheckpointSource.Copied(EPOCH, nonsense, KNOWN), List.of());
            assertThat(report.outcome()).isEqualTo(RehearsalOutcome.FAILED);
            assertThat(report.reason()).contains("restoring the guest", "did not take the checkpoint", "it said");
            assertThat(standby.isReady()).isTrue();
        }
    }

    @Test
    void shouldBeginNothingWhereAnotherGuestHasNoRoom() throws Exception {
        try (TestGuest guest = new TestGuest("tap0")) {
            CompletableFuture<RehearsalReport> ended = new CompletableFuture<>();
            new Rehearsal(
                            new Rehearsal.Plan(guest.settings(), 1L << 50, config(PATIENCE, List.of())),
                            target -> {
                                throw new AssertionError("nothing is to be copied");
                            },
                            step -> {},
                            ended::complete)
                    .start();
            RehearsalReport report = ended.get(LIMIT.toSeconds(), TimeUnit.SECONDS);
            assertThat(report.outcome()).isEqualTo(RehearsalOutcome.FAILED);
            assertThat(report.reason()).contains("not begun", "are available");
        }
    }

    @Test
    void shouldEndAtOnceWhenSomethingElseComesFirst() throws Exception {
        TestGuest.createNetwork("tap0");
        for (RehearsalStep step :
                List.of(RehearsalStep.COPY, RehearsalStep.START, RehearsalStep.LOAD, RehearsalStep.ANSWER)) {
            try (TestGuest guest = new TestGuest("tap0")) {
                TestGuest.BootImage image = guest.image();
                try (QemuStandby standby = QemuStandby.start(guest.settings())) {
                    AtomicReference<@Nullable Rehearsal> itself = new AtomicReference<>();
                    CompletableFuture<RehearsalReport> ended = new CompletableFuture<>();
                    Rehearsal rehearsal = new Rehearsal(
                            new Rehearsal.Plan(guest.settings(), image.memory().byteSize(), config(LIMIT, List.of())),
                            sourceOf(image.memory(), guest, NOBODYS),
                            begun -> endAt(step, begun, itself.get()),
                            ended::complete);
                    itself.set(rehearsal);
                    rehearsal.start();
                    RehearsalReport report = ended.get(PATIENCE.toSeconds(), TimeUnit.SECONDS);
                    assertThat(report.outcome()).as("at %s", step).isEqualTo(RehearsalOutcome.INTERRUPTED);
                    assertThat(report.reason()).isEqualTo("a promotion came first");
                    assertThat(standby.isReady()).isTrue();
                    assertNothingIsLeftOf(guest.settings());
                }
            }
        }
    }

    private static void endAt(RehearsalStep step, RehearsalStep begun, @Nullable Rehearsal rehearsal) {
        if (step == begun && rehearsal != null) {
            rehearsal.end(RehearsalOutcome.INTERRUPTED, "a promotion came first");
        }
    }

    /** As when the agent is killed. */
    @Test
    void shouldEndWithTheThreadThatStartedIt() throws Exception {
        TestGuest.createNetwork("tap0");
        try (TestGuest guest = new TestGuest("tap0");
                QemuStandby standby = QemuStandby.start(guest.settings())) {
            CompletableFuture<Long> pid = new CompletableFuture<>();
            Thread agent = new Thread(() -> {
                try {
                    SpareQemu spare = SpareQemu.prepare(guest.settings(), standby.memoryBytes());
                    spare.start();
                    pid.complete(spare.pid());
                } catch (EngineException | RuntimeException e) {
                    pid.completeExceptionally(e);
                }
            });
            agent.start();
            Optional<QemuProcess> orphan = QemuProcess.withPid(pid.get(LIMIT.toSeconds(), TimeUnit.SECONDS));
            agent.join();
            await().atMost(PATIENCE)
                    .until(() -> orphan.filter(QemuProcess::isAlive).isEmpty());
            SpareQemu.clear(guest.settings());
            assertNothingIsLeftOf(guest.settings());
            assertThat(standby.isReady()).isTrue();
        }
    }

    // ---- a rehearsal, and what it is of ----

    private static RehearsalReport rehearsed(String addressesJson, Duration answerLimit, List<String> check)
            throws Exception {
        TestGuest.createNetwork("tap0");
        try (TestGuest guest = new TestGuest("tap0")) {
            TestGuest.BootImage image = guest.image();
            try (QemuStandby standby = QemuStandby.start(guest.settings())) {
                RehearsalReport report = rehearse(
                        guest.settings(), sourceOf(image.memory(), guest, addressesJson), config(answerLimit, check));
                assertThat(standby.isReady()).isTrue();
                return report;
            }
        }
    }

    private static RehearsalReport rehearse(QemuStandby.Settings standby, CheckpointSource source, List<String> check)
            throws Exception {
        return rehearse(standby, source, config(PATIENCE, check));
    }

    private static RehearsalReport rehearse(
            QemuStandby.Settings standby, CheckpointSource source, RehearsalConfig config) throws Exception {
        CompletableFuture<RehearsalReport> ended = new CompletableFuture<>();
        new Rehearsal(
                        new Rehearsal.Plan(standby, (long) TestGuest.MEMORY_MIB << 20, config),
                        source,
                        step -> {},
                        ended::complete)
                .start();
        RehearsalReport report = ended.get(LIMIT.toSeconds(), TimeUnit.SECONDS);
        assertNothingIsLeftOf(standby);
        return report;
    }

    private static RehearsalConfig config(Duration answerLimit, List<String> check) {
        return new RehearsalConfig(Duration.ZERO, LIMIT, answerLimit, check);
    }

    private static CheckpointSource sourceOf(MemorySegment memory, TestGuest guest, String addressesJson)
            throws Exception {
        byte[] devices = guest.image().devices().toArray(ValueLayout.JAVA_BYTE);
        return target -> {
            target.copyFrom(memory);
            return new CheckpointSource.Copied(EPOCH, devices, addressesJson);
        };
    }

    private static String addressed(String address) {
        return new GuestAddresses(
                        1,
                        List.of(new GuestAddresses.Nic(
                                "net0",
                                List.of(new GuestAddresses.Station(
                                        MacAddress.parse("52:54:00:07:00:10"),
                                        List.of(),
                                        false,
                                        List.of(address),
                                        List.of())))))
                .toJson()
                .toString();
    }

    private static void assertNothingIsLeftOf(QemuStandby.Settings standby) throws Exception {
        Path directory = SpareDirectory.placeFor(standby.memory());
        assertThat(directory).doesNotExist();
        assertThat(Files.readString(Path.of("/proc/self/mounts"))).doesNotContain(directory.toString());
        try (Stream<ProcessHandle> processes = ProcessHandle.allProcesses()) {
            assertThat(processes
                            .map(process -> process.info().commandLine().orElse(""))
                            .filter(command ->
                                    command.contains("qemu") && command.contains("unix:" + standby.socket())))
                    .as("but the one that waits")
                    .hasSizeLessThanOrEqualTo(1);
        }
    }

    private static long framesFrom(String tap) throws Exception {
        return new JsonMapper()
                .readTree(Shell.run("ip", "-json", "-statistics", "link", "show", tap))
                .at("/0/stats64/rx/packets")
                .asLong();
    }

    /** The settings of a guest, its folder called by the name of a link to it. */
    private static final class Linked implements AutoCloseable {

        private final Path folder;
        private final Path link;
        private final QemuStandby.Settings plain;

        Linked(TestGuest guest) throws Exception {
            plain = guest.settings();
            folder = plain.runtimeDirectory();
            link = Files.createSymbolicLink(folder.resolveSibling(folder.getFileName() + "-link"), folder);
        }

        QemuStandby.Settings settings() {
            return new QemuStandby.Settings(
                    plain.command().stream()
                            .map(argument -> argument.replace(folder.toString() + "/", link + "/"))
                            .toList(),
                    link.resolve("qmp.sock"),
                    plain.memory(),
                    link.resolve("incoming.sock"),
                    link);
        }

        @Override
        public void close() throws Exception {
            Files.delete(link);
        }
    }
}
