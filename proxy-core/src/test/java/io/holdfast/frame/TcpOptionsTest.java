package io.holdfast.frame;

import static org.assertj.core.api.Assertions.assertThat;

import io.holdfast.testkit.FrameBuilder;
import java.lang.foreign.MemorySegment;
import java.util.Random;
import org.junit.jupiter.api.Test;

class TcpOptionsTest {

    private final TcpSegment segment = new TcpSegment();
    private final TcpOptions options = new TcpOptions();

    @Test
    void shouldReadWhatLinuxSaysInASyn() {
        assertThat(wrap("0204 05b4 0402 080a 00000007 00000000 01 0303 07")).isTrue();
        assertThat(options.maximumSegmentSize()).isEqualTo(1460);
        assertThat(options.isSackPermitted()).isTrue();
        assertThat(options.windowScale()).isEqualTo(7);
        assertThat(options.timestampValue()).isEqualTo(7);
        assertThat(options.timestampEcho()).isZero();
    }

    @Test
    void shouldReadBlocksBehindTimestamps() {
        assertThat(wrap("0101 080a fffffffe 00000005 0101 0512 fffffff0 00000010 00000020 00000030"))
                .isTrue();
        assertThat(options.timestampValue()).isEqualTo(-2);
        assertThat(options.sackBlockCount()).isEqualTo(2);
        assertThat(options.sackLeft(0)).isEqualTo(-16);
        assertThat(options.sackRight(0)).isEqualTo(16);
        assertThat(options.sackLeft(1)).isEqualTo(32);
        assertThat(options.sackRight(1)).isEqualTo(48);
    }

    @Test
    void shouldSayThatThereIsNothing() {
        assertThat(wrap("")).isTrue();
        assertThat(options.hasTimestamps()).isFalse();
        assertThat(options.sackBlockCount()).isZero();
        assertThat(options.isSackPermitted()).isFalse();
        assertThat(options.windowScale()).isEqualTo(TcpOptions.NO_WINDOW_SCALE);
    }

    @Test
    void shouldForgetTheSegmentBefore() {
        wrap("0101 080a 00000001 00000002");
        wrap("");
        assertThat(options.hasTimestamps()).isFalse();
    }

    @Test
    void shouldEndWhereTheListEnds() {
        assertThat(wrap("00 08 0a ff")).isTrue();
        assertThat(options.hasTimestamps()).isFalse();
    }

    @Test
    void shouldPassOverWhatItDoesNotKnow() {
        assertThat(wrap("fe04 f989 0101 080a 00000001 00000002 0000")).isTrue();
        assertThat(options.timestampValue()).isEqualTo(1);
    }

    @Test
    void shouldRefuseAnOptionThatIsLongerThanTheHeader() {
        assertThat(wrap("0101 080a 00000001")).isFalse();
    }

    @Test
    void shouldRefuseAnOptionWithoutLength() {
        assertThat(wrap("0800 0000")).isFalse();
        assertThat(wrap("0101 0108")).isFalse();
    }

    @Test
    void shouldIgnoreAnOptionOfTheWrongLength() {
        assertThat(wrap("0808 00000001 0001 0000")).isTrue();
        assertThat(options.hasTimestamps()).isFalse();
    }

    @Test
    void shouldNeverReadOutsideTheHeaderWhateverIsThere() {
        long seed = System.nanoTime();
        System.out.println("seed " + seed);
        Random random = new Random(seed);
        for (int i = 0; i < 20_000; i++) {
            byte[] bytes = new byte[20 + 4 * random.nextInt(11)];
            random.nextBytes(bytes);
            bytes[12] = (byte) ((bytes.length / 4) << 4);
            MemorySegment memory = FrameBuilder.segment(bytes);
            assertThat(segment.wrap(memory, 0, bytes.length)).isTrue();
            if (options.wrap(memory, segment) && options.sackBlockCount() > 0) {
                assertThat(options.sackOffset() + options.sackBytes()).isLessThanOrEqualTo(bytes.length);
            }
        }
    }

    /** A segment with these options, filled up with zeroes. */
    private boolean wrap(String optionDigits) {
        byte[] given = FrameBuilder.hex(optionDigits);
        byte[] bytes = new byte[20 + (given.length + 3) / 4 * 4];
        System.arraycopy(given, 0, bytes, 20, given.length);
        bytes[12] = (byte) ((bytes.length / 4) << 4);
        MemorySegment memory = FrameBuilder.segment(bytes);
        assertThat(segment.wrap(memory, 0, bytes.length)).isTrue();
        return options.wrap(memory, segment);
    }
}
