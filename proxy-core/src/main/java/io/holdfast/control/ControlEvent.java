package io.holdfast.control;

import com.fasterxml.jackson.databind.node.ObjectNode;
import java.time.Instant;

/**
 * Something that a server told its subscribers.
 *
 * @param name such as {@code WALL_PRESSURE}
 * @param at the server's wall clock, for people
 */
public record ControlEvent(String name, ObjectNode data, Instant at) {}
