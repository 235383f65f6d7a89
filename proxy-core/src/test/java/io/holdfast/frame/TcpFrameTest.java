package io.holdfast.frame;

import static io.holdfast.testkit.FrameBuilder.ethernet;
import static io.holdfast.testkit.FrameBuilder.hex;
import static io.holdfast.testkit.FrameBuilder.join;
import static io.holdfast.testkit.FrameBuilder.segment;
import static io.holdfast.testkit.FrameBuilder.tcp;
import static org.assertj.core.api.Assertions.assertThat;

import io.holdfast.testkit.Allocation;
import io.holdfast.testkit.FrameBuilder;
import java.lang.foreign.MemorySegment;
import java.util.Arrays;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class TcpFrameTest {

    private static final String CLIENT = "52:54:00:00:00:01";
    private static final String GUEST = "52:54:00:00:00:02";
    private static final int TCP = 6;
    private static final int UDP = 17;
    private static final int FRAGMENT = 44;
    private static final byte[] SEGMENT = tcp(40_000, 80, 0x18, new byte[5]);
    private static final byte[] OVER_IPV4 = toGuest().ipv4("10.0.0.1", "200.0.0.2", 64, TCP, SEGMENT);
    private static final byte[] OVER_IPV6 = toGuest().ipv6("fd00::1", "2001:db8::2", 64, TCP, SEGMENT);

    private final TcpFrame frame = new TcpFrame();

    @Test
    void shouldShowIpv4AddressesAsMappedOnes() {
        assertThat(wrap(OVER_IPV4)).isTrue();
        assertThat(frame.isOverIpv6()).isFalse();
        assertThat(frame.sourceHigh()).isZero();
        assertThat(frame.sourceLow()).isEqualTo(0xffff_0a00_0001L);
        assertThat(frame.destinationHigh()).isZero();
        assertThat(frame.destinationLow()).isEqualTo(0xffff_c800_0002L);
    }

    @Test
    void shouldShowIpv6AddressesWhole() {
        assertThat(wrap(OVER_IPV6)).isTrue();
        assertThat(frame.isOverIpv6()).isTrue();
        assertThat(frame.sourceHigh()).isEqualTo(0xfd00L << 48);
        assertThat(frame.sourceLow()).isEqualTo(1);
        assertThat(frame.destinationHigh()).isEqualTo(0x2001_0db8L << 32);
        assertThat(frame.destinationLow()).isEqualTo(2);
    }

    @Test
    void shouldShowTheSegmentBehindTwoTags() {
        assertThat(wrap(tagged().ipv4("10.0.0.1", "10.0.0.2", 64, TCP, SEGMENT)))
                .isTrue();
        assertThat(frame.ethernet().tagCount()).isEqualTo(2);
        assertThat(frame.segment().destinationPort()).isEqualTo(80);
        assertThat(frame.segment().payloadLength()).isEqualTo(5);
    }

    @Test
    void shouldShowTheOptions() {
        byte[] header = join(tcp(40_000, 80, 0x10, new byte[0]), hex("0101 080a 11223344 55667788"));
        header[12] = (byte) 0x80;
        assertThat(wrap(toGuest().ipv6("fd00::1", "fd00::2", 64, TCP, header))).isTrue();
        assertThat(frame.options().timestampValue()).isEqualTo(0x1122_3344);
    }

    @Test
    void shouldTakePaddingForNoPayload() {
        byte[] bare = toGuest().ipv4("10.0.0.1", "10.0.0.2", 64, TCP, tcp(40_000, 80, 0x10, new byte[0]));
        assertThat(wrap(Arrays.copyOf(bare, EthernetFrame.MIN_BYTES))).isTrue();
        assertThat(frame.segment().payloadLength()).isZero();
    }

    @ParameterizedTest
    @ValueSource(ints = {0x2000, 0x2001, 1})
    void shouldNotTakeAFragmentOverIpv4(int fragmentation) {
        assertThat(wrap(toGuest().ipv4("10.0.0.1", "10.0.0.2", 64, TCP, fragmentation, SEGMENT)))
                .isFalse();
    }

    @Test
    void shouldNotTakeAFragmentOverIpv6() {
        byte[] fragment = join(hex("0600 0001 00000007"), SEGMENT);
        assertThat(wrap(toGuest().ipv6("fd00::1", "fd00::2", 64, FRAGMENT, fragment)))
                .isFalse();
    }

    @Test
    void shouldNotTakeAnotherProtocol() {
        assertThat(wrap(toGuest().ipv4("10.0.0.1", "10.0.0.2", 64, UDP, SEGMENT)))
                .isFalse();
        assertThat(wrap(toGuest().ipv6("fd00::1", "fd00::2", 64, UDP, SEGMENT))).isFalse();
        assertThat(wrap(toGuest().payload(0x88b5, new byte[60]))).isFalse();
    }

    @Test
    void shouldNotTakeOptionsThatContradictThemselves() {
        byte[] header = join(tcp(40_000, 80, 0x10, new byte[0]), hex("0101 08ff"));
        header[12] = 0x60;
        assertThat(wrap(toGuest().ipv4("10.0.0.1", "10.0.0.2", 64, TCP, header)))
                .isFalse();
    }

    @Test
    void shouldNotTakeAFrameThatIsCutAnywhere() {
        for (byte[] whole : new byte[][] {OVER_IPV4, OVER_IPV6}) {
            for (int length = 0; length < whole.length; length++) {
                assertThat(frame.wrap(segment(whole), 0, length))
                        .as("%d bytes", length)
                        .isFalse();
            }
        }
    }

    @Test
    void shouldTellThePathOfASegment() {
        wrap(tagged().ipv4("10.0.0.1", "10.0.0.2", 64, TCP, SEGMENT));
        assertThat(TcpPath.of(frame))
                .isEqualTo(new TcpPath(
                        0x5254_0000_0001L,
                        0x5254_0000_0002L,
                        2,
                        0x88a8_0064,
                        0x8100_000a,
                        false,
                        0,
                        0xffff_0a00_0001L,
                        0,
                        0xffff_0a00_0002L,
                        40_000,
                        80));
    }

    @Test
    void shouldTellTheWayBack() {
        byte[] back = tcp(80, 40_000, 0x10, new byte[0]);
        wrap(OVER_IPV6);
        TcpPath path = TcpPath.of(frame);
        wrap(ethernet(CLIENT, GUEST).ipv6("2001:db8::2", "fd00::1", 64, TCP, back));
        assertThat(path.reversed()).isEqualTo(TcpPath.of(frame));
    }

    @Test
    void shouldAllocateNothing() {
        MemorySegment memory = segment(OVER_IPV6);
        assertThat(Allocation.bytesPerCall(() -> frame.wrap(memory, 0, OVER_IPV6.length)))
                .isLessThan(1);
    }

    private boolean wrap(byte[] bytes) {
        return frame.wrap(segment(bytes), 0, bytes.length);
    }

    private static FrameBuilder toGuest() {
        return ethernet(GUEST, CLIENT);
    }

    /** The inner one with a priority, which does not tell connections apart. */
    private static FrameBuilder tagged() {
        return toGuest().tag(0x88a8, 100).tag(0x8100, 0xe00a);
    }
}
