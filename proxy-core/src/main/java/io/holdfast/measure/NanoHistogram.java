package io.holdfast.measure;

import java.util.List;
import java.util.concurrent.atomic.AtomicLongArray;

/**
 * Durations, counted in buckets that grow by a fixed factor from 1 us to 10 s.
 *
 * <p><b>Threads.</b> One thread records, without allocating; any thread reads, a little late.
 */
public final class NanoHistogram {

    private static final long[] BOUNDS_NANOS = bounds();

    private final AtomicLongArray counts = new AtomicLongArray(BOUNDS_NANOS.length + 1);
    private long sumNanos;

    /** 1, 2 and 5 in each decade. */
    private static long[] bounds() {
        long[] bounds = new long[22];
        int filled = 0;
        for (long decade = 1_000; decade <= 1_000_000_000L; decade *= 10) {
            for (long digit : new long[] {1, 2, 5}) {
                bounds[filled++] = decade * digit;
            }
        }
        bounds[filled] = 10_000_000_000L;
        return bounds;
    }

    /** How many bounds there are; a further bucket takes what is beyond the last. */
    public static int boundCount() {
        return BOUNDS_NANOS.length;
    }

    /** The upper bound of bucket {@code index}, inclusive. */
    public static long boundNanos(int index) {
        return BOUNDS_NANOS[index];
    }

    /** Counts one duration. */
    public void record(long nanos) {
        int low = 0;
        int high = BOUNDS_NANOS.length;
        while (low < high) {
            int middle = (low + high) >>> 1;
            if (nanos <= BOUNDS_NANOS[middle]) {
                high = middle;
            } else {
                low = middle + 1;
            }
        }
        counts.setOpaque(low, counts.getPlain(low) + 1);
        sumNanos += nanos;
    }

    /** How many durations fell into bucket {@code index}, not counting smaller ones. */
    public long countInBucket(int index) {
        return counts.getOpaque(index);
    }

    /** How many durations were counted. */
    public long count() {
        long total = 0;
        for (int i = 0; i < counts.length(); i++) {
            total += counts.getOpaque(i);
        }
        return total;
    }

    public long sumNanos() {
        return sumNanos;
    }

    /**
     * The upper bound of the bucket in which the quantile lies; 0 if nothing was counted.
     *
     * @param quantile from 0 to 1
     */
    public long quantileNanos(double quantile) {
        return quantileNanos(List.of(this), quantile);
    }

    /** The same of several histograms, as if all had been counted in one. */
    public static long quantileNanos(List<NanoHistogram> histograms, double quantile) {
        long total = histograms.stream().mapToLong(NanoHistogram::count).sum();
        if (total == 0) {
            return 0;
        }
        long rank = Math.max(1, (long) Math.ceil(quantile * total));
        long seen = 0;
        for (int i = 0; i < BOUNDS_NANOS.length; i++) {
            for (NanoHistogram histogram : histograms) {
                seen += histogram.countInBucket(i);
            }
            if (seen >= rank) {
                return BOUNDS_NANOS[i];
            }
        }
        return BOUNDS_NANOS[BOUNDS_NANOS.length - 1];
    }
}
