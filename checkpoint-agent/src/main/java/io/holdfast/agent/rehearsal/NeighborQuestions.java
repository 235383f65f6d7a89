package io.holdfast.agent.rehearsal;

import com.fasterxml.jackson.databind.JsonNode;
import io.holdfast.arp.GuestAddresses;
import io.holdfast.arp.GuestAddresses.Station;
import io.holdfast.frame.VlanTag;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/**
 * How a guest is asked whether it is there, at the other end of its taps: as any neighbour asks, by ARP (RFC 826) or neighbour
 * solicitation (RFC 4861, section 7.2), which the kernel of this host does by itself. It only has to be given an address
 * beside the guest's, and something to look for.
 *
 * <p>Pure: makes what {@code ip -batch} reads, and understands what {@code ip -json neighbor} prints.
 */
final class NeighborQuestions {

    /** One address on one interface, which may be a VLAN of a tap. */
    private record Question(String device, String address, String mac) {

        boolean isIpv6() {
            return address.contains(":");
        }
    }

    /** Enough to find one that answers. */
    private static final int MAX_QUESTIONS = 16;

    /** How often the kernel asks again, instead of once a second. */
    private static final int REPEAT_MILLIS = 100;

    /** Ours on every interface; a guest's own is made of its MAC address or of chance. */
    private static final String OWN_IPV6 = "fe80::4846";

    private final List<String> setUp = new ArrayList<>();
    private final List<Question> questions = new ArrayList<>();

    /**
     * One address of every station of the guest, asked for on every tap: which of them is which NIC only its guest knows.
     *
     * @param taps the guest's, in a network namespace in which there is nothing else
     */
    NeighborQuestions(GuestAddresses guest, List<String> taps) {
        taps.forEach(this::raise);
        Map<String, String> deviceByVlan = new HashMap<>();
        for (String tap : taps) {
            for (GuestAddresses.Nic nic : guest.nics()) {
                for (Station station : nic.stations()) {
                    ask(tap, station, deviceByVlan);
                }
            }
        }
    }

    private void ask(String tap, Station station, Map<String, String> deviceByVlan) {
        Optional<String> address = station.ipv4().stream()
                .findFirst()
                .or(() -> station.ipv6().stream().findFirst());
        if (address.isEmpty() || questions.size() == MAX_QUESTIONS) {
            return;
        }
        String device = tap;
        StringBuilder vlan = new StringBuilder(tap);
        for (VlanTag tag : station.tags()) {
            String below = device;
            device = deviceByVlan.computeIfAbsent(
                    vlan.append(' ').append(tag).toString(), unknown -> addVlan(below, tag, deviceByVlan.size()));
        }
        Question question = new Question(device, address.get(), station.mac().toString());
        questions.add(question);
        if (question.isIpv6()) {
            setUp.add("route replace %s/128 dev %s".formatted(question.address, device));
        } else {
            setUp.add("address add %s peer %s dev %s".formatted(besides(question.address), question.address, device));
        }
    }

    private String addVlan(String below, VlanTag tag, int number) {
        String device = "vlan" + number;
        setUp.add("link add link %s name %s type vlan protocol 0x%04x id %d"
                .formatted(below, device, tag.protocol(), tag.id()));
        raise(device);
        return device;
    }

    private void raise(String device) {
        setUp.add("link set dev %s addrgenmode none".formatted(device));
        setUp.add("link set dev %s up".formatted(device));
        setUp.add("address add %s/64 dev %s nodad".formatted(OWN_IPV6, device));
        for (String table : List.of("arp_cache", "ndisc_cache")) {
            setUp.add("ntable change name %s dev %s retrans %d delay_probe %d"
                    .formatted(table, device, REPEAT_MILLIS, REPEAT_MILLIS));
        }
    }

    /** A neighbour of an IPv4 address in every network that it may be in, as long as that has more than two addresses. */
    static String besides(String ipv4) {
        int dot = ipv4.lastIndexOf('.') + 1;
        int last = Integer.parseInt(ipv4.substring(dot));
        int next = last ^ 1;
        boolean isNetworkOrBroadcast = next == 0 || next == 255;
        return ipv4.substring(0, dot) + (isNetworkOrBroadcast ? last ^ 2 : next);
    }

    /** Whether there is no address to ask for. */
    boolean isEmpty() {
        return questions.isEmpty();
    }

    /** The address that is asked for first, as programs take it; empty if there is none. */
    String address() {
        return questions.isEmpty() ? "" : inPrograms(questions.getFirst());
    }

    /** What raises the taps, and prepares the questions; for {@code ip -force -batch}. */
    String setUp() {
        return lines(setUp);
    }

    /** What asks, for as long as the kernel asks by itself, and again; likewise. */
    String ask() {
        return lines(questions.stream()
                .map(question -> "neighbor replace %s dev %s use".formatted(question.address, question.device))
                .toList());
    }

    /**
     * The address at which the guest has answered, from its own MAC address.
     *
     * @param neighbors what {@code ip -json neighbor} prints
     */
    Optional<String> answered(JsonNode neighbors) {
        for (JsonNode neighbor : neighbors) {
            for (Question question : questions) {
                if (isAnswer(neighbor, question)) {
                    return Optional.of(inPrograms(question));
                }
            }
        }
        return Optional.empty();
    }

    /** One that was only heard of is not REACHABLE. */
    private static boolean isAnswer(JsonNode neighbor, Question question) {
        boolean reachable = false;
        for (JsonNode state : neighbor.path("state")) {
            reachable |= state.asText().equals("REACHABLE");
        }
        return reachable
                && neighbor.path("dev").asText().equals(question.device)
                && neighbor.path("dst").asText().equals(question.address)
                && neighbor.path("lladdr").asText().equalsIgnoreCase(question.mac);
    }

    private static String inPrograms(Question question) {
        return question.address.startsWith("fe80:") ? question.address + "%" + question.device : question.address;
    }

    private static String lines(List<String> commands) {
        return String.join("\n", commands) + "\n";
    }
}
