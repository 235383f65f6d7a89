package io.holdfast.agent.link;

/**
 * A checkpoint is not complete or not on an unbroken chain, and was thrown away (INV-11). What had been confirmed
 * before is untouched: after this only a full checkpoint, or a delta on the newest confirmed one, is accepted.
 */
public final class TornCheckpointException extends Exception {

    public TornCheckpointException(String message) {
        super(message);
    }
}
