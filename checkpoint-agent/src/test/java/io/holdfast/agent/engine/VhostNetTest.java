package io.holdfast.agent.engine;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Optional;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** INV-8 for frames that QEMU never sees. */
class VhostNetTest {

    @TempDir
    Path openFiles;

    @Test
    void shouldRefuseAGuestWhoseFramesTheKernelCarries() throws Exception {
        opens("3", "/dev/net/tun");
        opens("4", "/dev/vhost-net");
        assertThat(VhostNet.exitOf(openFiles)).get().asString().contains("/dev/vhost-net", "vhost=off");
    }

    @Test
    void shouldFindNoExitWhereQemuCarriesFramesItself() throws Exception {
        opens("3", "/dev/net/tun");
        opens("4", "socket:[12]");
        opens("5", "/dev/vhost-net-of-another-kind");
        assertThat(VhostNet.exitOf(openFiles)).isEmpty();
    }

    @Test
    void shouldLookAtARealProcess() {
        assertThat(VhostNet.exitOf(QemuProcess.withPid(ProcessHandle.current().pid())))
                .isEmpty();
    }

    @Test
    void shouldRefuseWhatCannotBeSeen() {
        assertThat(VhostNet.exitOf(Optional.empty())).get().asString().contains("same user");
        assertThat(VhostNet.exitOf(openFiles.resolve("none"))).get().asString().contains("cannot see");
    }

    private void opens(String descriptor, String file) throws Exception {
        Files.createSymbolicLink(openFiles.resolve(descriptor), Path.of(file));
    }
}
