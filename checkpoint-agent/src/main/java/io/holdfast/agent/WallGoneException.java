package io.holdfast.agent;

/** The proxy beside this agent cannot be reached. Nothing leaves as long as that lasts. */
final class WallGoneException extends Exception {

    private static final long serialVersionUID = 1;

    WallGoneException(String message, Throwable cause) {
        super(message, cause);
    }
}
