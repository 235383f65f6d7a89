package io.holdfast.cli;

import com.fasterxml.jackson.databind.JsonNode;
import io.holdfast.config.HoldfastConfig;
import io.holdfast.control.CommandException;
import io.holdfast.control.ControlUnavailableException;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;

/** Fences this host. */
@Command(
        name = "seal",
        mixinStandardHelpOptions = true,
        description = {
            "Ends the present term on this host for good: nothing leaves or enters any more, what is held is discarded.",
            "Only a newer term can own the wall again."
        })
final class SealCommand extends AskingCommand {

    @Option(names = "--reason", required = true, paramLabel = "TEXT", description = "For the log and every status.")
    private String reason = "";

    @Override
    JsonNode ask(HoldfastConfig config) throws CommandException, ControlUnavailableException {
        return ask(config.proxySocket(), "seal", arguments().put("reason", reason));
    }
}
