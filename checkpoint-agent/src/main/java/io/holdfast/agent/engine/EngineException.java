package io.holdfast.agent.engine;

/** The hypervisor refused or could not be reached. The message says what to do. */
public class EngineException extends Exception {

    public EngineException(String message) {
        super(message);
    }

    public EngineException(String message, Throwable cause) {
        super(message, cause);
    }
}
