package io.holdfast.cli;

import io.holdfast.agent.HoldfastAgent;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.ParentCommand;

/** Runs the agent until the process is told to stop. */
@Command(
        name = "agent",
        mixinStandardHelpOptions = true,
        description = "Ships the guest's checkpoints to the other host, or receives them and takes over.")
final class AgentCommand implements Callable<Integer> {

    @ParentCommand
    private Holdfast holdfast;

    @Override
    public Integer call() throws Exception {
        return HoldfastAgent.run(holdfast.config());
    }
}
