package io.holdfast.http;

import org.jspecify.annotations.Nullable;

/** What is to be had at one path. */
@FunctionalInterface
public interface Resource {

    /**
     * Answers one request. Called on the server's thread, on which all other requests wait: it must not block.
     *
     * @param accept the request's {@code Accept} header; null if it has none
     */
    Answer answer(@Nullable String accept);
}
