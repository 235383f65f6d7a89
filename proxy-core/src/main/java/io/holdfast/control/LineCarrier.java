package io.holdfast.control;

/** Takes the lines of control connections to where the other end of a tunnel is. Called on an event loop; must not block. */
public interface LineCarrier {

    /** Somebody has connected. */
    default void onBegin(int stream) {}

    /** A line of a connection, without its end. */
    void onLine(int stream, String line);

    /** The connection is over. */
    void onEnd(int stream);
}
