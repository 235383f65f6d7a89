package io.holdfast.metrics;

import io.holdfast.bridge.NicCounters;
import java.util.List;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/** The bridge's counters, read once for all meters of a scrape, because each reading asks the kernel for its own. */
final class CounterSnapshot {

    /** Longer than a scrape takes, shorter than any interval between two. */
    private static final long FRESH_NANOS = 100_000_000L;

    private final Supplier<List<NicCounters>> source;
    private @Nullable List<NicCounters> counters;
    private long readNanos;

    CounterSnapshot(Supplier<List<NicCounters>> source) {
        this.source = source;
    }

    /** The counters of the NIC with that number. Any thread. */
    synchronized NicCounters of(int nic) {
        long nowNanos = System.nanoTime();
        List<NicCounters> current = counters;
        if (current == null || nowNanos - readNanos > FRESH_NANOS) {
            current = source.get();
            counters = current;
            readNanos = nowNanos;
        }
        return current.get(nic);
    }
}
