package io.holdfast.cli.doctor;

import com.fasterxml.jackson.databind.JsonNode;
import java.util.List;
import java.util.Locale;
import java.util.Set;
import java.util.TreeSet;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * What a guest is known by to its networks.
 *
 * @param macs in lower case
 * @param addresses IPv4 and IPv6, as {@code ip} prints them
 */
record GuestIdentity(Set<String> macs, Set<String> addresses) {

    private static final Pattern MAC =
            Pattern.compile("\\bmac\"?\\s*[=:]\\s*\"?((?:[0-9A-Fa-f]{2}:){5}[0-9A-Fa-f]{2})\\b");

    GuestIdentity {
        macs = Set.copyOf(macs);
        addresses = Set.copyOf(addresses);
    }

    /**
     * Puts together what is known.
     *
     * @param qemuCommand where MAC addresses are given to it; may be empty
     * @param learned what a proxy's command {@code addresses} returns; may be a missing node
     */
    static GuestIdentity of(List<String> qemuCommand, JsonNode learned) {
        Set<String> macs = new TreeSet<>();
        for (String word : qemuCommand) {
            Matcher matcher = MAC.matcher(word);
            while (matcher.find()) {
                macs.add(matcher.group(1).toLowerCase(Locale.ROOT));
            }
        }
        Set<String> addresses = new TreeSet<>();
        for (JsonNode nic : learned.path("nics")) {
            for (JsonNode station : nic.path("stations")) {
                macs.add(station.path("mac").asText());
                station.path("ipv4").forEach(address -> addresses.add(address.asText()));
                station.path("ipv6").forEach(address -> addresses.add(address.asText()));
            }
        }
        return new GuestIdentity(macs, addresses);
    }
}
