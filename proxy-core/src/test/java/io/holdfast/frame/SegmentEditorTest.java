package io.holdfast.frame;

import static org.assertj.core.api.Assertions.assertThat;

import io.holdfast.testkit.FrameBuilder;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.Random;
import org.junit.jupiter.api.Test;

class SegmentEditorTest {

    private static final int FLAGS = 13;
    private static final int CHECKSUM = 16;
    /** A window scale moves what follows to odd places. */
    private static final String ODD = "0303 07 080a 11223344 55667788 050a 01020304 0a0b0c0d 0000";

    private static final String EVEN = "0101 080a 11223344 55667788 0101 050a 01020304 0a0b0c0d";

    private final TcpSegment segment = new TcpSegment();
    private final TcpOptions options = new TcpOptions();
    private final SegmentEditor editor = new SegmentEditor();

    @Test
    void shouldKeepTheChecksumOfAChangedSequenceNumber() {
        MemorySegment memory = finished(EVEN);
        editor.setSequence(0xfedc_ba98);
        assertThat(segment.sequence()).isEqualTo(0xfedc_ba98);
        assertThat(isCorrect(memory)).isTrue();
    }

    @Test
    void shouldKeepTheChecksumOfAChangedAcknowledgment() {
        MemorySegment memory = finished(EVEN);
        editor.setAcknowledgment(0x8000_0001);
        assertThat(segment.acknowledgment()).isEqualTo(0x8000_0001);
        assertThat(isCorrect(memory)).isTrue();
    }

    @Test
    void shouldKeepTheChecksumOfAChangedWindow() {
        MemorySegment memory = finished(EVEN);
        editor.setWindow(0xabcd);
        assertThat(NetworkOrder.getShort(memory, 14)).isEqualTo(0xabcd);
        assertThat(isCorrect(memory)).isTrue();
    }

    @Test
    void shouldKeepTheChecksumOfChangedTimestamps() {
        for (String placed : new String[] {EVEN, ODD}) {
            MemorySegment memory = finished(placed);
            editor.setTimestampValue(options, 0x7fff_ffff);
            editor.setTimestampEcho(options, -1);
            assertThat(options.timestampValue()).isEqualTo(0x7fff_ffff);
            assertThat(options.timestampEcho()).isEqualTo(-1);
            assertThat(isCorrect(memory)).as(placed).isTrue();
        }
    }

    @Test
    void shouldKeepTheChecksumOfAChangedBlock() {
        for (String placed : new String[] {EVEN, ODD}) {
            MemorySegment memory = finished(placed);
            editor.setSackBlock(options, 0, 0xffff_fff0, 0x10);
            assertThat(options.sackLeft(0)).isEqualTo(-16);
            assertThat(options.sackRight(0)).isEqualTo(16);
            assertThat(isCorrect(memory)).as(placed).isTrue();
        }
    }

    @Test
    void shouldLeaveNoTraceOfRemovedBlocks() {
        for (String placed : new String[] {EVEN, ODD}) {
            MemorySegment memory = finished(placed);
            editor.removeSack(options);
            assertThat(options.wrap(memory, segment)).isTrue();
            assertThat(options.sackBlockCount()).isZero();
            assertThat(options.timestampValue()).isEqualTo(0x1122_3344);
            assertThat(isCorrect(memory)).as(placed).isTrue();
        }
    }

    @Test
    void shouldKeepADamagedSegmentDamaged() {
        MemorySegment memory = finished(EVEN);
        NetworkOrder.putShort(memory, CHECKSUM, NetworkOrder.getShort(memory, CHECKSUM) ^ 0x0100);
        editor.setSequence(1);
        editor.setTimestampValue(options, 2);
        assertThat(isCorrect(memory)).isFalse();
    }

    @Test
    void shouldLeaveAnUnfinishedChecksumToTheDevice() {
        MemorySegment memory = segmentWith(EVEN, new byte[33]);
        NetworkOrder.putShort(memory, CHECKSUM, 0x1234);
        editor.wrap(memory, 0, false);
        editor.setSequence(1);
        editor.setWindow(2);
        editor.removeSack(options);
        assertThat(NetworkOrder.getShort(memory, CHECKSUM)).isEqualTo(0x1234);
    }

    @Test
    void shouldKeepTheChecksumOverAnyChanges() {
        long seed = System.nanoTime();
        System.out.println("seed " + seed);
        Random random = new Random(seed);
        for (int i = 0; i < 20_000; i++) {
            MemorySegment memory = finished(random.nextBoolean() ? EVEN : ODD, random);
            editor.setSequence(random.nextInt());
            editor.setAcknowledgment(random.nextInt());
            editor.setWindow(random.nextInt(1 << 16));
            editor.setTimestampValue(options, random.nextInt());
            editor.setTimestampEcho(options, random.nextInt(3) - 1);
            if (random.nextBoolean()) {
                editor.setSackBlock(options, 0, random.nextInt(), random.nextInt());
            } else {
                editor.removeSack(options);
            }
            assertThat(isCorrect(memory)).isTrue();
        }
    }

    @Test
    void shouldTakeOnlyTheFinAway() {
        MemorySegment memory = finishedWithFlags(0xff);
        editor.clearFin();
        assertThat(segment.flags()).isEqualTo(0xfe);
        assertThat(isCorrect(memory)).isTrue();
    }

    @Test
    void shouldLeaveASegmentWithoutFinAsItIs() {
        MemorySegment memory = finishedWithFlags(0x18);
        byte[] before = memory.toArray(ValueLayout.JAVA_BYTE);
        editor.clearFin();
        assertThat(memory.toArray(ValueLayout.JAVA_BYTE)).isEqualTo(before);
    }

    @Test
    void shouldTakeTheFinAwayAndLeaveAnUnfinishedChecksum() {
        MemorySegment memory = finishedWithFlags(0x19);
        int checksum = NetworkOrder.getShort(memory, CHECKSUM);
        editor.wrap(memory, 0, false);
        editor.clearFin();
        assertThat(segment.flags()).isEqualTo(0x18);
        assertThat(NetworkOrder.getShort(memory, CHECKSUM)).isEqualTo(checksum);
    }

    private MemorySegment finishedWithFlags(int flags) {
        MemorySegment memory = segmentWith(EVEN, new byte[7]);
        NetworkOrder.putByte(memory, FLAGS, flags);
        return finish(memory);
    }

    private MemorySegment finished(String optionDigits) {
        return finished(optionDigits, new Random(1));
    }

    /** A segment with a right checksum; that of the pseudo header is left out, since nothing of it changes. */
    private MemorySegment finished(String optionDigits, Random random) {
        byte[] payload = new byte[random.nextInt(50)];
        random.nextBytes(payload);
        MemorySegment memory = segmentWith(optionDigits, payload);
        NetworkOrder.putInt(memory, 4, random.nextInt());
        NetworkOrder.putInt(memory, 8, random.nextInt());
        return finish(memory);
    }

    private MemorySegment finish(MemorySegment memory) {
        int checksum = Checksums.finish(Checksums.sum(memory, 0, (int) memory.byteSize()));
        NetworkOrder.putShort(memory, CHECKSUM, checksum);
        editor.wrap(memory, 0, true);
        return memory;
    }

    private MemorySegment segmentWith(String optionDigits, byte[] payload) {
        byte[] given = FrameBuilder.hex(optionDigits);
        byte[] header = new byte[20 + (given.length + 3) / 4 * 4];
        System.arraycopy(given, 0, header, 20, given.length);
        header[12] = (byte) ((header.length / 4) << 4);
        byte[] bytes = FrameBuilder.join(header, payload);
        MemorySegment memory = FrameBuilder.segment(bytes);
        assertThat(segment.wrap(memory, 0, bytes.length)).isTrue();
        assertThat(options.wrap(memory, segment)).isTrue();
        return memory;
    }

    private static boolean isCorrect(MemorySegment memory) {
        return Checksums.isCorrect(Checksums.sum(memory, 0, (int) memory.byteSize()));
    }
}
