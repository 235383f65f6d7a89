package io.holdfast.agent.engine;

import io.holdfast.testkit.Shell;
import java.io.File;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Objects;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/**
 * A place for one QEMU of a test: its folder, its memory file, its tap. Closing it kills whatever has the memory open and
 * removes all files.
 */
final class TestGuest implements AutoCloseable {

    static final String ADDRESS = "10.7.0.10";
    static final String ADDRESS_6 = "fd07::10";
    static final int VLAN = 7;
    static final String ADDRESS_IN_VLAN = "10.7.7.10";
    /** Where its Redis is found. */
    static final List<String> ADDRESSES = List.of(ADDRESS, ADDRESS_6, ADDRESS_IN_VLAN);

    static final int MEMORY_MIB = 96;

    private static final Path SCRIPTS =
            Path.of("../deploy/guest").toAbsolutePath().normalize();
    private static final long BUILD_LIMIT_MINUTES = 10;
    private static final long BOOT_LIMIT_MILLIS = 120_000;
    /** The guest once booted, so that later tests restore it in a tenth of a second instead of booting again. */
    private static @Nullable BootImage booted;

    private static boolean imageIsBuilt;
    /** Those that a test which is interrupted leaves behind: a waiting QEMU does not end with the JVM. */
    private static final Set<TestGuest> OPEN = ConcurrentHashMap.newKeySet();

    static {
        Runtime.getRuntime().addShutdownHook(new Thread(() -> OPEN.forEach(TestGuest::closeAnyhow)));
    }

    /** A checkpoint of a guest whose Redis answers. */
    record BootImage(MemorySegment memory, MemorySegment devices) {}

    private final Path folder;
    private final Path memory;
    private final String tap;
    private @Nullable Process process;

    TestGuest(String tap) {
        this.tap = tap;
        try {
            folder = Files.createTempDirectory("hf-qemu-");
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
        memory = Path.of("/dev/shm", folder.getFileName() + ".ram");
        OPEN.add(this);
    }

    /** Makes the image if it is missing; outside any test's namespace. */
    static synchronized void buildImage() throws IOException, InterruptedException {
        if (imageIsBuilt) {
            return;
        }
        Process build = new ProcessBuilder(SCRIPTS.resolve("build-image.sh").toString())
                .redirectErrorStream(true)
                .start();
        System.out.print(new String(build.getInputStream().readAllBytes(), StandardCharsets.UTF_8));
        if (!build.waitFor(BUILD_LIMIT_MINUTES, TimeUnit.MINUTES) || build.exitValue() != 0) {
            build.destroyForcibly();
            throw new IllegalStateException("the guest's image was not built; see above");
        }
        imageIsBuilt = true;
    }

    /** A bridge with the client's address and a tap for each guest, in the calling thread's namespace. */
    static void createNetwork(String... taps) {
        // In every namespace the one that the guest has known since it was booted in one of them.
        Shell.run("ip", "link", "add", "br0", "address", "02:00:00:00:07:01", "type", "bridge");
        Shell.run("ip", "address", "add", "10.7.0.1/24", "dev", "br0");
        Shell.run("ip", "link", "set", "br0", "up");
        for (String tap : taps) {
            Shell.run("ip", "tuntap", "add", tap, "mode", "tap");
            Shell.run("ip", "link", "set", tap, "master", "br0", "up");
        }
    }

    Path folder() {
        return folder;
    }

    Path socket() {
        return folder.resolve("qmp.sock");
    }

    /** A second QMP socket, for what an operator does. */
    Path monitor() {
        return folder.resolve("monitor.sock");
    }

    Path memory() {
        return memory;
    }

    QemuStandby.Settings settings(String... more) {
        return new QemuStandby.Settings(command(more), socket(), memory, folder.resolve("incoming.sock"), folder);
    }

    /** The canonical command line. Arguments in {@code more} up to "--" are the script's, those after it are QEMU's. */
    List<String> command(String... more) {
        List<String> script = new ArrayList<>(List.of(
                SCRIPTS.resolve("qemu-command.sh").toString(),
                "--name",
                folder.getFileName().toString(),
                "--memory",
                Integer.toString(MEMORY_MIB),
                "--runtime-dir",
                folder.toString(),
                "--tap",
                tap,
                "--preload",
                Shell.run(SCRIPTS.resolve("build-tracker.sh").toString()).strip(),
                "--kernel-words",
                "unknown_nmi_panic hf.vlan=" + VLAN + "," + ADDRESS_IN_VLAN + "/24"));
        script.addAll(List.of(more));
        return Shell.run(script.toArray(String[]::new)).lines().toList();
    }

    /** Starts a QEMU that does not execute anything, without waiting for more than its QMP socket. */
    TestGuest startFrozen(String... more) throws Exception {
        List<String> command = new ArrayList<>(command(more));
        command.add("-S");
        start(command);
        return this;
    }

    /** A guest whose Redis answers, attached. It was booted by this test, or by an earlier one and is restored. */
    QemuEngine running() throws Exception {
        return booted == null ? boot() : restored();
    }

    /** A guest whose Redis answers, attached, in a QEMU that was a waiting backup. */
    QemuEngine restored() throws Exception {
        BootImage image = image();
        QemuStandby standby = QemuStandby.start(settings());
        standby.memory().copyFrom(image.memory());
        return standby.promote(image.devices().toArray(ValueLayout.JAVA_BYTE));
    }

    /** The guest once booted, here unless it was before. */
    BootImage image() throws Exception {
        if (booted == null) {
            try (QemuEngine engine = boot()) {
                engine.kill();
            }
        }
        return Objects.requireNonNull(booted);
    }

    private QemuEngine boot() throws Exception {
        start(command());
        awaitRedis();
        QemuEngine engine = QemuEngine.attach(socket(), memory);
        Checkpoints all = new Checkpoints(engine.memoryBytes());
        engine.precopy(all);
        engine.pause();
        byte[] devices = engine.saveDevices();
        engine.captureMemory(all);
        booted = new BootImage(all.memory(), MemorySegment.ofArray(devices));
        engine.resume();
        return engine;
    }

    /** The process that runs the guest. */
    QemuProcess qemu() throws EngineException {
        return QemuProcess.holding(memory).orElseThrow();
    }

    @Override
    public void close() throws IOException, EngineException {
        OPEN.remove(this);
        if (process != null) {
            process.destroyForcibly();
        }
        if (Files.exists(memory)) {
            QemuProcess.holding(memory).ifPresent(QemuProcess::kill);
        }
        Optional<QemuProcess> waiting = QemuProcess.notedIn(folder.resolve("standby.pid"));
        waiting.ifPresent(QemuProcess::kill);
        Files.deleteIfExists(memory);
        Files.deleteIfExists(memory.resolveSibling(memory.getFileName() + ".devices"));
        try (Stream<Path> files = Files.walk(folder)) {
            files.sorted(Comparator.reverseOrder()).map(Path::toFile).forEach(File::delete);
        }
    }

    private void closeAnyhow() {
        try {
            close();
        } catch (IOException | EngineException e) {
            System.err.println("not cleaned up: " + folder + ": " + e);
        }
    }

    private void start(List<String> command) throws Exception {
        Path log = folder.resolve("qemu.log");
        Process started = new ProcessBuilder(command)
                .redirectErrorStream(true)
                .redirectOutput(log.toFile())
                .start();
        process = started;
        long deadline = System.nanoTime() + 5_000_000_000L;
        // The file is there before it has its length.
        while (!Files.exists(monitor()) || !Files.exists(memory) || Files.size(memory) == 0) {
            if (!started.isAlive() || System.nanoTime() - deadline > 0) {
                throw new IllegalStateException("QEMU did not start: " + Files.readString(log) + command);
            }
            Thread.sleep(5);
        }
    }

    private static void awaitRedis() throws InterruptedException {
        long deadline = System.currentTimeMillis() + BOOT_LIMIT_MILLIS;
        while (true) {
            try (RedisClient client = RedisClient.connect(ADDRESS, 500)) {
                client.increment("boot");
                return;
            } catch (IOException e) {
                if (System.currentTimeMillis() > deadline) {
                    throw new IllegalStateException("the guest does not answer", e);
                }
                Thread.sleep(100);
            }
        }
    }
}
