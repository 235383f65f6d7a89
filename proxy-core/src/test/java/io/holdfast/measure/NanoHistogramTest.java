package io.holdfast.measure;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.data.Percentage.withPercentage;

import com.sun.management.ThreadMXBean;
import java.lang.management.ManagementFactory;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.Test;

class NanoHistogramTest {

    private final NanoHistogram histogram = new NanoHistogram();

    @Test
    void shouldHaveBucketsFromOneMicrosecondToTenSeconds() {
        long[] bounds = NanoHistogram.upperBoundsNanos();
        assertThat(bounds).hasSize(71).isSorted().startsWith(1_000L, 1_250L).endsWith(8_000_000_000L, 10_000_000_000L);
        for (int i = 1; i < bounds.length; i++) {
            assertThat((double) bounds[i] / bounds[i - 1]).isBetween(1.2, 1.3);
        }
    }

    @Test
    void shouldCountADurationAtItsBoundInThatBucket() {
        long[] bounds = NanoHistogram.upperBoundsNanos();
        for (long bound : bounds) {
            histogram.record(bound);
            histogram.record(bound + 1);
        }
        long[] counts = histogram.bucketCounts();
        assertThat(counts[0]).isEqualTo(1);
        assertThat(Arrays.stream(counts, 1, bounds.length)).containsOnly(2L);
        assertThat(counts[bounds.length]).isEqualTo(1);
    }

    @Test
    void shouldAddUp() {
        histogram.record(500);
        histogram.record(2_000_000);
        histogram.record(60_000_000_000L);
        histogram.record(-5);
        assertThat(histogram.count()).isEqualTo(4);
        assertThat(histogram.sumNanos()).isEqualTo(60_002_000_500L);
        assertThat(histogram.maxNanos()).isEqualTo(60_000_000_000L);
    }

    @Test
    void shouldGiveQuantilesWithinAQuarter() {
        long seed = System.nanoTime();
        System.out.println("NanoHistogramTest seed " + seed);
        Random random = new Random(seed);
        long[] durations = new long[10_000];
        for (int i = 0; i < durations.length; i++) {
            durations[i] = (long) (1_000 * Math.pow(10, random.nextDouble() * 6.9));
            histogram.record(durations[i]);
        }
        Arrays.sort(durations);
        for (double quantile : new double[] {0.01, 0.5, 0.9, 0.99, 0.999}) {
            assertThat(histogram.quantileNanos(quantile))
                    .as("seed %d, quantile %s", seed, quantile)
                    .isCloseTo(durations[(int) Math.ceil(quantile * durations.length) - 1], withPercentage(27));
        }
        assertThat(histogram.quantileNanos(1)).isEqualTo(durations[durations.length - 1]);
    }

    @Test
    void shouldKnowNoQuantileOfNothing() {
        assertThat(histogram.quantileNanos(0.5)).isZero();
        assertThatThrownBy(() -> histogram.quantileNanos(50)).isInstanceOf(IllegalArgumentException.class);
        assertThatThrownBy(() -> histogram.quantileNanos(Double.NaN)).isInstanceOf(IllegalArgumentException.class);
    }

    @Test
    void shouldGiveTheQuantileOfSeveralAsOfOne() {
        NanoHistogram other = new NanoHistogram();
        for (int i = 0; i < 100; i++) {
            histogram.record(1_000_000);
            other.record(100_000_000);
        }
        List<NanoHistogram> both = List.of(histogram, other);
        assertThat(NanoHistogram.quantileNanos(both, 0.4)).isCloseTo(1_000_000, withPercentage(27));
        assertThat(NanoHistogram.quantileNanos(both, 0.6)).isCloseTo(100_000_000, withPercentage(27));
    }

    @Test
    void shouldNotReachBeyondTheLongestDuration() {
        histogram.record(5_100_000);
        assertThat(histogram.quantileNanos(0.99)).isEqualTo(5_100_000);
        histogram.record(20_000_000_000L);
        assertThat(histogram.quantileNanos(1)).isEqualTo(20_000_000_000L);
    }

    @Test
    void shouldRecordWithoutAllocating() {
        ThreadMXBean threads = (ThreadMXBean) ManagementFactory.getThreadMXBean();
        for (int i = 0; i < 20_000; i++) {
            histogram.record(i * 1_000L);
        }
        long before = threads.getCurrentThreadAllocatedBytes();
        for (int i = 0; i < 100_000; i++) {
            histogram.record(i * 1_000L);
        }
        assertThat(threads.getCurrentThreadAllocatedBytes() - before).isLessThan(10_000);
    }

    @Test
    void shouldShowAReaderOnlyWhatWasRecorded() throws InterruptedException {
        Thread writer = Thread.ofPlatform().start(() -> {
            for (int i = 0; i < 1_000_000; i++) {
                histogram.record(1_500);
            }
        });
        long last = 0;
        while (writer.isAlive()) {
            long count = histogram.count();
            assertThat(count).isGreaterThanOrEqualTo(last);
            last = count;
        }
        writer.join();
        assertThat(histogram.count()).isEqualTo(1_000_000);
        assertThat(histogram.sumNanos()).isEqualTo(1_500_000_000L);
    }
}
