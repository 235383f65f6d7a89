package io.holdfast.agent;

import com.fasterxml.jackson.databind.node.ObjectNode;
import io.holdfast.agent.rehearsal.RehearsalReport;
import io.holdfast.agent.rehearsal.RehearsalStep;
import io.holdfast.agent.role.RehearsalOutcome;
import io.holdfast.measure.Counter;
import io.holdfast.measure.NanoHistogram;
import io.holdfast.metrics.MetricsRegistry;
import io.micrometer.core.instrument.FunctionCounter;
import io.micrometer.core.instrument.Gauge;
import io.micrometer.core.instrument.MeterRegistry;
import java.util.Collections;
import java.util.EnumMap;
import java.util.Map;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/**
 * What came of the rehearsals of this agent, over all its roles.
 *
 * <p><b>Threads.</b> The conductor writes, but for {@link #onStep}; any may read.
 */
final class RehearsalMeasures {

    private static final double NANOS_PER_SECOND = 1e9;

    private record Ended(long number, RehearsalReport report, long atNanos) {}

    private record Proof(long atNanos) {}

    private final Map<RehearsalOutcome, Counter> counters;
    private final NanoHistogram proofNanos = new NanoHistogram();
    private volatile long begun;
    private volatile @Nullable RehearsalStep step;
    private volatile @Nullable Ended last;
    private volatile @Nullable Proof lastProof;

    RehearsalMeasures() {
        EnumMap<RehearsalOutcome, Counter> made = new EnumMap<>(RehearsalOutcome.class);
        for (RehearsalOutcome outcome : RehearsalOutcome.values()) {
            made.put(outcome, new Counter());
        }
        counters = Collections.unmodifiableMap(made);
    }

    /**
     * Takes note of the next one.
     *
     * @return its number, from 1
     */
    long onBegin() {
        long number = begun + 1;
        begun = number;
        return number;
    }

    /** It has come to a step. The rehearsal's thread. */
    void onStep(RehearsalStep next) {
        step = next;
    }

    /** It has ended. */
    void onEnd(RehearsalReport report, long nowNanos) {
        Objects.requireNonNull(counters.get(report.outcome())).increment();
        if (report.outcome().isProof()) {
            proofNanos.record(report.totalNanos());
            lastProof = new Proof(nowNanos);
        }
        last = new Ended(begun, report, nowNanos);
        step = null;
    }

    /** Writes the last one and the one under way into an object of the status. */
    void describeIn(ObjectNode json, long nowNanos) {
        RehearsalStep now = step;
        json.put("begun", begun).put("step", now == null ? "" : now.text());
        Ended ended = last;
        if (ended != null) {
            json.put("number", ended.number).put("age_seconds", (nowNanos - ended.atNanos) / NANOS_PER_SECOND);
            ended.report.describeIn(json);
        }
    }

    /** Publishes them; once. */
    void bindTo(MetricsRegistry registry) {
        MeterRegistry meters = registry.meters();
        counters.forEach((outcome, counter) -> FunctionCounter.builder("holdfast.rehearsals", counter, Counter::value)
                .tag("outcome", outcome.word())
                .description("Restorations of the newest checkpoint in isolation, by how they ended")
                .register(meters));
        registry.histogram(
                proofNanos, "holdfast_rehearsal_seconds", "How long rehearsals took whose guest answered, all in all");
        Gauge.builder("holdfast.rehearsal.age.seconds", this, RehearsalMeasures::secondsSinceProof)
                .description("Time since the last rehearsal whose guest answered; NaN before the first")
                .strongReference(true)
                .register(meters);
    }

    private double secondsSinceProof() {
        Proof proof = lastProof;
        return proof == null ? Double.NaN : (System.nanoTime() - proof.atNanos) / NANOS_PER_SECOND;
    }
}
