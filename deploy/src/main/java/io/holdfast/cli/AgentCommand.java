package io.holdfast.cli;

import io.holdfast.agent.HoldfastAgent;
import io.holdfast.cli.service.ServiceManager;
import java.util.concurrent.Callable;
import org.slf4j.LoggerFactory;
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
        try (HoldfastAgent agent = new HoldfastAgent(holdfast.config())) {
            Thread.setDefaultUncaughtExceptionHandler((thread, thrown) -> onUncaught(agent, thread, thrown));
            agent.start();
            try (ServiceManager manager = ServiceManager.inform(System.getenv(), agent::pulses, agent::summary)) {
                Runtime.getRuntime().addShutdownHook(new Thread(() -> end(manager, agent), "shutdown"));
                String failure = agent.awaitEnd();
                if (failure == null) {
                    return ExitCode.OK;
                }
                LoggerFactory.getLogger(AgentCommand.class).error("the agent ends: {}", failure);
                return ExitCode.DIED;
            }
        }
    }

    private static void end(ServiceManager manager, HoldfastAgent agent) {
        manager.close();
        agent.close();
    }

    private static void onUncaught(HoldfastAgent agent, Thread thread, Throwable thrown) {
        LoggerFactory.getLogger(AgentCommand.class).error("thread {} has ended", thread.getName(), thrown);
        if (thrown instanceof Error error) {
            agent.onError(error);
        }
    }
}
