package io.holdfast.agent.engine;

import com.fasterxml.jackson.databind.JsonNode;
import io.holdfast.agent.engine.QmpClient.Reply;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.SortedMap;
import java.util.TreeMap;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * Asks a QEMU what its machine is made of.
 *
 * <p>A device state fits only where every device has the same type, place and settings. A setting that differs, such as a
 * NIC's offload, would be found out when the state is loaded, which is at failover; so all of them are part of the
 * definition.
 */
final class QemuMachine {

    /** A device, or another object of QEMU's: its path, and its type such as {@code virtio-net-pci}. */
    record QemuObject(String path, String type) {

        /** Last part of the path: the id that the operator gave, or {@code device[3]}. */
        String name() {
            return path.substring(path.lastIndexOf('/') + 1);
        }
    }

    /**
     * A network interface of the guest.
     *
     * @param name the id that the operator gave, or one that QEMU made
     * @param model such as {@code virtio-net-pci}
     * @param mac such as {@code 52:54:00:00:00:01}
     * @param backend type of what it is connected to, such as {@code tap}; empty if to nothing
     * @param backendSettings such as {@code ifname} and its value
     */
    record Nic(String name, String model, String mac, String backend, Map<String, String> backendSettings) {}

    /** Devices that the operator gave an id. */
    static final String NAMED_DEVICES = "/machine/peripheral";
    /** Devices that the operator added without an id. */
    static final String UNNAMED_DEVICES = "/machine/peripheral-anon";
    /** Devices that the machine has by itself. */
    static final String BOARD_DEVICES = "/machine/unattached";

    /** What is no device, such as the guest's memory. */
    private static final String OBJECTS = "/objects";

    private static final String MACHINE_SUFFIX = "-machine";
    private static final Pattern CHILD = Pattern.compile("child<(.+)>");
    /** Types of properties that are settings; links, children and structures are not. */
    private static final Set<String> SETTING_TYPES =
            Set.of("bool", "str", "string", "OnOffAuto", "int8", "uint8", "int16", "uint16", "int32", "uint32", "size");
    /** A line such as {@code n0: index=0,type=tap,ifname=tap0}; under a hub the port's name comes first. */
    private static final Pattern NETWORK_CLIENT =
            Pattern.compile("(?<indent> *\\\\ )?([^ :=,]+: )?(?<name>[^ :=,]+): (?<settings>.*)");

    private static final Pattern HUB = Pattern.compile("hub \\d+");

    private QemuMachine() {}

    static MachineDefinition definition(QmpClient qmp) throws EngineException {
        SortedMap<String, String> properties = new TreeMap<>();
        properties.put("qemu", version(qmp.execute("query-version")));
        properties.put("machine", versionedName(qmp));
        properties.put("accelerator", qmp.execute("query-kvm").path("enabled").asBoolean() ? "kvm" : "tcg");
        JsonNode processors = qmp.execute("query-cpus-fast");
        properties.put("processors", Integer.toString(processors.size()));
        properties.put(
                "processor model",
                typeOf(qmp, processors.path(0).path("qom-path").asText()));
        properties.put(
                "memory bytes",
                qmp.execute("query-memory-size-summary").path("base-memory").asText());
        for (JsonNode bus : qmp.execute("query-pci")) {
            addPci(bus, "pci ", properties);
        }
        for (Nic nic : nics(qmp)) {
            properties.put("nic " + nic.name(), nic.model() + " " + nic.mac());
        }
        for (String place : List.of(NAMED_DEVICES, UNNAMED_DEVICES)) {
            for (QemuObject device : children(qmp, place)) {
                addSettings(qmp, device, properties);
            }
        }
        return new MachineDefinition(properties);
    }

    /** The machine's name with its version, such as {@code pc-i440fx-7.2}, also if it was started as {@code pc}. */
    static String versionedName(QmpClient qmp) throws EngineException {
        String type = typeOf(qmp, "/machine");
        return type.endsWith(MACHINE_SUFFIX) ? type.substring(0, type.length() - MACHINE_SUFFIX.length()) : type;
    }

    /** Whether it throws the guest's memory away when it ends, though that is a file ({@code discard-data=on}). */
    static boolean discardsMemory(QmpClient qmp) throws EngineException {
        for (QemuObject object : children(qmp, OBJECTS)) {
            if (object.type().equals("memory-backend-file")
                    && qmp.execute("qom-get", Map.of("path", object.path(), "property", "discard-data"))
                            .asBoolean()) {
                return true;
            }
        }
        return false;
    }

    static List<QemuObject> children(QmpClient qmp, String path) throws EngineException {
        List<QemuObject> children = new ArrayList<>();
        for (JsonNode property : qmp.execute("qom-list", Map.of("path", path))) {
            Matcher child = CHILD.matcher(property.path("type").asText());
            if (child.matches()) {
                children.add(new QemuObject(path + "/" + property.path("name").asText(), child.group(1)));
            }
        }
        return children;
    }

    /** Every NIC, of whatever kind: QMP has no command that lists them, the human monitor does. */
    static List<Nic> nics(QmpClient qmp) throws EngineException {
        return parseNetwork(qmp.execute("human-monitor-command", Map.of("command-line", "info network"))
                .asText());
    }

    /**
     * Reads {@code info network}: a line for each NIC, then an indented one for what it is connected to. What is connected
     * to a hub, NICs among it, stands indented under the hub.
     */
    static List<Nic> parseNetwork(String text) {
        List<Nic> nics = new ArrayList<>();
        boolean underHub = false;
        for (String line : text.lines().toList()) {
            Matcher client = NETWORK_CLIENT.matcher(line);
            if (!client.matches()) {
                underHub |= HUB.matcher(line).matches();
                continue;
            }
            boolean indented = client.group("indent") != null;
            underHub &= indented;
            Map<String, String> settings = settingsIn(client.group("settings"));
            String type = settings.getOrDefault("type", "?");
            if (type.equals("nic")) {
                nics.add(new Nic(
                        client.group("name"),
                        settings.getOrDefault("model", "?"),
                        settings.getOrDefault("macaddr", "?"),
                        underHub ? "hub" : "",
                        Map.of()));
            } else if (indented && !underHub && !nics.isEmpty()) {
                Nic nic = nics.removeLast();
                nics.add(new Nic(nic.name(), nic.model(), nic.mac(), type, settings));
            }
        }
        return nics;
    }

    private static Map<String, String> settingsIn(String text) {
        Map<String, String> settings = new TreeMap<>();
        for (String setting : text.strip().split(",", -1)) {
            int equals = setting.indexOf('=');
            if (equals > 0) {
                settings.put(setting.substring(0, equals), setting.substring(equals + 1));
            }
        }
        return settings;
    }

    private static String version(JsonNode version) {
        JsonNode qemu = version.path("qemu");
        return "%s.%s.%s %s"
                .formatted(
                        qemu.path("major").asText(),
                        qemu.path("minor").asText(),
                        qemu.path("micro").asText(),
                        version.path("package").asText())
                .strip();
    }

    private static String typeOf(QmpClient qmp, String path) throws EngineException {
        return qmp.execute("qom-get", Map.of("path", path, "property", "type")).asText();
    }

    /** Buses behind bridges are named by the bridge's place: their numbers are the guest's to give. */
    private static void addPci(JsonNode bus, String place, SortedMap<String, String> properties) {
        for (JsonNode device : bus.path("devices")) {
            String address = "%s%02x.%d"
                    .formatted(
                            place,
                            device.path("slot").asInt(),
                            device.path("function").asInt());
            properties.put(
                    address,
                    "%04x:%04x class %04x %s"
                            .formatted(
                                    device.path("id").path("vendor").asInt(),
                                    device.path("id").path("device").asInt(),
                                    device.path("class_info").path("class").asInt(),
                                    device.path("qdev_id").asText())
                            .strip());
            addPci(device.path("pci_bridge"), address + "/", properties);
        }
    }

    private static void addSettings(QmpClient qmp, QemuObject device, SortedMap<String, String> properties)
            throws EngineException {
        properties.put("device " + device.name(), device.type());
        for (JsonNode property : qmp.execute("qom-list", Map.of("path", device.path()))) {
            String name = property.path("name").asText();
            if (SETTING_TYPES.contains(property.path("type").asText())
                    && qmp.call("qom-get", Map.of("path", device.path(), "property", name))
                            instanceof Reply.Returned returned) {
                properties.put(
                        "device %s %s".formatted(device.name(), name),
                        returned.value().asText());
            }
        }
    }
}
