package io.holdfast.frame;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class IpPrefixTest {

    @Test
    void shouldContainWhatBeginsLikeIt() {
        IpPrefix ten = IpPrefix.parse("10.0.0.0/8");
        assertThat(ten.containsIpv4(0x0affffff)).isTrue();
        assertThat(ten.containsIpv4(0x0b000000)).isFalse();
        assertThat(ten.containsIpv6(0, 0x0a000001)).as("other family").isFalse();
        assertThat(IpPrefix.parse("0.0.0.0/0").containsIpv4(0xffffffff)).isTrue();
        IpPrefix one = IpPrefix.parse("192.168.1.7/32");
        assertThat(one.containsIpv4(0xc0a80107)).isTrue();
        assertThat(one.containsIpv4(0xc0a80106)).isFalse();
    }

    @Test
    void shouldContainIpv6OnBothSidesOfTheMiddle() {
        IpPrefix documentation = IpPrefix.parse("2001:db8::/32");
        assertThat(documentation.containsIpv6(0x2001_0db8_ffff_0000L, 5)).isTrue();
        assertThat(documentation.containsIpv6(0x2001_0db9_0000_0000L, 5)).isFalse();
        IpPrefix narrow = IpPrefix.parse("fe80::8000:0:0:0/65");
        assertThat(narrow.containsIpv6(0xfe80L << 48, 1L << 63 | 5)).isTrue();
        assertThat(narrow.containsIpv6(0xfe80L << 48, 5)).isFalse();
        assertThat(IpPrefix.parse("::/0").containsIpv6(-1, -1)).isTrue();
        assertThat(IpPrefix.parse("fe80::/64").containsIpv6(0xfe80L << 48, -1)).isTrue();
    }

    @Test
    void shouldReadWhatItWrites() {
        for (String text : new String[] {"10.0.0.0/8", "0.0.0.0/0", "2001:db8::/32", "fe80::8000:0:0:0/65", "::/0"}) {
            IpPrefix prefix = IpPrefix.parse(text);
            assertThat(IpPrefix.parse(prefix.toString())).isEqualTo(prefix);
        }
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "",
                "10.0.0.0",
                "10.0.0.0/33",
                "10.0.0.1/8",
                "10.0/8",
                "example.org/8",
                "256.0.0.0/8",
                "2001:db8::1/32",
                "fe80::/129",
                "::ffff:10.0.0.0/104",
                "fe80::%lo/64",
                ":::/8"
            })
    void shouldRefuseWhatIsNotAPrefix(String text) {
        assertThatIllegalArgumentException()
                .isThrownBy(() -> IpPrefix.parse(text))
                .withMessageContaining("'" + text + "'");
    }
}
