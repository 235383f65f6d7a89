package io.holdfast.control;

import org.jspecify.annotations.Nullable;

/** What a host must remember cannot be read or written. It must not act on a term then (INV-6). */
public final class TermFileException extends Exception {

    TermFileException(String message, @Nullable Throwable cause) {
        super(message, cause);
    }
}
