package io.holdfast.demo;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.stream.LongStream;
import org.junit.jupiter.api.Test;

class StreamMessageTest {

    @Test
    void shouldReadWhatItWrote() {
        LongStream.range(1, 1000)
                .mapToObj(StreamMessage::new)
                .forEach(message ->
                        assertThat(StreamMessage.decode(message.encoded())).contains(message));
    }

    @Test
    void shouldRefuseAMessageWithAnyCharacterChanged() {
        String text = new StreamMessage(42).encoded();
        for (int position = 0; position < text.length(); position++) {
            String changed = text.substring(0, position) + "7" + text.substring(position + 1);
            assertThat(StreamMessage.decode(changed)).as(changed).isEmpty();
        }
    }

    @Test
    void shouldRefuseAMessageThatWasCutShort() {
        String text = new StreamMessage(42).encoded();
        for (int length = 0; length < text.length(); length++) {
            assertThat(StreamMessage.decode(text.substring(0, length))).isEmpty();
        }
    }
}
