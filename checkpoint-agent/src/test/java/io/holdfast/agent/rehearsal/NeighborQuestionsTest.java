package io.holdfast.agent.rehearsal;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.json.JsonMapper;
import io.holdfast.arp.GuestAddresses;
import io.holdfast.arp.GuestAddresses.Nic;
import io.holdfast.arp.GuestAddresses.Station;
import io.holdfast.frame.MacAddress;
import io.holdfast.frame.VlanTag;
import java.util.List;
import java.util.Optional;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class NeighborQuestionsTest {

    private static final MacAddress MAC = MacAddress.parse("52:54:00:12:34:56");
    private static final VlanTag TEN = VlanTag.parse("0x8100:10");

    @Test
    void shouldAskForAnIpv4AddressFromBesideIt() {
        NeighborQuestions questions = asked(station(List.of(), List.of("10.0.0.5"), List.of("fd00::5")));
        assertThat(questions.setUp())
                .contains("link set dev tap0 up", "address add 10.0.0.4 peer 10.0.0.5 dev tap0")
                .doesNotContain("fd00::5");
        assertThat(questions.ask()).isEqualTo("neighbor replace 10.0.0.5 dev tap0 use\n");
        assertThat(questions.address()).isEqualTo("10.0.0.5");
    }

    @Test
    void shouldAskForAnIpv6AddressWhereThereIsNoOther() {
        NeighborQuestions questions = asked(station(List.of(), List.of(), List.of("fd00::5")));
        assertThat(questions.setUp()).contains("route replace fd00::5/128 dev tap0");
        assertThat(questions.ask()).isEqualTo("neighbor replace fd00::5 dev tap0 use\n");
    }

    @Test
    void shouldNameTheInterfaceOfALinkLocalAddress() {
        assertThat(asked(station(List.of(), List.of(), List.of("fe80::5"))).address())
                .isEqualTo("fe80::5%tap0");
    }

    @Test
    void shouldAskInTheVlanInWhichTheAddressIsUsed() {
        NeighborQuestions questions = asked(station(List.of(TEN), List.of("10.0.0.5"), List.of()));
        assertThat(questions.setUp())
                .contains(
                        "link add link tap0 name vlan0 type vlan protocol 0x8100 id 10",
                        "link set dev vlan0 up",
                        "address add 10.0.0.4 peer 10.0.0.5 dev vlan0");
        assertThat(questions.ask()).isEqualTo("neighbor replace 10.0.0.5 dev vlan0 use\n");
    }

    @Test
    void shouldMakeAVlanForEachTag() {
        Station other = station(List.of(VlanTag.parse("0x8100:20")), List.of("10.0.0.7"), List.of());
        assertThat(asked(station(List.of(TEN), List.of("10.0.0.5"), List.of()), other)
                        .ask())
                .isEqualTo("neighbor replace 10.0.0.5 dev vlan0 use\nneighbor replace 10.0.0.7 dev vlan1 use\n");
    }

    @Test
    void shouldMakeAVlanOnceForAllThatAreInIt() {
        Station other =
                new Station(MacAddress.parse("52:54:00:12:34:57"), List.of(TEN), false, List.of("10.0.0.7"), List.of());
        assertThat(asked(station(List.of(TEN), List.of("10.0.0.5"), List.of()), other)
                        .setUp())
                .containsOnlyOnce("link add");
    }

    @Test
    void shouldRaiseEveryTapAndAskOnEach() {
        NeighborQuestions questions = new NeighborQuestions(
                guest(station(List.of(), List.of("10.0.0.5"), List.of())), List.of("tap0", "tap1"));
        assertThat(questions.setUp()).contains("link set dev tap0 up", "link set dev tap1 up");
        assertThat(questions.ask().lines())
                .containsExactly("neighbor replace 10.0.0.5 dev tap0 use", "neighbor replace 10.0.0.5 dev tap1 use");
    }

    @Test
    void shouldRaiseTheTapsOfAGuestWithoutKnownAddresses() {
        NeighborQuestions questions = new NeighborQuestions(GuestAddresses.NONE, List.of("tap0"));
        assertThat(questions.isEmpty()).isTrue();
        assertThat(questions.setUp()).contains("link set dev tap0 up");
        assertThat(questions.address()).isEmpty();
    }

    @Test
    void shouldNotAskForEverythingThatAGuestMayBe() {
        Station[] many = IntStream.range(1, 17)
                .mapToObj(number -> new Station(
                        new MacAddress(MAC.value() + number), List.of(), false, List.of("10.0.0." + number), List.of()))
                .toArray(Station[]::new);
        assertThat(new NeighborQuestions(guest(many), List.of("tap0", "tap1"))
                        .ask()
                        .lines())
                .hasSize(16);
    }

    @ParameterizedTest
    @CsvSource({
        "10.0.0.5, 10.0.0.4",
        "10.0.0.4, 10.0.0.5",
        "10.0.0.1, 10.0.0.3",
        "10.0.0.254, 10.0.0.252",
    })
    void shouldFindANeighbourThatIsNeitherNetworkNorBroadcast(String guest, String beside) {
        assertThat(NeighborQuestions.besides(guest)).isEqualTo(beside);
    }

    @Test
    void shouldTakeAnAnswerFromTheGuestsOwnMacAddress() throws Exception {
        assertThat(answered("tap0", "10.0.0.5", "52:54:00:12:34:56", "REACHABLE"))
                .contains("10.0.0.5");
    }

    @Test
    void shouldTakeNoAnswerFromAnotherMacAddress() throws Exception {
        assertThat(answered("tap0", "10.0.0.5", "52:54:00:99:99:99", "REACHABLE"))
                .isEmpty();
    }

    /** It was only heard of, as by a broadcast of its own. */
    @Test
    void shouldTakeNoAnswerFromOneThatWasNotAsked() throws Exception {
        assertThat(answered("tap0", "10.0.0.5", "52:54:00:12:34:56", "STALE")).isEmpty();
    }

    @Test
    void shouldTakeNoAnswerForAnotherAddress() throws Exception {
        assertThat(answered("tap0", "10.0.0.6", "52:54:00:12:34:56", "REACHABLE"))
                .isEmpty();
    }

    @Test
    void shouldTakeNoAnswerOnAnotherInterface() throws Exception {
        assertThat(answered("tap1", "10.0.0.5", "52:54:00:12:34:56", "REACHABLE"))
                .isEmpty();
    }

    private static Optional<String> answered(String device, String address, String mac, String state) throws Exception {
        JsonNode neighbors = new JsonMapper()
                .readTree("[{\"dst\":\"%s\",\"dev\":\"%s\",\"lladdr\":\"%s\",\"state\":[\"%s\"]}]"
                        .formatted(address, device, mac, state));
        return asked(station(List.of(), List.of("10.0.0.5"), List.of())).answered(neighbors);
    }

    private static NeighborQuestions asked(Station... stations) {
        return new NeighborQuestions(guest(stations), List.of("tap0"));
    }

    private static GuestAddresses guest(Station... stations) {
        return new GuestAddresses(1, List.of(new Nic("net0", List.of(stations))));
    }

    private static Station station(List<VlanTag> tags, List<String> ipv4, List<String> ipv6) {
        return new Station(MAC, tags, false, ipv4, ipv6);
    }
}
