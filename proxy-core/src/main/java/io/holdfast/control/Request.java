package io.holdfast.control;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import org.jspecify.annotations.Nullable;

/**
 * One line of a client.
 *
 * @param command the name in {@code "execute"}
 * @param arguments empty if the client sent none
 * @param id comes back in the reply as it is; null if there is none
 */
record Request(
        String command, ObjectNode arguments, @Nullable JsonNode id) {}
