package io.holdfast.demo;

/** Percentiles of a sorted array, by nearest rank. */
public final class Percentiles {

    private Percentiles() {}

    /**
     * @param sorted ascending
     * @param percent 0 to 100
     * @return 0 if there are no values
     */
    public static long of(long[] sorted, double percent) {
        if (sorted.length == 0) {
            return 0;
        }
        int rank = (int) Math.ceil(percent / 100 * sorted.length);
        return sorted[Math.max(rank, 1) - 1];
    }
}
