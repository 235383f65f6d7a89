package io.holdfast.cli;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.PrintWriter;
import java.io.StringWriter;
import java.net.StandardProtocolFamily;
import java.net.UnixDomainSocketAddress;
import java.nio.channels.ServerSocketChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import picocli.CommandLine;

class GuestCommandTest {

    @TempDir
    Path directory;

    private record Outcome(int exitCode, String out, String err) {}

    @Test
    void shouldPrintTheCommandThatStartsTheGuest() throws Exception {
        Outcome outcome =
                guestCommand("agent: {role: backup, link: {listen: 127.0.0.1:1, peer: 127.0.0.1:2, insecure: true},"
                        + " qemu: {command: [qemu-system-x86_64, -append, console=ttyS0 quiet]}}");
        assertThat(outcome.out())
                .isEqualTo("qemu-system-x86_64 -append 'console=ttyS0 quiet'" + System.lineSeparator());
        assertThat(outcome.exitCode()).isEqualTo(ExitCode.OK);
    }

    @Test
    void shouldRefuseBesideAQemuThatIsThereAlready() throws Exception {
        Path run = Files.createDirectories(directory.resolve("run"));
        try (ServerSocketChannel qemu = ServerSocketChannel.open(StandardProtocolFamily.UNIX)) {
            qemu.bind(UnixDomainSocketAddress.of(run.resolve("qmp.sock")));
            Outcome outcome = guestCommand(agent());
            assertThat(outcome.err()).contains(run.resolve("qmp.sock").toString());
            assertThat(outcome.out()).isEmpty();
            assertThat(outcome.exitCode()).isEqualTo(ExitCode.FAILED);
        }
    }

    @Test
    void shouldNotMindASocketThatADeadQemuHasLeft() throws Exception {
        Path run = Files.createDirectories(directory.resolve("run"));
        try (ServerSocketChannel qemu = ServerSocketChannel.open(StandardProtocolFamily.UNIX)) {
            qemu.bind(UnixDomainSocketAddress.of(run.resolve("qmp.sock")));
        }
        assertThat(guestCommand(agent()).exitCode()).isEqualTo(ExitCode.OK);
    }

    @Test
    void shouldSayThatAHostWithoutAnAgentHasNoSuchCommand() throws Exception {
        Outcome outcome = guestCommand("proxy: {nics: [{guest-port: tap0, uplink: up0}]}");
        assertThat(outcome.err()).contains("agent");
        assertThat(outcome.exitCode()).isEqualTo(ExitCode.USAGE);
    }

    /** What a real shell makes of it decides. */
    @Test
    void shouldQuoteWhateverAShellWouldTakeForSomethingElse() throws Exception {
        List<String> words =
                List.of("printf", "%s\\n", "a b", "it's", "", "$HOME", "`id`", "*", "\\", "\"", "~", "a;b", "ü");
        Process shell = new ProcessBuilder("sh", "-c", GuestCommand.quoted(words))
                .redirectErrorStream(true)
                .start();
        assertThat(new String(shell.getInputStream().readAllBytes(), StandardCharsets.UTF_8).split("\n", -1))
                .startsWith("a b", "it's", "", "$HOME", "`id`", "*", "\\", "\"", "~", "a;b", "ü");
    }

    private static String agent() {
        return "agent: {role: backup, link: {listen: 127.0.0.1:1, peer: 127.0.0.1:2, insecure: true},"
                + " qemu: {command: [qemu-system-x86_64]}}";
    }

    private Outcome guestCommand(String section) throws Exception {
        Path config = Files.writeString(directory.resolve("redis.yaml"), """
                guest: redis
                host: a
                runtime-directory: %1$s/run
                state-directory: %1$s/state
                %2$s
                """.formatted(directory, section));
        StringWriter out = new StringWriter();
        StringWriter err = new StringWriter();
        CommandLine command = Holdfast.commandLine();
        command.setOut(new PrintWriter(out, true));
        command.setErr(new PrintWriter(err, true));
        int exitCode = command.execute("--config", config.toString(), "guest-command");
        return new Outcome(exitCode, out.toString(), err.toString());
    }
}
