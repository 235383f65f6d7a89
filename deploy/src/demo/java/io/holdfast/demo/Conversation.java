package io.holdfast.demo;

import java.io.Closeable;
import java.io.IOException;

/** A connection to the guest, and what is asked over it again and again. Used by one thread. */
interface Conversation extends Closeable {

    /**
     * Asks once, waits for the answer, and reports both to a history.
     *
     * @throws java.net.SocketTimeoutException if no answer came for so long that the connection counts as stuck
     * @throws IOException if the connection broke
     * @throws RuntimeException if it lives, but what came over it is not an answer
     */
    void ask() throws IOException;
}
