package io.holdfast.cli.proxy;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.holdfast.arp.AddressBook;
import io.holdfast.arp.AnnouncerThread;
import io.holdfast.arp.GuestAddresses;
import io.holdfast.arp.SeriesStatus;
import io.holdfast.control.Arguments;
import io.holdfast.control.CommandException;
import io.holdfast.control.ControlServer;
import io.holdfast.control.ControlSession;
import io.holdfast.wall.BufferWall;
import io.holdfast.wall.WallRefusal.Reason;
import java.util.List;
import java.util.Locale;

/** The commands that tell what the guest is known by, and that tell the network. Confined to the command thread. */
final class AnnounceCommands {

    private final BufferWall wall;
    private final AddressBook book;
    private final AnnouncerThread announcer;

    AnnounceCommands(BufferWall wall, AddressBook book, AnnouncerThread announcer) {
        this.wall = wall;
        this.book = book;
        this.announcer = announcer;
    }

    void register(ControlServer.Builder server) {
        server.command("addresses", "What the guest is known by on its networks.", this::addresses);
        server.command("announce", "Tells the network where the guest is, again and again.", this::announce);
    }

    /** With what an engine knows, because it has outlived this proxy's predecessor, that is known here from now on. */
    private JsonNode addresses(ObjectNode arguments, ControlSession session) throws CommandException {
        Arguments of = Arguments.of(arguments, "incarnation", "term", "known");
        JsonNode known = of.optionalTree("known").orElse(null);
        if (known != null) {
            requireThisWall(of);
            adopt(known, "known");
        }
        return book.snapshot().toJson();
    }

    /**
     * Needs no engine's seat: it lets nothing of the guest's leave, and an operator may want to repeat it. With addresses,
     * these replace what is known, and a series that is running goes on with them; without, every series begins anew.
     */
    private JsonNode announce(ObjectNode arguments, ControlSession session) throws CommandException {
        Arguments of = Arguments.of(arguments, "incarnation", "term", "addresses", "stop");
        requireOwnership(of);
        if (of.optionalFlag("stop", false)) {
            announcer.cancelAll();
            return series();
        }
        JsonNode addresses = of.optionalTree("addresses").orElse(null);
        if (addresses != null) {
            adopt(addresses, "addresses");
        }
        for (GuestAddresses.Nic nic : book.snapshot().nics()) {
            if (addresses == null || !announcer.update(nic)) {
                announcer.start(nic);
            }
        }
        return series();
    }

    private void adopt(JsonNode addresses, String argument) throws CommandException {
        try {
            book.adopt(GuestAddresses.fromJson(addresses));
        } catch (IllegalArgumentException e) {
            throw new CommandException(CommandException.BAD_ARGUMENT, "`" + argument + "`: " + e.getMessage());
        }
    }

    private void requireOwnership(Arguments arguments) throws CommandException {
        requireThisWall(arguments);
        switch (WallOwnership.standing(wall.state())) {
            case OWNER -> {}
            case IN_DOUBT ->
                throw new CommandException(
                        Reason.WRONG_STATE.errorClass(),
                        "the wall is " + wall.state() + ", so the guest may be another host's by now");
            case NOT_OWNER ->
                throw new CommandException(
                        Reason.NOT_OWNER.errorClass(), "the wall is " + wall.state() + ", so the guest is not here");
        }
    }

    private void requireThisWall(Arguments arguments) throws CommandException {
        if (!wall.incarnation().equals(arguments.requireString("incarnation"))) {
            throw new CommandException(
                    Reason.WRONG_INCARNATION.errorClass(), "this wall's incarnation is " + wall.incarnation());
        }
        if (wall.term().number() != arguments.requireLong("term", 0, Long.MAX_VALUE)) {
            throw new CommandException(Reason.STALE_TERM.errorClass(), "this wall is of term " + wall.term());
        }
    }

    private JsonNode series() {
        ObjectNode result = Json.object();
        write(announcer.status(), result.putArray("series"));
        return result;
    }

    static void write(List<SeriesStatus> status, ArrayNode array) {
        for (SeriesStatus series : status) {
            array.addObject()
                    .put("nic", series.nic())
                    .put("state", series.state().name().toLowerCase(Locale.ROOT))
                    .put("frames_per_round", series.framesPerRound())
                    .put("rounds", series.rounds())
                    .put("waiting_frames", series.waitingFrames());
        }
    }
}
