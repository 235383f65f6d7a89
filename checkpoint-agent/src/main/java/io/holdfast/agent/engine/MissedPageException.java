package io.holdfast.agent.engine;

/**
 * A page has changed and nobody had reported it, at some time since memory was last handed out whole: what was captured
 * since then need not be what the guest had.
 */
public final class MissedPageException extends EngineException {

    MissedPageException(String message) {
        super(message);
    }
}
