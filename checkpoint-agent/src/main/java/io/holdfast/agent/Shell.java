package io.holdfast.agent;

import com.fasterxml.jackson.databind.node.ObjectNode;
import io.holdfast.agent.link.LinkConnection;
import io.holdfast.agent.link.LinkMessage;
import io.holdfast.control.CommandException;

/** An agent in one of its two roles: carries out what the role decides. All methods on the conductor unless they say else. */
interface Shell {

    void start();

    /** On the link's event loop; a payload is the caller's. */
    void onMessage(LinkConnection connection, LinkMessage message);

    /** On the link's event loop. */
    void onBytes(LinkConnection connection);

    void onDown(LinkConnection connection, String reason, boolean endOfFile);

    /** Called often and evenly. */
    void onTick(long nowNanos);

    /** Called at the heartbeat's interval. */
    void onHeartbeat(long sequence);

    void checkpoint() throws CommandException;

    /** Begins to move the guest to the other host; the status says how far that is. */
    void switchOver(String reason) throws CommandException;

    /** @param force answers for an arbiter that cannot be reached, and for a fence that fails */
    void promote(String reason, boolean force) throws CommandException;

    void alone(String reason) throws CommandException;

    /**
     * Makes this host the backup, if it is not yet; the status says when it may take over.
     *
     * @param force gives up a guest that has run here, and whatever its clients have seen of it
     */
    void rejoin(String reason, boolean force) throws CommandException;

    /**
     * Begins to restore the newest checkpoint in isolation; what comes of it is in {@link AgentMeasures#rehearsals}.
     *
     * @return its number there
     */
    long rehearse() throws CommandException;

    AgentView view();

    void describe(ObjectNode status);

    /** Lets go of everything; the guest stays as it is, and runs. */
    void close();
}
