package io.holdfast.reverse;

import static org.assertj.core.api.Assertions.assertThat;

import java.lang.foreign.MemorySegment;
import java.math.BigInteger;
import java.nio.ByteBuffer;
import java.util.Arrays;
import java.util.SplittableRandom;
import org.junit.jupiter.api.Test;

class BlockHashTest {

    private static final int RUNS = 20_000;
    private static final int BLOCK_BYTES = 256;
    private static final int WORD_BYTES = 4;
    private static final BigInteger PRIME = BigInteger.TWO.pow(61).subtract(BigInteger.ONE);

    private final SplittableRandom random = new SplittableRandom(ReverseKit.seed());
    private final BlockHash hash = new BlockHash(7, BLOCK_BYTES);

    /** In arithmetic that cannot overflow. */
    @Test
    void shouldBeTheSumOfWordsTimesTheirKeysModuloThePrime() {
        long[] keys = new SplittableRandom(7)
                .longs(BLOCK_BYTES / WORD_BYTES, 0, PRIME.longValue())
                .toArray();
        for (int run = 0; run < 2_000; run++) {
            byte[] bytes = randomBytes(random.nextInt(BLOCK_BYTES + 1));
            if (run % 2 == 0) {
                Arrays.fill(bytes, (byte) 0xff);
            }
            ByteBuffer padded = ByteBuffer.wrap(Arrays.copyOf(bytes, BLOCK_BYTES));
            BigInteger sum = BigInteger.ZERO;
            for (long key : keys) {
                long word = Integer.toUnsignedLong(padded.getInt());
                sum = sum.add(BigInteger.valueOf(word).multiply(BigInteger.valueOf(key)));
            }
            assertThat(hash(bytes)).isEqualTo(sum.mod(PRIME).longValue());
        }
    }

    @Test
    void shouldNotDependOnWhereThePiecesEndOrOnTheirOrder() {
        for (int run = 0; run < RUNS; run++) {
            byte[] bytes = randomBytes(1 + random.nextInt(BLOCK_BYTES));
            MemorySegment memory = MemorySegment.ofArray(bytes);
            int first = random.nextInt(bytes.length);
            int second = random.nextInt(first, bytes.length);
            long sum = hash.add(BlockHash.NOTHING, second, memory, second, bytes.length - second);
            sum = hash.add(sum, 0, memory, 0, first);
            sum = hash.add(sum, first, memory, first, second - first);
            assertThat(sum).isEqualTo(hash(bytes));
        }
    }

    @Test
    void shouldNoticeEveryChange() {
        for (int run = 0; run < RUNS; run++) {
            byte[] bytes = randomBytes(1 + random.nextInt(BLOCK_BYTES));
            byte[] changed = bytes.clone();
            changed[random.nextInt(bytes.length)] ^= (byte) random.nextInt(1, 256);
            assertThat(hash(changed)).isNotEqualTo(hash(bytes));
        }
    }

    @Test
    void shouldNoticeWordsThatHaveChangedPlaces() {
        byte[] bytes = randomBytes(2 * WORD_BYTES);
        byte[] changed = new byte[bytes.length];
        System.arraycopy(bytes, 0, changed, WORD_BYTES, WORD_BYTES);
        System.arraycopy(bytes, WORD_BYTES, changed, 0, WORD_BYTES);
        assertThat(hash(changed)).isNotEqualTo(hash(bytes));
    }

    @Test
    void shouldDependOnTheSeed() {
        byte[] bytes = randomBytes(20);
        BlockHash other = new BlockHash(8, BLOCK_BYTES);
        assertThat(other.add(BlockHash.NOTHING, 0, MemorySegment.ofArray(bytes), 0, bytes.length))
                .isNotEqualTo(hash(bytes));
    }

    private long hash(byte[] bytes) {
        return hash.add(BlockHash.NOTHING, 0, MemorySegment.ofArray(bytes), 0, bytes.length);
    }

    private byte[] randomBytes(int length) {
        byte[] bytes = new byte[length];
        random.nextBytes(bytes);
        return bytes;
    }
}
