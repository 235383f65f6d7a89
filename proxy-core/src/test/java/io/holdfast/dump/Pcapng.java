package io.holdfast.dump;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;

/** Reads a pcapng stream apart, and insists on the structure that the draft prescribes. */
final class Pcapng {

    static final int SECTION_HEADER = 0x0a0d_0d0a;
    static final int INTERFACE_DESCRIPTION = 1;
    static final int INTERFACE_STATISTICS = 5;
    static final int ENHANCED_PACKET = 6;

    /**
     * @param fixed what stands before the options
     * @param data a packet's bytes; empty for other blocks
     */
    record Block(int type, int totalBytes, ByteBuffer fixed, ByteBuffer data, Map<Integer, byte[]> options) {

        String text(int option) {
            return new String(options.get(option), StandardCharsets.UTF_8);
        }

        long number(int option) {
            return ByteBuffer.wrap(options.get(option))
                    .order(ByteOrder.LITTLE_ENDIAN)
                    .getLong();
        }

        int interfaceNumber() {
            return fixed.getInt(0);
        }

        long time() {
            return (long) fixed.getInt(4) << 32 | Integer.toUnsignedLong(fixed.getInt(8));
        }
    }

    private Pcapng() {}

    static List<Block> read(byte[] stream) {
        ByteBuffer in = ByteBuffer.wrap(stream).order(ByteOrder.LITTLE_ENDIAN);
        List<Block> blocks = new ArrayList<>();
        while (in.hasRemaining()) {
            blocks.add(readBlock(in));
        }
        return blocks;
    }

    static List<Block> ofType(List<Block> blocks, int type) {
        return blocks.stream().filter(block -> block.type == type).toList();
    }

    private static Block readBlock(ByteBuffer in) {
        int begin = in.position();
        int type = in.getInt();
        int totalBytes = in.getInt();
        assertThat(totalBytes % 4).as("total length %d", totalBytes).isZero();
        assertThat(in.getInt(begin + totalBytes - 4)).as("both total lengths").isEqualTo(totalBytes);
        ByteBuffer body = in.slice(begin + 8, totalBytes - 12).order(ByteOrder.LITTLE_ENDIAN);
        in.position(begin + totalBytes);
        int fixedBytes = switch (type) {
            case SECTION_HEADER -> 16;
            case INTERFACE_DESCRIPTION -> 8;
            case ENHANCED_PACKET -> 20;
            case INTERFACE_STATISTICS -> 12;
            default -> throw new AssertionError("a block of type " + type);
        };
        byte[] data = new byte[type == ENHANCED_PACKET ? body.getInt(12) : 0];
        body.position(fixedBytes);
        body.get(data);
        skipPadding(body, data.length);
        Map<Integer, byte[]> options = readOptions(body);
        assertThat(body.hasRemaining()).as("bytes behind the options").isFalse();
        return new Block(
                type,
                totalBytes,
                body.slice(0, fixedBytes).order(ByteOrder.LITTLE_ENDIAN),
                ByteBuffer.wrap(data),
                options);
    }

    private static Map<Integer, byte[]> readOptions(ByteBuffer body) {
        Map<Integer, byte[]> options = new TreeMap<>();
        while (true) {
            int code = body.getShort();
            byte[] value = new byte[body.getShort()];
            if (code == 0) {
                assertThat(value).isEmpty();
                return options;
            }
            body.get(value);
            skipPadding(body, value.length);
            assertThat(options.put(code, value))
                    .as("option %d comes twice", code)
                    .isNull();
        }
    }

    private static void skipPadding(ByteBuffer body, int lengthBytes) {
        for (int i = lengthBytes; i % 4 != 0; i++) {
            assertThat(body.get()).as("padding").isZero();
        }
    }
}
