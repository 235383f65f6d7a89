package io.holdfast.cli;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.concurrent.Callable;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.ParentCommand;

/** For the build: writes the manual, a page for each command that is not hidden. */
@Command(
        name = "manual",
        hidden = true,
        mixinStandardHelpOptions = true,
        description = "Writes the manual pages, section 1, into a directory.")
final class ManualCommand implements Callable<Integer> {

    @ParentCommand
    private Holdfast holdfast;

    @Parameters(paramLabel = "DIR", description = "Where to; made if need be.")
    private Path directory = Path.of("");

    @Override
    public Integer call() throws IOException {
        Files.createDirectories(directory);
        CommandLine all = Holdfast.commandLine();
        write(all);
        for (CommandLine command : all.getSubcommands().values()) {
            if (!command.getCommandSpec().usageMessage().hidden()) {
                write(command);
            }
        }
        return ExitCode.OK;
    }

    private void write(CommandLine command) throws IOException {
        ManualPage page = new ManualPage(command, Version.number());
        Path file = directory.resolve(page.name() + ".1");
        Files.writeString(file, page.roff());
        holdfast.out().println(file);
    }
}
