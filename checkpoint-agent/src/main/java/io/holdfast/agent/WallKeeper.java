package io.holdfast.agent;

import io.holdfast.control.CommandException;
import io.holdfast.wall.Term;
import java.util.OptionalLong;
import java.util.function.LongSupplier;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Holds the wall in front of the guest that runs here: makes it this host's whenever its proxy comes, commands it while it is
 * there, and tells it what its predecessor had learned of the guest's addresses. A wall that refuses or does not answer is
 * dropped, and connected to anew; until then commands go nowhere, and nothing leaves.
 *
 * <p>Confined to the conductor.
 */
final class WallKeeper {

    private static final Logger log = LoggerFactory.getLogger(WallKeeper.class);

    private static final long DRAIN_LOOK_MILLIS = 2;
    private static final long DRAIN_LIMIT_NANOS = 500_000_000L;

    /** Hears what becomes of the wall, and what it asks for. */
    interface Listener extends WallLink.PressureListener {

        /** It is ours, with that epoch open. */
        void onOwned(long openEpoch);

        /** It is not there any more. */
        void onLost();

        /** It refuses us, because the lease on which the guest served alone under our term has run out. */
        void onLeaseSealed();

        /** It refuses us, and has seen that term. */
        void onTermSeen(Term seen);

        /** The epoch is closed; before the guest's addresses are asked for, so that the engine captures meanwhile. */
        void onBarrierPlaced(WallLink.Barrier barrier, long nowNanos);

        /** What may leave has left, or does not within the limit. */
        void onDrained();
    }

    private final AgentContext context;
    private final Supplier<Term> term;
    private final LongSupplier lastEpoch;
    private final Listener listener;
    private final WallLink.Connector connector;
    private @Nullable WallLink wall;
    private long barrierEpoch;
    private long barrierNanos;
    private String notedOpening = "";
    /** Why it is not ours though its proxy answers; empty if it has not refused us since it was. */
    private String refusal = "";

    private long knownAddressesVersion = -1;
    private String addressesJson;
    /** The life of the wall that knows of the addresses and announces them. */
    private String announcedIncarnation;

    /**
     * Does nothing before {@link #start}.
     *
     * @param term under which the wall is owned
     * @param lastEpoch the newest epoch that was ever closed, as far as known
     * @param addressesJson what is known of the guest's addresses; empty if nothing
     * @param announcedIncarnation the life of the wall that announces them already; empty if none does
     */
    WallKeeper(
            AgentContext context,
            Supplier<Term> term,
            LongSupplier lastEpoch,
            String addressesJson,
            String announcedIncarnation,
            Listener listener) {
        this.context = context;
        this.term = term;
        this.lastEpoch = lastEpoch;
        this.addressesJson = addressesJson;
        this.announcedIncarnation = announcedIncarnation;
        this.listener = listener;
        this.connector = new WallLink.Connector(
                context.config().proxySocket(), context.conductor(), this::onConnected, listener, this::onGone);
    }

    void start() {
        connector.start();
    }

    boolean isConnected() {
        return wall != null;
    }

    /** Why it is not connected, for people; only while it is not. */
    String whatIsMissing() {
        return refusal.isEmpty() || !connector.isReachable()
                ? "the proxy does not answer"
                : "the wall refuses: " + refusal;
    }

    /** What is known of the guest's addresses, as it ships with a checkpoint; empty if nothing. */
    String addressesJson() {
        return addressesJson;
    }

    // ---- whose it is ----

    private void onConnected(WallLink connected) {
        wall = connected;
        try {
            WallLink.Owned owned = hello(connected, term.get());
            log.info("the wall is ours, incarnation {}, epoch {}", owned.incarnation(), owned.openEpoch());
            refusal = "";
            if (!addressesJson.isEmpty() && !owned.incarnation().equals(announcedIncarnation)) {
                connected.tellAddresses(addressesJson);
            }
            listener.onOwned(owned.openEpoch());
        } catch (CommandException e) {
            noteRefusal(String.valueOf(e.getMessage()));
            learnTermOf(connected);
            drop();
        } catch (WallGoneException e) {
            drop();
        }
    }

    /** Once, however often it is asked. */
    private void noteRefusal(String reason) {
        if (!reason.equals(refusal)) {
            refusal = reason;
            log.warn("the wall refuses us: {}", reason);
        }
    }

    /** Goes on under another term, which is on disk. */
    void ownUnder(Term newer) {
        WallLink connected = wall;
        if (connected == null) {
            return;
        }
        try {
            hello(connected, newer);
        } catch (WallGoneException e) {
            drop();
        } catch (CommandException e) {
            log.warn("the wall refuses term {}: {}", newer, e.getMessage());
            drop(); // And says hello again, under the new term.
        }
    }

    private WallLink.Owned hello(WallLink connected, Term under) throws WallGoneException, CommandException {
        return connected.hello(
                under,
                lastEpoch.getAsLong() + 1,
                context.agent().latencyTarget().toNanos(),
                placeOfGuest(),
                context.uplink().numberingLostIn());
    }

    /** An inline proxy that has just started does not know. */
    private String placeOfGuest() {
        return context.isInline() ? context.inlinePlace() : "";
    }

    private void learnTermOf(WallLink connected) {
        try {
            WallLink.SeenTerm seen = connected.seenTerm();
            if (seen.sealedByLease() && seen.term().equals(term.get())) {
                listener.onLeaseSealed();
            } else {
                listener.onTermSeen(seen.term());
            }
        } catch (CommandException | WallGoneException e) {
            log.debug("cannot ask the wall for its term", e);
        }
    }

    private void onGone() {
        if (wall != null) {
            log.warn("the proxy is gone; nothing leaves until it is back");
            drop();
        }
    }

    private void drop() {
        wall = null;
        connector.onLost();
        listener.onLost();
    }

    // ---- commands ----

    void placeBarrier() {
        command(addressed -> {
            WallLink.Barrier barrier = addressed.barrier();
            barrierEpoch = barrier.epoch();
            barrierNanos = System.nanoTime();
            listener.onBarrierPlaced(barrier, barrierNanos);
            if (barrier.addressesVersion() != knownAddressesVersion) {
                addressesJson = addressed.addresses();
                knownAddressesVersion = barrier.addressesVersion();
            }
        });
    }

    /** The backup has that checkpoint: measures how long that took from its barrier on. */
    void onConfirmed(long epoch, long nowNanos) {
        if (epoch == barrierEpoch) {
            context.measures().confirmNanos.record(nowNanos - barrierNanos);
        }
    }

    void commit(long epoch, long leaseUntilNanos) {
        command(addressed -> {
            addressed.commit(epoch, leaseUntilNanos);
            announceOnce(addressed);
        });
    }

    void suspend(String reason) {
        log.warn("wall suspended: {}", reason);
        command(addressed -> addressed.suspend(reason));
    }

    /** @param leaseUntilNanos until when; empty if the right does not end by itself */
    void open(String reason, OptionalLong leaseUntilNanos) {
        noteOpening(reason);
        command(addressed -> {
            addressed.open(reason, leaseUntilNanos);
            announceOnce(addressed);
        });
    }

    /** Once, however often the lease is renewed. */
    private void noteOpening(String reason) {
        if (!reason.equals(notedOpening)) {
            notedOpening = reason;
            log.warn("wall open, output leaves unprotected: {}", reason);
        }
    }

    /**
     * A proxy that has restarted, or was not there when this host was promoted, has announced nothing yet. As soon as it is
     * certain that the guest is ours (INV-10).
     */
    private void announceOnce(WallLink addressed) throws WallGoneException, CommandException {
        if (!addressesJson.isEmpty() && !addressed.incarnation().equals(announcedIncarnation)) {
            announcedIncarnation = addressed.incarnation();
            addressed.announce("");
        }
    }

    /** Makes all that is held never leave. */
    void discard() {
        command(WallLink::discard);
    }

    /** @param owner whose the wall is from now on: ours, or one that has displaced it */
    void seal(Term owner, String reason) {
        command(addressed -> addressed.seal(owner, reason));
    }

    /** The same under our term, for one who must know whether it is shut; a wall that is not there is no failure. */
    void sealOrThrow(String reason) throws WallGoneException, CommandException {
        WallLink connected = wall;
        if (connected != null) {
            connected.seal(term.get(), reason);
        }
    }

    /** Waits, but not for long, until what may leave has left. What is still held then, its sender will repeat on the other host. */
    void drain() {
        drain(System.nanoTime() + DRAIN_LIMIT_NANOS);
    }

    private void drain(long untilNanos) {
        WallLink draining = wall;
        try {
            if (draining == null || draining.heldFrames() == 0 || System.nanoTime() - untilNanos >= 0) {
                listener.onDrained();
            } else {
                context.conductor().postAfter(DRAIN_LOOK_MILLIS, () -> drain(untilNanos));
            }
        } catch (WallGoneException | CommandException e) {
            log.warn("cannot see what the wall holds: {}", e.getMessage());
            listener.onDrained();
        }
    }

    /**
     * Repeated by the proxy while the conflict goes on, so a refusal (it allows only so many in a minute) needs no second try
     * from here. Not one of {@link #command}'s: the wall is as it was, whatever becomes of this.
     */
    void resolveConflicts() {
        WallLink connected = wall;
        if (connected == null) {
            return;
        }
        try {
            connected.resolveConflicts();
            log.warn("somebody else used the guest's addresses; they are announced again");
        } catch (CommandException e) {
            log.warn("the guest's addresses are not announced again: {}", e.getMessage());
        } catch (WallGoneException e) {
            onGone();
        }
    }

    private interface Command {
        void on(WallLink wall) throws WallGoneException, CommandException;
    }

    private void command(Command command) {
        WallLink addressed = wall;
        if (addressed == null) {
            return;
        }
        try {
            command.on(addressed);
        } catch (WallGoneException e) {
            log.warn("the proxy does not answer: {}", e.getMessage());
            drop();
        } catch (CommandException e) {
            log.warn("the wall refuses: {} ({})", e.getMessage(), e.errorClass());
            if (!e.errorClass().equals("LeaseExpired")) {
                drop(); // And says hello again: whoever displaced us, or a restart, shows there.
            }
        }
    }

    void close() {
        connector.close();
    }
}
