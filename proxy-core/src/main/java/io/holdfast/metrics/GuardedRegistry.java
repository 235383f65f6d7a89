package io.holdfast.metrics;

import io.prometheus.client.Collector;
import io.prometheus.client.CollectorRegistry;
import java.util.Collections;
import java.util.IdentityHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.atomic.LongAdder;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * A registry in which one metric that fails does not take the others with it: it is left out of that scrape, logged the
 * first time, and counted.
 */
final class GuardedRegistry extends CollectorRegistry {

    private static final Logger LOG = LoggerFactory.getLogger(GuardedRegistry.class);

    private final Map<Collector, Guard> guards = Collections.synchronizedMap(new IdentityHashMap<>());
    private final LongAdder failures = new LongAdder();

    @Override
    public void register(Collector collector) {
        Guard guard = new Guard(collector);
        super.register(guard);
        guards.put(collector, guard);
    }

    @Override
    public void unregister(Collector collector) {
        Guard guard = guards.remove(collector);
        if (guard != null) {
            super.unregister(guard);
        }
    }

    /** Metrics that were left out of a scrape, counted each time. */
    long failures() {
        return failures.sum();
    }

    private final class Guard extends Collector implements Collector.Describable {

        private final Collector guarded;
        private volatile boolean reported;

        Guard(Collector guarded) {
            this.guarded = guarded;
        }

        @Override
        public List<MetricFamilySamples> describe() {
            return guarded instanceof Describable describable ? describable.describe() : List.of();
        }

        @Override
        public List<MetricFamilySamples> collect() {
            try {
                return guarded.collect();
            } catch (RuntimeException | Error e) {
                failures.increment();
                if (!reported) {
                    reported = true;
                    LOG.warn("a metric fails and is left out; this is said once: {}", describe(), e);
                }
                return List.of();
            }
        }
    }
}
