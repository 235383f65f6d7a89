package io.holdfast.measure;

import java.util.List;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.atomic.AtomicLongArray;
import java.util.stream.LongStream;

/**
 * Counts durations in fixed buckets, ten to a decade, from 1 us to 10 s; so a quantile is right within a quarter of its
 * value.
 *
 * <p>One thread records; any thread reads. Recording takes no lock and allocates nothing. What a reader sees may miss the
 * latest recordings and is otherwise consistent: the count is the sum of the buckets.
 */
public final class NanoHistogram {

    /** The preferred numbers R10 (ISO 3): equal steps to the eye of a logarithm, short to the eye of a person. */
    private static final long[] DECADE_NANOS = {1000, 1250, 1600, 2000, 2500, 3150, 4000, 5000, 6300, 8000};

    private static final int DECADES = 7;
    private static final long[] UPPER_BOUNDS_NANOS = upperBounds();

    /** One more than there are bounds: the last one takes what is longer than all of them. */
    private final AtomicLongArray counts = new AtomicLongArray(UPPER_BOUNDS_NANOS.length + 1);

    private final AtomicLong sumNanos = new AtomicLong();
    private final AtomicLong maxNanos = new AtomicLong();

    /** Counts one duration; a negative one, which only a defect can bring, as zero. Only by the one writing thread. */
    public void record(long nanos) {
        long duration = Math.max(0, nanos);
        int bucket = bucketOf(duration);
        // A single writer needs no read-modify-write instruction, only stores that readers get to see whole.
        counts.setRelease(bucket, counts.getPlain(bucket) + 1);
        sumNanos.setRelease(sumNanos.getPlain() + duration);
        if (duration > maxNanos.getPlain()) {
            maxNanos.setRelease(duration);
        }
    }

    /** How many durations were recorded. */
    public long count() {
        long count = 0;
        for (int i = 0; i < counts.length(); i++) {
            count += counts.getAcquire(i);
        }
        return count;
    }

    /** The sum of all durations. */
    public long sumNanos() {
        return sumNanos.getAcquire();
    }

    /** The longest duration; zero if there is none. */
    public long maxNanos() {
        return maxNanos.getAcquire();
    }

    /**
     * The duration that a share of all durations does not exceed, interpolated within its bucket; 0 if there is none.
     *
     * @param quantile 0 to 1, such as 0.99
     */
    public long quantileNanos(double quantile) {
        return quantileNanos(List.of(this), quantile);
    }

    /** The same of several histograms, as if all durations had been recorded in one. */
    public static long quantileNanos(List<NanoHistogram> histograms, double quantile) {
        long[] together = new long[UPPER_BOUNDS_NANOS.length + 1];
        long longest = 0;
        for (NanoHistogram histogram : histograms) {
            long[] counts = histogram.bucketCounts();
            for (int i = 0; i < together.length; i++) {
                together[i] += counts[i];
            }
            longest = Math.max(longest, histogram.maxNanos());
        }
        return quantileNanos(together, longest, quantile);
    }

    /**
     * The same of what the buckets hold, such as the difference between two looks at a histogram.
     *
     * @param bucketCounts as {@link #bucketCounts} has them
     * @param longestNanos no duration is longer than that
     */
    public static long quantileNanos(long[] bucketCounts, long longestNanos, double quantile) {
        if (!(quantile >= 0 && quantile <= 1)) {
            throw new IllegalArgumentException("a quantile is from 0 to 1, not " + quantile);
        }
        double rank = quantile * LongStream.of(bucketCounts).sum();
        long below = 0;
        for (int i = 0; i < bucketCounts.length; i++) {
            if (bucketCounts[i] > 0 && below + bucketCounts[i] >= rank) {
                long lower = i == 0 ? 0 : UPPER_BOUNDS_NANOS[i - 1];
                long upper = i < UPPER_BOUNDS_NANOS.length ? UPPER_BOUNDS_NANOS[i] : longestNanos;
                long value = lower + Math.round((upper - lower) * Math.max(0, rank - below) / bucketCounts[i]);
                return Math.min(value, longestNanos);
            }
            below += bucketCounts[i];
        }
        return 0;
    }

    /** Ascending; a duration belongs to the first bound that it does not exceed. */
    public static long[] upperBoundsNanos() {
        return UPPER_BOUNDS_NANOS.clone();
    }

    /** One count for each bound and one for what is longer than all of them. */
    public long[] bucketCounts() {
        long[] snapshot = new long[counts.length()];
        for (int i = 0; i < snapshot.length; i++) {
            snapshot[i] = counts.getAcquire(i);
        }
        return snapshot;
    }

    /** Binary search for the first bound that is not below the duration. */
    private static int bucketOf(long nanos) {
        int low = 0;
        int high = UPPER_BOUNDS_NANOS.length;
        while (low < high) {
            int middle = (low + high) >>> 1;
            if (UPPER_BOUNDS_NANOS[middle] < nanos) {
                low = middle + 1;
            } else {
                high = middle;
            }
        }
        return low;
    }

    private static long[] upperBounds() {
        long[] bounds = new long[DECADES * DECADE_NANOS.length + 1];
        long factor = 1;
        for (int i = 0; i < bounds.length; i++) {
            if (i > 0 && i % DECADE_NANOS.length == 0) {
                factor *= 10;
            }
            bounds[i] = factor * DECADE_NANOS[i % DECADE_NANOS.length];
        }
        return bounds;
    }
}
