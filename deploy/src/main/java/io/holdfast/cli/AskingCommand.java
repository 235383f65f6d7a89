package io.holdfast.cli;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.holdfast.config.ConfigException;
import io.holdfast.config.HoldfastConfig;
import io.holdfast.control.CommandException;
import io.holdfast.control.ControlClient;
import io.holdfast.control.ControlUnavailableException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.concurrent.Callable;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParentCommand;

/** A command that asks the running proxy or agent, and prints the answer. */
abstract class AskingCommand implements Callable<Integer> {

    static final Duration PATIENCE = Duration.ofSeconds(5);

    @ParentCommand
    Holdfast holdfast;

    @Option(names = "--json", description = "Print the answer as one JSON object.")
    boolean json;

    /** Asks. */
    abstract JsonNode ask(HoldfastConfig config) throws ConfigException, CommandException, ControlUnavailableException;

    /** The answer for people. */
    String describe(JsonNode answer) {
        return Fields.lines(answer);
    }

    @Override
    public Integer call() throws Exception {
        JsonNode answer = ask(holdfast.config());
        holdfast.out().println(json ? answer.toString() : describe(answer));
        return ExitCode.OK;
    }

    static ObjectNode arguments() {
        return JsonNodeFactory.instance.objectNode();
    }

    static JsonNode ask(Path socket, String command, ObjectNode arguments)
            throws CommandException, ControlUnavailableException {
        return ask(socket, command, arguments, PATIENCE);
    }

    static JsonNode ask(Path socket, String command, ObjectNode arguments, Duration patience)
            throws CommandException, ControlUnavailableException {
        try (ControlClient client = ControlClient.connect(socket, PATIENCE)) {
            return client.execute(command, arguments, patience);
        }
    }

    /** Asks the proxy in the name of the wall's present incarnation and term. */
    static JsonNode askWall(HoldfastConfig config, String command, ObjectNode arguments)
            throws CommandException, ControlUnavailableException {
        try (ControlClient client = ControlClient.connect(config.proxySocket(), PATIENCE)) {
            JsonNode status = client.execute("status", arguments());
            arguments.set("incarnation", status.get("incarnation"));
            arguments.set("term", status.get("term"));
            return client.execute(command, arguments);
        }
    }
}
