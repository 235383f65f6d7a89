package io.holdfast.arp;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.holdfast.frame.EthernetFrame;
import io.holdfast.frame.MacAddress;
import io.holdfast.frame.VlanTag;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.function.Function;
import java.util.regex.Pattern;

/**
 * What a guest is known by on its networks: the state of an {@link AddressBook} at one moment. Travels with the
 * checkpoints to the backup, which announces it after a promotion.
 *
 * <p>Its JSON form, of which {@link #fromJson} refuses all that {@link #toJson} would not have written:
 *
 * <pre>{@code
 * {"version": 7,
 *  "nics": [{"name": "net0",
 *            "stations": [{"mac": "52:54:00:12:34:56", "tags": ["0x8100:10"], "router": false,
 *                          "ipv4": ["10.0.0.5"], "ipv6": ["fe80::5054:ff:fe12:3456"]}]}]}
 * }</pre>
 *
 * <p>The limits keep the JSON form well below the 64 KiB of a control protocol line.
 *
 * @param version grows with every change; 0 when nothing has been learned
 * @param nics each NIC that something is known of, under a name that both hosts use
 */
public record GuestAddresses(long version, List<Nic> nics) {

    public static final int MAX_NICS = 8;
    public static final int MAX_STATIONS_PER_NIC = 16;
    public static final int MAX_ADDRESSES_PER_NIC = 64;

    /** Nothing learned yet. */
    public static final GuestAddresses NONE = new GuestAddresses(0, List.of());

    private static final Pattern NIC_NAME = Pattern.compile("[A-Za-z0-9._-]{1,32}");

    public GuestAddresses {
        nics = List.copyOf(nics);
        if (version < 0) {
            throw new IllegalArgumentException("version " + version + " is negative");
        }
        requireAtMost(MAX_NICS, nics, "NICs");
        requireDistinct(nics.stream().map(Nic::name).toList(), "NIC");
    }

    /**
     * One NIC of the guest.
     *
     * @param name 1 to 32 letters, digits, dots, dashes and underscores
     * @param stations what the guest is on that NIC, in the order learned
     */
    public record Nic(String name, List<Station> stations) {
        public Nic {
            requireNicName(name);
            stations = List.copyOf(stations);
            requireAtMost(MAX_STATIONS_PER_NIC, stations, "stations on NIC " + name);
            requireDistinct(
                    stations.stream()
                            .map(station -> station.mac() + " " + station.tags())
                            .toList(),
                    "station");
            int addresses = stations.stream()
                    .mapToInt(station -> station.ipv4().size() + station.ipv6().size())
                    .sum();
            if (addresses > MAX_ADDRESSES_PER_NIC) {
                throw new IllegalArgumentException(addresses + " addresses on NIC " + name + "; at most "
                        + MAX_ADDRESSES_PER_NIC + " are allowed");
            }
        }
    }

    /**
     * One MAC address on one VLAN, with the IP addresses that are used there. An address that is used on one VLAN says
     * nothing about another, where it may be somebody else's.
     *
     * @param mac of a single station, not of a group
     * @param tags the VLAN tags, outermost first; empty for untagged
     * @param router whether it is an IPv6 router (the R flag of its neighbour advertisements)
     * @param ipv4 dotted quads
     * @param ipv6 in the form of RFC 5952, link-local ones included
     */
    public record Station(MacAddress mac, List<VlanTag> tags, boolean router, List<String> ipv4, List<String> ipv6) {
        public Station {
            if (mac.isGroup() || mac.value() == 0) {
                throw new IllegalArgumentException(mac + " is not the address of a single station");
            }
            tags = List.copyOf(tags);
            ipv4 = List.copyOf(ipv4);
            ipv6 = List.copyOf(ipv6);
            requireAtMost(EthernetFrame.MAX_TAGS, tags, "VLAN tags");
            ipv4.forEach(AddressText::parseIpv4);
            ipv6.forEach(AddressText::parseIpv6);
            requireDistinct(ipv4, "address");
            requireDistinct(ipv6, "address");
        }
    }

    /** What is known of the NIC with that name; without stations if nothing is. */
    public Nic nic(String name) {
        return nics.stream()
                .filter(nic -> nic.name().equals(name))
                .findFirst()
                .orElseGet(() -> new Nic(name, List.of()));
    }

    /** The form that is shipped; see above. */
    public ObjectNode toJson() {
        ObjectNode root = JsonNodeFactory.instance.objectNode().put("version", version);
        ArrayNode nicArray = root.putArray("nics");
        for (Nic nic : nics) {
            ArrayNode stationArray =
                    nicArray.addObject().put("name", nic.name()).putArray("stations");
            for (Station station : nic.stations()) {
                ObjectNode object =
                        stationArray.addObject().put("mac", station.mac().toString());
                ArrayNode tagArray = object.putArray("tags");
                station.tags().forEach(tag -> tagArray.add(tag.toString()));
                object.put("router", station.router());
                station.ipv4().forEach(object.putArray("ipv4")::add);
                station.ipv6().forEach(object.putArray("ipv6")::add);
            }
        }
        return root;
    }

    /**
     * Reads what {@link #toJson} wrote, perhaps on another host.
     *
     * @throws IllegalArgumentException if it is anything else; the message says what and where
     */
    public static GuestAddresses fromJson(JsonNode json) {
        requireFields(json, "addresses", Set.of("version", "nics"));
        JsonNode version = json.get("version");
        if (!version.canConvertToLong() || !version.isIntegralNumber()) {
            throw new IllegalArgumentException("addresses.version is not a whole number");
        }
        return new GuestAddresses(version.longValue(), list(json, "nics", GuestAddresses::nicFromJson));
    }

    private static Nic nicFromJson(JsonNode json) {
        requireFields(json, "nic", Set.of("name", "stations"));
        return new Nic(text(json.get("name")), list(json, "stations", GuestAddresses::stationFromJson));
    }

    private static Station stationFromJson(JsonNode json) {
        requireFields(json, "station", Set.of("mac", "tags", "router", "ipv4", "ipv6"));
        if (!json.get("router").isBoolean()) {
            throw new IllegalArgumentException("station.router is neither true nor false");
        }
        return new Station(
                MacAddress.parse(text(json.get("mac"))),
                list(json, "tags", tag -> VlanTag.parse(text(tag))),
                json.get("router").booleanValue(),
                list(json, "ipv4", GuestAddresses::text),
                list(json, "ipv6", GuestAddresses::text));
    }

    private static <T> List<T> list(JsonNode parent, String field, Function<JsonNode, T> read) {
        JsonNode array = parent.get(field);
        if (!array.isArray()) {
            throw new IllegalArgumentException(field + " is not a list");
        }
        List<T> items = new ArrayList<>();
        for (JsonNode item : array) {
            items.add(read.apply(item));
        }
        return items;
    }

    private static String text(JsonNode json) {
        if (!json.isTextual()) {
            throw new IllegalArgumentException(json + " is not a string");
        }
        return json.textValue();
    }

    private static void requireFields(JsonNode json, String what, Set<String> expected) {
        Set<String> found = new HashSet<>();
        json.fieldNames().forEachRemaining(found::add);
        if (!json.isObject() || !found.equals(expected)) {
            throw new IllegalArgumentException(what + " must have exactly the fields " + expected + ", not " + found);
        }
    }

    static void requireNicName(String name) {
        if (!NIC_NAME.matcher(name).matches()) {
            throw new IllegalArgumentException("'" + name + "' is not a NIC name: " + NIC_NAME);
        }
    }

    private static void requireAtMost(int limit, List<?> items, String what) {
        if (items.size() > limit) {
            throw new IllegalArgumentException(items.size() + " " + what + "; at most " + limit + " are allowed");
        }
    }

    private static void requireDistinct(List<String> items, String what) {
        Set<String> seen = new HashSet<>();
        for (String item : items) {
            if (!seen.add(item)) {
                throw new IllegalArgumentException(what + " '" + item + "' is there twice");
            }
        }
    }
}
