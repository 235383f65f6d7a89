package io.holdfast.cli.proxy;

import io.holdfast.control.ControlSession;
import org.jspecify.annotations.Nullable;

/**
 * Which engine the wall obeys, and over which connections it may speak: a bound one over the connection of its hello
 * alone, and an unbound one, such as a script that makes a connection for each command, over any.
 *
 * <p>Engines have numbers, a new one for each hello, because that is what the wall knows them by. Confined to the command
 * thread.
 */
final class EngineSeat {

    private static final long STRANGER = -1;

    private long lastNumber;
    private long seatedNumber;
    private @Nullable ControlSession onlySession;

    /** A number for the engine that says hello. */
    long nextNumber() {
        return ++lastNumber;
    }

    /**
     * The wall has accepted this engine.
     *
     * @param boundTo null if it may speak over any connection
     */
    void seat(long number, @Nullable ControlSession boundTo) {
        seatedNumber = number;
        onlySession = boundTo;
    }

    /** The number of the engine that speaks over this connection. */
    long speaker(ControlSession session) {
        boolean maySpeak = onlySession == null || onlySession.id() == session.id();
        return maySpeak ? seatedNumber : STRANGER;
    }
}
