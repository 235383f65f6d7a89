package io.holdfast.cli.doctor;

import io.holdfast.cli.doctor.HostNetwork.Address;
import io.holdfast.cli.doctor.HostNetwork.Interface;
import io.holdfast.cli.doctor.HostNetwork.ProxyEntry;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.Set;

/**
 * The ways by which a host's own stack could speak for a guest that is not there, or the guest past the wall (INV-8, INV-9).
 * Pure.
 *
 * <p>A port from which the stack gets nothing, because of a proxy's ingress drop, cannot make it answer: there, what it would
 * answer is not looked at. On other interfaces nobody can tell whether they lead to the guest's network, so that what is bad
 * there, if they do, is a warning; the guest's own addresses are bad everywhere.
 */
final class LeakPaths {

    private static final String IPV4 = "ipv4";
    private static final String IPV6 = "ipv6";

    private final HostNetwork host;
    private final GuestIdentity guest;
    private final Set<String> droppedPorts;
    private final List<Finding> findings = new ArrayList<>();

    private LeakPaths(HostNetwork host, GuestIdentity guest, Set<String> droppedPorts) {
        this.host = host;
        this.guest = guest;
        this.droppedPorts = droppedPorts;
    }

    /**
     * What is wrong, or one finding that nothing is.
     *
     * @param ports the proxy's interfaces; empty if no proxy is configured here
     * @param droppedPorts those from which the stack gets nothing
     * @param bridgedPorts the guest's taps that reach an inline proxy over a bridge
     */
    static List<Finding> find(
            HostNetwork host,
            GuestIdentity guest,
            Set<String> ports,
            Set<String> droppedPorts,
            Set<String> bridgedPorts) {
        LeakPaths paths = new LeakPaths(host, guest, droppedPorts);
        for (Interface each : host.interfaces()) {
            paths.lookForTheGuestsAddresses(each);
            paths.lookForAnswersForOthers(each.name(), ports.contains(each.name()));
            if (ports.contains(each.name())) {
                paths.lookForAnswersForOtherInterfaces(each.name());
            }
            if (bridgedPorts.contains(each.name())) {
                paths.lookForNeighborsOnTheBridge(each);
            }
        }
        host.proxyEntries().forEach(paths::lookAtProxyEntry);
        if (paths.findings.isEmpty()) {
            paths.findings.add(Finding.ok("host stack", "does not speak for the guest"));
        }
        return paths.findings;
    }

    private void lookForTheGuestsAddresses(Interface each) {
        for (Address address : each.addresses()) {
            if (guest.addresses().contains(address.text())) {
                fail(
                        each.name(),
                        "it has the guest's address %1$s, so this host answers for the guest: ip addr del %1$s dev %2$s"
                                .formatted(address, each.name()));
            }
        }
        if (guest.macs().contains(each.mac())) {
            fail(
                    each.name(),
                    "it has the guest's MAC address %s, so switches take the guest to be here; give it another one: ip link set dev %s address MAC"
                            .formatted(each.mac(), each.name()));
        }
    }

    /** Proxy ARP (RFC 1027), the same within one VLAN (RFC 3069), and for IPv6 (RFC 4389). */
    private void lookForAnswersForOthers(String name, boolean isPort) {
        if (droppedPorts.contains(name)) {
            return;
        }
        answersIf(IPV4, name, "proxy_arp", isPort);
        answersIf(IPV4, name, "proxy_arp_pvlan", isPort);
        answersIf(IPV6, name, "proxy_ndp", isPort);
    }

    private void answersIf(String family, String name, String setting, boolean isPort) {
        int value = host.setting(family, name, setting);
        if (value > 0) {
            String text = "it answers for addresses of others (%s is %d): sysctl -w %s=0"
                    .formatted(setting, value, host.placeOf(family, name, setting));
            if (isPort) {
                fail(name, text);
            } else {
                warn(name, text);
            }
        }
    }

    /** Linux answers ARP on every interface for every local address, unless told not to. */
    private void lookForAnswersForOtherInterfaces(String name) {
        if (!droppedPorts.contains(name) && host.setting(IPV4, name, "arp_ignore") == 0) {
            warn(
                    name,
                    "until the proxy has started, it answers ARP for all addresses of this host (arp_ignore is 0): sysctl -w"
                            + " " + HostNetwork.settingName(IPV4, name, "arp_ignore") + "=1");
        }
    }

    private void lookAtProxyEntry(ProxyEntry entry) {
        String text = "it answers for %1$s by a proxy entry: ip neigh del proxy %1$s dev %2$s"
                .formatted(entry.address(), entry.interfaceName());
        if (guest.addresses().contains(entry.address())) {
            fail(entry.interfaceName(), text + " (that is the guest's)");
        } else if (!droppedPorts.contains(entry.interfaceName())) {
            warn(entry.interfaceName(), text + ", if that is the guest's");
        }
    }

    /** The guest needs its way to the proxy, and no other: one more port that is not isolated is one more way. */
    private void lookForNeighborsOnTheBridge(Interface tap) {
        Optional<String> bridge = tap.bridge();
        if (bridge.isEmpty()) {
            return;
        }
        List<String> others = host.interfaces().stream()
                .filter(each -> each.bridge().equals(bridge) && !each.name().equals(tap.name()))
                .filter(each -> !(tap.isolated() && each.isolated()))
                .map(Interface::name)
                .toList();
        if (others.size() > 1) {
            warn(
                    tap.name(),
                    ("the guest reaches %s through %s, and only one of them leads to the proxy: bridge link set dev PORT"
                                    + " isolated on, for %s and all that do not")
                            .formatted(String.join(", ", others), bridge.get(), tap.name()));
        }
    }

    private void fail(String interfaceName, String text) {
        findings.add(Finding.failed("host " + interfaceName, text));
    }

    private void warn(String interfaceName, String text) {
        findings.add(Finding.warning("host " + interfaceName, text));
    }
}
