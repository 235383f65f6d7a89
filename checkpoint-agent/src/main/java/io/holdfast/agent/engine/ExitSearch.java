package io.holdfast.agent.engine;

import com.fasterxml.jackson.databind.JsonNode;
import io.holdfast.agent.engine.QemuMachine.Nic;
import io.holdfast.agent.engine.QemuMachine.QemuObject;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeMap;

/**
 * Looks for ways by which a guest could tell the world something past the wall (INV-8). A device of a kind that is not known
 * to be harmless is an exit: a new kind of device must not become a leak by being new.
 *
 * <p>The serial console is not counted. It is the operator's view of the guest, and nothing that a client could take for an
 * answer.
 */
final class ExitSearch {

    /** Kinds of devices that reach the world, by the beginning of their type, with what they reach. */
    private static final Map<String, String> KNOWN_EXITS = new TreeMap<>(Map.ofEntries(
            Map.entry("vhost-vsock", "talks to programs on the host over vsock"),
            Map.entry("vhost-user-vsock", "talks to programs on the host over vsock"),
            Map.entry("virtio-9p", "shares a folder of the host (9p)"),
            Map.entry("vhost-user-fs", "shares a folder of the host (virtiofs)"),
            Map.entry("vfio-", "is a device of the host that was passed through"),
            Map.entry("ivshmem", "shares memory with other guests"),
            Map.entry("usb-host", "is a USB device of the host that was passed through"),
            Map.entry("usb-redir", "is a USB device that was redirected from elsewhere"),
            Map.entry("usb-mtp", "shares a folder of the host (MTP)"),
            Map.entry("virtserialport", "is a channel to programs on the host"),
            Map.entry("virtconsole", "is a channel to programs on the host"),
            Map.entry("vhost-", "is served outside QEMU"),
            Map.entry("filter-", "lets network frames leave QEMU by another way, or delays them")));

    /** Kinds that reach nothing, or whose reach is judged by what they are connected to: NICs and disks. */
    private static final Set<String> HARMLESS = Set.of(
            "virtio-net-pci",
            "virtio-net-pci-transitional",
            "virtio-net-pci-non-transitional",
            "virtio-net-device",
            "e1000",
            "e1000e",
            "rtl8139",
            "virtio-blk-pci",
            "virtio-blk-device",
            "virtio-scsi-pci",
            "virtio-serial-pci",
            "scsi-hd",
            "scsi-cd",
            "ide-hd",
            "ide-cd",
            "virtio-rng-pci",
            "virtio-balloon-pci",
            "pvpanic",
            "pvpanic-pci",
            "isa-serial",
            "isa-debug-exit",
            "VGA",
            "virtio-vga",
            "pci-bridge",
            "pcie-root-port",
            "piix3-usb-uhci",
            "usb-tablet",
            "usb-kbd");

    private ExitSearch() {}

    /**
     * @param wallGuestPorts names of the tap interfaces behind which the wall stands
     * @return one sentence for each exit
     */
    static List<String> exits(QmpClient qmp, List<String> wallGuestPorts) throws EngineException {
        List<String> exits = new ArrayList<>();
        for (JsonNode drive : qmp.execute("query-block")) {
            exitOf(drive).ifPresent(exits::add);
        }
        for (Nic nic : QemuMachine.nics(qmp)) {
            exitOf(nic, wallGuestPorts).ifPresent(exits::add);
        }
        for (String place : List.of(QemuMachine.NAMED_DEVICES, QemuMachine.UNNAMED_DEVICES)) {
            for (QemuObject device : QemuMachine.children(qmp, place)) {
                if (!HARMLESS.contains(device.type())) {
                    exits.add(knownExit(device)
                            .orElse("device %s (%s) is of a kind that Holdfast does not know to be harmless"
                                    .formatted(device.name(), device.type())));
                }
            }
        }
        for (String place : List.of(QemuMachine.BOARD_DEVICES, "/objects")) {
            for (QemuObject part : QemuMachine.children(qmp, place)) {
                knownExit(part).ifPresent(exits::add);
            }
        }
        return List.copyOf(exits);
    }

    private static Optional<String> exitOf(JsonNode drive) {
        JsonNode inserted = drive.path("inserted");
        if (inserted.isMissingNode() || inserted.path("ro").asBoolean()) {
            return Optional.empty();
        }
        String name = drive.path("device").asText();
        return Optional.of("disk %s (%s) is writable: what the guest writes there is not undone at a failover"
                .formatted(
                        name.isEmpty() ? drive.path("qdev").asText() : name,
                        inserted.path("file").asText()));
    }

    static Optional<String> exitOf(Nic nic, List<String> wallGuestPorts) {
        String label = "NIC %s (%s)".formatted(nic.name(), nic.mac());
        if (nic.backend().isEmpty()) {
            return Optional.empty();
        }
        if (!nic.backend().equals("tap")) {
            return Optional.of(
                    "%s is connected by netdev %s, which passes the wall by; use tap".formatted(label, nic.backend()));
        }
        String tap = nic.backendSettings().getOrDefault("ifname", "given as a file descriptor");
        return wallGuestPorts.contains(tap)
                ? Optional.empty()
                : Optional.of(
                        "%s is connected to tap %s, which is not one of the wall's guest ports %s; add it to proxy.nics"
                                .formatted(label, tap, wallGuestPorts));
    }

    static Optional<String> knownExit(QemuObject device) {
        return KNOWN_EXITS.entrySet().stream()
                .filter(exit -> device.type().startsWith(exit.getKey()))
                .findFirst()
                .map(exit -> "device %s (%s) %s".formatted(device.name(), device.type(), exit.getValue()));
    }
}
