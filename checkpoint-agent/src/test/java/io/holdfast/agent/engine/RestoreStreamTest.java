package io.holdfast.agent.engine;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.nio.charset.StandardCharsets;
import org.junit.jupiter.api.Test;

class RestoreStreamTest {

    @Test
    void shouldNameTheMachineAfterTheHeader() throws Exception {
        byte[] stream = RestoreStream.of(bytes("QEVM\0\0\0\3rest"), "pc-1");
        assertThat(stream).isEqualTo(bytes("QEVM\0\0\0\3\7\0\0\0\4pc-1rest"));
    }

    @Test
    void shouldRefuseWhatIsNoDeviceState() {
        assertThatThrownBy(() -> RestoreStream.of(new byte[0], "pc-1")).isInstanceOf(EngineException.class);
        assertThatThrownBy(() -> RestoreStream.of(bytes("QEVM\0\0\0\3"), "pc-1"))
                .isInstanceOf(EngineException.class);
        assertThatThrownBy(() -> RestoreStream.of(bytes("QEVX\0\0\0\3rest"), "pc-1"))
                .isInstanceOf(EngineException.class);
    }

    private static byte[] bytes(String text) {
        return text.getBytes(StandardCharsets.ISO_8859_1);
    }
}
