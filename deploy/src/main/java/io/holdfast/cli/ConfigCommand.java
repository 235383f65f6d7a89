package io.holdfast.cli;

import io.holdfast.config.ConfigException;
import io.holdfast.config.HoldfastConfig;
import picocli.CommandLine.Command;
import picocli.CommandLine.ParentCommand;

/** Looks at the configuration; needs no running process. */
@Command(name = "config", mixinStandardHelpOptions = true, description = "Checks or shows the configuration.")
final class ConfigCommand implements Runnable {

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
    int check() throws ConfigException {
        HoldfastConfig config = holdfast.config();
        holdfast.out().println("guest " + config.guest() + " on host " + config.host() + ": the configuration is fine");
        return ExitCode.OK;
    }

    @Command(
            name = "show",
            mixinStandardHelpOptions = true,
            description = "Prints every setting that is in effect, with its meaning, unit and default.")
    int show() throws ConfigException {
        holdfast.out().print(holdfast.readConfig().effectiveYaml());
        holdfast.out().flush();
        return ExitCode.OK;
    }
}
