package io.holdfast.config;

/** A text that is not a value of its setting. The message says why and what would be one. */
final class BadValueException extends Exception {

    BadValueException(String message) {
        super(message);
    }

    /** The value's own type says what is wrong with it. */
    BadValueException(IllegalArgumentException refusal) {
        super(refusal.getMessage(), refusal);
    }
}
