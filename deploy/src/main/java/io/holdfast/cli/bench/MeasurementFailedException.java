package io.holdfast.cli.bench;

/** There is no figure, and the message says why. */
public final class MeasurementFailedException extends Exception {

    private static final long serialVersionUID = 1;

    MeasurementFailedException(String message) {
        super(message);
    }

    MeasurementFailedException(String message, Throwable cause) {
        super(message, cause);
    }
}
