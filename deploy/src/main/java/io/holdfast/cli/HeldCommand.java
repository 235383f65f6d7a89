package io.holdfast.cli;

import com.fasterxml.jackson.databind.JsonNode;
import io.holdfast.config.HoldfastConfig;
import io.holdfast.control.CommandException;
import io.holdfast.control.ControlUnavailableException;
import picocli.CommandLine.Command;

/** What the wall holds. */
@Command(name = "held", mixinStandardHelpOptions = true, description = "Shows what the wall holds, for each NIC.")
final class HeldCommand extends AskingCommand {

    @Override
    JsonNode ask(HoldfastConfig config) throws CommandException, ControlUnavailableException {
        return ask(config.proxySocket(), "held", arguments());
    }
}
