package io.holdfast.agent.link;

import java.util.random.RandomGenerator;

/**
 * How long to wait before the next attempt to connect: from {@code firstNanos}, doubling up to {@code longestNanos},
 * each shortened by a random part of up to a half so that two agents do not keep missing each other.
 *
 * <p>Only a connection that lasted for {@code longestNanos} starts the sequence anew: a peer that accepts and hangs
 * up at once is not called more often than one that does not answer. Pure. <b>Threads.</b> One at a time.
 */
public final class Backoff {

    private final long firstNanos;
    private final long longestNanos;
    private final RandomGenerator random;
    private long nextNanos;
    private long upSinceNanos;
    private boolean up;

    public Backoff(long firstNanos, long longestNanos, RandomGenerator random) {
        if (firstNanos <= 0 || longestNanos < firstNanos) {
            throw new IllegalArgumentException("backoff from %d to %d ns".formatted(firstNanos, longestNanos));
        }
        this.firstNanos = firstNanos;
        this.longestNanos = longestNanos;
        this.random = random;
        this.nextNanos = firstNanos;
    }

    /** A connection is up. */
    void onUp(long nowNanos) {
        up = true;
        upSinceNanos = nowNanos;
    }

    /**
     * An attempt failed or a connection ended.
     *
     * @return how long to wait before the next attempt
     */
    long onFailure(long nowNanos) {
        if (up && nowNanos - upSinceNanos >= longestNanos) {
            nextNanos = firstNanos;
        }
        up = false;
        long waitNanos = nextNanos - random.nextLong(nextNanos / 2 + 1);
        nextNanos = Math.min(longestNanos, nextNanos * 2);
        return waitNanos;
    }
}
