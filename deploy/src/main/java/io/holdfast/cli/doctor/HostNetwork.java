package io.holdfast.cli.doctor;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/**
 * What this host's own stack has and does on its interfaces, as its tools tell. Pure.
 *
 * @param interfaces all of them
 * @param proxyEntries for which addresses of others it answers
 * @param settings of the kernel, by their names with slashes, such as {@code net/ipv4/conf/eth0/proxy_arp}
 */
record HostNetwork(List<Interface> interfaces, List<ProxyEntry> proxyEntries, Map<String, Integer> settings) {

    private static final ObjectMapper JSON = new ObjectMapper();

    HostNetwork {
        interfaces = List.copyOf(interfaces);
        proxyEntries = List.copyOf(proxyEntries);
        settings = Map.copyOf(settings);
    }

    /**
     * One interface.
     *
     * @param addresses without their prefix lengths
     * @param bridge to which it belongs
     * @param isolated whether, as a bridge's port, it reaches only those that are not
     */
    record Interface(String name, String mac, List<Address> addresses, Optional<String> bridge, boolean isolated) {
        Interface {
            addresses = List.copyOf(addresses);
        }
    }

    /** An address and the length of its prefix. */
    record Address(String text, int prefixLength) {
        @Override
        public String toString() {
            return text + "/" + prefixLength;
        }
    }

    /** An address that an interface answers for ({@code ip neigh show proxy}). */
    record ProxyEntry(String address, String interfaceName) {}

    /**
     * Reads what the tools printed.
     *
     * @param addresses of {@code ip -j -d addr show}
     * @param proxyNeighbors of {@code ip -j neigh show proxy}
     * @throws IllegalArgumentException if it is not JSON
     */
    static HostNetwork parse(String addresses, String proxyNeighbors, Map<String, Integer> settings) {
        List<Interface> interfaces = new ArrayList<>();
        for (JsonNode link : tree(addresses)) {
            if (link.has("ifname")) { // Interfaces of another kind leave an empty object.
                interfaces.add(toInterface(link));
            }
        }
        List<ProxyEntry> entries = new ArrayList<>();
        for (JsonNode entry : tree(proxyNeighbors)) {
            entries.add(
                    new ProxyEntry(entry.path("dst").asText(), entry.path("dev").asText()));
        }
        return new HostNetwork(interfaces, entries, settings);
    }

    private static Interface toInterface(JsonNode link) {
        List<Address> addresses = new ArrayList<>();
        for (JsonNode address : link.path("addr_info")) {
            addresses.add(new Address(
                    address.path("local").asText(), address.path("prefixlen").asInt()));
        }
        JsonNode details = link.path("linkinfo");
        boolean isBridgePort = details.path("info_slave_kind").asText().equals("bridge");
        return new Interface(
                link.path("ifname").asText(),
                link.path("address").asText(),
                addresses,
                isBridgePort ? Optional.of(link.path("master").asText()) : Optional.empty(),
                details.path("info_slave_data").path("isolated").asBoolean());
    }

    /** A setting that is on if it is so for all interfaces, or for this one; the kernel takes the higher value. */
    int setting(String family, String interfaceName, String name) {
        return Math.max(
                settings.getOrDefault(settingName(family, "all", name), 0),
                settings.getOrDefault(settingName(family, interfaceName, name), 0));
    }

    /** Where the value that counts is set. */
    String placeOf(String family, String interfaceName, String name) {
        String forAll = settingName(family, "all", name);
        return settings.getOrDefault(forAll, 0) > 0 ? forAll : settingName(family, interfaceName, name);
    }

    static String settingName(String family, String interfaceName, String name) {
        return "net/%s/conf/%s/%s".formatted(family, interfaceName, name);
    }

    private static JsonNode tree(String printed) {
        try {
            return printed.isBlank() ? JSON.createArrayNode() : JSON.readTree(printed);
        } catch (JsonProcessingException e) {
            throw new IllegalArgumentException("`ip -j` printed something that is not JSON: " + printed.strip(), e);
        }
    }
}
