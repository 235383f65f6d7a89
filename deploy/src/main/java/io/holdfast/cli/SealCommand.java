package io.holdfast.cli;

import com.fasterxml.jackson.databind.JsonNode;
import io.holdfast.config.HoldfastConfig;
import io.holdfast.control.CommandException;
import io.holdfast.control.ControlUnavailableException;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;

/** Fences this host. */
@Command(
        name = "seal",
        mixinStandardHelpOptions = true,
        description = {
            "Ends the present term on this host for good: nothing leaves or enters any more, what is held is discarded.",
            "Only a newer term can own the wall again.",
            "Such as: holdfast --guest redis seal --reason \"two owners; host b has the newer term\""
        })
final class SealCommand extends AskingCommand {

    @Mixin
    private final Confirmation confirmation = new Confirmation();

    @Override
    JsonNode ask(HoldfastConfig config) throws CommandException, ControlUnavailableException {
        String reason = confirmation.reasonFor(
                "Cut guest %s off from its network on host %s, and discard what it has said and the wall holds?"
                        .formatted(config.guest(), config.host()));
        return ask(config.proxySocket(), "seal", arguments().put("reason", reason));
    }
}
