package io.holdfast.cli.doctor;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.List;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class VlanFilterTest {

    @ParameterizedTest
    @ValueSource(
            strings = {
                "virtio-net-pci,netdev=n0",
                "virtio-net",
                "virtio-net-device,netdev=n0,ctrl_vlan=on",
                "{\"driver\": \"virtio-net-pci\", \"netdev\": \"n0\"}"
            })
    void shouldBeSeenWhereItIsNotTurnedOff(String device) {
        assertThat(VlanFilter.isIn(List.of("qemu-system-x86_64", "-device", device)))
                .isTrue();
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "virtio-net-pci,netdev=n0,ctrl_vlan=off",
                "{\"driver\": \"virtio-net-pci\", \"ctrl_vlan\": false}",
                "e1000,netdev=n0",
                "virtio-blk-pci,drive=d0"
            })
    void shouldNotBeSeenElsewhere(String device) {
        assertThat(VlanFilter.isIn(List.of("qemu-system-x86_64", "-device", device)))
                .isFalse();
    }
}
