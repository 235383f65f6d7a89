package io.holdfast.agent.link;

import static io.holdfast.agent.engine.PageSink.PAGE_BYTES;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.holdfast.agent.link.LinkMessage.CheckpointBegin;
import io.holdfast.agent.link.LinkMessage.CheckpointEnd;
import io.holdfast.agent.link.LinkMessage.Pages;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;

@ExtendWith(LeakCheck.class)
class CheckpointWriterTest {

    private static final long STALL_NANOS = 1_000_000_000;

    private final Tape tape = new Tape();
    private final MemorySegment memory =
            Arena.ofAuto().allocate(200L * PAGE_BYTES).fill((byte) 1);

    @AfterEach
    void giveBack() {
        tape.close();
    }

    @Test
    void shouldSendNothingOfADeltaBeforeItIsFinished() throws Exception {
        tape.takeOnly(0); // Whoever waited for the link now would wait for ever.
        try (CheckpointWriter writer = CheckpointWriter.delta(tape, STALL_NANOS, 7)) {
            writer.onPages(3, 2, memory, 0);
            assertThat(tape.records()).isEmpty();

            tape.takeOnly(100);
            writer.finish(8, new byte[] {1}, "");
        }
        assertThat(tape.records()).hasSize(4);
        assertThat(tape.records().getFirst()).isEqualTo(new CheckpointBegin(false, 7));
        assertThat(tape.records().getLast()).isInstanceOf(CheckpointEnd.class);
    }

    @Test
    void shouldSendAFullCheckpointAtOnceUntilItIsToldToCollect() {
        try (CheckpointWriter writer = CheckpointWriter.full(tape, STALL_NANOS)) {
            writer.onPages(0, 1, memory, 0);
            assertThat(tape.records()).hasSize(2);

            writer.collect();
            writer.onPages(1, 1, memory, PAGE_BYTES);
            assertThat(tape.records()).hasSize(2);
        }
    }

    @Test
    void shouldCopyMemoryBeforeItReturns() throws Exception {
        try (CheckpointWriter writer = CheckpointWriter.delta(tape, STALL_NANOS, 7)) {
            writer.onPages(0, 1, memory, 0);
            memory.fill((byte) 2);
            writer.finish(8, new byte[] {1}, "");
        }
        Pages pages = (Pages) tape.records().get(1);
        assertThat(pages.data().getByte(pages.data().readerIndex())).isEqualTo((byte) 1);
    }

    @Test
    void shouldCutLongRunsAndTakeThemFromTheirPlaceInMemory() {
        for (int page = 0; page < 200; page++) {
            memory.asSlice((long) page * PAGE_BYTES, PAGE_BYTES).fill((byte) page);
        }
        try (CheckpointWriter writer = CheckpointWriter.full(tape, STALL_NANOS)) {
            writer.onPages(1000, 150, memory, 20L * PAGE_BYTES);
            assertThat(writer.pageCount()).isEqualTo(150);
            assertThat(writer.byteCount()).isEqualTo(150L * PAGE_BYTES);
        }
        List<Pages> runs = tape.records().stream()
                .filter(Pages.class::isInstance)
                .map(Pages.class::cast)
                .toList();
        assertThat(runs).extracting(Pages::firstPage).containsExactly(1000L, 1064L, 1128L);
        assertThat(runs).extracting(Pages::pages).containsExactly(64, 64, 22);
        assertThat(runs.get(2).data().getByte(0)).isEqualTo((byte) (20 + 128));
    }

    @Test
    void shouldNotCutZeroPages() {
        try (CheckpointWriter writer = CheckpointWriter.full(tape, STALL_NANOS)) {
            writer.onPages(0, 1_000_000, null, 0);
            assertThat(writer.byteCount()).isZero();
        }
        assertThat(tape.records()).hasSize(2);
    }

    @Test
    void shouldLetTheEngineFinishWhenTheLinkFailsAndSaySoAtTheEnd() {
        try (CheckpointWriter writer = CheckpointWriter.full(tape, STALL_NANOS)) {
            writer.onPages(0, 64, memory, 0);
            tape.goDown();
            writer.onPages(64, 64, memory, 0);
            writer.onPages(128, 64, memory, 0);

            assertThatThrownBy(() -> writer.finish(1, new byte[] {1}, ""))
                    .isInstanceOf(LinkException.class)
                    .hasMessageContaining("went down");
        }
    }

    @Test
    void shouldGiveUpOnAPeerThatTakesNothing() {
        tape.takeOnly(3);
        try (CheckpointWriter writer = CheckpointWriter.delta(tape, STALL_NANOS, 7)) {
            writer.onPages(0, 200, memory, 0);
            assertThatThrownBy(() -> writer.finish(8, new byte[] {1}, ""))
                    .isInstanceOf(LinkException.class)
                    .hasMessageContaining("taken nothing for 1000 ms");
        }
        assertThat(tape.records()).noneMatch(CheckpointEnd.class::isInstance);
    }

    @Test
    void shouldNotTearTheEngineOutOfAPauseWhenMemoryRunsOut() {
        try (CheckpointWriter writer = CheckpointWriter.delta(tape, STALL_NANOS, 7)) {
            writer.onPages(0, 64, memory, 0);
            tape.runOutOfMemory();
            writer.onPages(64, 64, memory, 0);
            writer.onPages(128, 64, memory, 0);

            assertThatThrownBy(() -> writer.finish(8, new byte[] {1}, ""))
                    .isInstanceOf(LinkException.class)
                    .hasMessageContaining("no memory");
        }
        assertThat(tape.records()).isEmpty();
    }

    @Test
    void shouldGiveBackWhatItCollectedWhenItIsNotFinished() {
        CheckpointWriter writer = CheckpointWriter.delta(tape, STALL_NANOS, 7);
        writer.onPages(0, 200, memory, 0);
        writer.close();
        assertThatThrownBy(() -> writer.onPages(0, 1, memory, 0)).isInstanceOf(IllegalStateException.class);
        assertThatThrownBy(() -> writer.finish(8, new byte[1], "")).isInstanceOf(IllegalStateException.class);
    }
}
