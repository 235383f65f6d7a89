package io.holdfast.cli;

import io.holdfast.config.ConfigException;
import io.holdfast.config.QemuConfig;
import java.io.IOException;
import java.net.StandardProtocolFamily;
import java.net.UnixDomainSocketAddress;
import java.nio.channels.SocketChannel;
import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.Callable;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import picocli.CommandLine.Command;
import picocli.CommandLine.ParentCommand;

/** Whoever starts the guest for the first time does so with the words that the agent starts its backup with. */
@Command(
        name = "guest-command",
        mixinStandardHelpOptions = true,
        description = {
            "Prints the command that starts the guest on this host, `agent.qemu.command`, as a shell reads it.",
            "holdfast-guest@NAME.service runs it. Refuses if a QEMU of this guest is here already, running it or waiting."
        })
final class GuestCommand implements Callable<Integer> {

    /** What no shell takes for anything but itself. */
    private static final Pattern PLAIN = Pattern.compile("[A-Za-z0-9_@%+=:,./-]+");

    @ParentCommand
    private Holdfast holdfast;

    @Override
    public Integer call() throws ConfigException {
        QemuConfig qemu = holdfast.config().agent().qemu();
        if (somebodyListensAt(qemu.qmp())) {
            // It would lose its socket to the new one, and be out of its agent's reach.
            holdfast.err()
                    .println("holdfast: a QEMU listens at " + qemu.qmp()
                            + ", which runs the guest or waits for a promotion; see `holdfast status`");
            return ExitCode.FAILED;
        }
        holdfast.out().println(quoted(qemu.command()));
        return ExitCode.OK;
    }

    /** One line for a POSIX shell that yields exactly these words. */
    static String quoted(List<String> words) {
        return words.stream()
                .map(word -> PLAIN.matcher(word).matches() ? word : "'" + word.replace("'", "'\\''") + "'")
                .collect(Collectors.joining(" "));
    }

    private static boolean somebodyListensAt(Path socket) {
        try (SocketChannel channel = SocketChannel.open(StandardProtocolFamily.UNIX)) {
            return channel.connect(UnixDomainSocketAddress.of(socket));
        } catch (IOException e) {
            // Not there, or left behind by a process that is gone.
            return false;
        }
    }
}
