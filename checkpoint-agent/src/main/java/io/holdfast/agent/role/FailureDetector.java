package io.holdfast.agent.role;

/**
 * Decides from received bytes and passing time whether the peer is to be taken for dead. Any byte counts as life. Pure:
 * times are passed in.
 *
 * <p>A detector that was itself asleep (stopped process, long collection, busy host) has not seen that nothing came: the
 * time between two of its ticks does not count if the second was late. What it had seen before counts on, or a host that is
 * busy again and again would never give up a dead peer. But there is always some time left to read what came meanwhile.
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
    private long newestBytesNanos;
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
        newestBytesNanos = nowNanos;
        patienceEndsNanos = nowNanos + settings.silenceNanos();
    }

    /** Bytes came from the peer at that time; to say so again changes nothing. */
    public void onBytes(long nowNanos) {
        if (connected && nowNanos - newestBytesNanos > 0) {
            newestBytesNanos = nowNanos;
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

    /** Nothing follows from the peer's death now. A connection that is open may speak again: it has new patience. */
    public void watchOn(long nowNanos) {
        if (connected) {
            patienceEndsNanos = nowNanos + settings.silenceNanos();
        } else {
            stop();
        }
    }

    /** There is no peer to watch. */
    public void stop() {
        watching = false;
        connected = false;
    }

    /** Whether patience has run out. To be asked often and evenly. */
    public boolean isPeerDead(long nowNanos) {
        long asleepNanos = nowNanos - lastTickNanos;
        lastTickNanos = nowNanos;
        if (!watching) {
            return false;
        }
        if (asleepNanos > settings.lateTickNanos()) {
            long patienceNanos = connected ? settings.silenceNanos() : settings.graceNanos();
            long leftNanos = patienceEndsNanos + asleepNanos - nowNanos;
            // What came or ended during the sleep was told after it, and needs no more than the whole patience.
            leftNanos = Math.min(leftNanos, patienceNanos);
            patienceEndsNanos = nowNanos + Math.max(leftNanos, Math.min(settings.lateTickNanos(), patienceNanos));
            return false;
        }
        return nowNanos - patienceEndsNanos >= 0;
    }

    /** What ran out: {@code "silence"} on an open connection, {@code "eof"} after its end. */
    public String cause() {
        return connected ? "silence" : "eof";
    }
}
