package io.holdfast.metrics;

import io.holdfast.bridge.Bridge;
import io.holdfast.bridge.CatchUpReport;
import io.holdfast.measure.Counter;
import io.holdfast.reverse.ReplayOrder;
import io.holdfast.reverse.ReverseCounters;
import io.micrometer.core.instrument.FunctionCounter;
import io.micrometer.core.instrument.Gauge;
import io.micrometer.core.instrument.MeterRegistry;
import java.util.Locale;
import java.util.function.ToDoubleFunction;

/** Publishes what the reconciler does, where there is one. */
public final class ReverseMetrics {

    private static final double NANOS_PER_SECOND = 1e9;

    private final Bridge bridge;

    public ReverseMetrics(Bridge bridge) {
        this.bridge = bridge;
    }

    /** Registers everything; once. */
    public void bindTo(MetricsRegistry registry) {
        bridge.reverseCounters().ifPresent(counters -> bind(registry.meters(), counters));
    }

    private void bind(MeterRegistry meters, ReverseCounters counters) {
        gauge(meters, "holdfast.flows", "Connections that have a ledger", CatchUpReport::flows);
        gauge(meters, "holdfast.input.log.bytes", "Memory of the input log in use", CatchUpReport::logBytes);
        gauge(
                meters,
                "holdfast.catch.up.seconds",
                "From the first restored guest of the newest failover until all connections were decided; NaN before that",
                ReverseMetrics::catchUpSeconds);
        counter(
                meters,
                "holdfast.further.attempts",
                "Guests that were restored because an attempt before them was not good enough",
                counters.furtherAttempts);
        counter(meters, "holdfast.released.segments", "Guest's segments that left at once", counters.releasedSegments);
        counter(meters, "holdfast.logged.frames", "Clients' frames that were written down", counters.loggedFrames);
        counter(
                meters,
                "holdfast.refused.frames",
                "Clients' frames that found the input log full",
                counters.refusedFrames);
        counter(meters, "holdfast.replayed.bytes", "Bytes given to restored guests once more", counters.replayedBytes);
        counter(
                meters,
                "holdfast.swallowed.bytes",
                "Bytes of restored guests that their clients had already",
                counters.swallowedBytes);
        counter(
                meters,
                "holdfast.reconciled.flows",
                "Connections that go on although their guest was restored",
                counters.reconciledFlows);
        counter(
                meters,
                "holdfast.diverged.flows",
                "Connections that were reset, because their guest could not be brought to where the client had seen it",
                counters.divergedFlows);
        counter(
                meters,
                "holdfast.incomplete.flows",
                "Connections that are held, because what their client has seen is not known whole",
                counters.incompleteFlows);
        counter(
                meters,
                "holdfast.stranger.segments",
                "Segments of connections that a restart of the proxy has made unknown",
                counters.strangerSegments);
        counter(
                meters,
                "holdfast.expired.admissions",
                "Requests that were not answered in time, so that the next one was let in",
                counters.expiredAdmissions);
        counter(
                meters,
                "holdfast.unordered.requests",
                "Requests that had waited, and whose place in the order found no room in the input log",
                counters.unorderedRequests);
        counter(
                meters,
                "holdfast.forgotten.flows",
                "Connections that are held, because nobody had used them for long and the table was full",
                counters.forgottenFlows);
        counter(
                meters,
                "holdfast.released.datagrams",
                "Guest's datagrams that left at once, by a rule",
                counters.releasedDatagrams);
        counter(
                meters,
                "holdfast.swallowed.datagrams",
                "Datagrams of restored guests that their clients had already, or that a rule drops",
                counters.swallowedDatagrams);
        counter(
                meters,
                "holdfast.held.datagrams",
                "Datagrams with a rule that were held, for want of room to remember them or during a catch-up",
                counters.heldDatagrams);
        counter(
                meters,
                "holdfast.expired.gates",
                "Inputs that were replayed although the output before them had not come in time",
                counters.expiredGates);
        for (ReplayOrder order : ReplayOrder.values()) {
            counter(
                    meters,
                    "holdfast.replay.attempts",
                    "Restored guests that were given their input once more, in that order",
                    order,
                    counters.attempts(order));
            counter(
                    meters,
                    "holdfast.exact.replays",
                    "Those of them with which all clients went on",
                    order,
                    counters.exactAttempts(order));
        }
    }

    private static double catchUpSeconds(CatchUpReport report) {
        return report.catchUpNanos().isPresent() ? report.catchUpNanos().getAsLong() / NANOS_PER_SECOND : Double.NaN;
    }

    private void gauge(MeterRegistry meters, String name, String help, ToDoubleFunction<CatchUpReport> value) {
        Gauge.builder(
                        name,
                        bridge,
                        carrier -> carrier.catchUp().map(value::applyAsDouble).orElse(Double.NaN))
                .description(help)
                .strongReference(true)
                .register(meters);
    }

    private static void counter(MeterRegistry meters, String name, String help, Counter counter) {
        FunctionCounter.builder(name, counter, Counter::value).description(help).register(meters);
    }

    private static void counter(MeterRegistry meters, String name, String help, ReplayOrder order, Counter counter) {
        FunctionCounter.builder(name, counter, Counter::value)
                .description(help)
                .tag("order", order.name().toLowerCase(Locale.ROOT))
                .register(meters);
    }
}
