package io.holdfast.control;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;

/**
 * Carries out one command of the control protocol.
 *
 * <p>All handlers of one server run on that server's single command thread, so that they need no lock among each other.
 */
@FunctionalInterface
public interface CommandHandler {

    /**
     * @param arguments the command's arguments; an empty object if the client sent none
     * @param session the connection that sent it
     * @return the value of {@code "return"}
     * @throws CommandException what the client gets as {@code "error"}
     */
    JsonNode execute(ObjectNode arguments, ControlSession session) throws CommandException;
}
