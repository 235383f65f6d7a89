package io.holdfast.cli;

import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.holdfast.config.ConfigException;
import io.holdfast.config.ConfigFile;
import io.holdfast.config.HoldfastConfig;
import java.util.List;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParentCommand;

/** Looks at the configuration; needs no running process. */
@Command(name = "config", mixinStandardHelpOptions = true, description = "Checks or shows the configuration.")
final class ConfigCommand implements Runnable {

    private static final String JSON_TEXT = "Print one JSON object.";

    @ParentCommand
    private Holdfast holdfast;

    @Override
    public void run() {
        throw holdfast.usage("say `config check` or `config show`");
    }

    @Command(
            name = "check",
            mixinStandardHelpOptions = true,
            description = "Names everything that is wrong in the configuration, with lines.")
    int check(@Option(names = "--json", description = JSON_TEXT) boolean json) throws ConfigException {
        if (json) {
            return checkForPrograms();
        }
        HoldfastConfig config = holdfast.config();
        holdfast.out().println("guest " + config.guest() + " on host " + config.host() + ": the configuration is fine");
        return ExitCode.OK;
    }

    private int checkForPrograms() {
        List<String> problems = List.of();
        ObjectNode verdict = AskingCommand.arguments();
        try {
            HoldfastConfig config = holdfast.config();
            verdict.put("guest", config.guest()).put("host", config.host());
        } catch (ConfigException e) {
            problems = e.problems();
        }
        verdict.put("fine", problems.isEmpty());
        ArrayNode array = verdict.putArray("problems");
        problems.forEach(array::add);
        holdfast.out().println(verdict);
        return problems.isEmpty() ? ExitCode.OK : ExitCode.USAGE;
    }

    @Command(
            name = "show",
            mixinStandardHelpOptions = true,
            description = "Prints every setting that is in effect, with its meaning, unit and default.")
    int show(@Option(names = "--json", description = JSON_TEXT) boolean json) throws ConfigException {
        ConfigFile file = holdfast.readConfig();
        holdfast.out().print(json ? file.effectiveJson() + System.lineSeparator() : file.effectiveYaml());
        holdfast.out().flush();
        return ExitCode.OK;
    }
}
