package io.holdfast.agent.link;

/**
 * The link could not be set up, or the peer sent something that no Holdfast agent sends. The message says what to do.
 */
public final class LinkException extends Exception {

    public LinkException(String message) {
        super(message);
    }

    public LinkException(String message, Throwable cause) {
        super(message, cause);
    }
}
