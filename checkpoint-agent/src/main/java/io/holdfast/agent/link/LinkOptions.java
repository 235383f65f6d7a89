package io.holdfast.agent.link;

import io.netty.channel.WriteBufferWaterMark;

/** What both ends set on their sockets. */
final class LinkOptions {

    /**
     * In bytes. Enough to keep a fast link busy while a thread wakes up, and little enough that a heartbeat does not
     * wait long behind the pages.
     */
    static final WriteBufferWaterMark WATER_MARK = new WriteBufferWaterMark(512 << 10, 1 << 20);

    /** When so much waits, no copy of a client's frame is added. */
    static final int COPY_BYTES = 64 << 10;

    static final int CONNECT_TIMEOUT_MILLIS = 2_000;

    private LinkOptions() {}
}
