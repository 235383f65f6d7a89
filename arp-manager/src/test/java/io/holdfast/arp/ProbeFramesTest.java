package io.holdfast.arp;

import static io.holdfast.arp.Announcements.nic;
import static io.holdfast.arp.Announcements.station;
import static io.holdfast.testkit.FrameBuilder.hex;
import static org.assertj.core.api.Assertions.assertThat;

import io.holdfast.frame.MacAddress;
import io.holdfast.frame.VlanTag;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.Arrays;
import java.util.List;
import org.junit.jupiter.api.Test;

/** What no table of the bytes says, as whether checksums are right, is left to tshark. */
class ProbeFramesTest {

    private static final MacAddress HOST = MacAddress.parse("02:00:00:00:00:0b");

    @Test
    void shouldAskForAnIpv4AddressWithoutClaimingIt() {
        byte[] probe = bytes(ProbeFrames.build(nic(station(false)), HOST).getFirst());
        assertThat(probe)
                .isEqualTo(Arrays.copyOf(
                        hex("ffffffffffff 02000000000b 0806 0001 0800 06 04 0001"
                                + " 02000000000b 00000000 000000000000 0a000005"),
                        60));
    }

    @Test
    void shouldAskForAnIpv6AddressAsDuplicateAddressDetectionDoes() {
        byte[] solicitation = bytes(ProbeFrames.build(nic(station(false)), HOST).getLast());
        assertThat(Arrays.copyOf(solicitation, 56))
                .isEqualTo(hex("3333ff000005 02000000000b 86dd 60000000 0018 3a ff"
                        + " 00000000000000000000000000000000 ff0200000000000000000001ff000005 87 00"));
        assertThat(Arrays.copyOfRange(solicitation, 58, solicitation.length))
                .as("without the option that one from no address must not have")
                .isEqualTo(hex("00000000 20010db8000000000000000000000005"));
    }

    @Test
    void shouldAskOnEachVlanForTheAddressesThatAreUsedThere() {
        List<MemorySegment> frames =
                ProbeFrames.build(nic(station(false), station(false, new VlanTag(0x8100, 10))), HOST);
        assertThat(frames).hasSize(6);
        assertThat(Arrays.copyOf(bytes(frames.get(3)), 20))
                .isEqualTo(hex("ffffffffffff 02000000000b 8100 000a 0806 0001"));
    }

    private static byte[] bytes(MemorySegment frame) {
        return frame.toArray(ValueLayout.JAVA_BYTE);
    }
}
