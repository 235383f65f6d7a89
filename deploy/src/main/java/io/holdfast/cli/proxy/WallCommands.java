package io.holdfast.cli.proxy;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.holdfast.arp.AddressBook;
import io.holdfast.arp.AnnouncerThread;
import io.holdfast.arp.ConflictWatch;
import io.holdfast.bridge.Bridge;
import io.holdfast.bridge.CatchUpReport;
import io.holdfast.control.Arguments;
import io.holdfast.control.CommandException;
import io.holdfast.control.CommandHandler;
import io.holdfast.control.ControlServer;
import io.holdfast.control.ControlSession;
import io.holdfast.wall.BufferWall;
import io.holdfast.wall.Epoch;
import io.holdfast.wall.Term;
import io.holdfast.wall.WallRefusal;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The commands by which an engine drives the wall: hello, barrier, commit, suspend, open, discard and seal. Each takes its
 * arguments apart, lets the wall decide, and keeps the term on disk before it answers.
 *
 * <p>Confined to the command thread.
 */
final class WallCommands {

    private static final Logger LOG = LoggerFactory.getLogger(WallCommands.class);

    /** So far from the end that counting on never gets there. */
    private static final long HIGHEST_EPOCH = 1L << 62;

    private static final long HIGHEST_TERM = 1L << 62;

    private final Bridge bridge;
    private final WallTerms terms;
    private final AddressBook book;
    private final AnnouncerThread announcer;
    private final ConflictWatch conflicts;
    private final PressureWatch pressure;
    private final WallNews news;
    /** None beside the guest: nothing is translated there. */
    private final @Nullable TranslationKeeper keeper;

    private final EngineSeat seat = new EngineSeat();

    WallCommands(
            Bridge bridge,
            WallTerms terms,
            AddressBook book,
            AnnouncerThread announcer,
            ConflictWatch conflicts,
            PressureWatch pressure,
            WallNews news,
            @Nullable TranslationKeeper keeper) {
        this.bridge = bridge;
        this.terms = terms;
        this.book = book;
        this.announcer = announcer;
        this.conflicts = conflicts;
        this.pressure = pressure;
        this.news = news;
        this.keeper = keeper;
    }

    void register(ControlServer.Builder server) {
        server.command("hello", "Makes the sender the wall's engine, under a term.", reported(this::hello));
        server.command("barrier", "Closes the open epoch; the guest must be paused.", reported(this::barrier));
        server.command("commit", "Lets the frames of confirmed epochs leave.", reported(this::commit));
        server.command("suspend", "Lets nothing leave until a commit or open.", reported(this::suspend));
        server.command("open", "Lets everything leave at once, unprotected.", reported(this::open));
        server.command("discard", "Makes all that is held never leave.", reported(this::discard));
        server.command("seal", "Ends a term here for good; anybody may.", reported(this::seal));
    }

    /** A command that the wall may refuse. */
    private interface WallCommand {
        JsonNode execute(ObjectNode arguments, ControlSession session) throws CommandException, WallRefusal;
    }

    private CommandHandler reported(WallCommand command) {
        return (arguments, session) -> {
            endLease(); // Before a command that would hide that this is what has sealed the wall, or that it is sealed.
            try {
                return command.execute(arguments, session);
            } catch (WallRefusal refusal) {
                throw new CommandException(refusal.reason().errorClass(), String.valueOf(refusal.getMessage()));
            } finally {
                news.reportIfChanged();
            }
        };
    }

    private JsonNode hello(ObjectNode arguments, ControlSession session) throws CommandException, WallRefusal {
        Arguments of = Arguments.of(
                arguments,
                "term",
                "claim",
                "owner",
                "epoch",
                "latency_target_nanos",
                "bound",
                "place",
                "numbering_lost_in");
        Term term = new Term(
                of.requireLong("term", 1, HIGHEST_TERM),
                of.requireWord("claim", Term.Claim.class),
                of.requireString("owner"));
        long openEpochAtLeast =
                of.optionalLong("epoch", Epoch.FIRST, HIGHEST_EPOCH).orElse(Epoch.FIRST);
        long latencyTargetNanos =
                of.optionalLong("latency_target_nanos", 0, Long.MAX_VALUE).orElse(-1);
        boolean bound = of.optionalFlag("bound", true);
        OptionalLong numberingLostIn = of.optionalLong("numbering_lost_in", 1, HIGHEST_TERM);

        long engine = seat.nextNumber();
        Term before = wall().term();
        if (numberingLostIn.isPresent()) {
            bridge.helloInPlaceOfLost(engine, term, openEpochAtLeast, numberingLostIn.getAsLong());
        } else {
            bridge.hello(engine, term, openEpochAtLeast);
        }
        // Nothing leaves before the next command, so the term is on disk before anything happens under it (INV-7).
        keep(engine, term);
        if (!term.equals(before)) {
            conflicts.forgetAll(); // Whoever was in the right then, a new term says who is now (INV-10).
        }
        settle(of, engine, term);
        seat.seat(engine, bound ? session : null);
        if (bound) {
            session.onClose(() -> onEngineGone(engine));
        }
        pressure.onHello(latencyTargetNanos);
        LOG.info("session {} is the engine, term {}, open epoch {}", session.id(), term, wall().openEpoch());
        return Json.object()
                .put("incarnation", wall().incarnation())
                .put("term", term.number())
                .put("claim", WallTerms.word(term.claim()))
                .put("owner", term.owner())
                .put("state", wall().state().name())
                .put("epoch", wall().openEpoch())
                .put("frontier", wall().frontier())
                .put("monotonic_nanos", System.nanoTime())
                .put("addresses_version", book.snapshot().version());
    }

    private void keep(long engine, Term term) throws CommandException {
        try {
            terms.keep(term, false, false);
        } catch (CommandException e) {
            bridge.ownerLost(engine);
            throw e;
        }
    }

    /** Where the guest lives, for an inline proxy that has not been told in this life. */
    private void settle(Arguments of, long engine, Term term) throws CommandException, WallRefusal {
        if (of.optionalString("place").isEmpty()) {
            return;
        }
        try {
            int place = of.requireWord("place", GuestPlace.class).port();
            bridge.settle(engine, wall().incarnation(), term.number(), place);
        } catch (CommandException | WallRefusal e) {
            bridge.ownerLost(engine);
            throw e;
        }
    }

    private void onEngineGone(long engine) {
        bridge.ownerLost(engine);
        news.reportIfChanged();
    }

    private JsonNode barrier(ObjectNode arguments, ControlSession session) throws CommandException, WallRefusal {
        Arguments of = Arguments.of(arguments, "incarnation", "term");
        Bridge.Barrier barrier = bridge.barrier(seat.speaker(session), incarnation(of), term(of));
        pressure.onBarrier();
        return Json.object()
                .put("epoch", barrier.epoch())
                .put("frames", barrier.frames())
                .put("bytes", barrier.bytes())
                .put("at_limit", barrier.atLimit())
                .put("drained", barrier.drained())
                .put("addresses_version", book.snapshot().version())
                .put("monotonic_nanos", System.nanoTime());
    }

    private JsonNode commit(ObjectNode arguments, ControlSession session) throws CommandException, WallRefusal {
        Arguments of = Arguments.of(arguments, "incarnation", "term", "epoch", "lease_until_nanos");
        long frontier = bridge.commit(
                seat.speaker(session),
                incarnation(of),
                term(of),
                of.requireLong("epoch", Long.MIN_VALUE, Long.MAX_VALUE),
                of.requireLong("lease_until_nanos", Long.MIN_VALUE, Long.MAX_VALUE));
        return Json.object().put("frontier", frontier);
    }

    private JsonNode suspend(ObjectNode arguments, ControlSession session) throws CommandException, WallRefusal {
        Arguments of = Arguments.of(arguments, "incarnation", "term", "reason");
        bridge.suspend(seat.speaker(session), incarnation(of), term(of), of.requireString("reason"));
        return state();
    }

    private JsonNode open(ObjectNode arguments, ControlSession session) throws CommandException, WallRefusal {
        Arguments of = Arguments.of(arguments, "incarnation", "term", "reason", "lease_until_nanos");
        String reason = of.requireString("reason");
        OptionalLong leaseUntilNanos = of.optionalLong("lease_until_nanos", Long.MIN_VALUE, Long.MAX_VALUE);
        Optional<CatchUpReport> before = bridge.catchUp();
        if (before.filter(CatchUpReport::decided).isPresent() && keeper != null) {
            keeper.keepNow();
        }
        bridge.open(seat.speaker(session), incarnation(of), term(of), reason, leaseUntilNanos);
        before.filter(CatchUpReport::decided).ifPresent(this::logEndOfCatchUp);
        return state();
    }

    private void logEndOfCatchUp(CatchUpReport report) {
        report.divergences()
                .forEach(divergence -> LOG.warn("reset, because the restored guest went another way: {}", divergence));
        bridge.reverseCounters()
                .ifPresent(counters -> LOG.info(
                        "the restored guest is where its clients have seen it; since the start {} connections were"
                                + " reconciled, {} reset, {} bytes replayed; order uncertain {} times when recording, {}"
                                + " times when replaying",
                        counters.reconciledFlows.value(),
                        counters.divergedFlows.value(),
                        counters.replayedBytes.value(),
                        counters.expiredAdmissions.value() + counters.unorderedRequests.value(),
                        counters.expiredGates.value()));
    }

    private JsonNode discard(ObjectNode arguments, ControlSession session) throws CommandException, WallRefusal {
        Arguments of = Arguments.of(arguments, "incarnation", "term");
        bridge.discard(seat.speaker(session), incarnation(of), term(of));
        return state();
    }

    /** Closing is always safe, so anybody may; but who closes an older term does not mean this one. */
    private JsonNode seal(ObjectNode arguments, ControlSession session) throws CommandException {
        Arguments of = Arguments.of(arguments, "term", "claim", "owner", "reason");
        String reason = of.requireString("reason");
        Term current = wall().term();
        Term asked = new Term(
                of.optionalLong("term", 0, HIGHEST_TERM).orElse(current.number()),
                of.optionalString("claim").isPresent() ? of.requireWord("claim", Term.Claim.class) : current.claim(),
                of.optionalString("owner").orElse(current.owner()));
        int order = asked.compareTo(current);
        if (order < 0) {
            throw new CommandException(
                    WallRefusal.Reason.STALE_TERM.errorClass(),
                    "term " + asked + " is over already; this wall is of term " + current);
        }
        if (order > 0 && asked.owner().isEmpty()) {
            throw new CommandException(CommandException.BAD_ARGUMENT, "a newer term has an `owner`");
        }
        boolean quiet = bridge.seal(order == 0 ? current : asked, reason);
        onSealed();
        return state().put("quiet", quiet);
    }

    /** Makes it known, and lasting, that the lease on which the wall was ALONE has run out, if it has. */
    void endLease() {
        if (!bridge.sealIfLeaseEnded()) {
            return;
        }
        LOG.error("sealed: {}", wall().because());
        try {
            onSealed();
        } catch (CommandException e) {
            LOG.error("after a restart this wall will not know that it is sealed: {}", e.getMessage());
        } finally {
            news.reportIfChanged();
        }
    }

    private void onSealed() throws CommandException {
        announcer.cancelAll();
        conflicts.forgetAll();
        terms.keep(wall().term(), true, wall().isSealedByLease());
    }

    /** Commands of others that the wall may refuse, and that its engine alone may give. */
    interface EngineCommand {
        JsonNode execute(Arguments arguments, long engine, String incarnation, long term)
                throws CommandException, WallRefusal;
    }

    /** A command with the arguments by which all of an engine's name the wall, and others. */
    CommandHandler byEngine(EngineCommand command, String... names) {
        String[] all = Stream.concat(Stream.of("incarnation", "term"), Stream.of(names))
                .toArray(String[]::new);
        return reported((arguments, session) -> {
            Arguments of = Arguments.of(arguments, all);
            return command.execute(of, seat.speaker(session), incarnation(of), term(of));
        });
    }

    private ObjectNode state() {
        return Json.object().put("state", wall().state().name());
    }

    private BufferWall wall() {
        return bridge.wall();
    }

    private static String incarnation(Arguments arguments) throws CommandException {
        return arguments.requireString("incarnation");
    }

    private static long term(Arguments arguments) throws CommandException {
        return arguments.requireLong("term", 0, Long.MAX_VALUE);
    }
}
