package io.holdfast.agent;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.holdfast.agent.engine.CheckpointEngine;
import io.holdfast.agent.engine.EngineException;
import io.holdfast.agent.engine.GuestNotStartedException;
import io.holdfast.agent.engine.MachineDefinition;
import io.holdfast.agent.engine.PageSink;
import io.holdfast.agent.engine.StandbyEngine;
import io.holdfast.agent.link.CheckpointStage;
import io.holdfast.agent.link.CheckpointWriter;
import io.holdfast.agent.link.LinkMessage;
import io.holdfast.agent.link.LinkMessage.CheckpointRecord;
import io.holdfast.agent.link.LinkOutput;
import io.holdfast.agent.link.StagedCheckpoint;
import io.holdfast.agent.link.TornCheckpointException;
import io.holdfast.wall.Epoch;
import io.netty.buffer.ByteBufAllocator;
import io.netty.buffer.UnpooledByteBufAllocator;
import io.netty.util.ReferenceCountUtil;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.channels.FileChannel;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.List;
import java.util.Optional;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class AppliedCheckpointTest {

    private static final int PAGES = 4;
    private static final long MEMORY_BYTES = (long) PAGES * PageSink.PAGE_BYTES;
    private static final byte[] DEVICE_STATE = {1, 2, 3};

    private final Stage stage = new Stage();
    private final Waiting waiting = new Waiting();
    private final AppliedCheckpoint applied = new AppliedCheckpoint(true);
    private final MemorySegment rehearsed = Arena.ofAuto().allocate(MEMORY_BYTES);
    private final CheckpointCopy copy = new CheckpointCopy(rehearsed, PageSink.PAGE_BYTES);

    @AfterEach
    void free() {
        applied.close();
    }

    @Test
    void shouldGiveAFreshHypervisorTheMemoryThatTheFirstGuestHasNotTouched() throws Exception {
        applied.begin(MEMORY_BYTES);
        apply(stage.full(1, 0x11));
        apply(stage.delta(2, 3, 0x22));
        waiting.memory.fill((byte) 0x7f); // The guest runs.
        Waiting fresh = new Waiting();
        applied.copyTo(fresh);
        assertThat(fresh.page(0)).isEqualTo((byte) 0x11);
        assertThat(fresh.page(3)).isEqualTo((byte) 0x22);
    }

    /** Its file is sparse, and may not find room for all of it. */
    @Test
    void shouldTouchNoPageOfAFreshHypervisorThatIsZero() throws Exception {
        applied.begin(MEMORY_BYTES);
        apply(stage.full(1, 0x00));
        apply(stage.delta(2, 3, 0x22));
        Waiting fresh = new Waiting();
        fresh.memory.fill((byte) 0x7f); // Would be zero, and nobody could see whether it was written.
        applied.copyTo(fresh);
        assertThat(fresh.page(0)).isEqualTo((byte) 0x7f);
        assertThat(fresh.page(3)).isEqualTo((byte) 0x22);
    }

    /** An Error would be the end of the agent. */
    @Test
    void shouldSayThatAFreshHypervisorsMemoryFindsNoRoom(@TempDir Path directory) throws Exception {
        applied.begin(MEMORY_BYTES);
        apply(stage.full(1, 0x11));
        try (FileChannel file = FileChannel.open(
                directory.resolve("memory"),
                StandardOpenOption.CREATE,
                StandardOpenOption.READ,
                StandardOpenOption.WRITE)) {
            Waiting fresh = new Waiting(file.map(FileChannel.MapMode.READ_WRITE, 0, MEMORY_BYTES, Arena.ofAuto()));
            file.truncate(0); // As good as a full tmpfs: the kernel has no page for who writes.
            assertThatThrownBy(() -> applied.copyTo(fresh))
                    .isInstanceOf(EngineException.class)
                    .hasMessageContaining("room");
        }
    }

    @Test
    void shouldForgetTheCopyOfAnEarlierHypervisor() throws Exception {
        applied.begin(MEMORY_BYTES);
        apply(stage.full(1, 0x11));
        applied.begin(MEMORY_BYTES);
        Waiting fresh = new Waiting();
        applied.copyTo(fresh);
        assertThat(fresh.page(0)).isZero();
    }

    @Test
    void shouldPromoteOnlyTheCheckpointThatIsExpected() throws Exception {
        applied.begin(MEMORY_BYTES);
        apply(stage.full(1, 0x11));
        assertThatThrownBy(() -> promote(2))
                .isInstanceOf(EngineException.class)
                .hasMessageContaining("checkpoint 2 is not applied, but 1");
        assertThatThrownBy(() -> promote(1)).hasMessage("given 3 bytes");
    }

    @Test
    void shouldGiveTheCheckpointToAnotherProcessAsLongAsTheGuestHasNotRun() throws Exception {
        applied.begin(MEMORY_BYTES);
        apply(stage.full(1, 0x11));
        waiting.processesThatFail = 2;
        assertThatThrownBy(() -> promote(1)).hasMessage("given 3 bytes");
        assertThat(waiting.restarts).isEqualTo(2);
    }

    @Test
    void shouldTryAgainWhereAnotherProcessDoesNotStart() throws Exception {
        applied.begin(MEMORY_BYTES);
        apply(stage.full(1, 0x11));
        waiting.processesThatFail = 1;
        waiting.startsThatFail = 1;
        assertThatThrownBy(() -> promote(1)).hasMessage("given 3 bytes");
        assertThat(waiting.restarts).isEqualTo(2);
    }

    @Test
    void shouldGiveUpWhenOneProcessAfterTheOtherFails() throws Exception {
        applied.begin(MEMORY_BYTES);
        apply(stage.full(1, 0x11));
        waiting.processesThatFail = 3;
        assertThatThrownBy(() -> promote(1)).isInstanceOf(GuestNotStartedException.class);
        assertThat(waiting.restarts).isEqualTo(2);
    }

    /** As when the agent ends: nobody would end the next one. */
    @Test
    void shouldStartNoOtherProcessWhenItWasInterrupted() throws Exception {
        applied.begin(MEMORY_BYTES);
        apply(stage.full(1, 0x11));
        waiting.processesThatFail = 1;
        Thread.currentThread().interrupt();
        try {
            assertThatThrownBy(() -> promote(1)).isInstanceOf(GuestNotStartedException.class);
        } finally {
            assertThat(Thread.interrupted()).isTrue();
        }
        assertThat(waiting.restarts).isZero();
    }

    /** What it has written is in no checkpoint, and what it has said may be on its way. */
    @Test
    void shouldNotRestoreAGuestOnceMoreThatMayHaveRun() throws Exception {
        applied.begin(MEMORY_BYTES);
        apply(stage.full(1, 0x11));
        assertThatThrownBy(() -> promote(1)).hasMessage("given 3 bytes");
        assertThat(waiting.restarts).isZero();
    }

    /** INV-11. */
    @Test
    void shouldBeNoCheckpointAfterOneThatBuildsOnAnother() throws Exception {
        applied.begin(MEMORY_BYTES);
        StagedCheckpoint missed = stage.full(1, 0x11);
        missed.release();
        assertThatThrownBy(() -> apply(stage.delta(2, 0, 0x22))).isInstanceOf(IllegalStateException.class);
        assertThatThrownBy(() -> promote(Epoch.NONE)).hasMessageContaining("is not applied");
    }

    @Test
    void shouldKeepNoCopyWhereACheckpointIsRestoredOnlyOnce() throws Exception {
        AppliedCheckpoint once = new AppliedCheckpoint(false);
        once.begin(MEMORY_BYTES);
        assertThatThrownBy(() -> once.copyTo(waiting))
                .isInstanceOf(EngineException.class)
                .hasMessageContaining("no copy");
        once.close();
    }

    // ---- the copy for a rehearsal ----

    @Test
    void shouldCopyForARehearsalPartByPart() throws Exception {
        applied.begin(MEMORY_BYTES);
        apply(stage.full(1, 0x11));
        for (int part = 1; part < PAGES; part++) {
            assertThat(applied.copyForRehearsal(copy, waiting.memory)).isTrue();
            assertThat(copy.outcome()).isNotDone();
        }
        assertThat(applied.copyForRehearsal(copy, waiting.memory)).isFalse();
        assertThat(rehearsed.mismatch(waiting.memory)).isEqualTo(-1);
        assertThat(copy.outcome().get().epoch()).isEqualTo(1);
        assertThat(copy.outcome().get().deviceState()).isEqualTo(DEVICE_STATE);
        assertThat(copy.outcome().get().guestAddressesJson()).isEqualTo("{}");
    }

    /** Page 0 is copied already, page 3 is not. */
    @Test
    void shouldLetTheCopyFollowWhatIsAppliedBetweenItsParts() throws Exception {
        applied.begin(MEMORY_BYTES);
        apply(stage.full(1, 0x11));
        applied.copyForRehearsal(copy, waiting.memory);
        apply(stage.delta(2, 0, 0x22));
        apply(stage.delta(3, 3, 0x33));
        copyToTheEnd();
        assertThat(rehearsed.mismatch(waiting.memory)).isEqualTo(-1);
        assertThat(copy.outcome().get().epoch()).isEqualTo(3);
    }

    @Test
    void shouldLeaveACopyAloneThatIsWhole() throws Exception {
        applied.begin(MEMORY_BYTES);
        apply(stage.full(1, 0x11));
        copyToTheEnd();
        apply(stage.delta(2, 0, 0x22));
        assertThat(rehearsed.get(ValueLayout.JAVA_BYTE, 0)).isEqualTo((byte) 0x11);
    }

    /** INV-11: the checkpoint is what counts. */
    @Test
    void shouldApplyACheckpointThatTheCopyCannotFollow() throws Exception {
        applied.begin(MEMORY_BYTES);
        apply(stage.full(1, 0x11));
        CheckpointCopy doomed;
        try (Arena arena = Arena.ofShared()) {
            doomed = new CheckpointCopy(arena.allocate(MEMORY_BYTES), PageSink.PAGE_BYTES);
            applied.copyForRehearsal(doomed, waiting.memory);
        }
        apply(stage.delta(2, 0, 0x22));
        assertThat(doomed.outcome()).isCompletedExceptionally();
        assertThatThrownBy(() -> promote(2)).hasMessage("given 3 bytes");
    }

    @Test
    void shouldHaveNothingToRehearseBeforeTheFirstCheckpoint() throws Exception {
        applied.begin(MEMORY_BYTES);
        assertThat(applied.copyForRehearsal(copy, waiting.memory)).isFalse();
        assertThat(copy.outcome()).isCompletedExceptionally();
    }

    @Test
    void shouldEndTheCopyWhenTheGuestIsRestoredInEarnest() throws Exception {
        applied.begin(MEMORY_BYTES);
        apply(stage.full(1, 0x11));
        applied.copyForRehearsal(copy, waiting.memory);
        assertThatThrownBy(() -> promote(1)).hasMessage("given 3 bytes");
        assertThat(copy.outcome()).isCompletedExceptionally();
    }

    @Test
    void shouldEndTheCopyWhenAnotherHypervisorWaits() throws Exception {
        applied.begin(MEMORY_BYTES);
        apply(stage.full(1, 0x11));
        applied.copyForRehearsal(copy, waiting.memory);
        applied.begin(MEMORY_BYTES);
        assertThat(copy.outcome()).isCompletedExceptionally();
    }

    @Test
    void shouldEndTheCopyWhenTheMemoryThatItIsMadeOfIsGone() throws Exception {
        applied.begin(MEMORY_BYTES);
        apply(stage.full(1, 0x11));
        MemorySegment gone;
        try (Arena arena = Arena.ofShared()) {
            gone = arena.allocate(MEMORY_BYTES);
        }
        assertThat(applied.copyForRehearsal(copy, gone)).isFalse();
        assertThat(copy.outcome()).isCompletedExceptionally();
    }

    @Test
    void shouldEndTheCopyThatIsNotWantedAnyMore() throws Exception {
        applied.begin(MEMORY_BYTES);
        apply(stage.full(1, 0x11));
        applied.copyForRehearsal(copy, waiting.memory);
        copy.cancel();
        assertThat(applied.copyForRehearsal(copy, waiting.memory)).isFalse();
        assertThat(copy.outcome()).isCompletedExceptionally();
    }

    private void copyToTheEnd() {
        int parts = 0;
        while (applied.copyForRehearsal(copy, waiting.memory)) {
            assertThat(++parts).isLessThan(PAGES);
        }
    }

    private CheckpointEngine promote(long epoch) throws EngineException {
        return applied.promote(waiting, epoch, StandbyEngine::restart);
    }

    private void apply(StagedCheckpoint checkpoint) {
        try {
            applied.apply(checkpoint, waiting.memory);
        } finally {
            checkpoint.release();
        }
    }

    /** What is written goes straight into a backup's stage. */
    private static final class Stage implements LinkOutput {

        private final CheckpointStage stage = new CheckpointStage(MEMORY_BYTES, 1 << 20, Epoch.NONE);
        private Optional<StagedCheckpoint> complete = Optional.empty();

        StagedCheckpoint full(long epoch, int fill) throws Exception {
            try (CheckpointWriter writer = CheckpointWriter.full(this, 1)) {
                writer.onPages(0, PAGES, filled(PAGES, fill), 0);
                writer.collect();
                writer.finish(epoch, DEVICE_STATE, "{}");
            }
            return complete.orElseThrow();
        }

        /** One page more, on top of the epoch before. */
        StagedCheckpoint delta(long epoch, int page, int fill) throws Exception {
            try (CheckpointWriter writer = CheckpointWriter.delta(this, 1, epoch - 1)) {
                writer.onPages(page, 1, filled(1, fill), 0);
                writer.finish(epoch, DEVICE_STATE, "{}");
            }
            return complete.orElseThrow();
        }

        private static MemorySegment filled(int pages, int fill) {
            return Arena.ofAuto().allocate((long) pages * PageSink.PAGE_BYTES).fill((byte) fill);
        }

        @Override
        public ByteBufAllocator allocator() {
            return UnpooledByteBufAllocator.DEFAULT;
        }

        @Override
        public void send(LinkMessage message) {
            try {
                complete = stage.accept((CheckpointRecord) message);
            } catch (TornCheckpointException e) {
                throw new AssertionError(e);
            } finally {
                ReferenceCountUtil.release(message);
            }
        }

        @Override
        public boolean awaitWritable(long timeoutNanos) {
            return true;
        }

        @Override
        public boolean isUp() {
            return true;
        }
    }

    /** Has memory, and nothing that could run: it ends with a guest that has, or may have. */
    private static final class Waiting implements StandbyEngine {

        private final MemorySegment memory;
        private int processesThatFail;
        private int startsThatFail;
        private int restarts;

        Waiting() {
            this(Arena.ofAuto().allocate(MEMORY_BYTES));
        }

        Waiting(MemorySegment memory) {
            this.memory = memory;
        }

        byte page(int number) {
            return memory.get(ValueLayout.JAVA_BYTE, (long) number * PageSink.PAGE_BYTES);
        }

        @Override
        public MachineDefinition definition() {
            throw new UnsupportedOperationException();
        }

        @Override
        public List<String> exitsPastTheWall(List<String> wallGuestPorts) {
            return List.of();
        }

        @Override
        public boolean isReady() {
            return true;
        }

        @Override
        public long memoryBytes() {
            return MEMORY_BYTES;
        }

        @Override
        public MemorySegment memory() {
            return memory;
        }

        @Override
        public CheckpointEngine promote(byte[] deviceState) throws EngineException {
            if (processesThatFail > 0) {
                processesThatFail--;
                throw new GuestNotStartedException("killed");
            }
            throw new EngineException("given " + deviceState.length + " bytes");
        }

        @Override
        public void restart() throws EngineException {
            restarts++;
            if (startsThatFail > 0) {
                startsThatFail--;
                throw new GuestNotStartedException("busy");
            }
        }

        @Override
        public void close() {}
    }
}
