package io.holdfast.cli.doctor;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.groups.Tuple.tuple;

import com.fasterxml.jackson.databind.node.MissingNode;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.junit.jupiter.api.Test;

/** INV-8, INV-9: the host's own stack, by what its tools print. */
class LeakPathsTest {

    private static final String GUEST_MAC = "52:54:00:12:34:56";
    private static final String GUEST_IPV4 = "10.0.0.5";
    private static final String HARMLESS = """
            [{"ifname":"lo","address":"00:00:00:00:00:00","addr_info":[{"family":"inet","local":"127.0.0.1","prefixlen":8}]},
             {"ifname":"up0","address":"02:00:00:00:00:0b","addr_info":[]},
             {"ifname":"eth0","address":"02:00:00:00:00:0c","addr_info":[{"family":"inet","local":"10.1.0.2","prefixlen":24}]}]""";
    private static final String NO_ENTRIES = "[]";

    private final Map<String, Integer> settings = new HashMap<>(Map.of("net/ipv4/conf/up0/arp_ignore", 1));
    private Set<String> dropped = Set.of();

    @Test
    void shouldFindNothingOnAHostThatKeepsQuiet() {
        assertThat(find(HARMLESS, NO_ENTRIES))
                .singleElement()
                .satisfies(finding -> assertThat(finding.verdict()).isEqualTo(Finding.Verdict.OK));
    }

    @Test
    void shouldFindTheGuestsAddressOnAnInterfaceOfTheHost() {
        assertThat(find(HARMLESS.replace("10.1.0.2", GUEST_IPV4), NO_ENTRIES))
                .containsExactly(Finding.failed(
                        "host eth0",
                        "it has the guest's address 10.0.0.5/24, so this host answers for the guest: ip addr del 10.0.0.5/24"
                                + " dev eth0"));
    }

    @Test
    void shouldFindTheGuestsMacOnAnInterfaceOfTheHost() {
        assertThat(find(HARMLESS.replace("02:00:00:00:00:0c", GUEST_MAC), NO_ENTRIES))
                .singleElement()
                .satisfies(finding -> assertThat(finding.text()).contains(GUEST_MAC, "ip link set dev eth0 address"));
    }

    @Test
    void shouldFindAPortThatAnswersForOthers() {
        settings.put("net/ipv4/conf/up0/proxy_arp", 1);
        assertThat(find(HARMLESS, NO_ENTRIES))
                .containsExactly(
                        Finding.failed(
                                "host up0",
                                "it answers for addresses of others (proxy_arp is 1): sysctl -w net/ipv4/conf/up0/proxy_arp=0"));
    }

    @Test
    void shouldFindAPortThatAnswersForOthersOfOneVlan() {
        settings.put("net/ipv4/conf/up0/proxy_arp_pvlan", 1);
        assertThat(find(HARMLESS, NO_ENTRIES))
                .singleElement()
                .satisfies(finding -> assertThat(finding.text()).contains("net/ipv4/conf/up0/proxy_arp_pvlan=0"));
    }

    @Test
    void shouldFindAPortThatAnswersForOthersOverIpv6() {
        settings.put("net/ipv6/conf/up0/proxy_ndp", 1);
        assertThat(find(HARMLESS, NO_ENTRIES))
                .singleElement()
                .satisfies(finding -> assertThat(finding.text()).contains("net/ipv6/conf/up0/proxy_ndp=0"));
    }

    /** Of many a host it is the way to work. */
    @Test
    void shouldOnlyWarnOfAnInterfaceThatIsNoPort() {
        settings.put("net/ipv4/conf/eth0/proxy_arp", 1);
        assertThat(find(HARMLESS, NO_ENTRIES))
                .extracting(Finding::what, Finding::verdict)
                .containsExactly(tuple("host eth0", Finding.Verdict.WARNING));
    }

    @Test
    void shouldNameTheSettingForAllWhereThatIsTheCause() {
        settings.put("net/ipv4/conf/all/proxy_arp", 1);
        assertThat(find(HARMLESS, NO_ENTRIES))
                .isNotEmpty()
                .allSatisfy(finding -> assertThat(finding.text()).endsWith("sysctl -w net/ipv4/conf/all/proxy_arp=0"));
    }

    @Test
    void shouldNotMindWhatAPortWouldAnswerFromWhichTheStackGetsNothing() {
        settings.put("net/ipv4/conf/up0/proxy_arp", 1);
        settings.put("net/ipv4/conf/up0/arp_ignore", 0);
        dropped = Set.of("up0");
        assertThat(find(HARMLESS, NO_ENTRIES)).extracting(Finding::verdict).containsExactly(Finding.Verdict.OK);
    }

    @Test
    void shouldFindAPortThatAnswersForTheHostsOtherInterfaces() {
        settings.remove("net/ipv4/conf/up0/arp_ignore");
        assertThat(find(HARMLESS, NO_ENTRIES)).singleElement().satisfies(finding -> {
            assertThat(finding.what()).isEqualTo("host up0");
            assertThat(finding.text()).endsWith("sysctl -w net/ipv4/conf/up0/arp_ignore=1");
        });
    }

    @Test
    void shouldFindAProxyEntryForTheGuest() {
        assertThat(find(HARMLESS, "[{\"dst\":\"10.0.0.5\",\"dev\":\"eth0\",\"proxy\":null}]"))
                .singleElement()
                .satisfies(finding -> {
                    assertThat(finding.verdict()).isEqualTo(Finding.Verdict.FAILED);
                    assertThat(finding.text()).contains("ip neigh del proxy 10.0.0.5 dev eth0");
                });
    }

    @Test
    void shouldWarnOfAProxyEntryForAnAddressThatMayBeTheGuests() {
        assertThat(find(HARMLESS, "[{\"dst\":\"fd00::5\",\"dev\":\"eth0\",\"proxy\":null}]"))
                .extracting(Finding::verdict)
                .containsExactly(Finding.Verdict.WARNING);
    }

    /** It would be heard again as soon as the drop is gone. */
    @Test
    void shouldFindAProxyEntryForTheGuestEvenOnAPortFromWhichTheStackGetsNothing() {
        dropped = Set.of("up0");
        assertThat(find(HARMLESS, "[{\"dst\":\"10.0.0.5\",\"dev\":\"up0\",\"proxy\":null}]"))
                .extracting(Finding::verdict)
                .containsExactly(Finding.Verdict.FAILED);
    }

    @Test
    void shouldNotMindAProxyEntryForOthersOnAPortFromWhichTheStackGetsNothing() {
        dropped = Set.of("up0");
        assertThat(find(HARMLESS, "[{\"dst\":\"fd00::5\",\"dev\":\"up0\",\"proxy\":null}]"))
                .extracting(Finding::verdict)
                .containsExactly(Finding.Verdict.OK);
    }

    @Test
    void shouldNotMindThePortsOfAnotherBridge() {
        String tap1 = "\"ifname\":\"tap1\",\"address\":\"02:00:00:00:00:03\",\"master\":";
        assertThat(find(bridge(false).replace(tap1 + "\"br0\"", tap1 + "\"br1\""), NO_ENTRIES))
                .extracting(Finding::verdict)
                .containsExactly(Finding.Verdict.OK);
    }

    /** The kernel keeps apart only what is isolated at both ends. */
    @Test
    void shouldFindOtherPortsThatAreIsolatedFromEachOtherOnly() {
        String isolatedTap = "\"isolated\":true";
        assertThat(find(bridge(true).replaceFirst(isolatedTap, "\"isolated\":false"), NO_ENTRIES))
                .extracting(Finding::what)
                .containsExactly("host tap0");
    }

    @Test
    void shouldFindOtherPortsOnTheBridgeOfAGuestWhoseProxyIsElsewhere() {
        assertThat(find(bridge(false), NO_ENTRIES)).singleElement().satisfies(finding -> {
            assertThat(finding.what()).isEqualTo("host tap0");
            assertThat(finding.text()).contains("cable0, tap1 through br0", "isolated on");
        });
    }

    @Test
    void shouldNotMindOtherPortsThatAreIsolatedFromTheGuests() {
        assertThat(find(bridge(true), NO_ENTRIES)).extracting(Finding::verdict).containsExactly(Finding.Verdict.OK);
    }

    @Test
    void shouldKnowTheGuestByTheMacsOfItsCommandInEitherForm() {
        List<String> command = List.of(
                "-device",
                "virtio-net-pci,netdev=n0,mac=52:54:00:AB:cd:01",
                "-device",
                "{\"driver\": \"virtio-net-pci\", \"mac\": \"52:54:00:ab:cd:02\"}");
        assertThat(GuestIdentity.of(command, MissingNode.getInstance()).macs())
                .containsExactlyInAnyOrder("52:54:00:ab:cd:01", "52:54:00:ab:cd:02");
    }

    private static String bridge(boolean isolated) {
        return """
            [{"ifname":"tap0","address":"02:00:00:00:00:01","master":"br0","addr_info":[],
              "linkinfo":{"info_slave_kind":"bridge","info_slave_data":{"isolated":%1$s}}},
             {"ifname":"cable0","address":"02:00:00:00:00:02","master":"br0","addr_info":[],
              "linkinfo":{"info_slave_kind":"bridge","info_slave_data":{"isolated":false}}},
             {"ifname":"tap1","address":"02:00:00:00:00:03","master":"br0","addr_info":[],
              "linkinfo":{"info_slave_kind":"bridge","info_slave_data":{"isolated":%1$s}}}]""".formatted(isolated);
    }

    private List<Finding> find(String addresses, String proxyEntries) {
        return LeakPaths.find(
                HostNetwork.parse(addresses, proxyEntries, settings),
                new GuestIdentity(Set.of(GUEST_MAC), Set.of(GUEST_IPV4)),
                Set.of("up0"),
                dropped,
                Set.of("tap0"));
    }
}
