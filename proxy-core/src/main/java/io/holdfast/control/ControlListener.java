package io.holdfast.control;

/**
 * What a client wants to hear besides replies. Called on the client's reading thread: must not block, and must not execute
 * commands, whose replies that thread would have to read.
 */
public interface ControlListener {

    /** An event; only after the command {@code subscribe}. */
    default void onEvent(ControlEvent event) {}

    /**
     * The connection has ended, and not by {@link ControlClient#close}; called once. The process at the other end is most
     * likely gone.
     */
    default void onDisconnect(String reason) {}
}
