package io.holdfast.agent.role;

/**
 * Decides from what the link shows whether the peer has to be taken for dead.
 *
 * <p>Two things make it suspect. <b>Silence</b>: nothing, not a single byte, was received for {@code heartbeatNanos *
 * missedHeartbeats}. <b>End of file</b>: the peer's kernel closed the connection, and no new one came within {@code
 * graceNanos}, since an agent may be restarting; if the peer had said before that its guest is dead, there is nothing
 * to wait for.
 *
 * <p>A detector whose own tick came late has seen nothing: this process was stopped, swapped out or collecting
 * garbage, and what the peer sent meanwhile may still lie unread in the socket. So a late tick restarts whatever is
 * being measured. The price is that a host that is never on time never suspects anybody, which is the safe side.
 *
 * <p>Before the first connection there is nothing to lose, and the verdict is {@link Verdict#FINE}. Verdicts are not
 * latched: a byte or a connection makes a silent peer fine again, if nobody has acted on the verdict by then.
 *
 * <p>Pure: the time is {@code System.nanoTime()} of the caller. <b>Threads.</b> One at a time.
 */
public final class FailureDetector {

    /** What to think of the peer. */
    public enum Verdict {
        /** Alive, or not known to be anything else. */
        FINE,
        /** Suspect: nothing was heard for too long. */
        SILENT,
        /** Suspect: its end of the connection was closed, and it did not come back. */
        GONE;

        public boolean isSuspect() {
            return this != FINE;
        }
    }

    /** What is being measured. */
    private enum Watch {
        /** Never connected. */
        NOTHING,
        /** The time since the last byte. */
        SILENCE,
        /** The time since the end of file. */
        GRACE
    }

    private final long heartbeatNanos;
    private final long silenceLimitNanos;
    private final long graceNanos;

    private Watch watch = Watch.NOTHING;
    private long sinceNanos;
    private long lastTickNanos;
    private boolean guestDeathKnown;

    /**
     * @param heartbeatNanos between two heartbeats of the peer. {@link #onTick} must be called at least as often.
     * @param missedHeartbeats how many of them may fail to come, at least 2
     * @param graceNanos how long a peer may take to come back after an end of file
     * @param nowNanos the first tick
     */
    public FailureDetector(long heartbeatNanos, int missedHeartbeats, long graceNanos, long nowNanos) {
        if (heartbeatNanos <= 0 || missedHeartbeats < 2 || graceNanos < 0) {
            throw new IllegalArgumentException(
                    "heartbeat %d ns, %d missed, grace %d ns".formatted(heartbeatNanos, missedHeartbeats, graceNanos));
        }
        this.heartbeatNanos = heartbeatNanos;
        this.silenceLimitNanos = heartbeatNanos * missedHeartbeats;
        this.graceNanos = graceNanos;
        this.lastTickNanos = nowNanos;
    }

    /** A connection is up; whatever was suspected of the last one is forgotten. */
    public void onConnected(long nowNanos) {
        watch(Watch.SILENCE, nowNanos);
        guestDeathKnown = false;
    }

    /** Something was received on the connection. */
    public void onBytes(long nowNanos) {
        if (watch == Watch.SILENCE) {
            sinceNanos = nowNanos;
        }
    }

    /** The peer says that its guest is dead and may be promoted elsewhere. */
    public void onWordOfGuestDeath() {
        guestDeathKnown = true;
    }

    /**
     * The connection is gone.
     *
     * @param endOfFile whether the peer's kernel ended it. If it ended otherwise, the silence goes on being measured.
     */
    public void onDisconnected(boolean endOfFile, long nowNanos) {
        if (endOfFile && watch == Watch.SILENCE) {
            watch(Watch.GRACE, nowNanos);
        }
    }

    /** To be called regularly. */
    public Verdict onTick(long nowNanos) {
        long sinceTickNanos = nowNanos - lastTickNanos;
        lastTickNanos = nowNanos;
        if (sinceTickNanos > 2 * heartbeatNanos) {
            sinceNanos = nowNanos;
        }
        return verdict(nowNanos);
    }

    private Verdict verdict(long nowNanos) {
        long measuredNanos = nowNanos - sinceNanos;
        return switch (watch) {
            case NOTHING -> Verdict.FINE;
            case SILENCE -> measuredNanos >= silenceLimitNanos ? Verdict.SILENT : Verdict.FINE;
            case GRACE -> guestDeathKnown || measuredNanos >= graceNanos ? Verdict.GONE : Verdict.FINE;
        };
    }

    private void watch(Watch what, long nowNanos) {
        watch = what;
        sinceNanos = nowNanos;
    }
}
