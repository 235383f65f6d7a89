package io.holdfast.metrics;

import io.holdfast.bridge.Bridge;
import io.holdfast.bridge.NicCounters;
import io.holdfast.port.PortCounters;
import io.holdfast.wall.BufferWall;
import io.holdfast.wall.WallState;
import io.micrometer.core.instrument.FunctionCounter;
import io.micrometer.core.instrument.Gauge;
import io.micrometer.core.instrument.MeterRegistry;
import java.util.List;
import java.util.function.ToDoubleFunction;
import java.util.function.ToLongFunction;

/** Publishes what becomes of the guest's frames, and what the wall is. */
public final class BridgeMetrics {

    private static final double NANOS_PER_SECOND = 1e9;

    private final Bridge bridge;
    private final CounterSnapshot snapshot;

    public BridgeMetrics(Bridge bridge) {
        this.bridge = bridge;
        this.snapshot = new CounterSnapshot(bridge::counters);
    }

    /** Registers everything; once. */
    public void bindTo(MetricsRegistry registry) {
        bindWall(registry.meters(), bridge.wall());
        List<NicCounters> nics = bridge.counters();
        for (int nic = 0; nic < nics.size(); nic++) {
            String name = Bridge.nicName(nic);
            bindHeld(registry.meters(), nic, name);
            bindFates(registry.meters(), nic, name);
            bindPort(registry.meters(), nic, nics.get(nic).guestPortName(), NicCounters::guestPort);
            bindPort(registry.meters(), nic, nics.get(nic).uplinkName(), NicCounters::uplink);
            registry.histogram(
                    nics.get(nic).holdNanos(),
                    "holdfast_hold_seconds",
                    "How long released frames were held, from capture to wire",
                    "nic",
                    name);
            registry.histogram(
                    nics.get(nic).commitToWireNanos(),
                    "holdfast_commit_to_wire_seconds",
                    "From a commit to the last frame that it released",
                    "nic",
                    name);
        }
    }

    private static void bindWall(MeterRegistry meters, BufferWall wall) {
        gauge(meters, wall, "holdfast.epoch", "The epoch that is open", BufferWall::openEpoch);
        gauge(meters, wall, "holdfast.committed.epoch", "The newest epoch that was committed", BufferWall::frontier);
        gauge(
                meters,
                wall,
                "holdfast.term",
                "The highest term that the wall has seen",
                w -> w.term().number());
        gauge(meters, wall, "holdfast.wall.owned", "1 while an engine owns the wall", w -> w.isOwned() ? 1 : 0);
        for (WallState state : WallState.values()) {
            Gauge.builder("holdfast.wall.state", wall, w -> w.state() == state ? 1 : 0)
                    .description("1 for the state that the wall is in, 0 for all others")
                    .tag("state", state.name())
                    .strongReference(true)
                    .register(meters);
        }
    }

    private static void gauge(
            MeterRegistry meters, BufferWall wall, String name, String help, ToDoubleFunction<BufferWall> value) {
        Gauge.builder(name, wall, value).description(help).strongReference(true).register(meters);
    }

    private void bindHeld(MeterRegistry meters, int nic, String name) {
        held(meters, nic, name, "holdfast.held.frames", "Frames that are held now", NicCounters::bufferedFrames);
        held(meters, nic, name, "holdfast.held.bytes", "Their length", NicCounters::bufferedBytes);
        held(meters, nic, name, "holdfast.limit.bytes", "Room for held frames", NicCounters::capacityBytes);
        held(
                meters,
                nic,
                name,
                "holdfast.oldest.held.seconds",
                "How long the oldest held frame has waited",
                counters -> counters.oldestAgeNanos() / NANOS_PER_SECOND);
    }

    private void held(
            MeterRegistry meters,
            int nic,
            String nicName,
            String name,
            String help,
            ToDoubleFunction<NicCounters> value) {
        Gauge.builder(name, snapshot, counters -> value.applyAsDouble(counters.of(nic)))
                .description(help)
                .tag("nic", nicName)
                .strongReference(true)
                .register(meters);
    }

    private void bindFates(MeterRegistry meters, int nic, String name) {
        fate(meters, nic, name, "out", "released", NicCounters::releasedFrames);
        fate(meters, nic, name, "out", "passed", NicCounters::passedFrames);
        fate(meters, nic, name, "out", "exempt", NicCounters::exemptFrames);
        fate(meters, nic, name, "out", "discarded", NicCounters::discardedFrames);
        fate(meters, nic, name, "out", "dropped_at_limit", NicCounters::droppedAtLimitFrames);
        fate(meters, nic, name, "in", "delivered", NicCounters::deliveredFrames);
        fate(meters, nic, name, "in", "shut_out", NicCounters::shutOutFrames);
        fate(meters, nic, name, "in", "injected", NicCounters::injectedFrames);
        counter(
                meters,
                nic,
                "holdfast.mirrored.frames",
                "Clients' frames that were copied for the backup",
                "nic",
                name,
                NicCounters::mirroredFrames);
        counter(
                meters,
                nic,
                "holdfast.unmirrored.frames",
                "Clients' frames that were not copied for the backup because they were too many",
                "nic",
                name,
                NicCounters::unmirroredFrames);
        counter(
                meters,
                nic,
                "holdfast.late.frames",
                "Frames that were captured after a barrier though sent before it",
                "nic",
                name,
                NicCounters::lateFrames);
        counter(
                meters,
                nic,
                "holdfast.ever.held.frames",
                "Frames that have ever been in the wall",
                "nic",
                name,
                NicCounters::heldFrames);
    }

    private void fate(
            MeterRegistry meters,
            int nic,
            String nicName,
            String direction,
            String fate,
            ToLongFunction<NicCounters> value) {
        FunctionCounter.builder("holdfast.frames", snapshot, counters -> value.applyAsLong(counters.of(nic)))
                .description("Frames by what became of them")
                .tags("nic", nicName, "direction", direction, "fate", fate)
                .register(meters);
    }

    private interface PortOf {
        PortCounters of(NicCounters counters);
    }

    private void bindPort(MeterRegistry meters, int nic, String port, PortOf of) {
        counter(
                meters,
                nic,
                "holdfast.capture.dropped.frames",
                "Frames lost in the kernel because capture was too slow",
                "port",
                port,
                counters -> of.of(counters).kernelDroppedFrames());
        counter(
                meters,
                nic,
                "holdfast.truncated.frames",
                "Frames that could not be captured whole and were dropped",
                "port",
                port,
                counters -> of.of(counters).truncatedFrames());
        counter(
                meters,
                nic,
                "holdfast.send.error.frames",
                "Frames that the kernel refused to send",
                "port",
                port,
                counters -> of.of(counters).sendErrorFrames());
        counter(
                meters,
                nic,
                "holdfast.captured.frames",
                "Frames that were captured",
                "port",
                port,
                counters -> of.of(counters).capturedFrames());
        counter(
                meters,
                nic,
                "holdfast.sent.frames",
                "Frames that the kernel has taken for sending",
                "port",
                port,
                counters -> of.of(counters).sentFrames());
    }

    private void counter(
            MeterRegistry meters,
            int nic,
            String name,
            String help,
            String label,
            String value,
            ToLongFunction<NicCounters> count) {
        FunctionCounter.builder(name, snapshot, counters -> count.applyAsLong(counters.of(nic)))
                .description(help)
                .tag(label, value)
                .register(meters);
    }
}
