package io.holdfast.agent.engine;

/** A guest may run there, but nothing can be asked of it now: that is no proof of its death. */
public final class GuestUnreachableException extends EngineException {

    public GuestUnreachableException(String message, Throwable cause) {
        super(message, cause);
    }
}
