package io.holdfast.control;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.holdfast.config.NearMiss;
import java.util.Map;
import java.util.TreeMap;
import java.util.regex.Pattern;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** All commands of one server. Turns a request into a reply, whatever the handler does. */
final class Commands {

    private static final Logger LOG = LoggerFactory.getLogger(Commands.class);
    private static final Pattern NAME = Pattern.compile("[a-z][a-z0-9-]*");

    private final Map<String, Command> byName = new TreeMap<>();

    Commands() {
        add("commands", "Lists the commands of this server.", this::list);
    }

    void add(String name, String description, CommandHandler handler) {
        if (!NAME.matcher(name).matches()) {
            throw new IllegalArgumentException("`" + name + "` is not a command name");
        }
        if (byName.putIfAbsent(name, new Command(name, description, handler)) != null) {
            throw new IllegalArgumentException("command `" + name + "` is registered twice");
        }
    }

    /** The whole reply; never fails. On the command thread. */
    // A defect in one handler must not end the process that holds the wall: everything is caught, logged and answered.
    ObjectNode execute(Request request, ControlSession session) {
        try {
            Command command = byName.get(request.command());
            if (command == null) {
                throw new CommandException(
                        CommandException.COMMAND_NOT_FOUND,
                        "no command `" + Messages.excerpt(request.command()) + "`"
                                + NearMiss.hint(request.command(), byName.keySet()) + "; known are "
                                + String.join(", ", byName.keySet()));
            }
            JsonNode result = command.handler().execute(request.arguments(), session);
            return Messages.result(result, request.id());
        } catch (CommandException e) {
            LOG.debug(
                    "session {}: {} refused: {}: {}", session.id(), request.command(), e.errorClass(), e.description());
            return Messages.error(e.errorClass(), e.description(), request.id());
        } catch (Throwable e) {
            LOG.error("session {}: command {} failed", session.id(), request.command(), e);
            return Messages.error(
                    CommandException.INTERNAL_ERROR,
                    "`" + request.command() + "` failed: " + Messages.excerpt(e.toString())
                            + "; the log has the details",
                    request.id());
        }
    }

    private JsonNode list(ObjectNode arguments, ControlSession session) throws CommandException {
        Arguments.of(arguments);
        ObjectNode result = Messages.object();
        ArrayNode commands = result.putArray("commands");
        byName.values()
                .forEach(command ->
                        commands.addObject().put("name", command.name()).put("description", command.description()));
        return result;
    }
}
