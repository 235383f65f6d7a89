package io.holdfast.agent.engine;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class CoveredDirectoriesTest {

    private static final Path MEMORY = Path.of("/dev/shm/covered-directories-test.ram");

    @TempDir
    Path temporary;

    private Path logs;
    private Path run;

    @BeforeEach
    void makeDirectories() throws Exception {
        temporary = temporary.toRealPath();
        logs = Files.createDirectory(temporary.resolve("logs"));
        run = Files.createDirectory(temporary.resolve("run"));
    }

    @Test
    void shouldCoverWhereAFileIsThatAnOptionNames() throws Exception {
        Path log = Files.createFile(logs.resolve("console.log"));
        assertThat(covered("qemu", "-serial", "file:" + log)).containsExactly(logs);
    }

    @Test
    void shouldCoverWhereAFileWouldBeMade() throws Exception {
        assertThat(covered("qemu", "-chardev", "file,id=c,path=" + logs.resolve("new.log")))
                .containsExactly(logs);
    }

    @Test
    void shouldCoverWhereSocketsAreWhetherTheCommandNamesThemOrNot() throws Exception {
        assertThat(CoveredDirectories.of(List.of("qemu"), MEMORY, List.of(run))).containsExactly(run);
    }

    @Test
    void shouldCoverWhereALinkLeads() throws Exception {
        Path log = Files.createFile(logs.resolve("console.log"));
        Path link = Files.createSymbolicLink(run.resolve("link.log"), log);
        assertThat(covered("qemu", "-serial", "file:" + link)).containsExactly(logs, run);
    }

    @Test
    void shouldCoverADirectoryOnceWithAllThatIsInIt() throws Exception {
        assertThat(covered("-D", temporary.resolve("qemu.log").toString(), "-pidfile", run + "/qemu.pid"))
                .containsExactly(temporary);
    }

    @Test
    void shouldFindPathsAmongKernelWords() throws Exception {
        assertThat(covered("-append", "console=ttyS0 log=" + logs.resolve("x") + " quiet"))
                .containsExactly(logs);
    }

    @Test
    void shouldLeaveDevicesAndProgramsAlone() throws Exception {
        assertThat(covered("/usr/bin/env", "-drive", "/dev/vda", "-object", "filename=/dev/urandom", "/proc/cpuinfo"))
                .isEmpty();
    }

    @Test
    void shouldLeaveTheGuestsMemoryToItsOwner() throws Exception {
        assertThat(covered("-object", "memory-backend-file,id=ram0,mem-path=" + MEMORY + ",share=on"))
                .isEmpty();
    }

    /** As a second guest would write to the same NVDIMM. */
    @Test
    void shouldRefuseOtherMemoryThatCannotBeCovered() throws Exception {
        Path other = Files.createFile(Path.of("/dev/shm/covered-directories-test.nvdimm"));
        try {
            assertThatThrownBy(() -> covered("-object", "memory-backend-file,mem-path=" + other))
                    .isInstanceOf(EngineException.class)
                    .hasMessageContaining(other.toString())
                    .hasMessageContaining("cannot be covered");
        } finally {
            Files.delete(other);
        }
    }

    @Test
    void shouldPassOverWhatIsNotThere() throws Exception {
        assertThat(covered("-append", "init=/no/such/init", "root=/nothing")).isEmpty();
    }

    private static List<Path> covered(String... command) throws EngineException {
        return CoveredDirectories.of(List.of(command), MEMORY, List.of());
    }
}
