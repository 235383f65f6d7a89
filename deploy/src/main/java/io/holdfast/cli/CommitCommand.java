package io.holdfast.cli;

import com.fasterxml.jackson.databind.JsonNode;
import io.holdfast.config.HoldfastConfig;
import io.holdfast.control.CommandException;
import io.holdfast.control.ControlUnavailableException;
import picocli.CommandLine.Command;
import picocli.CommandLine.Parameters;

/** For replication engines that are scripts: the backup has the checkpoint of an epoch. */
@Command(
        name = "commit",
        mixinStandardHelpOptions = true,
        description = {
            "Lets the frames of an epoch and of all before leave, of a wall whose engine said hello with `bound: false`.",
            "The backup itself must have confirmed the checkpoint that ends the epoch."
        })
final class CommitCommand extends AskingCommand {

    private static final long LEASE_NANOS = 1_000_000_000L;

    @Parameters(paramLabel = "EPOCH", description = "What `holdfast barrier` has printed.")
    private long epoch;

    @Override
    JsonNode ask(HoldfastConfig config) throws CommandException, ControlUnavailableException {
        return askWall(
                config,
                "commit",
                arguments().put("epoch", epoch).put("lease_until_nanos", System.nanoTime() + LEASE_NANOS));
    }
}
