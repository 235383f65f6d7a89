package io.holdfast.cli;

import com.fasterxml.jackson.databind.JsonNode;
import io.holdfast.config.HoldfastConfig;
import io.holdfast.control.CommandException;
import io.holdfast.control.ControlUnavailableException;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

/** Goes on without a backup, on the operator's word. */
@Command(
        name = "alone",
        mixinStandardHelpOptions = true,
        description = {
            "Has the primary go on without its backup: all output leaves at once, unprotected.",
            "If the backup lives and has promoted, two guests will answer. Make sure that it has not.",
            "On a host that is the backup, but has no checkpoint to take over from: makes it the primary, for a guest that is then"
                    + " started there from its disk.",
            "Where the proxy died with the backup's host, one that stands by here takes the uplink.",
            "Such as: holdfast --guest redis alone --force --reason \"host b is powered off\""
        })
final class AloneCommand extends AskingCommand {

    @Option(
            names = "--force",
            required = true,
            description = "You have made sure that the other host is dead and stays so.")
    private boolean force;

    @Mixin
    private final Confirmation confirmation = new Confirmation();

    @Override
    JsonNode ask(HoldfastConfig config) throws CommandException, ControlUnavailableException {
        String reason = confirmation.reasonFor(
                "Let guest %s speak on host %s without a backup, though two guests will answer if the other host lives?"
                        .formatted(config.guest(), config.host()));
        return ask(
                config.agentSocket(), "alone", arguments().put("force", force).put("reason", reason));
    }
}
