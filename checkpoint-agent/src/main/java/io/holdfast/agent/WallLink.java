package io.holdfast.agent;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.holdfast.control.CommandException;
import io.holdfast.control.ControlClient;
import io.holdfast.control.ControlEvent;
import io.holdfast.control.ControlListener;
import io.holdfast.wall.Term;
import io.holdfast.wall.WallState;
import java.io.IOException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Locale;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/**
 * The wall of the proxy beside this agent, over its control socket.
 *
 * <p>Used by the conductor thread only, except for {@link #close}. Each command waits for its answer, some tens of
 * microseconds when all is well.
 */
final class WallLink implements AutoCloseable {

    /** Longer than any answer takes, and shorter than a peer's patience with a silent agent. */
    private static final Duration COMMAND_LIMIT = Duration.ofMillis(250);

    private static final ObjectMapper JSON = new ObjectMapper();

    /** What the wall answers to hello. */
    record Owned(String incarnation, long openEpoch) {}

    /** What the wall answers to a barrier. */
    record Barrier(long epoch, boolean atLimit, long addressesVersion) {}

    /**
     * What the proxy answers to probe.
     *
     * @param frames how many questions it asks; 0 if it knows of no address
     */
    record Probe(long number, int frames) {}

    /**
     * What an inline proxy answers to catchup.
     *
     * @param decided whether all connections are where their clients have seen them, or are given up
     * @param diverged how many are given up so far
     * @param improvable whether a further attempt would be another one than those before
     * @param order in which the guest gets its input
     */
    record CatchUp(boolean decided, int diverged, boolean improvable, String order) {}

    /** Hears what the wall asks for, or tells of. */
    interface PressureListener {

        /** The wall has passed its high-water mark. */
        default void onHighWater() {}

        /** Output of that epoch has been held for as long as it should be. */
        default void onOutputHeld(long epoch) {}

        /** Somebody else uses an address of the guest, which is ours. */
        default void onAddressConflict() {}

        /**
         * A probe has ended.
         *
         * @param oldOwner what the guest has answered that still speaks elsewhere; empty if none has
         */
        default void onProbeEnded(long number, Optional<String> oldOwner) {}

        /**
         * Something was heard from the guest's side of the wall while that was shut.
         *
         * @param speaker its MAC address, and where it was heard
         * @param lastNanos when, on the monotonic clock of the proxy's host
         */
        default void onSilenceBroken(String speaker, long lastNanos) {}

        /**
         * The proxy's host itself speaks as the guest though the wall is shut.
         *
         * @param address the guest's that it uses, with the sender and the NIC on whose uplink it does
         * @param lastNanos when, on the monotonic clock of the proxy's host
         */
        default void onAddressLeak(String address, long lastNanos) {}
    }

    private final ControlClient client;
    private final Runnable onGone;
    private String incarnation = "";
    private long termNumber;
    private final ClockOffset clock = new ClockOffset();

    private WallLink(ControlClient client, Runnable onGone) {
        this.client = client;
        this.onGone = onGone;
    }

    /**
     * Connects.
     *
     * @param pressure called when the wall asks for an early checkpoint, on a thread of the client's
     * @param onGone called when the connection ends by itself, on a thread of the client's, and by a command that gets no answer
     */
    static WallLink connect(Path socket, PressureListener pressure, Runnable onGone) throws WallGoneException {
        try {
            ControlClient client = ControlClient.connect(socket, COMMAND_LIMIT, new ControlListener() {
                @Override
                public void onEvent(ControlEvent event) {
                    switch (event.name()) {
                        case "WALL_PRESSURE" -> onPressure(event);
                        case "ADDRESS_CONFLICT" -> {
                            if (event.data().path("standing").asText().equals("owner")) {
                                pressure.onAddressConflict();
                            }
                        }
                        case "PROBE_ENDED" ->
                            pressure.onProbeEnded(event.data().path("probe").asLong(), oldOwner(event.data()));
                        case "SILENCE_BROKEN" ->
                            pressure.onSilenceBroken(
                                    "%s on %s"
                                            .formatted(
                                                    event.data()
                                                            .path("last_source")
                                                            .asText(),
                                                    event.data().path("nic").asText()),
                                    event.data().path("last_nanos").asLong());
                        case "ADDRESS_LEAK" ->
                            pressure.onAddressLeak(
                                    leak(event.data()),
                                    event.data().path("last_nanos").asLong());
                        default -> {}
                    }
                }

                private void onPressure(ControlEvent event) {
                    switch (event.data().path("reason").asText()) {
                        case "high-water" -> pressure.onHighWater();
                        case "latency" ->
                            pressure.onOutputHeld(event.data().path("epoch").asLong());
                        default -> {} // A newer wall's reason: the interval will do.
                    }
                }

                @Override
                public void onDisconnect(String reason) {
                    onGone.run();
                }
            });
            WallLink link = new WallLink(client, onGone);
            link.execute("subscribe", JSON.createObjectNode());
            return link;
        } catch (IOException | CommandException e) {
            throw new WallGoneException(String.valueOf(e.getMessage()), e);
        }
    }

    /**
     * @param place where the guest lives, for an inline proxy; empty if it does not yet live anywhere, or beside it
     * @param numberingLostIn the number of the term under which an inline proxy has taken the place of one that alone knew the
     *     guest's connections; {@link TermStore#NEVER} if none has
     */
    Owned hello(Term term, long openEpochAtLeast, long latencyTargetNanos, String place, long numberingLostIn)
            throws WallGoneException, CommandException {
        ObjectNode arguments = JSON.createObjectNode()
                .put("term", term.number())
                .put("claim", claim(term))
                .put("owner", term.owner())
                .put("epoch", openEpochAtLeast)
                .put("latency_target_nanos", latencyTargetNanos);
        if (!place.isEmpty()) {
            arguments.put("place", place);
        }
        if (numberingLostIn != TermStore.NEVER) {
            arguments.put("numbering_lost_in", numberingLostIn);
        }
        JsonNode answer = execute("hello", arguments);
        incarnation = answer.path("incarnation").asText();
        termNumber = term.number();
        readClock(answer);
        return new Owned(incarnation, answer.path("epoch").asLong());
    }

    Barrier barrier() throws WallGoneException, CommandException {
        JsonNode answer = execute("barrier", named());
        readClock(answer);
        return new Barrier(
                answer.path("epoch").asLong(),
                answer.path("at_limit").asBoolean(),
                answer.path("addresses_version").asLong());
    }

    private void readClock(JsonNode answer) {
        clock.read(answer.path("monotonic_nanos").asLong(), System.nanoTime());
    }

    void commit(long epoch, long leaseUntilNanos) throws WallGoneException, CommandException {
        execute("commit", named().put("epoch", epoch).put("lease_until_nanos", clock.theirs(leaseUntilNanos)));
    }

    void suspend(String reason) throws WallGoneException, CommandException {
        execute("suspend", named().put("reason", reason));
    }

    /** @param leaseUntilNanos until when, on this host's clock; empty if the right does not end by itself */
    void open(String reason, OptionalLong leaseUntilNanos) throws WallGoneException, CommandException {
        ObjectNode arguments = named().put("reason", reason);
        leaseUntilNanos.ifPresent(until -> arguments.put("lease_until_nanos", clock.theirs(until)));
        execute("open", arguments);
    }

    void seal(Term term, String reason) throws WallGoneException, CommandException {
        execute(
                "seal",
                JSON.createObjectNode()
                        .put("term", term.number())
                        .put("claim", claim(term))
                        .put("owner", term.owner())
                        .put("reason", reason));
    }

    // ---- inline ----

    /** The primary's guest is dead; clients' input is kept for the next one. */
    void guestLost() throws WallGoneException, CommandException {
        execute("lost", named());
    }

    /** The guest will run at a place, {@code primary} or {@code backup}, from a checkpoint on, and gets its input once more. */
    void guestRestored(String place, long epoch) throws WallGoneException, CommandException {
        execute("restored", named().put("place", place).put("epoch", epoch));
    }

    /** How far the restored guest has come. */
    CatchUp catchUp() throws WallGoneException, CommandException {
        JsonNode answer = execute("catchup", JSON.createObjectNode());
        return new CatchUp(
                answer.path("decided").asBoolean(),
                answer.path("diverged").size(),
                answer.path("improvable").asBoolean(),
                answer.path("order").asText());
    }

    void giveUpRest() throws WallGoneException, CommandException {
        execute("giveup", named());
    }

    /**
     * What a wall says of the highest term that it has seen.
     *
     * @param sealedByLease whether that is over because the lease on which the guest served alone has run out
     */
    record SeenTerm(Term term, boolean sealedByLease) {}

    SeenTerm seenTerm() throws WallGoneException, CommandException {
        JsonNode status = execute("status", JSON.createObjectNode());
        Term term = new Term(
                status.path("term").asLong(),
                claim(status.path("claim").asText()),
                status.path("owner").asText());
        return new SeenTerm(term, status.path("sealed_by_lease").asBoolean());
    }

    /** Whether frames may enter: it is neither closed nor sealed. */
    boolean admitsInput() throws WallGoneException, CommandException {
        String state = execute("status", JSON.createObjectNode()).path("state").asText();
        return WallState.valueOf(state).admitsInput();
    }

    /** Makes all that is held never leave. */
    void discard() throws WallGoneException, CommandException {
        execute("discard", named());
    }

    /** Which life of the wall this is; empty before hello. */
    String incarnation() {
        return incarnation;
    }

    /** Tells a proxy that has just begun what its predecessor had learned of the guest's addresses. */
    void tellAddresses(String addressesJson) throws WallGoneException, CommandException {
        execute("addresses", named().set("known", tree(addressesJson)));
    }

    /** Tells the proxy of a wall that this agent does not own, because the guest is the other host's. */
    void tellAddressesOfOther(String addressesJson) throws WallGoneException, CommandException {
        JsonNode status = execute("status", JSON.createObjectNode());
        ObjectNode arguments = JSON.createObjectNode();
        arguments.set("incarnation", status.path("incarnation"));
        arguments.set("term", status.path("term"));
        execute("addresses", arguments.set("known", tree(addressesJson)));
    }

    /** What the proxy has learned of the guest's addresses, as it ships with a checkpoint. */
    String addresses() throws WallGoneException, CommandException {
        return execute("addresses", JSON.createObjectNode()).toString();
    }

    /** Frames of all the guest's NICs that have not left. */
    int heldFrames() throws WallGoneException, CommandException {
        int frames = 0;
        for (JsonNode nic : execute("held", JSON.createObjectNode()).path("nics")) {
            frames += nic.path("held_frames").asInt();
        }
        return frames;
    }

    /** Announces where the guest is now, with what was known of its addresses. */
    void announce(String addressesJson) throws WallGoneException, CommandException {
        ObjectNode arguments = named();
        if (!addressesJson.isEmpty()) {
            arguments.set("addresses", tree(addressesJson));
        }
        execute("announce", arguments);
    }

    /** Says that the guest is here, whoever else uses its addresses, and announces it from the beginning (INV-10). */
    void resolveConflicts() throws WallGoneException, CommandException {
        execute("announce", named().put("resolve", true));
    }

    /**
     * Asks the network for who else speaks for the guest, while the wall stays as it is (INV-9). Answers at once; what comes of
     * it is told later, see {@link PressureListener#onProbeEnded}.
     *
     * @param time from 1 ms on
     */
    Probe probe(Duration time) throws WallGoneException, CommandException {
        JsonNode answer = execute("probe", named().put("time_ms", time.toMillis()));
        return new Probe(answer.path("probe").asLong(), answer.path("frames").asInt());
    }

    private static Optional<String> oldOwner(JsonNode probeEnded) {
        JsonNode answer = probeEnded.path("old_owner");
        if (answer.isMissingNode()) {
            return Optional.empty();
        }
        String vlans = answer.path("vlan").isEmpty() ? "" : ", VLAN " + answer.path("vlan");
        return Optional.of("%s answers for %s on %s%s"
                .formatted(
                        answer.path("mac").asText(),
                        answer.path("address").asText(),
                        answer.path("nic").asText(),
                        vlans));
    }

    private static String leak(JsonNode data) {
        return "%s (from %s, on the uplink of %s)"
                .formatted(
                        data.path("address").asText(),
                        data.path("source").asText(),
                        data.path("nic").asText());
    }

    private static JsonNode tree(String addressesJson) throws CommandException {
        try {
            return JSON.readTree(addressesJson);
        } catch (IOException e) {
            throw new CommandException("BadArgument", "the shipped addresses are not JSON: " + e.getMessage());
        }
    }

    @Override
    public void close() {
        client.close();
    }

    /** How a term's claim is written in the control protocol and on the link. */
    static String claim(Term term) {
        return term.claim().name().toLowerCase(Locale.ROOT);
    }

    /** The reverse of {@link #claim(Term)}; anything unknown is the weaker one. */
    static Term.Claim claim(String text) {
        return text.equals("promotion") ? Term.Claim.PROMOTION : Term.Claim.ALONE;
    }

    private ObjectNode named() {
        return JSON.createObjectNode().put("incarnation", incarnation).put("term", termNumber);
    }

    private JsonNode execute(String command, ObjectNode arguments) throws WallGoneException, CommandException {
        try {
            return client.execute(command, arguments);
        } catch (IOException e) {
            client.close(); // Whether it was carried out is unknown, so nothing more may be said here.
            onGone.run();
            throw new WallGoneException(command + ": " + e.getMessage(), e);
        }
    }

    /** Makes connections in the background until one stands. */
    static final class Connector {

        private static final long RETRY_MILLIS = 100;

        private final Path socket;
        private final Conductor conductor;
        private final Consumer<WallLink> onConnected;
        private final PressureListener pressure;
        private final Runnable onGone;
        private @Nullable WallLink current;
        private int connections;
        private boolean reachable;
        private boolean closed;

        Connector(
                Path socket,
                Conductor conductor,
                Consumer<WallLink> onConnected,
                PressureListener pressure,
                Runnable onGone) {
            this.socket = socket;
            this.conductor = conductor;
            this.onConnected = onConnected;
            this.pressure = pressure;
            this.onGone = onGone;
        }

        /** Tries until connected, again after {@link #onLost}. On the conductor. */
        void start() {
            if (closed) {
                return;
            }
            int connection = ++connections;
            try {
                WallLink link = connect(socket, onConductor(), () -> conductor.post(() -> onGone(connection)));
                current = link;
                reachable = true;
                onConnected.accept(link);
            } catch (WallGoneException e) {
                reachable = false;
                conductor.postAfter(RETRY_MILLIS, this::start);
            }
        }

        /** Whether the newest attempt to connect was answered. On the conductor. */
        boolean isReachable() {
            return reachable;
        }

        /** Of one that is known to be lost, or was never in use, nobody needs to hear. */
        private void onGone(int connection) {
            if (connection == connections && current != null) {
                onGone.run();
            }
        }

        private PressureListener onConductor() {
            return new PressureListener() {
                @Override
                public void onHighWater() {
                    conductor.post(pressure::onHighWater);
                }

                @Override
                public void onOutputHeld(long epoch) {
                    conductor.post(() -> pressure.onOutputHeld(epoch));
                }

                @Override
                public void onAddressConflict() {
                    conductor.post(pressure::onAddressConflict);
                }

                @Override
                public void onProbeEnded(long number, Optional<String> oldOwner) {
                    conductor.post(() -> pressure.onProbeEnded(number, oldOwner));
                }

                @Override
                public void onSilenceBroken(String speaker, long lastNanos) {
                    conductor.post(() -> pressure.onSilenceBroken(speaker, lastNanos));
                }

                @Override
                public void onAddressLeak(String address, long lastNanos) {
                    conductor.post(() -> pressure.onAddressLeak(address, lastNanos));
                }
            };
        }

        /** The connection is gone: makes a new one. On the conductor. */
        void onLost() {
            WallLink lost = current;
            current = null;
            if (lost != null) {
                lost.close();
                conductor.postAfter(RETRY_MILLIS, this::start);
            }
        }

        void close() {
            closed = true;
            if (current != null) {
                current.close();
            }
        }
    }
}
