package io.holdfast.cli.proxy;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.holdfast.arp.AnnouncerThread;
import io.holdfast.arp.ConflictWatch;
import io.holdfast.arp.LeakWatch;
import io.holdfast.arp.SilenceWatch;
import io.holdfast.bridge.Bridge;
import io.holdfast.bridge.CatchUpReport;
import io.holdfast.bridge.NicCounters;
import io.holdfast.config.HoldfastConfig;
import io.holdfast.config.ProxyConfig;
import io.holdfast.control.Arguments;
import io.holdfast.control.CommandException;
import io.holdfast.control.ControlServer;
import io.holdfast.control.ControlSession;
import io.holdfast.measure.NanoHistogram;
import io.holdfast.port.PortCounters;
import io.holdfast.wall.BufferWall;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.function.ToLongFunction;

/** The commands that only look: status, held and mode. */
final class ProxyStatus {

    private final HoldfastConfig config;
    private final ProxyConfig settings;
    private final PortChoice port;
    private final List<String> unsafe;
    private final Bridge bridge;
    private final ModeChoice mode;
    private final AnnouncerThread announcer;
    private final ConflictWatch conflicts;
    private final SilenceWatch silence;
    private final LeakWatch leaks;

    ProxyStatus(
            HoldfastConfig config,
            ProxyConfig settings,
            PortChoice port,
            List<String> unsafe,
            Bridge bridge,
            ModeChoice mode,
            AnnouncerThread announcer,
            ConflictWatch conflicts,
            SilenceWatch silence,
            LeakWatch leaks) {
        this.config = config;
        this.settings = settings;
        this.port = port;
        this.unsafe = unsafe;
        this.bridge = bridge;
        this.mode = mode;
        this.announcer = announcer;
        this.conflicts = conflicts;
        this.silence = silence;
        this.leaks = leaks;
    }

    void register(ControlServer.Builder server) {
        server.command("status", "Everything about the wall and its ports.", this::status);
        server.command("held", "What is held, for each NIC.", this::held);
    }

    private JsonNode status(ObjectNode arguments, ControlSession session) throws CommandException {
        Arguments.of(arguments);
        return snapshot();
    }

    /** What {@code status} answers. Any thread but those that move frames; a field may be newer than the one before it. */
    ObjectNode snapshot() {
        BufferWall wall = bridge.wall();
        List<NicCounters> nics = bridge.counters();
        ObjectNode status = Json.object()
                .put("guest", config.guest())
                .put("host", config.host())
                .put("state", wall.state().name())
                .put("because", wall.because())
                .put("mode", ModeChoice.word(mode.chosen()))
                .put("placement", word(settings.placement()))
                .put("port", word(port.kind()))
                .put("port_because", port.because())
                .put("incarnation", wall.incarnation())
                .put("term", wall.term().number())
                .put("claim", WallTerms.word(wall.term().claim()))
                .put("owner", wall.term().owner())
                .put("owned", wall.isOwned())
                .put("epoch", wall.openEpoch())
                .put("frontier", wall.frontier());
        status.put("sealed_by_lease", wall.isSealedByLease());
        wall.leaseLeftNanos(System.nanoTime()).ifPresent(left -> status.put("lease_left_ms", Json.millis(left)));
        writeHeld(nics, status);
        status.put("limit_bytes", sum(nics, NicCounters::capacityBytes));
        unsafe.forEach(status.putArray("unsafe")::add);
        writeCounters(nics, status.putObject("counters"));
        List<NanoHistogram> hold = nics.stream().map(NicCounters::holdNanos).toList();
        List<NanoHistogram> toWire =
                nics.stream().map(NicCounters::commitToWireNanos).toList();
        status.put("hold_p50_ms", Json.millis(NanoHistogram.quantileNanos(hold, 0.5)))
                .put("hold_p99_ms", Json.millis(NanoHistogram.quantileNanos(hold, 0.99)))
                .put("commit_to_wire_p50_us", Json.micros(NanoHistogram.quantileNanos(toWire, 0.5)));
        writeNics(nics, status.putArray("nics"));
        bridge.catchUp().ifPresent(report -> writeReverse(report, status.putObject("reverse")));
        AnnounceCommands.write(announcer.status(), conflicts, status.putArray("announcements"));
        ConflictNews.write(conflicts.conflicts(), System.nanoTime(), status.putArray("conflicts"));
        SilenceNews.writeBreaches(silence.breaches(), status.putArray("silence_broken"));
        SilenceNews.writeLeaks(leaks.leaks(), status.putArray("address_leaks"));
        return status;
    }

    private JsonNode held(ObjectNode arguments, ControlSession session) throws CommandException {
        Arguments.of(arguments);
        BufferWall wall = bridge.wall();
        ObjectNode held = Json.object()
                .put("state", wall.state().name())
                .put("epoch", wall.openEpoch())
                .put("frontier", wall.frontier());
        ArrayNode array = held.putArray("nics");
        List<NicCounters> nics = bridge.counters();
        for (int nic = 0; nic < nics.size(); nic++) {
            ObjectNode object = array.addObject().put("nic", Bridge.nicName(nic));
            writeHeld(List.of(nics.get(nic)), object);
        }
        return held;
    }

    private void writeReverse(CatchUpReport report, ObjectNode object) {
        ReverseCommands.write(report, object);
        report.catchUpNanos().ifPresent(nanos -> object.put("catch_up_ms", Json.millis(nanos)));
        bridge.reverseCounters()
                .ifPresent(counters -> object.put("stranger_segments", counters.strangerSegments.value())
                        .put("released_segments", counters.releasedSegments.value())
                        .put("held_frames", counters.heldFrames.value())
                        .put("logged_frames", counters.loggedFrames.value())
                        .put("refused_frames", counters.refusedFrames.value())
                        .put("replayed_bytes", counters.replayedBytes.value())
                        .put("swallowed_bytes", counters.swallowedBytes.value())
                        .put("further_attempts", counters.furtherAttempts.value())
                        .put("reconciled_flows", counters.reconciledFlows.value())
                        .put("diverged_flows", counters.divergedFlows.value())
                        .put("incomplete_flows", counters.incompleteFlows.value())
                        .put("forgotten_flows", counters.forgottenFlows.value())
                        .put("released_datagrams", counters.releasedDatagrams.value())
                        .put("swallowed_datagrams", counters.swallowedDatagrams.value())
                        .put("held_datagrams", counters.heldDatagrams.value())
                        .put("expired_gates", counters.expiredGates.value())
                        .put("expired_admissions", counters.expiredAdmissions.value())
                        .put("unordered_requests", counters.unorderedRequests.value()));
    }

    /** What became of the guest's frames until now, as an audit log has it. */
    static Map<String, Long> frameCounts(Bridge bridge) {
        List<NicCounters> nics = bridge.counters();
        return Map.of(
                "held_frames", sum(nics, NicCounters::bufferedFrames),
                "released_frames", sum(nics, NicCounters::releasedFrames),
                "discarded_frames", sum(nics, NicCounters::discardedFrames));
    }

    private static void writeHeld(List<NicCounters> nics, ObjectNode object) {
        long oldestNanos =
                nics.stream().mapToLong(NicCounters::oldestAgeNanos).max().orElse(0);
        object.put("held_frames", sum(nics, NicCounters::bufferedFrames))
                .put("held_bytes", sum(nics, NicCounters::bufferedBytes))
                .put("oldest_held_ms", Json.millis(oldestNanos));
    }

    private static void writeCounters(List<NicCounters> nics, ObjectNode object) {
        object.put("held", sum(nics, NicCounters::heldFrames))
                .put("released", sum(nics, NicCounters::releasedFrames))
                .put("passed", sum(nics, NicCounters::passedFrames))
                .put("exempt", sum(nics, NicCounters::exemptFrames))
                .put("discarded", sum(nics, NicCounters::discardedFrames))
                .put("dropped_at_limit", sum(nics, NicCounters::droppedAtLimitFrames))
                .put("late", sum(nics, NicCounters::lateFrames))
                .put("delivered", sum(nics, NicCounters::deliveredFrames))
                .put("shut_out", sum(nics, NicCounters::shutOutFrames))
                .put("mirrored", sum(nics, NicCounters::mirroredFrames))
                .put("unmirrored", sum(nics, NicCounters::unmirroredFrames))
                .put("injected", sum(nics, NicCounters::injectedFrames));
    }

    private static void writeNics(List<NicCounters> nics, ArrayNode array) {
        for (int nic = 0; nic < nics.size(); nic++) {
            NicCounters counters = nics.get(nic);
            List<NicCounters> alone = List.of(counters);
            ObjectNode object = array.addObject().put("nic", Bridge.nicName(nic));
            writeHeld(alone, object);
            object.put("limit_bytes", counters.capacityBytes());
            writeCounters(alone, object.putObject("counters"));
            writePort(counters.guestPortName(), counters.guestPort(), object.putObject("guest_port"));
            writePort(counters.uplinkName(), counters.uplink(), object.putObject("uplink"));
        }
    }

    private static void writePort(String name, PortCounters counters, ObjectNode object) {
        object.put("interface", name)
                .put("captured", counters.capturedFrames())
                .put("kernel_dropped", counters.kernelDroppedFrames())
                .put("truncated", counters.truncatedFrames())
                .put("sent", counters.sentFrames())
                .put("send_errors", counters.sendErrorFrames());
    }

    private static long sum(List<NicCounters> nics, ToLongFunction<NicCounters> field) {
        return nics.stream().mapToLong(field).sum();
    }

    /** As the configuration spells it. */
    private static String word(Enum<?> constant) {
        return constant.name().toLowerCase(Locale.ROOT).replace('_', '-');
    }
}
