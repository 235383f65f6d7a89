package io.holdfast.frame;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class MacAddressTest {

    @Test
    void shouldReadWhatItWrites() {
        MacAddress mac = MacAddress.parse("52:54:00:AB:cd:0f");
        assertThat(mac.value()).isEqualTo(0x5254_00ab_cd0fL);
        assertThat(mac).hasToString("52:54:00:ab:cd:0f");
        assertThat(MacAddress.parse(mac.toString())).isEqualTo(mac);
        assertThat(new MacAddress(0)).hasToString("00:00:00:00:00:00");
    }

    @Test
    void shouldTellGroupAddressesFromOthers() {
        assertThat(MacAddress.BROADCAST.isGroup()).isTrue();
        assertThat(MacAddress.parse("33:33:00:00:00:01").isGroup()).isTrue();
        assertThat(MacAddress.parse("52:54:00:12:34:56").isGroup()).isFalse();
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "",
                "52:54:00:12:34",
                "52-54-00-12-34-56",
                "5254.0012.3456",
                "52:54:00:12:34:5g",
                " 52:54:00:12:34:56"
            })
    void shouldRefuseWhatIsNotAnAddress(String text) {
        assertThatIllegalArgumentException()
                .isThrownBy(() -> MacAddress.parse(text))
                .withMessageContaining("'" + text + "'");
    }

    @Test
    void shouldRefuseMoreThan48Bits() {
        assertThatIllegalArgumentException().isThrownBy(() -> new MacAddress(1L << 48));
        assertThatIllegalArgumentException().isThrownBy(() -> new MacAddress(-1));
    }
}
