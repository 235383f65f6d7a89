package io.holdfast.cli.proxy;

import static io.holdfast.testkit.FrameBuilder.ethernet;
import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import io.holdfast.config.HoldfastConfig;
import io.holdfast.testkit.InNetworkNamespace;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.time.Duration;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** The example engines, with a guest that counts: state n is written before frame n is sent. */
@InNetworkNamespace
class ExampleEngineTest {

    private static final Duration LIMIT = Duration.ofSeconds(20);
    private static final Path EXAMPLES = Path.of("examples").toAbsolutePath();

    /** The guest runs until so many of its frames have left. */
    private static final int ENOUGH = 500;

    @TempDir
    Path directory;

    private volatile int sent;

    @ParameterizedTest
    @ValueSource(strings = {"shell-engine.sh", "python_engine.py"})
    void shouldLetNoFrameOutWhoseStateItHasNotCopied(String example) throws Exception {
        Cables.plugIn(0);
        Path backup = directory.resolve("backup");
        HoldfastConfig config = HoldfastConfig.read(Cables.writeConfig(directory));
        run(1);
        try (HoldfastProxy proxy = HoldfastProxy.start(config, false, "test");
                Wire guest = new Wire("guest0");
                Wire net = new Wire("net0");
                Engine observer = new Engine(config.proxySocket())) {
            Process engine = start(example, config.proxySocket(), backup);
            try {
                await().atMost(LIMIT)
                        .until(() -> observer.status().path("state").asText().equals("PROTECTED"));
                int count = 1;
                for (int seen = 0; seen < ENOUGH && count < 60_000; ) {
                    count++;
                    run(count);
                    guest.send(frame(count));
                    Thread.sleep(2);
                    if (!net.received().isEmpty()) {
                        seen = countIn(net.received().getLast());
                        // The backup is read after the frame was seen, and may be newer, never older.
                        assertThat(count(backup)).isGreaterThanOrEqualTo(seen);
                    }
                }
                sent = count - 1;
                await().atMost(LIMIT).until(() -> net.received().size() == sent());
            } finally {
                engine.destroyForcibly().waitFor(10, TimeUnit.SECONDS);
            }
            await().atMost(LIMIT)
                    .until(() -> observer.status().path("state").asText().equals("SUSPENDED"));
            guest.send(frame(1));
            net.assertStaysAt(sent());
        }
    }

    private int sent() {
        return sent;
    }

    private Process start(String example, Path socket, Path backup) throws Exception {
        return new ProcessBuilder(
                        EXAMPLES.resolve(example).toString(),
                        socket.toString(),
                        "1",
                        "a",
                        state().toString(),
                        backup.toString(),
                        "10")
                .inheritIO()
                .start();
    }

    /** The guest executes: its state changes as a whole. */
    private void run(int count) throws Exception {
        Path next = Files.writeString(directory.resolve("next"), Integer.toString(count));
        Files.move(next, state(), StandardCopyOption.ATOMIC_MOVE);
    }

    private Path state() {
        return directory.resolve("guest-state");
    }

    private static int count(Path file) throws Exception {
        return Integer.parseInt(Files.readString(file));
    }

    private static byte[] frame(int count) {
        byte[] payload = new byte[50];
        payload[0] = (byte) (count >> 8);
        payload[1] = (byte) count;
        return ethernet("52:54:00:00:00:02", "52:54:00:00:00:01").payload(0x88b5, payload);
    }

    private static int countIn(byte[] frame) {
        return Byte.toUnsignedInt(frame[14]) * 256 + Byte.toUnsignedInt(frame[15]);
    }
}
