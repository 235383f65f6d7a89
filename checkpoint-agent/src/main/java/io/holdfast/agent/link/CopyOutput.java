package io.holdfast.agent.link;

import io.holdfast.control.ClientFrame;

/** Where copies of clients' frames go that must not be in the way of anything else. */
@FunctionalInterface
public interface CopyOutput {

    /**
     * Queues a copy if there is room for copies, and returns at once.
     *
     * @return false if there is none, and nothing was queued
     */
    boolean offer(ClientFrame frame);
}
