package io.holdfast.agent;

import io.holdfast.measure.Counter;
import io.holdfast.metrics.MetricsRegistry;
import io.micrometer.core.instrument.FunctionCounter;
import io.micrometer.core.instrument.Gauge;
import io.micrometer.core.instrument.MeterRegistry;
import java.util.function.Supplier;
import java.util.function.ToDoubleFunction;

/** Publishes what an agent measures. */
final class AgentMetrics {

    private static final double NANOS_PER_SECOND = 1e9;

    private final AgentMeasures measures;
    private final Supplier<AgentView> view;

    AgentMetrics(AgentMeasures measures, Supplier<AgentView> view) {
        this.measures = measures;
        this.view = view;
    }

    /** Registers everything; once. */
    void bindTo(MetricsRegistry registry) {
        MeterRegistry meters = registry.meters();
        registry.histogram(
                measures.pauseNanos,
                "holdfast_checkpoint_pause_seconds",
                "How long the guest stood still at a checkpoint");
        registry.histogram(
                measures.confirmNanos, "holdfast_confirm_seconds", "From a barrier to the backup's confirmation");
        count(meters, "holdfast.checkpoints", "Checkpoints taken", measures.checkpoints);
        count(meters, "holdfast.full.checkpoints", "Checkpoints that began with all memory", measures.fullCheckpoints);
        count(meters, "holdfast.failed.checkpoints", "Checkpoints that failed", measures.failedCheckpoints);
        count(meters, "holdfast.confirmed.checkpoints", "Checkpoints confirmed here", measures.confirmedCheckpoints);
        count(meters, "holdfast.dirty.pages", "Pages of 4 KiB that had changed", measures.dirtyPages);
        count(
                meters,
                "holdfast.dirty.tracking.faults",
                "Times that a page had changed and the kernel had not reported it",
                measures.trackingFaults);
        count(meters, "holdfast.mirrored.frames", "Clients' frames copied to the backup", measures.mirroredFrames);
        count(
                meters,
                "holdfast.dropped.copies",
                "Clients' frames of the primary that were kept here until there was no more room",
                measures.droppedCopies);
        count(
                meters,
                "holdfast.injected.frames",
                "Clients' frames given to a guest that was restored here",
                measures.injectedFrames);
        count(
                meters,
                "holdfast.refused.injections",
                "Clients' frames for a guest that was restored here that it did not get",
                measures.refusedInjections);
        count(meters, "holdfast.shipped.bytes", "Checkpoint bytes given to the link", measures.shippedBytes);
        count(meters, "holdfast.failovers", "Promotions of this host", measures.failovers);
        count(meters, "holdfast.switchovers", "Guests handed over from here to the other host", measures.switchovers);
        count(
                meters,
                "holdfast.broken.silences",
                "Times, one per second at most, that something spoke behind the wall of this backup, or its host as the"
                        + " guest",
                measures.brokenSilences);
        count(
                meters,
                "holdfast.used.spares",
                "Further attempts to restore a checkpoint whose memory had been made before",
                measures.usedSpares);
        Gauge.builder("holdfast.spares.waiting", measures, now -> now.sparesWaiting)
                .description("Memories of the checkpoint that wait for a further attempt to restore it")
                .register(meters);
        count(
                meters,
                "holdfast.failed.standbys",
                "Waiting hypervisors whose process died, or failed at a takeover before the guest ran",
                measures.failedStandbys);
        measures.rehearsals.bindTo(registry);
        countClaims(meters, "granted", measures.grantedClaims);
        countClaims(meters, "refused", measures.refusedClaims);
        countClaims(meters, "unanswered", measures.unansweredClaims);
        FunctionCounter.builder(
                        "holdfast.guest.paused.seconds",
                        measures.pausedNanos,
                        paused -> paused.value() / NANOS_PER_SECOND)
                .description("Time in which the guest stood still; the share of time that it is paused is"
                        + " rate(holdfast_guest_paused_seconds_total[1m])")
                .register(meters);
        for (String role : new String[] {"primary", "backup"}) {
            Gauge.builder("holdfast.agent.role", view, now -> now.get().role().equals(role) ? 1 : 0)
                    .description("1 for the role of this host, 0 for the other")
                    .tag("role", role)
                    .strongReference(true)
                    .register(meters);
        }
        gauge(meters, "holdfast.agent.term", "The term that this agent acts under", AgentView::term);
        gauge(meters, "holdfast.agent.epoch", "The newest epoch that was closed or confirmed here", AgentView::epoch);
        gauge(
                meters,
                "holdfast.peer.connected",
                "1 while the other host's agent takes part",
                now -> now.peerConnected() ? 1 : 0);
        gauge(
                meters,
                "holdfast.arbiter.lease.seconds",
                "How long the guest may serve alone without being renewed by the arbiter; 0 if it does not serve on a lease",
                AgentView::leaseSeconds);
        gauge(
                meters,
                "holdfast.arbiter.waits",
                "1 while the guest is not served because the arbiter's word, or the fence's proof, is missing",
                now -> now.waitsFor().isEmpty() ? 0 : 1);
        gauge(
                meters,
                "holdfast.agent.ready",
                "1 if the guest would survive the loss of the primary's host",
                now -> now.ready() ? 1 : 0);
    }

    private void countClaims(MeterRegistry meters, String outcome, Counter counter) {
        FunctionCounter.builder("holdfast.arbiter.claims", counter, Counter::value)
                .description("Questions to the arbiter, renewals of the lease among them, by what it answered")
                .tag("outcome", outcome)
                .register(meters);
    }

    private void count(MeterRegistry meters, String name, String help, Counter counter) {
        FunctionCounter.builder(name, counter, Counter::value).description(help).register(meters);
    }

    private void gauge(MeterRegistry meters, String name, String help, ToDoubleFunction<AgentView> value) {
        Gauge.builder(name, view, now -> value.applyAsDouble(now.get()))
                .description(help)
                .strongReference(true)
                .register(meters);
    }
}
