package io.holdfast.cli.proxy;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.holdfast.audit.AuditEvent;
import io.holdfast.audit.AuditLog;
import io.holdfast.bridge.Bridge;
import io.holdfast.config.Placement;
import io.holdfast.config.ProxyConfig;
import io.holdfast.config.ProxyMode;
import io.holdfast.control.Arguments;
import io.holdfast.control.CommandException;
import io.holdfast.control.ControlServer;
import io.holdfast.control.ControlSession;
import io.holdfast.wall.BufferWall;
import io.holdfast.wall.WallRefusal;
import java.util.Locale;

/**
 * What the proxy holds: as it was configured, or as the operator has chosen since.
 *
 * <p>Chosen by the command thread; read by any.
 */
final class ModeChoice {

    private final ProxyConfig settings;
    private final Bridge bridge;
    private final BufferWall wall;
    private final AuditLog audit;
    private volatile ProxyMode chosen;

    ModeChoice(ProxyConfig settings, Bridge bridge, BufferWall wall, AuditLog audit) {
        this.settings = settings;
        this.bridge = bridge;
        this.wall = wall;
        this.audit = audit;
        this.chosen = settings.mode();
    }

    void register(ControlServer.Builder server) {
        server.command("mode", "What the proxy holds: wall, reverse or off; or chooses wall or reverse.", this::mode);
    }

    /** At the start. */
    void enter() {
        try {
            if (settings.placement() == Placement.INLINE) {
                bridge.releaseAtOnce(chosen == ProxyMode.REVERSE);
            }
        } catch (WallRefusal e) {
            throw new IllegalStateException("an inline proxy has the choice", e);
        }
    }

    /** What holds, or will from the next epoch on. */
    ProxyMode chosen() {
        return chosen;
    }

    private JsonNode mode(ObjectNode arguments, ControlSession session) throws CommandException {
        Arguments of = Arguments.of(arguments, "mode");
        if (of.optionalString("mode").isPresent()) {
            choose(of.requireWord("mode", ProxyMode.class));
        }
        boolean inForce =
                settings.placement() != Placement.INLINE || bridge.isReleasingAtOnce() == (chosen == ProxyMode.REVERSE);
        return Json.object().put("mode", word(chosen)).put("in_force", inForce);
    }

    private void choose(ProxyMode next) throws CommandException {
        if (next == chosen) {
            return;
        }
        if (next == ProxyMode.OFF || chosen == ProxyMode.OFF) {
            throw new CommandException(
                    CommandException.BAD_ARGUMENT,
                    "mode `off` holds nothing and is for demonstrations; it is entered and left by the configuration alone");
        }
        try {
            bridge.releaseAtOnce(next == ProxyMode.REVERSE);
        } catch (WallRefusal e) {
            throw new CommandException(e.reason().errorClass(), String.valueOf(e.getMessage()));
        }
        audit.note(
                AuditEvent.MODE,
                wall.term(),
                "mode %s from the next epoch on, instead of %s".formatted(word(next), word(chosen)));
        chosen = next;
    }

    static String word(ProxyMode mode) {
        return mode.name().toLowerCase(Locale.ROOT);
    }
}
