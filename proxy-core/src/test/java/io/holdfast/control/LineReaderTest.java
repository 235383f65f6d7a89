package io.holdfast.control;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.Channels;
import java.nio.channels.ReadableByteChannel;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

@Timeout(value = 10, threadMode = Timeout.ThreadMode.SEPARATE_THREAD)
class LineReaderTest {

    /** Gives at most {@code stepBytes} with each read. */
    private static LineReader reader(String text, int stepBytes) {
        byte[] bytes = text.getBytes(StandardCharsets.UTF_8);
        ReadableByteChannel whole = Channels.newChannel(new ByteArrayInputStream(bytes));
        return new LineReader(new ReadableByteChannel() {
            @Override
            public int read(ByteBuffer target) throws IOException {
                ByteBuffer part = target.slice();
                part.limit(Math.min(part.limit(), stepBytes));
                int count = whole.read(part);
                target.position(target.position() + Math.max(0, count));
                return count;
            }

            @Override
            public boolean isOpen() {
                return true;
            }

            @Override
            public void close() {}
        });
    }

    @ParameterizedTest
    @ValueSource(ints = {1, 2, 3, 5, 7, 1_000_000})
    void shouldCutAnyCutOfBytesIntoTheSameLines(int stepBytes) throws IOException {
        String longest = "x".repeat(Messages.LINE_LIMIT_BYTES);
        LineReader reader = reader("one\n\ntwo\n" + longest + "\nthree\nhalf", stepBytes);
        List<String> lines = new ArrayList<>();
        for (ByteBuffer line = reader.next(); line != null; line = reader.next()) {
            lines.add(StandardCharsets.UTF_8.decode(line).toString());
        }
        assertThat(lines).containsExactly("one", "", "two", longest, "three");
    }

    @Test
    void shouldGiveUpOnALineThatIsTooLong() {
        LineReader reader = reader("x".repeat(Messages.LINE_LIMIT_BYTES + 1) + "\n", 4_096);
        assertThatThrownBy(reader::next).isInstanceOf(IOException.class).hasMessageContaining("more than 65536 bytes");
    }
}
