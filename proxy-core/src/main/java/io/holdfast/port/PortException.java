package io.holdfast.port;

/** An interface cannot be used as a port, or failed while it was one. The message says what to do. */
public final class PortException extends Exception {

    public PortException(String message) {
        super(message);
    }

    public PortException(String message, Throwable cause) {
        super(message, cause);
    }
}
