package io.holdfast.control;

import com.fasterxml.jackson.databind.node.ObjectNode;

/** One connected client of a control socket, as its commands see it. */
public interface ControlSession {

    /** Unique among the connections of one server's life; for logs. */
    long id();

    /**
     * Runs {@code action} on the command thread when the connection is gone, after the commands that came over it; soon if
     * it already is gone. Any thread.
     */
    void onClose(Runnable action);

    /** Sends an event to this client if it has subscribed; never blocks. Any thread. */
    void emit(String event, ObjectNode data);

    /** Ends the connection, such as that of an engine which another one displaces. Any thread. */
    void close();
}
