package io.holdfast.reverse.model;

/** What a host runs on a connection. Each connection has its own. */
public interface App {

    /** Reads, writes and closes as far as the connection permits. Called whenever something may have changed. */
    void run(ModelTcp connection, long nowNanos);

    /** When it wants to run though nothing arrives; {@link Long#MAX_VALUE} if never. */
    long nextTimerNanos();

    /** A snapshot that belongs to the copy of the host. */
    App copy(Shared shared);
}
