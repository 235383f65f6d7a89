package io.holdfast.cli;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.holdfast.config.HoldfastConfig;
import io.holdfast.control.CommandException;
import io.holdfast.control.ControlUnavailableException;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;

/** Announces the guest anew. */
@Command(
        name = "announce",
        mixinStandardHelpOptions = true,
        description = "Tells switches, routers and neighbours anew that the guest is here, on the configured schedule.")
final class AnnounceCommand extends AskingCommand {

    @Option(names = "--stop", description = "Stop announcing instead.")
    private boolean stop;

    @Override
    JsonNode ask(HoldfastConfig config) throws CommandException, ControlUnavailableException {
        ObjectNode arguments = arguments();
        if (stop) {
            arguments.put("stop", true);
        }
        return askWall(config, "announce", arguments);
    }
}
