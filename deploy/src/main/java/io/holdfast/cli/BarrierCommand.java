package io.holdfast.cli;

import com.fasterxml.jackson.databind.JsonNode;
import io.holdfast.config.HoldfastConfig;
import io.holdfast.control.CommandException;
import io.holdfast.control.ControlUnavailableException;
import picocli.CommandLine.Command;

/** For replication engines that are scripts: closes the open epoch. */
@Command(
        name = "barrier",
        mixinStandardHelpOptions = true,
        description = {
            "Closes the open epoch of a wall whose engine said hello with `bound: false`.",
            "The guest must be paused."
        })
final class BarrierCommand extends AskingCommand {

    @Override
    JsonNode ask(HoldfastConfig config) throws CommandException, ControlUnavailableException {
        return askWall(config, "barrier", arguments());
    }
}
