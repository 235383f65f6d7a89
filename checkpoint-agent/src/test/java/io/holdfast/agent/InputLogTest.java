package io.holdfast.agent;

import static org.assertj.core.api.Assertions.assertThat;

import io.holdfast.control.ClientFrame;
import io.holdfast.measure.Counter;
import org.junit.jupiter.api.Test;

class InputLogTest {

    private final Counter dropped = new Counter();
    private final InputLog log = new InputLog(1_000, dropped);

    @Test
    void shouldHandEverythingOverOnceAndInOrder() {
        log.add(frame(7, 60));
        log.add(frame(7, 61));
        log.add(frame(8, 62));
        assertThat(log.take()).extracting(frame -> frame.bytes().length).containsExactly(60, 61, 62);
        assertThat(log.take()).isEmpty();
        assertThat(log.bytes()).isZero();
    }

    /** A frame that the guest was handed in epoch 7 may have reached it in epoch 8 only. */
    @Test
    void shouldForgetWhatACheckpointContainsOneEpochLater() {
        log.add(frame(6, 60));
        log.add(frame(7, 61));
        log.add(frame(8, 62));
        log.onConfirmed(7);
        assertThat(log.frames()).isEqualTo(2);
        assertThat(log.bytes()).isEqualTo(61 + 62);
        log.onConfirmed(8);
        assertThat(log.take()).extracting(ClientFrame::stamp).containsExactly(8L);
        assertThat(dropped.value()).isZero();
    }

    @Test
    void shouldDropTheOldestAndCountThemWhenThereIsNoMoreRoom() {
        for (int i = 0; i < 12; i++) {
            log.add(frame(i, 100));
        }
        assertThat(log.bytes()).isEqualTo(1_000);
        assertThat(dropped.value()).isEqualTo(2);
        log.add(frame(12, 950));
        assertThat(dropped.value()).isEqualTo(12);
        assertThat(log.take()).extracting(ClientFrame::stamp).containsExactly(12L);
    }

    @Test
    void shouldKeepNothingOfAnEarlierPrimary() {
        log.add(frame(7, 60));
        log.clear();
        log.add(frame(1, 61));
        assertThat(log.take()).extracting(ClientFrame::stamp).containsExactly(1L);
        assertThat(dropped.value()).isZero();
    }

    private static ClientFrame frame(long stamp, int lengthBytes) {
        return new ClientFrame(0, stamp, 10, new byte[lengthBytes]);
    }
}
