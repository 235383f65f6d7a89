package io.holdfast.demo;

/** One connection that is opened once and never again, with what drives it. */
interface Client {

    String name();

    /** Starts to talk; returns at once. The connection exists already. */
    void start();

    AnswerTimes answers();

    /** What has become of the connection so far. */
    Outcome outcome(long nowNanos);

    /**
     * Ends an open conversation, and says what has become of it. A client that waits for an answer waits until that is
     * there or the connection counts as stuck.
     */
    Outcome finish() throws InterruptedException;
}
