package io.holdfast.cli;

import com.fasterxml.jackson.databind.JsonNode;
import io.holdfast.config.HoldfastConfig;
import io.holdfast.control.CommandException;
import io.holdfast.control.ControlUnavailableException;
import java.time.Duration;
import picocli.CommandLine.Command;

/** A checkpoint out of turn. */
@Command(name = "checkpoint", mixinStandardHelpOptions = true, description = "Has the agent take a checkpoint now.")
final class CheckpointCommand extends AskingCommand {

    private static final Duration LONGEST = Duration.ofSeconds(60);

    @Override
    JsonNode ask(HoldfastConfig config) throws CommandException, ControlUnavailableException {
        return ask(config.agentSocket(), "checkpoint", arguments(), LONGEST);
    }
}
