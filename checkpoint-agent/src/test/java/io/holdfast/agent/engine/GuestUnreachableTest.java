package io.holdfast.agent.engine;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.net.StandardProtocolFamily;
import java.net.UnixDomainSocketAddress;
import java.nio.channels.FileChannel;
import java.nio.channels.FileChannel.MapMode;
import java.nio.channels.ServerSocketChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** What proves that no guest runs, and what does not. Without QEMU: a process that has the memory stands for it. */
@Timeout(60)
class GuestUnreachableTest {

    @TempDir
    private Path folder;

    private Path socket = Path.of("unset");
    private Path memory = Path.of("unset");

    /** Has a guest's memory as QEMU has it, until it is killed. */
    static final class Holder {

        private Holder() {}

        public static void main(String[] arguments) throws Exception {
            try (FileChannel file =
                    FileChannel.open(Path.of(arguments[0]), StandardOpenOption.READ, StandardOpenOption.WRITE)) {
                file.map(MapMode.READ_WRITE, 0, file.size()).put(0, (byte) 1);
                System.out.println("mapped");
                System.in.read();
            }
        }
    }

    @BeforeEach
    void makeMemory() throws Exception {
        socket = folder.resolve("qmp.sock");
        memory = Files.write(folder.resolve("ram"), new byte[4096]);
    }

    @Test
    void shouldFindNoGuestWhereNobodyHasItsMemory() throws Exception {
        assertNoGuest();
        Files.delete(memory);
        assertNoGuest();
    }

    @Test
    void shouldNotTakeAGuestForDeadWhoseMemorySomeProcessHas() throws Exception {
        Process holder = holdMemory();
        try {
            assertThatThrownBy(() -> QemuEngine.attach(socket, memory))
                    .isInstanceOf(GuestUnreachableException.class)
                    .hasMessageContaining("cannot reach QEMU");
        } finally {
            holder.destroyForcibly().waitFor();
        }
        assertNoGuest();
    }

    /** Whose process may be out of sight. */
    @Test
    void shouldNotTakeAGuestForDeadWhoseQmpSocketIsTaken() throws Exception {
        try (ServerSocketChannel busy =
                ServerSocketChannel.open(StandardProtocolFamily.UNIX).bind(UnixDomainSocketAddress.of(socket))) {
            assertThat(busy.isOpen()).isTrue();
            assertThatThrownBy(() -> QemuEngine.attach(socket, memory))
                    .isInstanceOf(GuestUnreachableException.class)
                    .hasMessageContaining("one client at a time");
        }
        assertNoGuest();
    }

    @Test
    void shouldKillAGuestThatCannotBeAttachedTo() throws Exception {
        Process holder = holdMemory();
        assertThat(QemuEngine.killHolder(memory)).isTrue();
        assertThat(holder.waitFor()).isNotZero();
        assertThat(QemuEngine.killHolder(memory)).isFalse();
    }

    private void assertNoGuest() {
        assertThatThrownBy(() -> QemuEngine.attach(socket, memory))
                .isInstanceOf(EngineException.class)
                .isNotInstanceOf(GuestUnreachableException.class);
    }

    private Process holdMemory() throws Exception {
        Path classes = Path.of(
                Holder.class.getProtectionDomain().getCodeSource().getLocation().toURI());
        Process holder = new ProcessBuilder(
                        ProcessHandle.current().info().command().orElseThrow(),
                        "-cp",
                        classes.toString(),
                        Holder.class.getName(),
                        memory.toString())
                .redirectError(ProcessBuilder.Redirect.INHERIT)
                .start();
        assertThat(holder.inputReader().readLine()).isEqualTo("mapped");
        return holder;
    }
}
