package io.holdfast.port;

import com.fasterxml.jackson.databind.JsonNode;
import java.util.ArrayList;
import java.util.List;
import java.util.regex.Pattern;

/**
 * Sees to it that frames of a port have no way but the proxy (INV-8). Capturing copies a frame, it does not steal it: the
 * host's own stack gets it as well, and would route, bridge or answer it. So a port has no address and no master, and a
 * rule that drops all ingress in front of the stack; AF_PACKET sees a frame before that rule does.
 *
 * <p>The rule is one nftables table for each port, named after it. Installing replaces what a crashed proxy left.
 */
public final class PortGuard {

    /** Names that mean nothing else in a script of nft's; all that anybody gives to an interface of a guest's. */
    private static final Pattern INTERFACE = Pattern.compile("[A-Za-z0-9_][A-Za-z0-9_.+-]{0,14}");

    /**
     * Whatever makes a frame longer than its sender sent it. The port's own {@code tx-checksumming} is not among them: it
     * says what the interface may leave undone in frames that it sends, and a frame that is captured here was sent by the
     * other end. Whether its checksum is finished is decided there, by the peer's {@code tx} or the {@code csum} of the
     * guest's NIC, and nothing on this side tells.
     */
    private static final List<String> HARMFUL_OFFLOADS = List.of(
            "generic-receive-offload",
            "large-receive-offload",
            "tcp-segmentation-offload",
            "generic-segmentation-offload");

    private final String interfaceName;

    /**
     * @throws IllegalArgumentException for a name with characters that no configuration lets through
     */
    public PortGuard(String interfaceName) {
        if (!INTERFACE.matcher(interfaceName).matches()) {
            throw new IllegalArgumentException("not the name of an interface: " + interfaceName);
        }
        this.interfaceName = interfaceName;
    }

    /**
     * What makes this interface unfit, one sentence with a remedy each; empty if nothing does. Only looks.
     *
     * @param capturesAsInKernel whether the port shows frames as they are in the kernel, so that offloads must be off
     */
    public List<String> problems(boolean capturesAsInKernel) throws PortException {
        List<String> problems = new ArrayList<>();
        JsonNode link = InterfaceFacts.link("link", interfaceName);
        if (link.has("master")) {
            String master = link.path("master").asText();
            problems.add("%s belongs to %s, which carries its frames past the wall: ip link set %s nomaster"
                    .formatted(interfaceName, master, interfaceName));
        }
        for (String address : InterfaceFacts.addresses(interfaceName)) {
            problems.add("%s has the address %s, so the host itself speaks through it: ip addr del %s dev %s"
                    .formatted(interfaceName, address, address, interfaceName));
        }
        if (capturesAsInKernel) {
            for (String offload : InterfaceFacts.activeOffloads(interfaceName, HARMFUL_OFFLOADS)) {
                problems.add(
                        "%s has %s on, which merges frames to a size that cannot be forwarded: ethtool -K %s %s off"
                                .formatted(interfaceName, offload, interfaceName, offload));
            }
        }
        return problems;
    }

    /** Keeps the kernel from giving the interface an address of its own. Idempotent. */
    public void forbidAddresses() throws PortException {
        InterfaceFacts.run(List.of("ip", "link", "set", "dev", interfaceName, "addrgenmode", "none"), "");
    }

    /** Keeps every frame that arrives on the interface from the host's own stack. Idempotent. */
    public void installIngressDrop() throws PortException {
        InterfaceFacts.run(List.of("nft", "-f", "-"), """
                add table netdev %1$s
                delete table netdev %1$s
                add table netdev %1$s { comment "holdfast: frames of %2$s leave through the proxy only"; }
                add chain netdev %1$s ingress { type filter hook ingress device "%2$s" priority -500; policy drop; }
                """.formatted(DropTable.nameFor(interfaceName), interfaceName));
    }

    /** Whether the interface is up. */
    public boolean isUp() throws PortException {
        return InterfaceFacts.isUp(InterfaceFacts.link("link", interfaceName));
    }

    /** Whether the rule is in place. */
    public boolean isIngressDropped() {
        return dropsIngress(DropTable.nameFor(interfaceName));
    }

    /** Takes the rule away, if it is there; also one that an earlier version has left. */
    public void removeIngressDrop() throws PortException {
        remove(DropTable.nameFor(interfaceName));
        String earlier = DropTable.earlierNameFor(interfaceName);
        // It may be that of another interface, whose rule must stay.
        if (dropsIngress(earlier)) {
            remove(earlier);
        }
    }

    private static void remove(String table) throws PortException {
        InterfaceFacts.run(List.of("nft", "-f", "-"), """
                add table netdev %1$s
                delete table netdev %1$s
                """.formatted(table));
    }

    private boolean dropsIngress(String table) {
        try {
            String printed = InterfaceFacts.run(List.of("nft", "list", "table", "netdev", table), "");
            return printed.contains("policy drop") && printed.contains("device \"" + interfaceName + "\"");
        } catch (PortException e) {
            return false;
        }
    }
}
