package io.holdfast.cli.proxy;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.holdfast.arp.AddressBook;
import io.holdfast.arp.AnnounceFrame;
import io.holdfast.arp.AnnounceFrames;
import io.holdfast.arp.AnnouncerThread;
import io.holdfast.arp.Conflict;
import io.holdfast.arp.ConflictWatch;
import io.holdfast.arp.GuestAddresses;
import io.holdfast.arp.SeriesStatus;
import io.holdfast.audit.AuditEvent;
import io.holdfast.audit.AuditLog;
import io.holdfast.control.Arguments;
import io.holdfast.control.CommandException;
import io.holdfast.control.ControlServer;
import io.holdfast.control.ControlSession;
import io.holdfast.wall.BufferWall;
import io.holdfast.wall.WallRefusal.Reason;
import java.lang.foreign.ValueLayout;
import java.util.HexFormat;
import java.util.List;
import java.util.Locale;
import java.util.Optional;

/** The commands that tell what the guest is known by, and that tell the network. Confined to the command thread. */
final class AnnounceCommands {

    /** Error class: a conflict was answered too often. */
    private static final String REANNOUNCE_LIMIT = "ReannounceLimit";

    private final BufferWall wall;
    private final AddressBook book;
    private final AnnouncerThread announcer;
    private final ConflictWatch conflicts;
    private final AuditLog audit;

    AnnounceCommands(
            BufferWall wall, AddressBook book, AnnouncerThread announcer, ConflictWatch conflicts, AuditLog audit) {
        this.wall = wall;
        this.book = book;
        this.announcer = announcer;
        this.conflicts = conflicts;
        this.audit = audit;
    }

    void register(ControlServer.Builder server) {
        server.command("addresses", "What the guest is known by on its networks.", this::addresses);
        server.command("announce", "Tells the network where the guest is, again and again.", this::announce);
    }

    /** With what an engine knows, because it has outlived this proxy's predecessor, that is known here from now on. */
    private JsonNode addresses(ObjectNode arguments, ControlSession session) throws CommandException {
        Arguments of = Arguments.of(arguments, "incarnation", "term", "known");
        GuestAddresses known = addresses(of, "known").orElse(null);
        if (known != null) {
            ThisWall.require(wall, of);
            book.adopt(known);
        }
        return book.snapshot().toJson();
    }

    /**
     * Needs no engine's seat: it lets nothing of the guest's leave, and an operator may want to repeat it. With addresses,
     * these replace what is known, and a series that is running goes on with them; without, every series begins anew.
     *
     * <p>A NIC whose addresses are in dispute stays silent all the same, until somebody who knows that the guest is here says
     * {@code resolve} (INV-10).
     */
    private JsonNode announce(ObjectNode arguments, ControlSession session) throws CommandException {
        Arguments of = Arguments.of(arguments, "incarnation", "term", "addresses", "stop", "resolve", "dry_run", "nic");
        boolean stop = of.optionalFlag("stop", false);
        boolean resolve = of.optionalFlag("resolve", false);
        boolean dryRun = of.optionalFlag("dry_run", false);
        requireNotBoth("stop", stop, "dry_run", dryRun);
        requireNotBoth("stop", stop, "resolve", resolve);
        requireNotBoth("resolve", resolve, "dry_run", dryRun);
        requireNotBoth("nic", of.optionalString("nic").isPresent(), "dry_run: false", !dryRun);
        if (dryRun) {
            return wouldSend(of);
        }
        requireOwnership(of);
        if (stop) {
            announcer.cancelAll();
            return series();
        }
        GuestAddresses addresses = addresses(of, "addresses").orElse(null);
        if (resolve) {
            resolve(); // What may still be refused comes before what changes something.
        }
        if (addresses != null) {
            book.adopt(addresses);
        }
        for (GuestAddresses.Nic nic : book.snapshot().nics()) {
            if (addresses == null || resolve || !announcer.update(nic)) {
                announcer.start(nic);
            }
        }
        return series();
    }

    private void resolve() throws CommandException {
        List<Conflict> before = conflicts.conflicts();
        long waitNanos = conflicts.resolve(System.nanoTime());
        if (waitNanos > 0) {
            throw new CommandException(
                    REANNOUNCE_LIMIT,
                    "conflicts on a NIC were resolved %d times within a minute; find out who else uses the guest's"
                                    .formatted(ConflictWatch.MOST_RESOLUTIONS_PER_MINUTE)
                            + " addresses (`status` has it), and say it again in %.1f s".formatted(waitNanos / 1e9));
        }
        before.forEach(conflict -> audit.note(
                AuditEvent.ADDRESS_CONFLICT,
                wall.term(),
                "address conflict on %s resolved: %s %s is the guest's, which is here"
                        .formatted(conflict.nic(), conflict.kind().label(), conflict.address())));
    }

    /** In whatever state the wall is, because nothing is sent, and nothing changes. */
    private JsonNode wouldSend(Arguments of) throws CommandException {
        ThisWall.require(wall, of);
        GuestAddresses known = addresses(of, "addresses").orElseGet(book::snapshot);
        String only = of.optionalString("nic").orElse(null);
        if (only != null && !book.nics().contains(only)) {
            throw new CommandException(
                    CommandException.BAD_ARGUMENT, "`nic` is `" + only + "`; the guest has " + book.nics());
        }
        ObjectNode result = Json.object();
        ArrayNode frames = result.putArray("frames");
        for (GuestAddresses.Nic nic : known.nics()) {
            if (only == null || only.equals(nic.name())) {
                AnnounceFrames.build(nic).forEach(frame -> write(nic.name(), frame, frames.addObject()));
            }
        }
        return result;
    }

    private static void write(String nic, AnnounceFrame frame, ObjectNode object) {
        object.put("nic", nic).put("form", frame.form().label());
        ArrayNode vlan = object.putArray("vlan");
        frame.station().tags().forEach(tag -> vlan.add(tag.toString()));
        object.put("mac", frame.station().mac().toString());
        frame.address().ifPresent(address -> object.put("address", address));
        object.put("hex", HexFormat.of().formatHex(frame.memory().toArray(ValueLayout.JAVA_BYTE)));
    }

    /** What an argument says that the guest is known by, if it is there; of NICs that the guest has. */
    private Optional<GuestAddresses> addresses(Arguments of, String argument) throws CommandException {
        JsonNode tree = of.optionalTree(argument).orElse(null);
        if (tree == null) {
            return Optional.empty();
        }
        try {
            GuestAddresses addresses = GuestAddresses.fromJson(tree);
            addresses.nics().forEach(nic -> book.learner(nic.name()));
            return Optional.of(addresses);
        } catch (IllegalArgumentException e) {
            throw new CommandException(CommandException.BAD_ARGUMENT, "`" + argument + "`: " + e.getMessage());
        }
    }

    private static void requireNotBoth(String one, boolean hasOne, String other, boolean hasOther)
            throws CommandException {
        if (hasOne && hasOther) {
            throw new CommandException(
                    CommandException.BAD_ARGUMENT, "`" + one + "` and `" + other + "` do not go together");
        }
    }

    private void requireOwnership(Arguments arguments) throws CommandException {
        ThisWall.require(wall, arguments);
        switch (WallOwnership.standing(wall, System.nanoTime())) {
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

    private JsonNode series() {
        ObjectNode result = Json.object();
        write(announcer.status(), conflicts, result.putArray("series"));
        return result;
    }

    static void write(List<SeriesStatus> status, ConflictWatch conflicts, ArrayNode array) {
        for (SeriesStatus series : status) {
            array.addObject()
                    .put("nic", series.nic())
                    .put("state", series.state().name().toLowerCase(Locale.ROOT))
                    .put("frames_per_round", series.framesPerRound())
                    .put("rounds", series.rounds())
                    .put("waiting_frames", series.waitingFrames())
                    .put("disputed", conflicts.isDisputed(series.nic()));
        }
    }
}
