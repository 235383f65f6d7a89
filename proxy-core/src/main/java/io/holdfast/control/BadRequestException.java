package io.holdfast.control;

import com.fasterxml.jackson.databind.JsonNode;
import org.jspecify.annotations.Nullable;

/** A line that is not a request. */
final class BadRequestException extends Exception {

    private final String description;
    private final transient @Nullable JsonNode id;

    BadRequestException(String description, @Nullable JsonNode id) {
        super(description);
        this.description = description;
        this.id = id;
    }

    String description() {
        return description;
    }

    /** The id, as far as the line could be read. */
    @Nullable
    JsonNode id() {
        return id;
    }
}
