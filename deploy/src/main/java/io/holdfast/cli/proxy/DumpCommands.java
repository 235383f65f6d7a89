package io.holdfast.cli.proxy;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.holdfast.audit.AuditEvent;
import io.holdfast.audit.AuditLog;
import io.holdfast.bridge.Bridge;
import io.holdfast.config.HoldfastConfig;
import io.holdfast.control.Arguments;
import io.holdfast.control.CommandException;
import io.holdfast.control.ControlServer;
import io.holdfast.control.ControlSession;
import io.holdfast.dump.Dump;
import io.holdfast.dump.DumpLimits;
import io.holdfast.dump.DumpReport;
import io.holdfast.dump.DumpSource;
import io.holdfast.wall.BufferWall;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.OptionalLong;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The command that shows captured frames: one dump at a time, to whoever connects to a socket beside the control socket.
 * Its beginning and end are in the log, and its reason in the audit, because a dump has what the guest and its clients said to each other.
 *
 * <p><b>Threads.</b> {@link #register} before the server starts and {@link #close} after it has ended; the command is
 * confined to the command thread.
 */
final class DumpCommands implements AutoCloseable {

    /** Which way the frames go that are dumped, seen from the guest. */
    enum Filter {
        OUTBOUND,
        INBOUND,
        BOTH
    }

    private static final Logger LOG = LoggerFactory.getLogger(DumpCommands.class);

    private static final String SOCKET_NAME = "dump.sock";
    private static final long MOST_SECONDS = 7 * 86_400;

    private final BufferWall wall;
    private final Bridge bridge;
    private final Path socket;
    private final String application;
    private final String comment;
    private final EventSink events;
    private final AuditLog audit;
    private volatile @Nullable Dump current;

    /** @param events hears when a dump has ended */
    DumpCommands(
            HoldfastConfig config, BufferWall wall, Bridge bridge, String version, EventSink events, AuditLog audit) {
        this.wall = wall;
        this.bridge = bridge;
        this.socket = config.runtimeDirectory().resolve(SOCKET_NAME);
        this.application = "holdfast " + version;
        this.comment =
                "Frames of guest %s as the proxy on host %s captured them, those that leave later or never included."
                        .formatted(config.guest(), config.host());
        this.events = events;
        this.audit = audit;
    }

    void register(ControlServer.Builder server) {
        server.command("dump", "Sends captured frames, as pcapng, over a socket of their own.", this::dump);
    }

    private JsonNode dump(ObjectNode arguments, ControlSession session) throws CommandException {
        Arguments of = Arguments.of(arguments, "nic", "filter", "seconds", "frames", "max_bytes", "reason");
        OptionalLong nic = of.optionalLong("nic", 0, bridge.nicCount() - 1L);
        Filter filter = of.optionalString("filter").isPresent() ? of.requireWord("filter", Filter.class) : Filter.BOTH;
        DumpLimits limits = new DumpLimits(
                of.optionalLong("frames", 1, Long.MAX_VALUE).orElse(Long.MAX_VALUE),
                of.optionalLong("max_bytes", DumpLimits.LEAST_BYTES, Long.MAX_VALUE)
                        .orElse(Long.MAX_VALUE),
                TimeUnit.SECONDS.toNanos(
                        of.optionalLong("seconds", 1, MOST_SECONDS).orElse(Long.MAX_VALUE)));
        Dump running = current;
        if (running != null && running.isRunning()) {
            throw new CommandException(
                    "DumpRunning", "there is a dump already; end it first, or wait until it has reached its limits");
        }
        try {
            current = Dump.start(socket, sources(nic, filter), limits, application, comment, this::onEnd);
        } catch (IOException e) {
            throw new CommandException(
                    CommandException.INTERNAL_ERROR, "cannot listen at " + socket + ": " + e.getMessage());
        }
        LOG.info("session {} begins a dump: {}", session.id(), arguments);
        audit.note(
                AuditEvent.DUMP,
                wall.term(),
                "somebody sees what the guest and its clients say: "
                        + of.optionalString("reason").orElse("no reason given"));
        return Json.object().put("socket", socket.toString()).put("connect_within_ms", Dump.CONNECT_LIMIT.toMillis());
    }

    private List<DumpSource> sources(OptionalLong only, Filter filter) {
        List<DumpSource> sources = new ArrayList<>();
        for (int nic = 0; nic < bridge.nicCount(); nic++) {
            if (only.isPresent() && only.getAsLong() != nic) {
                continue;
            }
            if (filter != Filter.INBOUND) {
                sources.add(new DumpSource(Bridge.nicName(nic), true, bridge.outboundTap(nic)));
            }
            if (filter != Filter.OUTBOUND) {
                sources.add(new DumpSource(Bridge.nicName(nic), false, bridge.inboundTap(nic)));
            }
        }
        return sources;
    }

    /** On the dump's thread. */
    private void onEnd(DumpReport report) {
        LOG.info(
                "the dump has ended, because {}: {} frames, {} bytes, {} missed",
                report.end().text(),
                report.writtenFrames(),
                report.writtenBytes(),
                report.missedFrames());
        events.emit(
                ProxyEvent.DUMP_ENDED,
                Json.object()
                        .put("reason", report.end().word())
                        .put("because", report.end().text())
                        .put("frames", report.writtenFrames())
                        .put("bytes", report.writtenBytes())
                        .put("missed", report.missedFrames()));
    }

    @Override
    public void close() {
        Dump running = current;
        if (running != null) {
            running.close();
        }
    }
}
