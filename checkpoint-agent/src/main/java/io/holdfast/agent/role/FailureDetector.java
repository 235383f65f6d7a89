package io.holdfast.agent.role;

/**
 * Decides from received bytes and passing time whether the peer is to be taken for dead. Any byte counts as life. Pure:
 * times are passed in.
 *
 * <p>A detector whose own tick came late has seen nothing: this process was stopped, swapped out or collecting garbage,
 * and what the peer sent meanwhile may still lie unread in the socket. So a late tick begins the measurement anew. The
 * price is that a host that is never on time never suspects anybody, which is the safe side.
 */
public final class FailureDetector {

    /**
     * How patient to be.
     *
     * @param silenceNanos without a byte on an open connection
     * @param graceNanos after the connection ended, for an agent that restarts
     * @param lateTickNanos between two calls of {@link #isPeerDead} beyond which the detector itself was asleep
     */
    public record Settings(long silenceNanos, long graceNanos, long lateTickNanos) {}

    private final Settings settings;
    private boolean watching;
    private boolean connected;
    private long patienceEndsNanos;
    private long lastTickNanos;

    public FailureDetector(Settings settings) {
        this.settings = settings;
    }

    /** The peer is connected, and alive. */
    public void onConnected(long nowNanos) {
        watching = true;
        connected = true;
        lastTickNanos = nowNanos;
        patienceEndsNanos = nowNanos + settings.silenceNanos();
    }

    /** Bytes came from the peer. */
    public void onBytes(long nowNanos) {
        if (connected) {
            patienceEndsNanos = nowNanos + settings.silenceNanos();
        }
    }

    /** The connection ended. */
    public void onDisconnected(long nowNanos) {
        if (connected) {
            connected = false;
            patienceEndsNanos = nowNanos + settings.graceNanos();
        }
    }

    /** There is no peer to watch. */
    public void stop() {
        watching = false;
        connected = false;
    }

    /** Whether patience has run out. To be asked often and evenly. */
    public boolean isPeerDead(long nowNanos) {
        boolean late = nowNanos - lastTickNanos > settings.lateTickNanos();
        lastTickNanos = nowNanos;
        if (!watching) {
            return false;
        }
        if (late) {
            long patienceNanos = connected ? settings.silenceNanos() : settings.graceNanos();
            patienceEndsNanos = nowNanos + patienceNanos;
            return false;
        }
        return nowNanos - patienceEndsNanos >= 0;
    }

    /** What ran out: {@code "silence"} on an open connection, {@code "eof"} after its end. */
    public String cause() {
        return connected ? "silence" : "eof";
    }
}
