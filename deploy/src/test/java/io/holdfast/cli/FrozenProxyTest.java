package io.holdfast.cli;

import static io.holdfast.testkit.FrameBuilder.ethernet;
import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import io.holdfast.cli.proxy.Cables;
import io.holdfast.cli.proxy.Engine;
import io.holdfast.cli.proxy.Wire;
import io.holdfast.testkit.InNetworkNamespace;
import io.holdfast.testkit.Shell;
import java.io.File;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** INV-6: a lease ends at a time, whether or not the process that serves on it has time to notice. */
@InNetworkNamespace
class FrozenProxyTest {

    private static final Duration LIMIT = Duration.ofSeconds(30);
    private static final Duration LEASE = Duration.ofSeconds(2);
    private static final Duration A_WHILE = Duration.ofMillis(500);
    private static final int FRAMES = 200;
    private static final byte[] FRAME =
            ethernet("ff:ff:ff:ff:ff:ff", "52:54:00:00:00:01").payload(0x88b5, new byte[50]);

    @TempDir
    Path directory;

    @ParameterizedTest
    @ValueSource(strings = {"packet-socket", "pcap"})
    void shouldLetNothingOutWhenItGoesOnAfterTheLeaseHasRunOut(String port) throws Exception {
        Cables.plugIn(0);
        Process proxy = startProxy(Cables.writeConfig(directory, "port: " + port));
        try (Engine engine = new Engine(directory.resolve("run/proxy.sock"));
                Wire guest = new Wire("guest0");
                Wire net = new Wire("net0")) {
            engine.hello(1);
            long untilNanos = System.nanoTime() + LEASE.toNanos();
            engine.wallCommand("open", ", \"reason\": \"by the arbiter\", \"lease_until_nanos\": " + untilNanos);
            guest.send(FRAME);
            net.awaitExactly(List.of(FRAME));

            signal("STOP", proxy);
            await().atMost(LIMIT).until(() -> isStopped(proxy));
            for (int i = 0; i < FRAMES; i++) {
                guest.send(FRAME);
            }
            TimeUnit.NANOSECONDS.sleep(untilNanos - System.nanoTime() + A_WHILE.toNanos());
            signal("CONT", proxy);
            await().atMost(LIMIT)
                    .until(() -> engine.status().path("state").asText().equals("SEALED"));
            assertThat(net.received()).hasSize(1);
            net.assertStaysAt(1);
            await().atMost(LIMIT)
                    .until(() ->
                            engine.status().path("counters").path("discarded").asInt() == FRAMES);
        } finally {
            proxy.destroyForcibly().waitFor();
        }
    }

    private static void signal(String name, Process process) {
        Shell.run("kill", "-" + name, Long.toString(process.pid()));
    }

    /** A signal stops one thread after the other, and until then they may send by the lease, which lasts. */
    private static boolean isStopped(Process process) throws IOException {
        try (Stream<Path> threads = Files.list(Path.of("/proc/" + process.pid() + "/task"))) {
            for (Path thread : threads.toList()) {
                if (!Files.readString(thread.resolve("status")).contains("State:\tT")) {
                    return false;
                }
            }
        }
        return true;
    }

    /** In the calling thread's namespace. */
    private Process startProxy(Path config) throws Exception {
        Process proxy = new ProcessBuilder(
                        System.getProperty("java.home") + File.separator + "bin" + File.separator + "java",
                        "--enable-native-access=ALL-UNNAMED",
                        "-XX:+UseSerialGC",
                        "-cp",
                        System.getProperty("java.class.path"),
                        Holdfast.class.getName(),
                        "--config",
                        config.toString(),
                        "proxy")
                .inheritIO()
                .start();
        await().atMost(LIMIT)
                .until(() -> !proxy.isAlive()
                        || directory.resolve("run/proxy.sock").toFile().exists());
        assertThat(proxy.isAlive()).isTrue();
        return proxy;
    }
}
