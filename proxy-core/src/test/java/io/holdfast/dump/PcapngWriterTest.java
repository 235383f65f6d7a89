package io.holdfast.dump;

import static org.assertj.core.api.Assertions.assertThat;

import io.holdfast.dump.Pcapng.Block;
import io.holdfast.testkit.Allocation;
import java.lang.foreign.MemorySegment;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.Test;

class PcapngWriterTest {

    private static final long TIME = 1_763_841_600_123_456_789L;
    private static final byte[] NO_COMMENT = new byte[0];

    private final ByteBuffer buffer = ByteBuffer.allocateDirect(256 << 10);
    private final PcapngWriter writer = new PcapngWriter(buffer);

    PcapngWriterTest() {
        // What an earlier use has left must not show in the padding.
        while (buffer.hasRemaining()) {
            buffer.put((byte) 0x5a);
        }
        buffer.clear();
    }

    @Test
    void shouldBeginWithItsByteOrderAndVersion() {
        writer.sectionHeader("holdfast 1", "a comment of 23 letters");
        Block header = onlyBlock();
        assertThat(header.type()).isEqualTo(Pcapng.SECTION_HEADER);
        assertThat(header.fixed().getInt(0)).isEqualTo(0x1a2b3c4d);
        assertThat(header.fixed().getShort(4)).isEqualTo((short) 1);
        assertThat(header.fixed().getShort(6)).isZero();
        assertThat(header.fixed().getLong(8)).as("section length").isEqualTo(-1);
        assertThat(header.text(1)).isEqualTo("a comment of 23 letters");
        assertThat(header.text(4)).isEqualTo("holdfast 1");
    }

    @Test
    void shouldDescribeAnInterfaceWithTimesInNanoseconds() {
        writer.interfaceDescription("tap0", "net0 outbound");
        Block description = onlyBlock();
        assertThat(description.fixed().getShort(0)).as("Ethernet").isEqualTo((short) 1);
        assertThat(description.fixed().getInt(4)).as("snap length").isZero();
        assertThat(description.text(2)).isEqualTo("tap0");
        assertThat(description.text(3)).isEqualTo("net0 outbound");
        assertThat(description.options().get(9)).containsExactly(9);
    }

    @Test
    void shouldWriteAFrameOfAnyLengthWholeAndPadded() {
        byte[] bytes = new byte[65_549];
        new Random(1).nextBytes(bytes);
        for (int length : new int[] {14, 15, 16, 17, 60, 61, 62, 63, 1514, 65_549}) {
            buffer.clear();
            writer.packet(3, TIME, true, MemorySegment.ofArray(bytes), 0, length, NO_COMMENT);
            Block packet = onlyBlock();
            assertThat(packet.type()).isEqualTo(Pcapng.ENHANCED_PACKET);
            assertThat(packet.interfaceNumber()).isEqualTo(3);
            assertThat(packet.time()).isEqualTo(TIME);
            assertThat(packet.fixed().getInt(12)).isEqualTo(length);
            assertThat(packet.fixed().getInt(16)).isEqualTo(length);
            assertThat(packet.data()).isEqualTo(ByteBuffer.wrap(bytes, 0, length));
        }
    }

    @Test
    void shouldSayTheDirection() {
        writer.packet(0, TIME, true, MemorySegment.ofArray(new byte[60]), 0, 60, NO_COMMENT);
        writer.packet(0, TIME, false, MemorySegment.ofArray(new byte[60]), 0, 60, NO_COMMENT);
        List<Block> packets = Pcapng.read(written());
        assertThat(packets.get(0).options().get(2)).as("outbound").containsExactly(2, 0, 0, 0);
        assertThat(packets.get(1).options().get(2)).as("inbound").containsExactly(1, 0, 0, 0);
    }

    @Test
    void shouldKnowBeforehandHowLongAPacketsBlockIs() {
        for (int length = 14; length < 24; length++) {
            for (String comment : List.of("", "a", "ab", "abc", "abcd", "epoch 7, held")) {
                buffer.clear();
                byte[] text = comment.getBytes(StandardCharsets.UTF_8);
                writer.packet(0, TIME, true, MemorySegment.ofArray(new byte[60]), 0, length, text);
                Block packet = onlyBlock();
                assertThat(PcapngWriter.packetBytes(length, text.length)).isEqualTo(packet.totalBytes());
                assertThat(packet.options().containsKey(1)).isEqualTo(!comment.isEmpty());
                if (!comment.isEmpty()) {
                    assertThat(packet.text(1)).isEqualTo(comment);
                }
            }
        }
    }

    @Test
    void shouldEndAnInterfaceWithItsFigures() {
        writer.statistics(2, TIME, TIME + 5, 1L << 40, 7);
        Block statistics = onlyBlock();
        assertThat(statistics.type()).isEqualTo(Pcapng.INTERFACE_STATISTICS);
        assertThat(statistics.totalBytes()).isEqualTo(PcapngWriter.STATISTICS_BYTES);
        assertThat(statistics.interfaceNumber()).isEqualTo(2);
        assertThat(statistics.time()).isEqualTo(TIME + 5);
        assertThat(halvesSwapped(statistics.number(2))).isEqualTo(TIME);
        assertThat(halvesSwapped(statistics.number(3))).isEqualTo(TIME + 5);
        assertThat(statistics.number(4)).isEqualTo(1L << 40);
        assertThat(statistics.number(5)).isEqualTo(7);
    }

    @Test
    void shouldAllocateNothingForAPacket() {
        MemorySegment frame = MemorySegment.ofArray(new byte[1514]);
        byte[] comment = new byte[13];
        assertThat(Allocation.bytesPerCall(() -> {
                    buffer.clear();
                    writer.packet(0, TIME, true, frame, 0, 1514, comment);
                }))
                .isLessThan(1);
    }

    /** A time is written upper half first, in whatever byte order. */
    private static long halvesSwapped(long value) {
        return value << 32 | value >>> 32;
    }

    private Block onlyBlock() {
        List<Block> blocks = Pcapng.read(written());
        assertThat(blocks).hasSize(1);
        return blocks.get(0);
    }

    private byte[] written() {
        byte[] bytes = new byte[buffer.position()];
        buffer.get(0, bytes);
        return bytes;
    }
}
