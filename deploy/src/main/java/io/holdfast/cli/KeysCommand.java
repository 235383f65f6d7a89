package io.holdfast.cli;

import io.holdfast.agent.link.KeyMaker;
import java.nio.file.Path;
import java.time.Instant;
import java.util.List;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.ParentCommand;

/** Makes the key material of the replication link. */
@Command(
        name = "keys",
        mixinStandardHelpOptions = true,
        description = {
            "Makes an authority, and a key with a certificate for each host.",
            "HOST.key, HOST.crt and ca.crt go to the host; ca.key stays away from both."
        })
final class KeysCommand implements Callable<Integer> {

    @ParentCommand
    private Holdfast holdfast;

    @Option(
            names = "--directory",
            paramLabel = "DIR",
            defaultValue = "holdfast-keys",
            description = "Where to; made if need be. Default: ${DEFAULT-VALUE}.")
    private Path directory = Path.of("");

    @Option(
            names = "--days",
            paramLabel = "N",
            defaultValue = "3650",
            description = "How long the certificates are valid; default: ${DEFAULT-VALUE}.")
    private int days;

    @Parameters(arity = "1..*", paramLabel = "HOST", description = "The hosts, as `host` names them.")
    private List<String> hosts = List.of();

    @Override
    public Integer call() throws Exception {
        KeyMaker.make(directory, hosts, days, Instant.now()).forEach(holdfast.out()::println);
        return ExitCode.OK;
    }
}
