package io.holdfast.frame;

import static io.holdfast.testkit.FrameBuilder.hex;
import static org.assertj.core.api.Assertions.assertThat;

import java.lang.foreign.MemorySegment;
import java.util.Arrays;
import java.util.Random;
import org.junit.jupiter.api.Test;

class ChecksumsTest {

    private static final int RANDOM_ROUNDS = 2_000;

    private final long seed = Long.getLong("holdfast.seed", System.nanoTime());
    private final Random random = new Random(seed);

    @Test
    void shouldSumTheExampleOfRfc1071() {
        long sum = Checksums.sum(MemorySegment.ofArray(hex("0001 f203 f4f5 f6f7")), 0, 8);
        assertThat(Checksums.finish(sum)).isEqualTo(~0xddf2 & 0xffff);
    }

    @Test
    void shouldUpdateTheExampleOfRfc1624() {
        // Section 4: equation 3 gives 0x0000, where RFC 1141 wrongly gave 0xffff.
        assertThat(Checksums.update16(0xdd2f, 0x5555, 0x3285)).isZero();
    }

    @Test
    void shouldSumAnIpv4Header() {
        byte[] header = hex("4500 0073 0000 4000 4011 0000 c0a8 0001 c0a8 00c7");
        assertThat(Checksums.finish(Checksums.sum(MemorySegment.ofArray(header), 0, 20)))
                .isEqualTo(0xb861);
        header[10] = (byte) 0xb8;
        header[11] = 0x61;
        assertThat(Checksums.isCorrect(Checksums.sum(MemorySegment.ofArray(header), 0, 20)))
                .isTrue();
        header[19] ^= 1;
        assertThat(Checksums.isCorrect(Checksums.sum(MemorySegment.ofArray(header), 0, 20)))
                .isFalse();
    }

    @Test
    void shouldSumLikeTheNaiveImplementationAtAnyLengthAndAlignment() {
        System.out.println("ChecksumsTest seed " + seed);
        for (int round = 0; round < RANDOM_ROUNDS; round++) {
            byte[] bytes = randomBytes(random.nextInt(200));
            int from = random.nextInt(bytes.length + 1);
            int length = random.nextInt(bytes.length - from + 1);
            long sum = Checksums.sum(MemorySegment.ofArray(bytes), from, length);
            assertThat(Checksums.finish(sum)).isEqualTo(naive(Arrays.copyOfRange(bytes, from, from + length)));
        }
    }

    @Test
    void shouldNotLoseCarriesOfTheLargestPacket() {
        byte[] bytes = new byte[65535];
        Arrays.fill(bytes, (byte) 0xff);
        assertThat(Checksums.finish(Checksums.sum(MemorySegment.ofArray(bytes), 0, bytes.length)))
                .isEqualTo(naive(bytes));
    }

    @Test
    void shouldJoinPartsOfOddLength() {
        System.out.println("ChecksumsTest seed " + seed);
        for (int round = 0; round < RANDOM_ROUNDS; round++) {
            byte[] bytes = randomBytes(random.nextInt(100));
            MemorySegment memory = MemorySegment.ofArray(bytes);
            long sum = 0;
            int at = 0;
            while (at < bytes.length) {
                int part = 1 + random.nextInt(bytes.length - at);
                sum = Checksums.append(sum, at, Checksums.sum(memory, at, part));
                at += part;
            }
            assertThat(Checksums.finish(sum)).isEqualTo(naive(bytes));
        }
    }

    @Test
    void shouldUpdateLikeComputingAnew() {
        System.out.println("ChecksumsTest seed " + seed);
        for (int round = 0; round < RANDOM_ROUNDS; round++) {
            byte[] bytes = randomBytes(40);
            MemorySegment memory = MemorySegment.ofArray(bytes);
            // The first word is never changed and never 0, as the version in a real header.
            bytes[0] |= 1;
            int checksum = naive(bytes);
            int at = 4 * (1 + random.nextInt(9));
            int old = NetworkOrder.getInt(memory, at);
            int fresh = random.nextInt(4) == 0 ? 0 : random.nextInt();
            NetworkOrder.putInt(memory, at, fresh);
            assertThat(Checksums.update32(checksum, old, fresh)).isEqualTo(naive(bytes));
            int half = fresh >>> 16;
            int other = random.nextInt(0x10000);
            NetworkOrder.putShort(memory, at, other);
            assertThat(Checksums.update16(Checksums.update32(checksum, old, fresh), half, other))
                    .isEqualTo(naive(bytes));
        }
    }

    @Test
    void shouldSumPseudoHeaders() {
        // A UDP datagram over IPv4 (10.0.0.1 to 10.0.0.2), and an echo request over IPv6 (fe80::1 to
        // fe80::2).
        byte[] udp = hex("3039 d431 000b 0000 616263");
        byte[] pseudo4 = hex("0a000001 0a000002 0011 000b");
        assertThat(Checksums.finish(Checksums.pseudoHeaderIpv4(0x0a000001, 0x0a000002, IpProtocol.UDP, 11)
                        + Checksums.sum(MemorySegment.ofArray(udp), 0, 11)))
                .isEqualTo(naive(join(pseudo4, udp)));
        byte[] header6 = hex("60000000 0008 3aff fe800000000000000000000000000001 fe800000000000000000000000000002");
        byte[] echo = hex("8000 0000 1234 0001");
        byte[] pseudo6 = join(Arrays.copyOfRange(header6, 8, 40), hex("00000008 0000003a"));
        assertThat(Checksums.finish(Checksums.pseudoHeaderIpv6(MemorySegment.ofArray(header6), 0, IpProtocol.ICMPV6, 8)
                        + Checksums.sum(MemorySegment.ofArray(echo), 0, 8)))
                .isEqualTo(naive(join(pseudo6, echo)));
    }

    private byte[] randomBytes(int length) {
        byte[] bytes = new byte[length];
        random.nextBytes(bytes);
        return bytes;
    }

    private static byte[] join(byte[] first, byte[] second) {
        byte[] both = Arrays.copyOf(first, first.length + second.length);
        System.arraycopy(second, 0, both, first.length, second.length);
        return both;
    }

    /** The definition, word by word. */
    private static int naive(byte[] bytes) {
        int sum = 0;
        for (int i = 0; i < bytes.length; i += 2) {
            sum += (bytes[i] & 0xff) << 8 | (i + 1 < bytes.length ? bytes[i + 1] & 0xff : 0);
            if (sum > 0xffff) {
                sum -= 0xffff;
            }
        }
        return ~sum & 0xffff;
    }
}
