package io.holdfast.cli.proxy;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.holdfast.bridge.Bridge;
import io.holdfast.bridge.CatchUpReport;
import io.holdfast.control.Arguments;
import io.holdfast.control.CommandException;
import io.holdfast.control.ControlServer;
import io.holdfast.control.ControlSession;
import io.holdfast.reverse.ReplayOrder;
import io.holdfast.wall.Epoch;
import io.holdfast.wall.WallRefusal;
import java.util.Locale;
import java.util.Optional;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The commands by which an engine takes a restored guest to where its clients have seen it: lost, restored, giveup and
 * catchup. The wall's {@code open} ends it.
 *
 * <p>Confined to the command thread.
 */
final class ReverseCommands {

    private static final Logger LOG = LoggerFactory.getLogger(ReverseCommands.class);

    private final Bridge bridge;
    private final WallCommands wall;

    ReverseCommands(Bridge bridge, WallCommands wall) {
        this.bridge = bridge;
        this.wall = wall;
    }

    void register(ControlServer.Builder server) {
        server.command(
                "lost",
                "Says that the guest is dead; clients' input is kept for the next one.",
                wall.byEngine(this::lost));
        server.command(
                "restored",
                "Says where the guest was restored; it gets its input once more.",
                wall.byEngine(this::restored, "place", "epoch", "order"));
        server.command(
                "giveup",
                "Resets the connections that are not where their clients have seen them.",
                wall.byEngine(this::giveUp));
        server.command("catchup", "How far a restored guest has come.", this::catchUp);
    }

    private JsonNode lost(Arguments of, long engine, String incarnation, long term) throws WallRefusal {
        bridge.guestLost(engine, incarnation, term);
        LOG.info("the guest is lost; what its clients send is kept");
        return report();
    }

    private JsonNode restored(Arguments of, long engine, String incarnation, long term)
            throws CommandException, WallRefusal {
        GuestPlace place = of.requireWord("place", GuestPlace.class);
        long epoch = of.requireLong("epoch", Epoch.FIRST, Long.MAX_VALUE - 1);
        Optional<ReplayOrder> order = of.optionalString("order").isPresent()
                ? Optional.of(of.requireWord("order", ReplayOrder.class))
                : Optional.empty();
        bridge.guestRestored(engine, incarnation, term, place.port(), epoch, order);
        bridge.catchUp()
                .ifPresent(begun -> LOG.info(
                        "the guest is restored as {} from checkpoint {}; it gets its input once more, {}, attempt {}",
                        place,
                        epoch,
                        begun.order(),
                        begun.attempt()));
        return report();
    }

    private JsonNode giveUp(Arguments of, long engine, String incarnation, long term) throws WallRefusal {
        bridge.giveUpRest(engine, incarnation, term);
        return report();
    }

    private JsonNode catchUp(ObjectNode arguments, ControlSession session) throws CommandException {
        Arguments.of(arguments);
        return report();
    }

    private ObjectNode report() {
        Optional<CatchUpReport> report = bridge.catchUp();
        ObjectNode object = Json.object();
        report.ifPresent(reached -> write(reached, object));
        return object;
    }

    /** As in the status. */
    static void write(CatchUpReport report, ObjectNode object) {
        object.put("phase", report.phase().name())
                .put("attempt", report.attempt())
                .put("order", report.order().name().toLowerCase(Locale.ROOT))
                .put("decided", report.decided())
                .put("improvable", report.improvable())
                .put("flows", report.flows())
                .put("log_bytes", report.logBytes());
        report.divergences().forEach(object.putArray("diverged")::add);
    }
}
