package io.holdfast.agent.link;

import static io.holdfast.agent.engine.PageSink.PAGE_BYTES;
import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.holdfast.agent.link.LinkMessage.CheckpointBegin;
import io.holdfast.agent.link.LinkMessage.CheckpointEnd;
import io.holdfast.agent.link.LinkMessage.CheckpointRecord;
import io.holdfast.agent.link.LinkMessage.DeviceState;
import io.holdfast.agent.link.LinkMessage.Pages;
import io.netty.buffer.ByteBuf;
import io.netty.buffer.Unpooled;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Optional;
import java.util.SplittableRandom;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;

/** INV-11: what the stage hands out is complete and on an unbroken chain. */
@ExtendWith(LeakCheck.class)
class CheckpointStageTest {

    private static final long STALL_NANOS = 1;
    private static final long CAPACITY_BYTES = 64 << 20;
    private static final byte[] DEVICE_STATE = "processors and devices".getBytes(UTF_8);

    private final long seed = Long.getLong("holdfast.seed", System.nanoTime());
    private final GuestMemory guest = new GuestMemory(200, seed);
    private final MemorySegment backup = Arena.ofAuto().allocate(guest.bytes());
    private final Tape tape = new Tape();
    private final CheckpointStage stage = new CheckpointStage(guest.bytes(), CAPACITY_BYTES, 0);

    CheckpointStageTest() {
        System.out.println("CheckpointStageTest: seed " + seed);
        guest.change(20, (page, pages, memory, offset) -> {});
    }

    @AfterEach
    void giveBack() {
        stage.discard();
        tape.close();
    }

    @Test
    void shouldRebuildTheGuestsMemoryFromAFullCheckpointAndDeltas() throws Exception {
        recordFull(10);
        apply(play(tape.records()));
        assertThat(guest.segment().mismatch(backup)).isEqualTo(-1);

        for (int epoch = 11; epoch < 40; epoch++) {
            tape.close();
            recordDelta(epoch, epoch - 1);
            StagedCheckpoint delta = play(tape.records());
            assertThat(delta.epoch()).isEqualTo(epoch);
            assertThat(delta.baseEpoch()).isEqualTo(epoch - 1);
            assertThat(delta.isFull()).isFalse();
            assertThat(delta.guestAddressesJson()).isEqualTo("{}");
            assertThat(delta.deviceState()).isEqualTo(DEVICE_STATE);
            apply(delta);
            assertThat(guest.segment().mismatch(backup)).isEqualTo(-1);
        }
        assertThat(stage.confirmedEpoch()).isEqualTo(39);
    }

    @Test
    void shouldTakeTheNextDeltaBeforeTheLastOneIsApplied() throws Exception {
        recordFull(1);
        recordDelta(2, 1);
        recordDelta(3, 2);
        List<StagedCheckpoint> inFlight = new ArrayList<>();
        for (CheckpointRecord record : tape.records()) {
            stage.accept(record).ifPresent(inFlight::add);
        }
        assertThat(inFlight).extracting(StagedCheckpoint::epoch).containsExactly(1L, 2L, 3L);
        for (StagedCheckpoint checkpoint : inFlight) {
            apply(checkpoint);
        }
        assertThat(guest.segment().mismatch(backup)).isEqualTo(-1);
    }

    @Test
    void shouldLetTheLastCopyOfAPageCount() throws Exception {
        CheckpointWriter writer = CheckpointWriter.full(tape, STALL_NANOS);
        guest.precopy(writer);
        writer.collect();
        guest.change(30, writer);
        guest.change(30, writer);
        writer.finish(1, DEVICE_STATE, "");
        apply(play(tape.records()));
        assertThat(guest.segment().mismatch(backup)).isEqualTo(-1);
    }

    @Test
    void shouldYieldNothingFromAnyUnfinishedStream() throws Exception {
        recordFull(1);
        for (int cut = 0; cut < tape.records().size(); cut++) {
            CheckpointStage fresh = new CheckpointStage(guest.bytes(), CAPACITY_BYTES, 0);
            for (CheckpointRecord record : tape.records().subList(0, cut)) {
                assertThat(fresh.accept(record)).isEmpty();
            }
            fresh.discard();
            assertThat(fresh.stagedBytes()).isZero();
            assertThat(fresh.confirmedEpoch()).isZero();
        }
    }

    @Test
    void shouldRefuseAStreamThatLacksAnyOneRecord() throws Exception {
        recordBoth();
        for (int missing = 0; missing < tape.records().size(); missing++) {
            List<CheckpointRecord> torn = new ArrayList<>(tape.records());
            torn.remove(missing);
            assertTorn("without record " + missing, torn);
        }
    }

    @Test
    void shouldRefuseAStreamInWhichAnyOneRecordComesTwice() throws Exception {
        recordBoth();
        for (int twice = 0; twice < tape.records().size(); twice++) {
            List<CheckpointRecord> torn = new ArrayList<>(tape.records());
            torn.add(twice, torn.get(twice));
            if (!(torn.get(twice) instanceof CheckpointEnd)) {
                assertTorn("record %d twice".formatted(twice), torn);
            }
        }
    }

    @Test
    void shouldRefuseASecondEnd() throws Exception {
        recordFull(1);
        play(tape.records()).release();
        assertThatThrownBy(() -> stage.accept(tape.records().getLast()))
                .isInstanceOf(TornCheckpointException.class)
                .hasMessage("CheckpointEnd without a beginning");
    }

    @Test
    void shouldRefuseAStreamInWhichTwoRecordsAreSwapped() throws Exception {
        recordBoth();
        for (int first = 0; first < tape.records().size() - 1; first++) {
            List<CheckpointRecord> torn = new ArrayList<>(tape.records());
            Collections.swap(torn, first, first + 1);
            assertTorn("records %d and the next swapped".formatted(first), torn);
        }
    }

    @Test
    void shouldRefuseAStreamInWhichAnyBitIsWrong() throws Exception {
        recordBoth();
        SplittableRandom random = new SplittableRandom(seed);
        for (CheckpointRecord record : tape.records()) {
            if (record instanceof LinkMessage.Payload payload && payload.data().isReadable()) {
                ByteBuf data = payload.data();
                int at = data.readerIndex() + random.nextInt(data.readableBytes());
                int bit = 1 << random.nextInt(8);
                data.setByte(at, data.getByte(at) ^ bit);
                assertTorn("damage in " + record, tape.records());
                data.setByte(at, data.getByte(at) ^ bit);
            }
        }
        assertThat(playUntilTorn(tape.records())).containsExactly(1L, 2L);
    }

    @Test
    void shouldRefuseAStreamInWhichPagesStandElsewhere() throws Exception {
        recordBoth();
        for (int at = 0; at < tape.records().size(); at++) {
            if (tape.records().get(at) instanceof Pages pages) {
                List<CheckpointRecord> torn = new ArrayList<>(tape.records());
                long elsewhere = pages.firstPage() == 0 ? 1 : pages.firstPage() - 1;
                torn.set(at, new Pages(elsewhere, pages.pages(), pages.zero(), pages.data()));
                assertTorn("record %d one page off".formatted(at), torn);
            }
        }
    }

    @Test
    void shouldRefuseAnEndThatNamesAnythingElse() throws Exception {
        recordBoth();
        int last = tape.records().size() - 1;
        CheckpointEnd end = (CheckpointEnd) tape.records().get(last);
        List<CheckpointEnd> lies = List.of(
                new CheckpointEnd(3, 1, end.pageCount(), end.byteCount(), end.deviceStateBytes(), "{}", end.sha256()),
                new CheckpointEnd(2, 0, end.pageCount(), end.byteCount(), end.deviceStateBytes(), "{}", end.sha256()),
                new CheckpointEnd(
                        2, 1, end.pageCount() + 1, end.byteCount(), end.deviceStateBytes(), "{}", end.sha256()),
                new CheckpointEnd(
                        2, 1, end.pageCount(), end.byteCount() + 1, end.deviceStateBytes(), "{}", end.sha256()),
                new CheckpointEnd(
                        2, 1, end.pageCount(), end.byteCount(), end.deviceStateBytes() + 1, "{}", end.sha256()),
                new CheckpointEnd(2, 1, end.pageCount(), end.byteCount(), end.deviceStateBytes(), "{} ", end.sha256()),
                new CheckpointEnd(
                        2, 1, end.pageCount(), end.byteCount(), end.deviceStateBytes(), "{}", SampleMessages.SHA256));
        for (CheckpointEnd lie : lies) {
            List<CheckpointRecord> torn = new ArrayList<>(tape.records());
            torn.set(last, lie);
            assertTorn(lie.toString(), torn);
        }
    }

    @Test
    void shouldRefuseADeltaOnAnythingButTheNewestConfirmedCheckpoint() throws Exception {
        assertThatThrownBy(() -> stage.accept(new CheckpointBegin(false, 1)))
                .isInstanceOf(TornCheckpointException.class)
                .hasMessageContaining("builds on checkpoint 1, the newest confirmed one is none");
        recordFull(5);
        play(tape.records()).release();
        for (long base : new long[] {1, 4, 6}) {
            assertThatThrownBy(() -> stage.accept(new CheckpointBegin(false, base)))
                    .isInstanceOf(TornCheckpointException.class)
                    .hasMessageContaining("newest confirmed one is 5");
        }
    }

    @Test
    void shouldKeepWhatWasConfirmedWhenACheckpointIsTornAndGoOnFromThere() throws Exception {
        recordFull(5);
        apply(play(tape.records()));
        tape.close();
        recordDelta(6, 5);
        for (CheckpointRecord record : tape.records().subList(0, 3)) {
            assertThat(stage.accept(record)).isEmpty();
        }
        assertThatThrownBy(() -> stage.accept(new CheckpointBegin(true, 0)))
                .isInstanceOf(TornCheckpointException.class);
        assertThat(stage.stagedBytes()).isZero();
        assertThat(stage.confirmedEpoch()).isEqualTo(5);

        // What is still under way of the torn one is refused, and so is what builds on it.
        assertThatThrownBy(() -> stage.accept(tape.records().get(3))).isInstanceOf(TornCheckpointException.class);
        assertThatThrownBy(() -> stage.accept(new CheckpointBegin(false, 6)))
                .isInstanceOf(TornCheckpointException.class);

        apply(play(tape.records()));
        assertThat(guest.segment().mismatch(backup)).isEqualTo(-1);
    }

    @Test
    void shouldGoOnFromTheConfirmedCheckpointOnANewConnection() throws Exception {
        recordFull(5);
        apply(play(tape.records()));
        tape.close();
        recordDelta(6, 5);
        stage.accept(tape.records().get(0));
        stage.accept(tape.records().get(1));
        stage.discard();

        CheckpointStage next = new CheckpointStage(guest.bytes(), CAPACITY_BYTES, stage.confirmedEpoch());
        Optional<StagedCheckpoint> delta = Optional.empty();
        for (CheckpointRecord record : tape.records()) {
            delta = next.accept(record);
        }
        apply(delta.orElseThrow());
        assertThat(guest.segment().mismatch(backup)).isEqualTo(-1);
    }

    @Test
    void shouldNeverGoBack() throws Exception {
        recordFull(5);
        play(tape.records()).release();
        tape.close();
        recordFull(5);
        assertThatThrownBy(() -> play(tape.records()))
                .isInstanceOf(TornCheckpointException.class)
                .hasMessageContaining("not newer");
    }

    @Test
    void shouldRefuseAFullCheckpointThatLeavesAPageOut() throws Exception {
        try (CheckpointWriter writer = CheckpointWriter.full(tape, STALL_NANOS)) {
            writer.onPages(0, 150, null, 0);
            writer.onPages(151, 49, null, 0);
            writer.onPages(0, 1, null, 0);
            writer.finish(1, DEVICE_STATE, "");
        }
        assertThatThrownBy(() -> play(tape.records()))
                .isInstanceOf(TornCheckpointException.class)
                .hasMessageContaining("199 of 200 pages; the first missing is 150");
    }

    @Test
    void shouldRefusePagesThatTheGuestDoesNotHave() throws Exception {
        for (Pages outside :
                List.of(Pages.zero(200, 1), Pages.zero(199, 2), Pages.zero(0, 201), Pages.zero(1L << 40, 1))) {
            stage.accept(new CheckpointBegin(true, 0));
            assertThatThrownBy(() -> stage.accept(outside))
                    .isInstanceOf(TornCheckpointException.class)
                    .hasMessageContaining("of a guest that has 200");
        }
    }

    @Test
    void shouldStageNoMoreThanItMay() throws Exception {
        CheckpointStage small = new CheckpointStage(guest.bytes(), 10 * PAGE_BYTES, 0);
        small.accept(new CheckpointBegin(true, 0));
        Pages page = new Pages(0, 1, false, Unpooled.directBuffer().writeZero(PAGE_BYTES));
        for (int i = 0; i < 9; i++) {
            small.accept(page);
        }
        assertThat(page.refCnt()).isEqualTo(10);
        assertThatThrownBy(() -> small.accept(page))
                .isInstanceOf(TornCheckpointException.class)
                .hasMessageContaining("may be staged");
        assertThat(page.refCnt()).as("only the test's own").isEqualTo(1);
        page.release();
    }

    @Test
    void shouldBoundAFloodOfZeroPages() throws Exception {
        CheckpointStage small = new CheckpointStage(guest.bytes(), 10 * PAGE_BYTES, 0);
        small.accept(new CheckpointBegin(true, 0));
        assertThatThrownBy(() -> {
                    for (int i = 0; i < 10 * PAGE_BYTES; i++) {
                        small.accept(Pages.zero(0, 1));
                    }
                })
                .isInstanceOf(TornCheckpointException.class)
                .hasMessageContaining("may be staged");
    }

    @Test
    void shouldRefuseACheckpointWithoutDeviceState() throws Exception {
        try (CheckpointWriter writer = CheckpointWriter.full(tape, STALL_NANOS)) {
            guest.precopy(writer);
            writer.finish(1, new byte[0], "");
        }
        assertThatThrownBy(() -> play(tape.records()))
                .isInstanceOf(TornCheckpointException.class)
                .hasMessageContaining("without device state");
    }

    @Test
    void shouldPutDeviceStateTogetherFromItsPieces() throws Exception {
        byte[] large = new byte[3 * LinkMessage.MAX_PAYLOAD_BYTES + 5];
        new SplittableRandom(seed).nextBytes(large);
        try (CheckpointWriter writer = CheckpointWriter.full(tape, STALL_NANOS)) {
            guest.precopy(writer);
            writer.finish(1, large, "");
        }
        assertThat(tape.records()).filteredOn(DeviceState.class::isInstance).hasSize(4);
        StagedCheckpoint checkpoint = play(tape.records());
        assertThat(checkpoint.deviceState()).isEqualTo(large);
        checkpoint.release();
    }

    @Test
    void shouldNotBeAppliedToTooLittleMemoryOrAfterItsRelease() throws Exception {
        recordFull(1);
        StagedCheckpoint checkpoint = play(tape.records());
        assertThatThrownBy(() -> checkpoint.applyTo(backup.asSlice(0, guest.bytes() - PAGE_BYTES)))
                .isInstanceOf(IllegalArgumentException.class);
        checkpoint.release();
        checkpoint.release();
        assertThatThrownBy(() -> checkpoint.applyTo(backup)).isInstanceOf(IllegalStateException.class);
    }

    private void recordFull(long epoch) throws Exception {
        try (CheckpointWriter writer = CheckpointWriter.full(tape, STALL_NANOS)) {
            guest.precopy(writer);
            writer.collect();
            guest.change(3, writer);
            writer.finish(epoch, DEVICE_STATE, "{}");
        }
    }

    private void recordDelta(long epoch, long baseEpoch) throws Exception {
        try (CheckpointWriter writer = CheckpointWriter.delta(tape, STALL_NANOS, baseEpoch)) {
            guest.change(5, writer);
            writer.finish(epoch, DEVICE_STATE, "{}");
        }
    }

    /** A full checkpoint 1 and a delta 2. */
    private void recordBoth() throws Exception {
        recordFull(1);
        recordDelta(2, 1);
    }

    private StagedCheckpoint play(List<CheckpointRecord> records) throws TornCheckpointException {
        Optional<StagedCheckpoint> result = Optional.empty();
        for (CheckpointRecord record : records) {
            assertThat(result).isEmpty();
            result = stage.accept(record);
        }
        return result.orElseThrow();
    }

    /** The epochs that come out of a new stage until something is torn. */
    private List<Long> playUntilTorn(List<CheckpointRecord> records) {
        CheckpointStage fresh = new CheckpointStage(guest.bytes(), CAPACITY_BYTES, 0);
        List<Long> epochs = new ArrayList<>();
        try {
            for (CheckpointRecord record : records) {
                fresh.accept(record).ifPresent(checkpoint -> {
                    epochs.add(checkpoint.epoch());
                    checkpoint.release();
                });
            }
        } catch (TornCheckpointException e) {
            assertThat(fresh.stagedBytes()).isZero();
        }
        assertThat(fresh.confirmedEpoch()).isEqualTo(epochs.isEmpty() ? 0 : epochs.getLast());
        fresh.discard();
        return epochs;
    }

    /** Of checkpoints 1 and 2 at most the untouched first one comes out. */
    private void assertTorn(String what, List<CheckpointRecord> records) {
        assertThat(playUntilTorn(records)).as(what).isSubsetOf(1L);
    }

    private void apply(StagedCheckpoint checkpoint) {
        checkpoint.applyTo(backup);
        checkpoint.release();
    }
}
