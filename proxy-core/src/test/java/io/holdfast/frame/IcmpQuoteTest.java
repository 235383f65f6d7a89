package io.holdfast.frame;

import static io.holdfast.testkit.FrameBuilder.ethernet;
import static io.holdfast.testkit.FrameBuilder.hex;
import static io.holdfast.testkit.FrameBuilder.join;
import static io.holdfast.testkit.FrameBuilder.segment;
import static io.holdfast.testkit.FrameBuilder.tcp;
import static io.holdfast.testkit.FrameBuilder.udp;
import static io.holdfast.testkit.IcmpErrors.PACKET_TOO_BIG_V6;
import static io.holdfast.testkit.IcmpErrors.UNREACHABLE;
import static io.holdfast.testkit.IcmpErrors.icmp;
import static io.holdfast.testkit.IcmpErrors.icmpv6;
import static io.holdfast.testkit.IcmpErrors.isCorrect;
import static io.holdfast.testkit.IcmpErrors.setShort;
import static io.holdfast.testkit.IcmpErrors.withChecksum;
import static org.assertj.core.api.Assertions.assertThat;

import io.holdfast.testkit.Allocation;
import io.holdfast.testkit.FrameBuilder;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.Arrays;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class IcmpQuoteTest {

    private static final int ETHERNET_BYTES = 14;
    private static final int TCP = 6;
    private static final int ICMP = 1;
    private static final int ICMPV6 = 58;
    private static final int FRAGMENT = 44;
    private static final int TCP_BYTES = 20 + 13;

    private static final String ROUTER = "192.0.2.1";
    private static final String GUEST = "10.0.0.2";
    private static final String CLIENT = "200.0.0.9";
    private static final byte[] QUOTED = packet(frame().ipv4(
                    GUEST, CLIENT, 63, TCP, 0x4000, withChecksum(GUEST, CLIENT, tcp(80, 40_000, 0x18, new byte[13]))));

    private static final String ROUTER_V6 = "2001:db8::1";
    private static final String GUEST_V6 = "fd00::2";
    private static final String CLIENT_V6 = "2001:db8:ffff::9";
    private static final byte[] QUOTED_V6 = packet(frame().ipv6(
                    GUEST_V6,
                    CLIENT_V6,
                    63,
                    TCP,
                    withChecksum(GUEST_V6, CLIENT_V6, tcp(80, 40_000, 0x18, new byte[13]))));

    private final IcmpQuote quote = new IcmpQuote();

    @Test
    void shouldShowWhoSentTheQuotedSegmentToWhom() {
        assertThat(wrap(error(QUOTED))).isTrue();
        assertThat(quote.sourceHigh()).isZero();
        assertThat(quote.sourceLow()).isEqualTo(0xffff_0a00_0002L);
        assertThat(quote.destinationHigh()).isZero();
        assertThat(quote.destinationLow()).isEqualTo(0xffff_c800_0009L);
        assertThat(quote.sourcePort()).isEqualTo(80);
        assertThat(quote.destinationPort()).isEqualTo(40_000);
        assertThat(quote.sequence()).isEqualTo(0x01020304);
    }

    @Test
    void shouldShowTheSameOverIpv6() {
        assertThat(wrap(errorV6(QUOTED_V6))).isTrue();
        assertThat(quote.sourceHigh()).isEqualTo(0xfd00L << 48);
        assertThat(quote.sourceLow()).isEqualTo(2);
        assertThat(quote.destinationHigh()).isEqualTo(0x2001_0db8_ffff_0000L);
        assertThat(quote.destinationLow()).isEqualTo(9);
        assertThat(quote.sourcePort()).isEqualTo(80);
        assertThat(quote.destinationPort()).isEqualTo(40_000);
        assertThat(quote.sequence()).isEqualTo(0x01020304);
    }

    @Test
    void shouldTakeErrorsAndNoOtherMessage() {
        for (int type = 0; type < 256; type++) {
            assertThat(wrap(error(type, QUOTED))).isEqualTo(type == 3 || type == 11 || type == 12);
            assertThat(wrap(errorV6(type, QUOTED_V6))).isEqualTo(type >= 1 && type <= 4);
        }
    }

    @Test
    void shouldChangeTheNumberAndKeepBothChecksumsWhereverTheQuoteIsCut() {
        Random random = new Random(1);
        for (int bytes = 8; bytes <= TCP_BYTES; bytes++) {
            for (int i = 0; i < 50; i++) {
                int sequence = random.nextInt();
                byte[] quoted = changed(error(Arrays.copyOf(QUOTED, 20 + bytes)), sequence);
                assertThat(isCorrect(Arrays.copyOfRange(quoted, 34, quoted.length)))
                        .isTrue();
                byte[] segment = Arrays.copyOfRange(quoted, 62, quoted.length);
                assertThat(segment)
                        .hasSize(bytes)
                        .startsWith(hex("0050 9c40"))
                        .isEqualTo(expected(QUOTED, 20, bytes, sequence));

                byte[] quotedV6 = changed(errorV6(Arrays.copyOf(QUOTED_V6, 40 + bytes)), sequence);
                byte[] message = Arrays.copyOfRange(quotedV6, 54, quotedV6.length);
                assertThat(isCorrect(ROUTER_V6, GUEST_V6, ICMPV6, message)).isTrue();
                assertThat(Arrays.copyOfRange(quotedV6, 102, quotedV6.length))
                        .isEqualTo(expected(QUOTED_V6, 40, bytes, sequence));
            }
        }
    }

    /** The beginning of the segment as it would be with that number from the outset. */
    private static byte[] expected(byte[] packet, int headerBytes, int bytes, int sequence) {
        byte[] segment = Arrays.copyOfRange(packet, headerBytes, packet.length);
        setShort(segment, 4, sequence >>> 16);
        setShort(segment, 6, sequence);
        boolean six = headerBytes == 40;
        byte[] whole = withChecksum(six ? GUEST_V6 : GUEST, six ? CLIENT_V6 : CLIENT, segment);
        whole[16] = bytes == 17 ? segment[16] : whole[16]; // Of half a checksum nothing can be said.
        return Arrays.copyOf(whole, bytes);
    }

    @Test
    void shouldLeaveAWrongChecksumWrong() {
        byte[] error = error(QUOTED);
        error[36] ^= 1;
        byte[] changed = changed(error, 7);
        assertThat(isCorrect(Arrays.copyOfRange(changed, 34, changed.length))).isFalse();
    }

    @Test
    void shouldSeeThroughTheOptionsOfBothHeaders() {
        byte[] inner = withOption(Arrays.copyOf(QUOTED, 28));
        byte[] outer = withOption(packet(error(inner)));
        byte[] changed = changed(frame().payload(0x0800, outer), 0x0a0b0c0d);
        assertThat(isCorrect(Arrays.copyOfRange(changed, 38, changed.length))).isTrue();
        assertThat(Arrays.copyOfRange(changed, 70, changed.length)).isEqualTo(hex("0050 9c40 0a0b0c0d"));
    }

    @Test
    void shouldSeeThroughTheExtensionHeadersOfBothPackets() {
        byte[] options = hex("0600 010400000000");
        byte[] inner =
                packet(frame().ipv6(GUEST_V6, CLIENT_V6, 63, 60, join(options, tcp(80, 40_000, 0x18, new byte[9]))));
        byte[] message = icmpv6(ROUTER_V6, GUEST_V6, PACKET_TOO_BIG_V6, Arrays.copyOf(inner, 56));
        byte[] changed =
                changed(frame().ipv6(ROUTER_V6, GUEST_V6, 64, 60, join(hex("3a00 010400000000"), message)), 0x0a0b0c0d);
        assertThat(isCorrect(ROUTER_V6, GUEST_V6, ICMPV6, Arrays.copyOfRange(changed, 62, changed.length)))
                .isTrue();
        assertThat(Arrays.copyOfRange(changed, 118, changed.length)).isEqualTo(hex("0050 9c40 0a0b0c0d"));
    }

    @Test
    void shouldSeeThroughTwoTags() {
        byte[] tagged = frame().tag(0x88a8, 100).tag(0x8100, 10).payload(0x0800, packet(error(QUOTED)));
        assertThat(wrap(tagged)).isTrue();
        assertThat(quote.ethernet().tagCount()).isEqualTo(2);
        assertThat(quote.sequence()).isEqualTo(0x01020304);
    }

    /** RFC 4884: the quote is padded, and something else follows. */
    @Test
    void shouldNotTakeForTheSegmentWhatFollowsItsPacket() {
        byte[] packet = Arrays.copyOf(QUOTED, 128);
        setShort(packet, 2, 20 + 8);
        byte[] changed = changed(error(packet), 0x0a0b0c0d);
        assertThat(isCorrect(Arrays.copyOfRange(changed, 34, changed.length))).isTrue();
        assertThat(Arrays.copyOfRange(changed, 70, changed.length)).isEqualTo(Arrays.copyOfRange(packet, 28, 128));
        setShort(packet, 2, 20 + 7);
        assertThat(wrap(error(packet))).isFalse();
    }

    @Test
    void shouldNotTakeAQuoteThatEndsBeforeTheNumberDoes() {
        for (int bytes = 0; bytes < 28; bytes++) {
            assertThat(wrap(error(Arrays.copyOf(QUOTED, bytes)))).isFalse();
        }
        for (int bytes = 0; bytes < 48; bytes++) {
            assertThat(wrap(errorV6(Arrays.copyOf(QUOTED_V6, bytes)))).isFalse();
        }
    }

    @Test
    void shouldNotTakeAFrameThatIsShorterThanItsHeaderClaims() {
        for (byte[] whole : new byte[][] {error(QUOTED), errorV6(QUOTED_V6)}) {
            for (int bytes = 0; bytes < whole.length; bytes++) {
                assertThat(wrap(Arrays.copyOf(whole, bytes))).isFalse();
            }
        }
    }

    @ParameterizedTest
    @ValueSource(ints = {0x2000, 1})
    void shouldNotTakeFragments(int fragmentation) {
        byte[] fragment = packet(frame().ipv4(GUEST, CLIENT, 63, TCP, fragmentation, new byte[40]));
        assertThat(wrap(error(fragment))).isFalse();
        byte[] message = icmp(UNREACHABLE, 4, QUOTED);
        assertThat(wrap(frame().ipv4(ROUTER, GUEST, 64, ICMP, fragmentation, message)))
                .isFalse();
    }

    @Test
    void shouldNotTakeFragmentsOverIpv6() {
        byte[] header = hex("0600 0001 00000007");
        byte[] fragment = packet(frame().ipv6(GUEST_V6, CLIENT_V6, 63, FRAGMENT, join(header, new byte[40])));
        assertThat(wrap(errorV6(fragment))).isFalse();
        byte[] message = icmpv6(ROUTER_V6, GUEST_V6, PACKET_TOO_BIG_V6, QUOTED_V6);
        byte[] outer = join(hex("3a00 0001 00000007"), message);
        assertThat(wrap(frame().ipv6(ROUTER_V6, GUEST_V6, 64, FRAGMENT, outer))).isFalse();
    }

    @Test
    void shouldNotTakeWhatQuotesOtherProtocols() {
        byte[] datagram = udp(53, 40_000, new byte[40]);
        assertThat(wrap(error(packet(frame().ipv4(GUEST, CLIENT, 63, 17, datagram)))))
                .isFalse();
        assertThat(wrap(errorV6(packet(frame().ipv6(GUEST_V6, CLIENT_V6, 63, 17, datagram)))))
                .isFalse();
        assertThat(wrap(error(QUOTED_V6))).isFalse();
        assertThat(wrap(errorV6(QUOTED))).isFalse();
        assertThat(wrap(frame().ipv4(GUEST, CLIENT, 63, TCP, icmp(UNREACHABLE, 4, QUOTED))))
                .isFalse();
        assertThat(wrap(frame().ipv6(ROUTER_V6, GUEST_V6, 63, ICMP, icmp(UNREACHABLE, 4, QUOTED))))
                .isFalse();
    }

    @Test
    void shouldNotThrowWhateverComes() {
        Random random = new Random(2);
        for (int i = 0; i < 50_000; i++) {
            byte[] sample = random.nextBoolean() ? error(QUOTED) : errorV6(QUOTED_V6);
            byte[] damaged = Arrays.copyOf(sample, random.nextInt(sample.length + 8));
            for (int changes = random.nextInt(6); changes > 0 && damaged.length > 0; changes--) {
                damaged[random.nextInt(damaged.length)] = (byte) random.nextInt();
            }
            MemorySegment memory = segment(damaged);
            if (quote.wrap(memory, 0, damaged.length)) {
                quote.setSequence(random.nextInt());
            }
        }
    }

    @Test
    void shouldNotAllocate() {
        byte[] error = errorV6(QUOTED_V6);
        MemorySegment memory = segment(error);
        assertThat(Allocation.bytesPerCall(() -> {
                    quote.wrap(memory, 0, error.length);
                    quote.setSequence(quote.sequence() + 1);
                }))
                .isLessThan(1);
    }

    private boolean wrap(byte[] bytes) {
        return quote.wrap(segment(bytes), 0, bytes.length);
    }

    /** The same frame with another number quoted. */
    private byte[] changed(byte[] bytes, int sequence) {
        MemorySegment memory = segment(bytes);
        assertThat(quote.wrap(memory, 0, bytes.length)).isTrue();
        quote.setSequence(sequence);
        return memory.toArray(ValueLayout.JAVA_BYTE);
    }

    private static byte[] error(byte[] quoted) {
        return error(UNREACHABLE, quoted);
    }

    private static byte[] error(int type, byte[] quoted) {
        return frame().ipv4(ROUTER, GUEST, 64, ICMP, icmp(type, 4, quoted));
    }

    private static byte[] errorV6(byte[] quoted) {
        return errorV6(PACKET_TOO_BIG_V6, quoted);
    }

    private static byte[] errorV6(int type, byte[] quoted) {
        return frame().ipv6(ROUTER_V6, GUEST_V6, 64, ICMPV6, icmpv6(ROUTER_V6, GUEST_V6, type, quoted));
    }

    private static FrameBuilder frame() {
        return ethernet("52:54:00:00:00:02", "52:54:00:00:00:01");
    }

    private static byte[] packet(byte[] frame) {
        return Arrays.copyOfRange(frame, ETHERNET_BYTES, frame.length);
    }

    /** An IPv4 packet with four bytes of options that do nothing. */
    private static byte[] withOption(byte[] packet) {
        byte[] longer = join(Arrays.copyOf(packet, 20), hex("01010101"), Arrays.copyOfRange(packet, 20, packet.length));
        longer[0] = 0x46;
        setShort(longer, 2, longer.length);
        return longer;
    }
}
