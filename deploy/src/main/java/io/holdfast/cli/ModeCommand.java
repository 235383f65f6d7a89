package io.holdfast.cli;

import com.fasterxml.jackson.databind.JsonNode;
import io.holdfast.config.HoldfastConfig;
import io.holdfast.control.CommandException;
import io.holdfast.control.ControlUnavailableException;
import picocli.CommandLine.Command;
import picocli.CommandLine.Parameters;

/** What the proxy holds, and a choice of it. */
@Command(
        name = "mode",
        mixinStandardHelpOptions = true,
        description = {
            "Shows or chooses what the proxy holds: `wall` everything, `reverse` only what cannot be reconciled, `off` nothing.",
            "A choice holds from the next epoch on and until the proxy is restarted. Connections that the"
                    + " wall has held leave at once again when all that was held of them has left."
        })
final class ModeCommand extends AskingCommand {

    @Parameters(index = "0", arity = "0..1", paramLabel = "MODE", description = "wall or reverse.")
    private String mode = "";

    @Override
    JsonNode ask(HoldfastConfig config) throws CommandException, ControlUnavailableException {
        return ask(
                config.proxySocket(),
                "mode",
                mode.isEmpty() ? arguments() : arguments().put("mode", mode));
    }

    @Override
    String describe(JsonNode answer) {
        String chosen = answer.path("mode").asText();
        return answer.path("in_force").asBoolean() ? chosen : chosen + " from the next epoch on";
    }
}
