package io.holdfast.agent.engine;

/** The guest has certainly not run: its memory is what was written there, and another process may be given it. */
public final class GuestNotStartedException extends EngineException {

    public GuestNotStartedException(String message) {
        super(message);
    }

    public GuestNotStartedException(String message, Throwable cause) {
        super(message, cause);
    }
}
