package io.holdfast.agent.engine;

import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.SortedMap;
import java.util.TreeMap;
import java.util.TreeSet;

/**
 * What a guest's machine is made of, as far as a checkpoint can only be restored into the same: hypervisor version,
 * machine type, processors, memory, devices.
 *
 * @param properties name and value, such as {@code machine = pc-i440fx-7.2}
 */
public record MachineDefinition(SortedMap<String, String> properties) {

    public MachineDefinition {
        properties = java.util.Collections.unmodifiableSortedMap(new TreeMap<>(properties));
    }

    public static MachineDefinition of(Map<String, String> properties) {
        return new MachineDefinition(new TreeMap<>(properties));
    }

    /** The name of its type, with the version, such as {@code pc-i440fx-7.2}. */
    String machine() {
        return Objects.requireNonNull(properties.get("machine"));
    }

    /** That of the hypervisor, such as {@code 7.2.22}. */
    String hypervisorVersion() {
        return Objects.requireNonNull(properties.get("qemu"));
    }

    /**
     * One sentence for each difference, for the operator of either host; empty if the two fit.
     *
     * @param host that has this one
     * @param othersHost that has the other
     */
    public List<String> differencesTo(MachineDefinition other, String host, String othersHost) {
        List<String> differences = new ArrayList<>();
        TreeSet<String> names = new TreeSet<>(properties.keySet());
        names.addAll(other.properties.keySet());
        for (String name : names) {
            String ours = properties.get(name);
            String theirs = other.properties.get(name);
            if (!Objects.equals(ours, theirs)) {
                differences.add("%s: %s on host %s, %s on host %s"
                        .formatted(
                                name,
                                ours == null ? "absent" : ours,
                                host,
                                theirs == null ? "absent" : theirs,
                                othersHost));
            }
        }
        return differences;
    }
}
