package io.holdfast.agent.link;

/**
 * Hears what happens on the connections of a {@link LinkServer} or {@link LinkClient}.
 *
 * <p>For each connection: once {@link #onUp}, then the others, at last once {@link #onDown}. A peer may be back on a
 * new connection before the end of its old one is seen here, with records in between. All calls come on the event
 * loop of that server or client, and must not block: a slow listener slows the peer down, heartbeats included. An
 * exception out of a listener is logged and closes the connection.
 */
public interface LinkListener {

    /** Connected: TLS and greeting went well in both directions. */
    void onUp(LinkConnection connection);

    /** The record; a {@link LinkMessage.Payload} is released when this returns, so retain it to keep it. */
    void onMessage(LinkConnection connection, LinkMessage message);

    /** Something was received, if only a part of a record: the peer lives. Comes before the records in it. */
    void onBytes(LinkConnection connection);

    /**
     * The connection is gone.
     *
     * @param reason for people
     * @param endOfFile whether the peer's kernel ended it (its process exited, died, or closed the connection). If
     *     not, it was ended here: by {@link LinkConnection#close}, by an error of the peer, or by the network.
     */
    void onDown(LinkConnection connection, String reason, boolean endOfFile);
}
