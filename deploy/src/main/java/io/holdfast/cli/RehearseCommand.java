package io.holdfast.cli;

import com.fasterxml.jackson.databind.JsonNode;
import io.holdfast.config.ConfigException;
import io.holdfast.config.HoldfastConfig;
import io.holdfast.control.CommandException;
import io.holdfast.control.ControlClient;
import io.holdfast.control.ControlUnavailableException;
import java.io.Console;
import java.time.Duration;
import java.util.concurrent.locks.LockSupport;
import picocli.CommandLine.Command;

/** A promotion without consequences. */
@Command(
        name = "rehearse",
        mixinStandardHelpOptions = true,
        description = {
            "Proves that the backup works, on its host: restores the newest checkpoint in a spare QEMU that nobody else can"
                    + " see, and waits until its guest answers there.",
            "Protection goes on meanwhile, and a promotion ends it at once. It takes as much memory again as the guest has.",
            "Exit code 0 only if the guest answered, and did so as `agent.rehearsal.check` expects."
        })
final class RehearseCommand extends AskingCommand {

    private static final long POLL_NANOS = 50_000_000;
    /** Longer than the agent gives it, for what it clears away afterwards. */
    private static final Duration MARGIN = Duration.ofSeconds(30);

    @Override
    public Integer call() throws Exception {
        JsonNode result = ask(holdfast.config());
        holdfast.out().println(json ? result.toString() : describe(result));
        return result.path("outcome").asText().equals("answered") ? ExitCode.OK : ExitCode.FAILED;
    }

    @Override
    JsonNode ask(HoldfastConfig config) throws ConfigException, CommandException, ControlUnavailableException {
        try (ControlClient agent = ControlClient.connect(config.agentSocket(), PATIENCE)) {
            long number = agent.execute("rehearse", arguments()).path("number").asLong();
            Duration limit = config.agent().rehearsal().timeLimit().plus(MARGIN);
            return awaitEnd(agent, number, limit);
        }
    }

    private JsonNode awaitEnd(ControlClient agent, long number, Duration limit)
            throws CommandException, ControlUnavailableException {
        boolean tells = !json && isOnTerminal();
        String told = "";
        long deadlineNanos = System.nanoTime() + limit.toNanos();
        while (System.nanoTime() - deadlineNanos < 0) {
            JsonNode rehearsal = agent.execute("status", arguments()).path("rehearsal");
            if (rehearsal.path("number").asLong() >= number) {
                return rehearsal;
            }
            String step = rehearsal.path("step").asText();
            if (tells && !step.isEmpty() && !step.equals(told)) {
                told = step;
                holdfast.err().println(step);
                holdfast.err().flush();
            }
            LockSupport.parkNanos(POLL_NANOS);
        }
        throw new CommandException(
                "NoEnd",
                "the agent does not tell of the rehearsal's end within " + limit.toSeconds() + " s; see its log");
    }

    @SuppressWarnings("SystemConsoleNull") // Its contract still allows null.
    private static boolean isOnTerminal() {
        Console console = System.console();
        return console != null && console.isTerminal();
    }
}
