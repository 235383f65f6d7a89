package io.holdfast.agent;

import com.fasterxml.jackson.databind.node.ObjectNode;
import io.holdfast.agent.link.LinkMessage;
import io.holdfast.agent.role.BackupRole;
import io.holdfast.agent.role.PrimaryRole;
import io.holdfast.control.CommandException;
import java.util.List;
import java.util.Optional;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;

/**
 * Where a primary stands: what it says of itself to the other host and to people, and which of an operator's commands that
 * admits. It changes nothing.
 *
 * <p>Confined to the conductor.
 */
final class PrimaryStanding {

    /** What a primary without a guest says of its memory: one page. */
    private static final long NO_GUEST_BYTES = 4096;

    private final AgentContext context;
    private final PrimaryRole role;
    private final WallKeeper wall;
    private GuestWorker.@Nullable Found found;
    private String refusedBecause = "";
    private String notArmedBecause = "";

    PrimaryStanding(AgentContext context, PrimaryRole role, WallKeeper wall) {
        this.context = context;
        this.role = role;
        this.wall = wall;
    }

    void onGuestFound(GuestWorker.Found guest) {
        found = guest;
        refusedBecause = "";
    }

    /** Nor one that cannot be attached to. */
    void onNoGuest() {
        refusedBecause = "";
    }

    /**
     * Why there is no protection.
     *
     * @return whether that is another reason than before
     */
    boolean onRefused(String because) {
        boolean isNew = !because.equals(refusedBecause);
        refusedBecause = because;
        return isNew;
    }

    void onWelcome() {
        refusedBecause = "";
    }

    /** @param trouble that has kept a backup from being armed; empty if it is armed */
    void onArming(String trouble) {
        notArmedBecause = trouble;
    }

    /** What keeps the backup from being one, in words; empty if nothing is known. */
    private String whyNoBackup() {
        return refusedBecause.isEmpty() ? notArmedBecause : refusedBecause;
    }

    private boolean guestRuns() {
        return found != null && !role.isGuestGone();
    }

    // ---- to the other host ----

    /** To a backup. Who has lost the guest has as little of it as who never had it. */
    LinkMessage.Hello hello() {
        GuestWorker.Found known = role.isGuestLost() ? null : found;
        return new LinkMessage.Hello(
                LinkMessage.PROTOCOL,
                context.config().guest(),
                context.config().host(),
                context.claim(role.term()),
                known == null ? NO_GUEST_BYTES : known.memoryBytes(),
                known == null ? new TreeMap<>() : known.machine().properties(),
                context.uplink().holder());
    }

    /** To somebody who takes himself for the primary. */
    LinkMessage.Refusal answerToRival() {
        String host = context.config().host();
        return role.deposes()
                ? refusal(BackupRole.STALE_TERM, "host " + host + " runs the guest under term " + role.term())
                : refusal(
                        BackupRole.TERM_UNSERVED,
                        "host " + host + " owns term " + role.term()
                                + ", but no guest runs there; start it there, or let this host go on alone, which takes back what"
                                + " clients were told under that term");
    }

    private LinkMessage.Refusal refusal(String errorClass, String reason) {
        return new LinkMessage.Refusal(errorClass, List.of(reason), context.claim(role.term()));
    }

    // ---- to an operator's commands ----

    void admitCheckpoint() throws CommandException {
        if (!role.isBackupConnected()) {
            throw new CommandException("NoBackup", "no backup is connected: " + whyNoBackup());
        }
    }

    void admitSwitchover() throws CommandException {
        String obstacle = role.whyNotSwitchOver();
        if (!obstacle.isEmpty()) {
            throw new CommandException("CannotSwitchOver", obstacle);
        }
    }

    void admitAlone() throws CommandException {
        if (role.isBackupConnected()) {
            throw new CommandException(
                    "BackupConnected",
                    "a backup is connected, and may promote; stop its agent first, and see that it is dead");
        }
        if (found == null || (role.isGuestGone() && !role.isHandedOver())) {
            throw new CommandException("NoGuest", "no guest runs here that could go on alone");
        }
    }

    void admitRejoin(boolean force) throws CommandException {
        if (guestRuns()) {
            throw new CommandException(
                    "GuestRuns", "the guest runs here; `holdfast switchover` makes this host the backup without loss");
        }
        if (role.isBackupConnected()) {
            throw new CommandException(
                    "BackupConnected",
                    "the other host follows this one, and nobody would have the guest; `holdfast promote` there first");
        }
        if (!force) {
            throw new CommandException(
                    "NotForced",
                    "this host owns the newest term, " + role.term()
                            + ", so the newest state of the guest may be here. Start the guest here; or give it up with --force,"
                            + " if the other host's is to go on");
        }
    }

    CommandException whyNotPromote() {
        return new CommandException("WrongRole", "this host is the primary already, under term " + role.term());
    }

    /** @param backup its name, if it is known */
    CommandException whyNotRehearse(Optional<String> backup) {
        return new CommandException(
                "WrongRole",
                "this host is the primary, and it is the backup that rehearses: give the command on the other host (%s%s)"
                        .formatted(
                                backup.map(known -> known + ", ").orElse(""),
                                context.agent().link().peer().getAddress().getHostAddress()));
    }

    // ---- to whoever looks ----

    AgentView view() {
        boolean ready = guestRuns() && wall.isConnected() && role.isProtected();
        return new AgentView(
                "primary",
                role.term().number(),
                role.lastEpoch(),
                role.isBackupConnected(),
                ready,
                ready ? "protected" : whyNotReady(),
                role.waitsForArbiter(),
                leaseSeconds());
    }

    private String whyNotReady() {
        if (!guestRuns()) {
            return "no guest";
        }
        if (!wall.isConnected()) {
            return wall.whatIsMissing();
        }
        return whyNoBackup().isEmpty() ? "no backup is armed" : whyNoBackup();
    }

    private double leaseSeconds() {
        return Arbitration.secondsLeft(role.aloneRight().leaseUntilNanos(), System.nanoTime());
    }

    void describe(ObjectNode status) {
        status.put("role", "primary")
                .put("guest_found", guestRuns())
                .put("peer", role.isBackupConnected() ? "connected" : "absent")
                .put("armed", role.isBackupArmed())
                .put("protected", role.isProtected())
                .put("epoch", role.lastEpoch())
                .put("epochs_in_flight", role.epochsInFlight())
                .put("guest_waits_for_room", role.guestWaitsForRoom())
                .put("refused_because", whyNoBackup())
                .put("may_switch_over", role.whyNotSwitchOver().isEmpty())
                .put("switchover", role.switchoverProgress());
        context.arbitration().describe(status, role.waitsForArbiter(), leaseSeconds());
    }
}
