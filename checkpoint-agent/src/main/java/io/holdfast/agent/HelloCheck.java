package io.holdfast.agent;

import io.holdfast.agent.engine.MachineDefinition;
import io.holdfast.agent.link.LinkMessage;
import io.holdfast.agent.link.WallHolder;
import io.holdfast.agent.role.BackupRole;
import io.holdfast.wall.Term;
import java.util.List;

/**
 * Finds out of a primary's hello why this host could not take over from it: another guest, another machine, another version, or
 * a wall of which both hosts do not mean the same one. What it finds is read on both, so it speaks of neither as "here".
 *
 * <p>Confined to the conductor.
 */
final class HelloCheck {

    private final AgentContext context;
    private final BackupRole role;
    private final WaitingHypervisor hypervisor;
    private final BackupWall wall;

    /** @param role is asked only */
    HelloCheck(AgentContext context, BackupRole role, WaitingHypervisor hypervisor, BackupWall wall) {
        this.context = context;
        this.role = role;
        this.hypervisor = hypervisor;
        this.wall = wall;
    }

    /**
     * Compares; where the wall has become the other host's, the one here gives way first.
     *
     * @return what the operator has to change; empty if nothing
     */
    List<String> differences(LinkMessage.Hello hello) {
        List<String> differences = differencesOfGuest(hello);
        if (hello.protocol() == LinkMessage.PROTOCOL) {
            String disagreement = disagreementOnWall(hello);
            if (!disagreement.isEmpty()) {
                differences = List.of(disagreement);
            }
        }
        return differences;
    }

    /** Whether who says that has the guest, and has not lost it. */
    static boolean hasGuest(String guest, LinkMessage.Hello hello) {
        return hello.guest().equals(guest) && !hello.machine().isEmpty();
    }

    private List<String> differencesOfGuest(LinkMessage.Hello hello) {
        if (!hello.guest().equals(context.config().guest())) {
            return List.of("guest: %s on host %s, %s on host %s"
                    .formatted(context.config().guest(), context.config().host(), hello.guest(), hello.host()));
        }
        if (hello.protocol() != LinkMessage.PROTOCOL) {
            return List.of(disagreementOnProtocol(context.config().host(), LinkMessage.PROTOCOL, hello));
        }
        MachineDefinition machine = hypervisor.machine();
        return machine == null || hello.machine().isEmpty()
                ? List.of()
                : machine.differencesTo(
                        new MachineDefinition(hello.machine()), context.config().host(), hello.host());
    }

    static String disagreementOnProtocol(String host, int protocol, LinkMessage.Hello hello) {
        boolean primaryIsOlder = hello.protocol() < protocol;
        String older = primaryIsOlder ? hello.host() : host;
        String newer = primaryIsOlder ? host : hello.host();
        return "host %s is older: its agent speaks version %d of the link's protocol, that of host %s version %d;"
                        .formatted(
                                older,
                                Math.min(protocol, hello.protocol()),
                                newer,
                                Math.max(protocol, hello.protocol()))
                + " install the Holdfast of host %s on host %s, and restart the agent there".formatted(newer, older);
    }

    private String disagreementOnWall(LinkMessage.Hello hello) {
        Term theirs = AgentContext.term(hello.term());
        boolean isNewest = !role.isPromoting() && !theirs.isStaleAgainst(role.term());
        return switch (context.uplink().verdictOn(hello.wall(), isNewest)) {
            case AGREED -> "";
            case YIELDS -> wall.giveWay(theirs);
            case CONTRADICTS ->
                disagreementOnWall(context.config().host(), context.uplink().holder(), hello.host(), hello.wall());
        };
    }

    static String disagreementOnWall(String host, WallHolder ours, String othersHost, WallHolder theirs) {
        return "the wall: to host %s it is %s, to host %s it is %s; the `wall` of one agent must be `peer`, that of the other `local`"
                .formatted(host, inWords(ours, host, othersHost), othersHost, inWords(theirs, othersHost, host));
    }

    private static String inWords(WallHolder holder, String host, String othersHost) {
        return switch (holder) {
            case EACH -> "each host's own";
            case SENDER -> "that of host " + host;
            case RECEIVER -> "that of host " + othersHost;
        };
    }
}
