package io.holdfast.arp;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.holdfast.frame.MacAddress;
import io.holdfast.frame.VlanTag;
import java.util.List;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class GuestAddressesTest {

    private static final String SHIPPED = """
            {"version":7,"nics":[{"name":"net0","stations":[\
            {"mac":"52:54:00:12:34:56","tags":["0x88a8:100","0x8100:10"],"router":true,\
            "ipv4":["10.0.0.5"],"ipv6":["fe80::5054:ff:fe12:3456"]}]}]}""";

    private final ObjectMapper json = new ObjectMapper();

    @Test
    void shouldReadWhatItWrites() throws JsonProcessingException {
        GuestAddresses addresses = new GuestAddresses(
                7,
                List.of(new GuestAddresses.Nic(
                        "net0",
                        List.of(new GuestAddresses.Station(
                                MacAddress.parse("52:54:00:12:34:56"),
                                List.of(new VlanTag(0x88a8, 100), new VlanTag(0x8100, 10)),
                                true,
                                List.of("10.0.0.5"),
                                List.of("fe80::5054:ff:fe12:3456"))))));
        assertThat(addresses.toJson()).hasToString(SHIPPED);
        assertThat(GuestAddresses.fromJson(json.readTree(SHIPPED))).isEqualTo(addresses);
        assertThat(GuestAddresses.fromJson(GuestAddresses.NONE.toJson())).isEqualTo(GuestAddresses.NONE);
    }

    @ParameterizedTest
    @CsvSource(
            quoteCharacter = '`',
            delimiter = '|',
            value = {
                "7                         | -1                         | negative",
                "7                         | 1.5                        | whole number",
                "7                         | 99999999999999999999       | whole number",
                "\"version\":7             | \"revision\":7             | exactly the fields",
                "\"version\":7             | \"version\":7,\"x\":1      | exactly the fields",
                "\"net0\"                  | \"../../etc\"              | NIC name",
                "\"net0\"                  | 0                          | not a string",
                "52:54:00:12:34:56         | 52:54:00:12:34             | MAC address",
                "52:54:00:12:34:56         | 33:33:00:00:00:01          | single station",
                "52:54:00:12:34:56         | 00:00:00:00:00:00          | single station",
                "0x8100:10                 | 0x8100:4095                | VLAN 4095",
                "0x8100:10                 | 0x8100:0                   | VLAN 0",
                "0x8100:10                 | 0x0800:10                  | VLAN tag protocol",
                "0x8100:10                 | ten                        | VLAN tag",
                "\"0x8100:10\"             | \"0x8100:10\",\"0x8100:9\" | VLAN tags",
                "true                      | \"yes\"                    | neither true nor false",
                "\"10.0.0.5\"              | \"10.0.0.5\",\"10.0.0.5\"  | twice",
                "\"10.0.0.5\"              | 167772165                  | not a string",
                "10.0.0.5                  | 10.0.0                     | IPv4 address",
                "10.0.0.5                  | 10.0.0.05                  | IPv4 address",
                "10.0.0.5                  | example.org                | IPv4 address",
                "10.0.0.5                  | 0.0.0.0                    | can have",
                "10.0.0.5                  | 255.255.255.255            | can have",
                "10.0.0.5                  | fe80::1                    | IPv4 address",
                "fe80::5054:ff:fe12:3456   | FE80::1                    | IPv6 address",
                "fe80::5054:ff:fe12:3456   | fe80:0:0:0:0:0:0:1         | IPv6 address",
                "fe80::5054:ff:fe12:3456   | fe80::1%eth0               | IPv6 address",
                "fe80::5054:ff:fe12:3456   | ::                         | can have",
                "fe80::5054:ff:fe12:3456   | ff02::1                    | can have",
                "[\"10.0.0.5\"]            | \"10.0.0.5\"               | not a list",
            })
    void shouldRefuseAndSayWhy(String part, String replacement, String reason) throws JsonProcessingException {
        String damaged = SHIPPED.replace(part, replacement);
        assertThat(damaged).isNotEqualTo(SHIPPED);
        assertThatIllegalArgumentException()
                .isThrownBy(() -> GuestAddresses.fromJson(json.readTree(damaged)))
                .withMessageContaining(reason);
    }

    @Test
    void shouldRefuseWhatIsNoObject() throws JsonProcessingException {
        for (String text : List.of(
                "[]", "null", "7", "\"x\"", "{}", "{\"version\":1,\"nics\":[7]}", "{\"version\":1,\"nics\":null}")) {
            assertThatIllegalArgumentException().isThrownBy(() -> GuestAddresses.fromJson(json.readTree(text)));
        }
    }

    @Test
    void shouldRefuseMoreThanItsLimitsAndStayBelowOneControlLine() {
        List<String> ipv6 = IntStream.range(0, GuestAddresses.MAX_ADDRESSES_PER_NIC)
                .mapToObj(i -> "2001:db8:1234:5678:9abc:def0:1234:" + Integer.toHexString(0x1000 + i))
                .toList();
        List<GuestAddresses.Station> stations = IntStream.range(0, GuestAddresses.MAX_STATIONS_PER_NIC)
                .mapToObj(i -> new GuestAddresses.Station(
                        new MacAddress(0x5254_0000_0000L + i),
                        List.of(new VlanTag(0x88a8, 4000), new VlanTag(0x8100, 4000)),
                        false,
                        List.of(),
                        i == 0 ? ipv6 : List.of()))
                .toList();
        GuestAddresses full = new GuestAddresses(
                Long.MAX_VALUE,
                IntStream.range(0, GuestAddresses.MAX_NICS)
                        .mapToObj(i -> new GuestAddresses.Nic("n".repeat(31) + i, stations))
                        .toList());
        assertThat(full.toJson().toString().length()).isLessThan(64 * 1024);
        GuestAddresses.Station oneMore =
                new GuestAddresses.Station(new MacAddress(2), List.of(), false, List.of("10.0.0.1"), List.of());
        assertThatIllegalArgumentException()
                .isThrownBy(() -> new GuestAddresses.Nic("net0", List.of(stations.getFirst(), oneMore)))
                .withMessageContaining("at most 64");
    }
}
