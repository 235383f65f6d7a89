package io.holdfast.control;

import java.io.IOException;
import org.jspecify.annotations.Nullable;

/** A control socket cannot be talked to: nobody listens, the connection ended, or no answer came in time. */
public final class ControlUnavailableException extends IOException {

    ControlUnavailableException(String message) {
        super(message);
    }

    ControlUnavailableException(String message, @Nullable Throwable cause) {
        super(message, cause);
    }
}
