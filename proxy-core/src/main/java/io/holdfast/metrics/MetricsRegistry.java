package io.holdfast.metrics;

import io.holdfast.measure.NanoHistogram;
import io.micrometer.core.instrument.Clock;
import io.micrometer.core.instrument.FunctionCounter;
import io.micrometer.core.instrument.Gauge;
import io.micrometer.core.instrument.MeterRegistry;
import io.micrometer.core.instrument.binder.MeterBinder;
import io.micrometer.core.instrument.binder.jvm.ClassLoaderMetrics;
import io.micrometer.core.instrument.binder.jvm.JvmGcMetrics;
import io.micrometer.core.instrument.binder.jvm.JvmInfoMetrics;
import io.micrometer.core.instrument.binder.jvm.JvmMemoryMetrics;
import io.micrometer.core.instrument.binder.jvm.JvmThreadMetrics;
import io.micrometer.core.instrument.binder.system.FileDescriptorMetrics;
import io.micrometer.core.instrument.binder.system.ProcessorMetrics;
import io.micrometer.core.instrument.binder.system.UptimeMetrics;
import io.micrometer.prometheus.PrometheusConfig;
import io.micrometer.prometheus.PrometheusMeterRegistry;
import io.prometheus.client.exporter.common.TextFormat;
import java.io.IOException;
import java.io.Writer;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/**
 * All metrics of one process. Every metric has the labels {@code guest} and {@code host}.
 *
 * <p>Binders publish what the threads of the packet path count by themselves: {@link FunctionCounter}s, gauges (with
 * {@code strongReference(true)}, or they end with their subject) and {@link NanoHistogram}s. A name says its unit; Micrometer's
 * base unit is left alone, because it is not part of a metric's identity. Registering one name with two sets of labels throws.
 */
// The registry on simpleclient is deprecated and published; its successor needs another HTTP exposition. The only
// place.
@SuppressWarnings("deprecation")
public final class MetricsRegistry implements AutoCloseable {

    private static final Pattern HISTOGRAM_NAME = Pattern.compile("[a-z][a-z0-9_]*_seconds");

    private final GuardedRegistry collectors = new GuardedRegistry();
    private final PrometheusMeterRegistry meters =
            new PrometheusMeterRegistry(PrometheusConfig.DEFAULT, collectors, Clock.SYSTEM);
    private final JvmGcMetrics garbageCollection = new JvmGcMetrics();
    private final Map<String, HistogramFamily> histograms = new HashMap<>();
    private final String guest;
    private final String host;

    /** A registry that already has the metrics of the Java virtual machine, of the process and of the host's clock. */
    public MetricsRegistry(String guest, String host) {
        this.guest = guest;
        this.host = host;
        meters.throwExceptionOnRegistrationFailure();
        meters.config().commonTags("guest", guest, "host", host);
        FunctionCounter.builder("holdfast.scrape.failures", collectors, GuardedRegistry::failures)
                .description("Metrics that failed and were left out of a scrape")
                .register(meters);
        Gauge.builder("holdfast.clock.shift.seconds", new ClockShift(), ClockShift::seconds)
                .description(
                        "How far the host's clock has been set since the start, the time of a suspended host included")
                .strongReference(true)
                .register(meters);
        for (MeterBinder binder : List.of(
                new ClassLoaderMetrics(),
                new JvmMemoryMetrics(),
                garbageCollection,
                new JvmThreadMetrics(),
                new JvmInfoMetrics(),
                new ProcessorMetrics(),
                new FileDescriptorMetrics(),
                new UptimeMetrics())) {
            binder.bindTo(meters);
        }
    }

    /** Where binders register. */
    public MeterRegistry meters() {
        return meters;
    }

    /**
     * Publishes a histogram as {@code name_bucket}, {@code name_sum} and {@code name_count}, in seconds.
     *
     * @param name as Prometheus will see it, ending in {@code _seconds}
     * @param help one sentence
     * @param labels names and values by turns; histograms of one name have the same names in the same order
     * @throws IllegalArgumentException if the name is taken by another kind of metric, or by these very labels
     */
    public synchronized void histogram(NanoHistogram histogram, String name, String help, String... labels) {
        if (!HISTOGRAM_NAME.matcher(name).matches()) {
            throw new IllegalArgumentException("histogram `" + name + "` must be in lower case and end in _seconds");
        }
        if (labels.length % 2 != 0) {
            throw new IllegalArgumentException("label `" + labels[labels.length - 1] + "` has no value");
        }
        List<String> names = new ArrayList<>(List.of("guest", "host"));
        List<String> values = new ArrayList<>(List.of(guest, host));
        for (int i = 0; i < labels.length; i += 2) {
            names.add(labels[i]);
            values.add(labels[i + 1]);
        }
        HistogramFamily family = histograms.get(name);
        if (family == null) {
            family = new HistogramFamily(name, help, List.copyOf(names));
            collectors.register(family);
            histograms.put(name, family);
        }
        family.add(names, values, histogram);
    }

    /**
     * Writes all metrics. Reads live values; on any thread but those that move frames.
     *
     * @param contentType one of those that {@link #contentType} gives
     */
    public void scrape(Writer out, String contentType) throws IOException {
        TextFormat.writeFormat(contentType, out, collectors.metricFamilySamples());
    }

    /** The exposition format that a client with this {@code Accept} header gets; null if it sent none. */
    static String contentType(@Nullable String accept) {
        return TextFormat.chooseContentType(accept);
    }

    @Override
    public void close() {
        garbageCollection.close();
        meters.close();
    }
}
