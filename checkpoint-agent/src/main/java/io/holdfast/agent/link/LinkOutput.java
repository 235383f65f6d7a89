package io.holdfast.agent.link;

import io.netty.buffer.ByteBufAllocator;

/** The sending half of a connection. All methods may be called by any thread unless they say otherwise. */
public interface LinkOutput {

    /** Where buffers for {@link LinkMessage.Payload} records come from. */
    ByteBufAllocator allocator();

    /**
     * Queues the record and returns at once; records of one thread arrive in the order of its calls. A payload's
     * buffer now belongs to the connection. On a connection that is down nothing happens (the listener knows).
     */
    void send(LinkMessage message);

    /**
     * Waits until little enough is queued that more may be sent. For the thread that ships a checkpoint; never on the
     * connection's own event loop.
     *
     * @return false if the time ran out first or the connection is down
     */
    boolean awaitWritable(long timeoutNanos) throws InterruptedException;

    /** Whether records can still reach the peer, as far as is known here. */
    boolean isUp();
}
