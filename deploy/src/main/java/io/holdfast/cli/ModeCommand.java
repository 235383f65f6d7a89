package io.holdfast.cli;

import com.fasterxml.jackson.databind.JsonNode;
import io.holdfast.config.HoldfastConfig;
import io.holdfast.control.CommandException;
import io.holdfast.control.ControlUnavailableException;
import picocli.CommandLine.Command;

/** What the proxy holds. */
@Command(
        name = "mode",
        mixinStandardHelpOptions = true,
        description =
                "Shows what the proxy holds: `wall` everything, `reverse` only what cannot be reconciled, `off` nothing.")
final class ModeCommand extends AskingCommand {

    @Override
    JsonNode ask(HoldfastConfig config) throws CommandException, ControlUnavailableException {
        return ask(config.proxySocket(), "mode", arguments());
    }

    @Override
    String describe(JsonNode answer) {
        return answer.path("mode").asText();
    }
}
