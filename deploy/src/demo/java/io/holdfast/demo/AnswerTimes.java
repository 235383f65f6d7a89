package io.holdfast.demo;

import java.util.Arrays;
import java.util.stream.LongStream;

/**
 * When one client was answered, and how long it had waited. For the subscriber, every message is an answer without a
 * question.
 *
 * <p>One thread adds; {@link #count} and {@link #latestNanos} may be asked by any thread, all else after that thread has
 * ended.
 */
final class AnswerTimes {

    private long[] answeredNanos = new long[1024];
    private long[] waitedNanos = new long[1024];
    private volatile int count;
    private volatile long latestNanos;

    AnswerTimes(long startNanos) {
        latestNanos = startNanos;
    }

    void add(long askedNanos, long nowNanos) {
        int next = count;
        if (next == answeredNanos.length) {
            answeredNanos = Arrays.copyOf(answeredNanos, next * 2);
            waitedNanos = Arrays.copyOf(waitedNanos, next * 2);
        }
        answeredNanos[next] = nowNanos;
        waitedNanos[next] = nowNanos - askedNanos;
        latestNanos = nowNanos;
        count = next + 1;
    }

    int count() {
        return count;
    }

    /** The newest answer, or the start if there was none. */
    long latestNanos() {
        return latestNanos;
    }

    int countUntil(long endNanos) {
        int until = 0;
        while (until < count && answeredNanos[until] - endNanos <= 0) {
            until++;
        }
        return until;
    }

    LongStream waitedUntil(long endNanos) {
        return Arrays.stream(waitedNanos, 0, countUntil(endNanos));
    }

    /** The first answer after {@code sinceNanos}, if there is one. */
    LongStream firstAfter(long sinceNanos) {
        int first = countUntil(sinceNanos);
        return first < count ? LongStream.of(answeredNanos[first]) : LongStream.empty();
    }
}
