package io.holdfast.cli.page;

import io.holdfast.measure.NanoHistogram;
import java.util.List;
import java.util.stream.LongStream;

/**
 * How long the frames were held that have left between two looks. The histograms count since the start, in which a bad minute
 * would not show after a good day.
 *
 * <p>Not thread-safe, but for those who record.
 */
final class RecentHold {

    private static final double NANOS_PER_MILLI = 1e6;

    private final List<NanoHistogram> histograms;
    private long[] before;
    private long[] recent = new long[0];

    RecentHold(List<NanoHistogram> histograms) {
        this.histograms = List.copyOf(histograms);
        this.before = counts();
    }

    /** Begins a new stretch, and keeps the one that ends now for {@link #quantileMillis}. */
    void look() {
        long[] now = counts();
        recent = new long[now.length];
        for (int i = 0; i < now.length; i++) {
            recent[i] = now[i] - before[i];
        }
        before = now;
    }

    /** Of the frames of the stretch; NaN if none has left in it. */
    double quantileMillis(double quantile) {
        if (LongStream.of(recent).sum() == 0) {
            return Double.NaN;
        }
        long longestNanos =
                histograms.stream().mapToLong(NanoHistogram::maxNanos).max().orElse(0);
        return NanoHistogram.quantileNanos(recent, longestNanos, quantile) / NANOS_PER_MILLI;
    }

    private long[] counts() {
        long[] sum = new long[NanoHistogram.upperBoundsNanos().length + 1];
        for (NanoHistogram histogram : histograms) {
            long[] counts = histogram.bucketCounts();
            for (int i = 0; i < sum.length; i++) {
                sum[i] += counts[i];
            }
        }
        return sum;
    }
}
