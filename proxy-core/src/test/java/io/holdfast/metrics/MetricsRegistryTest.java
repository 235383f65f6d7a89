package io.holdfast.metrics;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.holdfast.measure.NanoHistogram;
import io.micrometer.core.instrument.FunctionCounter;
import io.micrometer.core.instrument.Gauge;
import io.prometheus.client.exporter.common.TextFormat;
import java.io.IOException;
import java.io.StringWriter;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

class MetricsRegistryTest {

    private final MetricsRegistry registry = new MetricsRegistry("redis", "a");

    @AfterEach
    void close() {
        registry.close();
    }

    private Exposition scrape() throws IOException {
        StringWriter out = new StringWriter();
        registry.scrape(out, TextFormat.CONTENT_TYPE_004);
        return Exposition.parse(out.toString());
    }

    @Test
    void shouldLabelEveryMetricWithGuestAndHost() throws IOException {
        Gauge.builder("holdfast.held.frames", () -> 3)
                .description("Frames held")
                .register(registry.meters());
        registry.histogram(new NanoHistogram(), "holdfast_hold_seconds", "How long frames were held.");

        Exposition exposition = scrape();
        assertThat(exposition.samples.keySet())
                .allSatisfy(sample -> assertThat(sample).contains("guest=redis").contains("host=a"));
        assertThat(exposition.samples).containsEntry("holdfast_held_frames{guest=redis, host=a}", 3.0);
    }

    @Test
    void shouldHaveTheMetricsOfMachineAndProcess() throws IOException {
        assertThat(scrape().types)
                .containsKeys(
                        "jvm_memory_used_bytes",
                        "jvm_threads_live_threads",
                        "process_cpu_usage",
                        "process_files_open_files",
                        "process_uptime_seconds",
                        "jvm_classes_loaded_classes")
                .containsEntry("holdfast_scrape_failures_total", "counter");
    }

    @Test
    void shouldTellHowFarTheHostsClockWasSet() throws IOException {
        Exposition exposition = scrape();
        assertThat(exposition.types).containsEntry("holdfast_clock_shift_seconds", "gauge");
        assertThat(exposition.samples.get("holdfast_clock_shift_seconds{guest=redis, host=a}"))
                .isBetween(-60.0, 60.0);
    }

    @Test
    void shouldPublishHistogramsOfOneNameAsOneFamily() throws IOException {
        NanoHistogram tap0 = new NanoHistogram();
        NanoHistogram tap1 = new NanoHistogram();
        registry.histogram(tap0, "holdfast_hold_seconds", "How long.", "nic", "tap0");
        registry.histogram(tap1, "holdfast_hold_seconds", "How long.", "nic", "tap\"1\\\n");
        tap0.record(1_250);
        tap0.record(50_000_000);
        tap0.record(30_000_000_000L);

        Exposition exposition = scrape();
        assertThat(exposition.types).containsEntry("holdfast_hold_seconds", "histogram");
        assertThat(exposition.samples)
                .containsEntry("holdfast_hold_seconds_bucket{guest=redis, host=a, le=1.0E-6, nic=tap0}", 0.0)
                .containsEntry("holdfast_hold_seconds_bucket{guest=redis, host=a, le=1.25E-6, nic=tap0}", 1.0)
                .containsEntry("holdfast_hold_seconds_bucket{guest=redis, host=a, le=0.04, nic=tap0}", 1.0)
                .containsEntry("holdfast_hold_seconds_bucket{guest=redis, host=a, le=0.05, nic=tap0}", 2.0)
                .containsEntry("holdfast_hold_seconds_bucket{guest=redis, host=a, le=10.0, nic=tap0}", 2.0)
                .containsEntry("holdfast_hold_seconds_bucket{guest=redis, host=a, le=+Inf, nic=tap0}", 3.0)
                .containsEntry("holdfast_hold_seconds_count{guest=redis, host=a, nic=tap0}", 3.0)
                .containsEntry("holdfast_hold_seconds_sum{guest=redis, host=a, nic=tap0}", 30.05000125)
                .containsEntry("holdfast_hold_seconds_count{guest=redis, host=a, nic=tap\\\"1\\\\\\n}", 0.0);
    }

    @Test
    void shouldRefuseHistogramsThatPrometheusWouldMix() {
        NanoHistogram histogram = new NanoHistogram();
        registry.histogram(histogram, "holdfast_hold_seconds", "How long.", "nic", "tap0");
        assertThatThrownBy(() -> registry.histogram(histogram, "holdfast_hold_seconds", "How long.", "nic", "tap0"))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageContaining("registered twice");
        assertThatThrownBy(() -> registry.histogram(histogram, "holdfast_hold_seconds", "How long.", "port", "tap0"))
                .hasMessageContaining("cannot have");
        assertThatThrownBy(() -> registry.histogram(histogram, "holdfast_hold_millis", "How long."))
                .hasMessageContaining("end in _seconds");
        assertThatThrownBy(() -> registry.histogram(histogram, "holdfast_x_seconds", "How long.", "nic"))
                .hasMessageContaining("`nic` has no value");
    }

    @Test
    void shouldRefuseOneNameWithTwoSetsOfLabels() {
        registry.meters().counter("holdfast.frames", "nic", "tap0");
        assertThatThrownBy(() -> registry.meters().counter("holdfast.frames", "port", "tap0"))
                .isInstanceOf(IllegalArgumentException.class);
        assertThatThrownBy(() -> registry.meters().counter("holdfast.frames", "nic", "tap0", "fate", "held"))
                .isInstanceOf(IllegalArgumentException.class);
    }

    @Test
    void shouldLeaveOutAMetricThatFailsAndSayHowOften() throws IOException {
        FunctionCounter.builder("holdfast.broken", this, self -> {
                    throw new IllegalStateException("a metric's defect");
                })
                .register(registry.meters());
        Gauge.builder("holdfast.dented", () -> {
                    throw new IllegalStateException("a gauge's defect");
                })
                .register(registry.meters());
        Gauge.builder("holdfast.sound", () -> 1).register(registry.meters());

        scrape();
        Exposition second = scrape();
        assertThat(second.samples)
                .containsEntry("holdfast_sound{guest=redis, host=a}", 1.0)
                .containsEntry("holdfast_dented{guest=redis, host=a}", Double.NaN)
                .doesNotContainKey("holdfast_broken_total{guest=redis, host=a}");
        assertThat(second.samples.get("holdfast_scrape_failures_total{guest=redis, host=a}"))
                .isGreaterThanOrEqualTo(1);
    }

    @Test
    void shouldForgetAMeterThatIsRemoved() throws IOException {
        Gauge gauge = Gauge.builder("holdfast.brief", () -> 1).register(registry.meters());
        assertThat(scrape().types).containsKey("holdfast_brief");
        registry.meters().remove(gauge);
        assertThat(scrape().types).doesNotContainKey("holdfast_brief");
        Gauge.builder("holdfast.brief", () -> 2).tag("other", "labels").register(registry.meters());
        assertThat(scrape().types).containsKey("holdfast_brief");
    }
}
