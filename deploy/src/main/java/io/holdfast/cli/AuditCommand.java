package io.holdfast.cli;

import io.holdfast.audit.AuditLog;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParentCommand;

/** Shows what was decided on this host, also when neither proxy nor agent runs. */
@Command(
        name = "audit",
        mixinStandardHelpOptions = true,
        description = {
            "Shows what was decided about the guest on this host, the newest last.",
            "Promotions, refusals, going alone and every state of the wall, with term and reason.",
            "It is a file on disk; `holdfast events --follow` shows it as it grows, with the events of the running processes."
        })
final class AuditCommand implements Callable<Integer> {

    @ParentCommand
    private Holdfast holdfast;

    @Option(
            names = "--last",
            paramLabel = "N",
            defaultValue = "20",
            description = "How many entries; default: ${DEFAULT-VALUE}.")
    private int last;

    @Option(names = "--json", description = "Print the lines as they stand in the file, a JSON object each.")
    private boolean json;

    @Override
    public Integer call() throws Exception {
        if (last < 1) {
            throw holdfast.usage("--last must be at least 1, not " + last);
        }
        Path file = AuditLog.fileIn(holdfast.config().stateDirectory());
        if (Files.notExists(file)) {
            holdfast.err().println(file + " does not exist: nothing was decided on this host yet");
            return ExitCode.OK;
        }
        List<String> newest = new AuditTail(file).newest(last);
        newest.forEach(line -> holdfast.out().println(json ? line : forPeople(line)));
        return ExitCode.OK;
    }

    private static String forPeople(String line) {
        return Happening.ofAudit(line).map(Happening::forPeople).orElse("(not a whole entry) " + line);
    }
}
