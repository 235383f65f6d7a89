package io.holdfast.agent;

import io.holdfast.agent.role.BackupEffect;
import io.holdfast.agent.role.BackupRole;
import io.holdfast.control.CommandException;
import io.holdfast.control.StaleTermException;
import io.holdfast.control.TermFileException;
import io.holdfast.wall.Term;
import java.util.Objects;
import java.util.Optional;
import java.util.OptionalLong;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The wall as a backup has it: sealed while a guest runs elsewhere, this host's own from a promotion on, and open when the
 * guest is restored. Inline it is the primary's until then.
 *
 * <p>Confined to the conductor.
 */
final class BackupWall {

    private static final Logger log = LoggerFactory.getLogger(BackupWall.class);

    private static final long OWN_RETRY_MILLIS = 20;

    /** Hears what becomes of a promotion at the wall. On the conductor. */
    interface Listener {

        /** It is this host's, under the term of the promotion. */
        void onOwned();

        /** Nobody answers for the guest's addresses, as far as can be known. */
        void onProbeUnanswered();

        /** @param answer who answers for which of the guest's addresses, and where */
        void onOldOwnerFound(String answer);
    }

    private final AgentContext context;
    private final BackupRole role;
    private final Listener listener;
    private final BrokenSilenceAlarm brokenSilence;
    private final OldOwnerProbe oldOwnerProbe;
    private final WallLink.Connector connector;
    private final KnownAddresses addresses = new KnownAddresses();

    private @Nullable WallLink wall;
    private BackupEffect.@Nullable OwnWall owning;
    private String notedRefusal = "";
    private String announcedIncarnation = "";

    /** @param role is asked only */
    BackupWall(AgentContext context, BackupRole role, Listener listener) {
        this.context = context;
        this.role = role;
        this.listener = listener;
        this.brokenSilence = new BrokenSilenceAlarm(context, role);
        this.oldOwnerProbe = new OldOwnerProbe(
                context.conductor(), context.probeTime(), listener::onProbeUnanswered, listener::onOldOwnerFound);
        this.connector = new WallLink.Connector(
                context.config().proxySocket(), context.conductor(), this::onConnected, new WallEvents(), this::onGone);
    }

    private final class WallEvents implements WallLink.PressureListener {

        @Override
        public void onProbeEnded(long number, Optional<String> oldOwner) {
            oldOwnerProbe.onProbeEnded(number, oldOwner);
        }

        @Override
        public void onSilenceBroken(String speaker, long lastNanos) {
            brokenSilence.onSilenceBroken(speaker, lastNanos);
        }

        @Override
        public void onAddressLeak(String address, long lastNanos) {
            brokenSilence.onAddressLeak(address, lastNanos);
        }
    }

    void start() {
        connector.start();
    }

    /** A wall that this host's earlier role could not reach may still stand open for a guest that it has lost. */
    private void onConnected(WallLink connected) {
        wall = connected;
        if (role.isPromotionUnderWay() || context.isInline()) {
            return; // Inline it is the primary's wall.
        }
        try {
            if (connected.admitsInput()) {
                log.warn("the wall is open though this host is the backup: sealed");
                connected.seal(role.term(), "this host is the backup of " + role.term());
            }
            addresses.tell(connected);
        } catch (CommandException e) {
            log.error("the wall refuses to be sealed: {}", e.getMessage());
        } catch (WallGoneException e) {
            onGone();
        }
    }

    private void onGone() {
        wall = null;
        connector.onLost();
        oldOwnerProbe.onWallGone();
    }

    /** Null while its proxy does not answer. */
    @Nullable
    WallLink current() {
        return wall;
    }

    /** What a checkpoint tells of the guest's addresses. */
    void learn(String addressesJson) {
        addresses.learn(addressesJson, context.isInline() ? null : wall);
    }

    /** As they were shipped last; empty if nothing is known yet. */
    String addressesJson() {
        return addresses.json();
    }

    /** Which life of the wall announces the guest; empty if none does. */
    String announcedIncarnation() {
        return announcedIncarnation;
    }

    /** Who spoke last where all must be silent; empty if nobody did. */
    String silenceBrokenBy() {
        return brokenSilence.lastSpeaker();
    }

    /**
     * Leaves the uplink to the other host's proxy, which has it under a newer term. Seals the proxy of this host first: it must
     * not let anything through beside the one that has the guest.
     *
     * @return what the operator has to do; empty if nothing
     */
    String giveWay(Term newer) {
        WallLink sealed = wall;
        if (sealed == null) {
            return "the wall: the proxy of this host had it, and must be sealed before it is the other host's; start it";
        }
        try {
            sealed.seal(newer, "the other host's proxy has the guest, under term " + newer);
            if (context.uplink().isTaken()) {
                context.uplink().giveBack();
                return "";
            }
            return "the wall: the other host's proxy has taken the uplink; give this host `wall: peer`, and start it again";
        } catch (WallGoneException e) {
            onGone();
            return "the wall: the proxy of this host does not answer: " + e.getMessage();
        } catch (CommandException | TermFileException | StaleTermException e) {
            return "the wall: the proxy of this host could not be sealed: " + e.getMessage();
        }
    }

    /** Makes it this host's for a promotion; tries until it is. */
    void own(BackupEffect.OwnWall own) {
        WallLink connected = wall;
        if (connected != null) {
            try {
                introduce(connected, own);
                if (context.isInline()) {
                    connected.guestLost();
                }
                listener.onOwned();
                return;
            } catch (WallGoneException e) {
                log.error("the proxy does not answer: {}", e.getMessage());
                onGone();
            } catch (CommandException e) {
                noteRefusal("the wall refuses term " + own.term() + ": " + e.getMessage());
            }
        } else {
            noteRefusal(whatIsMissing());
        }
        context.conductor().postAfter(OWN_RETRY_MILLIS, () -> own(own));
    }

    /** To a promotion while the proxy does not answer. */
    String whatIsMissing() {
        return context.uplink().mayBeTaken()
                ? "the other host's proxy cannot be reached: the guest waits for it. If that host is dead and stays so, `holdfast"
                        + " promote --reason ...` lets the guest go on behind the proxy of this one"
                : "the proxy is not there: the guest waits for it";
    }

    private void introduce(WallLink connected, BackupEffect.OwnWall own) throws WallGoneException, CommandException {
        owning = own;
        connected.hello(
                own.term(),
                own.openEpochAtLeast(),
                context.agent().latencyTarget().toNanos(),
                "",
                context.uplink().numberingLostIn());
    }

    /** Makes one this host's again that was owned, and has been away. */
    void ownAgain(WallLink returned) throws WallGoneException, CommandException {
        introduce(returned, Objects.requireNonNull(owning, "it was owned before"));
    }

    /** Once, however often it is tried. */
    private void noteRefusal(String refusal) {
        if (!refusal.equals(notedRefusal)) {
            notedRefusal = refusal;
            log.error("{}", refusal);
        }
    }

    /** Asks whether the guest still speaks elsewhere (INV-9). */
    void probe() {
        oldOwnerProbe.ask(wall, addresses.json());
    }

    /** Lets the restored guest speak, and says where it is. */
    void openAndAnnounce(String reason, OptionalLong leaseUntilNanos) {
        WallLink connected = wall;
        if (connected != null) { // Otherwise PrimaryRole opens it when the proxy is back: it serves alone by right.
            try {
                if (!context.isInline()) { // There it had to be open before.
                    connected.open(reason, leaseUntilNanos);
                }
                connected.announce(addresses.json());
                announcedIncarnation = connected.incarnation();
            } catch (WallGoneException | CommandException e) {
                log.error("the guest runs here, but the wall does not open: {}", e.getMessage());
            }
        }
    }

    /**
     * Holds back what an abandoned guest says. A wall that cannot be told is sealed when it is back; an inline one is the other
     * host's as soon as that goes on, and opens for nobody before.
     */
    void abandon(String reason) {
        WallLink connected = wall;
        if (connected != null && !context.isInline()) {
            try {
                connected.seal(role.term(), reason);
            } catch (WallGoneException | CommandException e) {
                log.error("the wall of the abandoned guest is not sealed: {}", e.getMessage());
            }
        }
    }

    void close() {
        connector.close();
    }
}
