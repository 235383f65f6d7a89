package io.holdfast.cli.service;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import io.holdfast.cli.Holdfast;
import io.holdfast.cli.proxy.Cables;
import io.holdfast.testkit.InNetworkNamespace;
import java.io.File;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** What systemd would hear of the real processes, above all if one of their threads hangs and the others go on. */
@InNetworkNamespace
class SupervisedProcessTest {

    private static final Duration LIMIT = Duration.ofSeconds(30);
    private static final long WATCHDOG_MICROS = 900_000;

    @TempDir
    Path directory;

    @ParameterizedTest
    @CsvSource({
        "packet-socket, capture-tap0, capture of tap0",
        "packet-socket, inbound-up0, capture of up0",
        "packet-socket, release-tap0, release of tap0",
        "packet-socket, proxy-control, commands",
        "pcap, release-tap0, release of tap0"
    })
    void shouldGiveNoSignOfLifeWhileAThreadOfTheProxyHangs(String port, String thread, String work) throws Throwable {
        Cables.plugIn(0);
        Path config = Cables.writeConfig(directory, "port: " + port);
        assertNoSignOfLifeWhileHanging(config, "proxy", "STATUS=wall CLOSED, term 0", thread, work);
    }

    @Test
    void shouldGiveNoSignOfLifeWhileTheTimeOfTheReconcilerHangs() throws Throwable {
        Cables.plugIn(0);
        Cables.plugIn(1);
        Path config = Cables.writeConfig(
                directory, "mode: reverse", "placement: inline", "nics: [{primary: tap0, backup: tap1, uplink: up0}]");
        assertNoSignOfLifeWhileHanging(config, "proxy", "STATUS=wall", "reconciler-time", "time of the reconciler");
    }

    /** Netty has named the one of the link. */
    @ParameterizedTest
    @CsvSource({"conductor, conductor", "multiThreadIoEv, link", "agent-control, commands"})
    void shouldGiveNoSignOfLifeWhileAThreadOfTheAgentHangs(String thread, String work) throws Throwable {
        Path config = Files.writeString(directory.resolve("agent.yaml"), """
                guest: redis
                host: a
                runtime-directory: %1$s
                state-directory: %1$s
                agent:
                  role: backup
                  http: 127.0.0.1:9602
                  link:
                    listen: 127.0.0.1:7700
                    peer: 127.0.0.1:7701
                    insecure: true
                  qemu:
                    memory: %1$s/guest.ram
                    command: /bin/false
                """.formatted(directory));
        assertNoSignOfLifeWhileHanging(config, "agent", "STATUS=backup, term 0", thread, work);
    }

    private void assertNoSignOfLifeWhileHanging(Path config, String program, String status, String thread, String work)
            throws Throwable {
        String socket = directory.resolve("notify").toString();
        try (FakeManager manager = new FakeManager(socket)) {
            Process process = start(config, program, socket);
            try {
                manager.awaitNotice("READY=1");
                manager.awaitNotice(status);
                manager.awaitNotice("WATCHDOG=1");

                try (FrozenThread frozen = FrozenThread.of(process, thread)) {
                    manager.awaitNotice("STATUS=hangs: " + work);
                    manager.forget();
                    Thread.sleep(Duration.ofNanos(WATCHDOG_MICROS * 1_000));
                    assertThat(manager.notices()).doesNotContain("WATCHDOG=1");
                }
                manager.awaitNotice("WATCHDOG=1");

                process.destroy();
                manager.awaitNotice("STOPPING=1");
                await().atMost(LIMIT).until(() -> !process.isAlive());
            } finally {
                process.destroyForcibly().waitFor();
            }
        }
    }

    /** In the calling thread's namespace. */
    private static Process start(Path config, String program, String socket) throws Exception {
        List<String> command = List.of(
                System.getProperty("java.home") + File.separator + "bin" + File.separator + "java",
                "--enable-native-access=ALL-UNNAMED",
                "-XX:+UseSerialGC",
                "-cp",
                System.getProperty("java.class.path"),
                Holdfast.class.getName(),
                "--config",
                config.toString(),
                program);
        ProcessBuilder builder = new ProcessBuilder(command).inheritIO();
        builder.environment().put("NOTIFY_SOCKET", socket);
        builder.environment().put("WATCHDOG_USEC", Long.toString(WATCHDOG_MICROS));
        return builder.start();
    }
}
