package io.holdfast.cli.proxy;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import io.holdfast.config.HoldfastConfig;
import io.holdfast.testkit.InNetworkNamespace;
import io.holdfast.testkit.Shell;
import io.holdfast.testkit.VethPair;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The example that stands in QEMU's place, with a real QEMU. Its guest is the firmware, which asks the network what to boot. */
@InNetworkNamespace
class QemuWrapperTest {

    private static final Duration LIMIT = Duration.ofSeconds(60);
    private static final String MAC = "52:54:00:00:00:01";
    private static final List<String> GUEST = List.of(
            "-machine",
            "pc,accel=tcg",
            "-smp",
            "1,maxcpus=2",
            "-m",
            "32",
            "-nodefaults",
            "-nographic",
            "-boot",
            "n",
            "-netdev",
            "tap,id=net0,ifname=tap0,script=no,downscript=no,vhost=off",
            "-device",
            "virtio-net-pci,netdev=net0,mac=" + MAC);

    @TempDir
    Path directory;

    @Test
    void shouldLetAGuestSpeakOfCheckpointsFromWhichItCanBeResumed() throws Exception {
        Shell.run("ip", "tuntap", "add", "tap0", "mode", "tap");
        Shell.run("ip", "link", "set", "tap0", "addrgenmode", "none", "up");
        VethPair.create("up0", "net0");
        HoldfastConfig config = HoldfastConfig.read(Cables.writeConfig(directory));
        Path checkpoint = directory.resolve("guest.checkpoint");
        try (HoldfastProxy proxy = HoldfastProxy.start(config, false, "test");
                Wire net = new Wire("net0");
                Engine observer = new Engine(config.proxySocket())) {
            Process wrapper = start(config.proxySocket(), checkpoint);
            try {
                await().atMost(LIMIT).until(() -> isFromGuest(net.received()));
                assertThat(checkpoint).isNotEmptyFile();
            } finally {
                wrapper.destroy();
                assertThat(wrapper.waitFor(LIMIT.toSeconds(), TimeUnit.SECONDS)).isTrue();
            }
            assertThat(observer.status().path("state").asText()).isEqualTo("SUSPENDED");
            assertThat(observer.status().path("frontier").asLong()).isPositive();
            assertResumes(checkpoint);
        }
    }

    private Process start(Path socket, Path checkpoint) throws Exception {
        List<String> command =
                new ArrayList<>(List.of(Path.of("examples/qemu_wrapper.py").toString()));
        command.addAll(GUEST);
        ProcessBuilder builder = new ProcessBuilder(command).inheritIO();
        builder.environment().put("HOLDFAST_SOCKET", socket.toString());
        builder.environment().put("HOLDFAST_TERM", "1");
        builder.environment().put("HOLDFAST_OWNER", "a");
        builder.environment().put("HOLDFAST_CHECKPOINT", checkpoint.toString());
        return builder.start();
    }

    private void assertResumes(Path checkpoint) throws Exception {
        List<String> command = new ArrayList<>(List.of("qemu-system-x86_64"));
        command.addAll(GUEST);
        command.addAll(List.of("-monitor", "stdio", "-incoming", "exec:cat " + checkpoint));
        Path printed = directory.resolve("monitor");
        Process qemu = new ProcessBuilder(command)
                .redirectErrorStream(true)
                .redirectOutput(printed.toFile())
                .start();
        try (var monitor = qemu.outputWriter()) {
            await().atMost(LIMIT).until(() -> {
                monitor.write("cont\ninfo status\n");
                monitor.flush();
                return Files.readString(printed).contains("VM status: running");
            });
        } finally {
            qemu.destroyForcibly().waitFor();
        }
    }

    private static boolean isFromGuest(List<byte[]> frames) {
        return frames.stream()
                .anyMatch(frame ->
                        (frame[6] & 0xff) == 0x52 && frame[7] == 0x54 && frame[11] == 0x01 && frame.length > 200);
    }
}
