package io.holdfast.reverse;

import static io.holdfast.reverse.ReverseKit.PREFIX;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Deque;
import java.util.List;
import java.util.SplittableRandom;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

/** */
class InputLogTest {

    private static final int CAPACITY = 4096;

    private final InputLog log = new InputLog(CAPACITY, PREFIX);
    private final SplittableRandom random = new SplittableRandom(ReverseKit.seed());

    @AfterEach
    void freeTheLog() {
        log.close();
    }

    @Test
    void shouldKeepFramesInTheOrderInWhichTheyCame() {
        append(bytes(60, 1));
        append(bytes(61, 2));
        append(bytes(62, 3));
        assertThat(frames()).containsExactly(bytes(60, 1), bytes(61, 2), bytes(62, 3));
    }

    @Test
    void shouldKeepWhatIsSaidOfAFrame() {
        long position =
                log.append(InputLog.OTHER, 3, 5L << 40, 6L << 40, 7L << 40, 9, behindPrefix(bytes(60, 1)), PREFIX, 60);
        assertThat(log.kind(position)).isEqualTo(InputLog.OTHER);
        assertThat(log.nic(position)).isEqualTo(3);
        assertThat(log.flow(position)).isEqualTo(5L << 40);
        assertThat(log.begin(position)).isEqualTo(6L << 40);
        assertThat(log.end(position)).isEqualTo(7L << 40);
        assertThat(log.epoch(position)).isEqualTo(9);
        assertThat(log.frameBytes(position)).isEqualTo(60);
    }

    @Test
    void shouldKeepThePrefix() {
        MemorySegment withPrefix = behindPrefix(bytes(60, 1));
        withPrefix.asSlice(0, PREFIX).fill((byte) 0x5a);
        long position = log.append(InputLog.SEGMENT, 0, 0, 0, 0, 0, withPrefix, PREFIX, 60);
        assertThat(log.memory()
                        .asSlice(log.frameOffset(position) - PREFIX, PREFIX)
                        .toArray(ValueLayout.JAVA_BYTE))
                .containsOnly(0x5a);
    }

    @Test
    void shouldJoinOutputOfOneConnection() {
        log.appendOutput(1, 100, 0, 4);
        log.appendOutput(1, 200, 0, 4);
        assertThat(outputs()).containsExactly("1:200");
    }

    @Test
    void shouldNotJoinOutputAcrossInput() {
        log.appendOutput(1, 100, 0, 0);
        append(bytes(60, 1));
        log.appendOutput(1, 200, 0, 0);
        assertThat(outputs()).containsExactly("1:100", "1:200");
    }

    @Test
    void shouldNotJoinOutputOfTwoConnections() {
        log.appendOutput(1, 100, 0, 4);
        log.appendOutput(2, 200, 0, 4);
        assertThat(outputs()).containsExactly("1:100", "2:200");
    }

    @Test
    void shouldNotJoinOutputAcrossABarrier() {
        log.appendOutput(1, 100, 0, 4);
        log.appendOutput(1, 200, 0, 5);
        assertThat(outputs()).containsExactly("1:100", "1:200");
    }

    @Test
    void shouldNotJoinOutputWithARecordThatIsForgotten() {
        log.appendOutput(1, 100, 0, 4);
        log.truncateBefore(log.tail());
        log.appendOutput(1, 200, 0, 4);
        assertThat(outputs()).containsExactly("1:200");
    }

    @Test
    void shouldSayWhenItIsFullAndKeepWhatItHas() {
        List<byte[]> kept = fill(bytes(500, 7));
        long tail = log.tail();
        assertThat(append(bytes(500, 8))).isEqualTo(InputLog.FULL);
        assertThat(log.tail()).isEqualTo(tail);
        assertThat(frames()).containsExactlyElementsOf(kept);
    }

    @Test
    void shouldRefuseOutputWhenItIsFull() {
        fill(bytes(64 - PREFIX, 7));
        assertThat(log.usedBytes()).isEqualTo(CAPACITY);
        assertThat(log.appendOutput(1, 100, 0, 4)).isFalse();
    }

    @Test
    void shouldTakeAFrameInTheRoomOfForgottenOnes() {
        fill(bytes(500, 7));
        long second = log.next(log.head());
        log.truncateBefore(log.next(second));
        assertThat(append(bytes(500, 8))).isNotEqualTo(InputLog.FULL);
        assertThat(frames()).last().isEqualTo(bytes(500, 8));
    }

    @Test
    void shouldForgetOnlyWhatIsBeforeAPosition() {
        append(bytes(60, 1));
        long second = append(bytes(61, 2));
        append(bytes(62, 3));
        log.truncateBefore(second);
        assertThat(frames()).containsExactly(bytes(61, 2), bytes(62, 3));
        assertThat(log.usedBytes()).isEqualTo(log.tail() - second);
    }

    @Test
    void shouldFindTheRecordBehindPaddingThatWasAddedWhereAReaderWaits() {
        fill(bytes(500, 7));
        long waiting = log.tail();
        log.truncateBefore(log.next(log.next(log.head())));
        long behind = append(bytes(500, 8));
        assertThat(behind).isGreaterThan(waiting);
        assertThat(log.recordFrom(waiting)).isEqualTo(behind);
    }

    @Test
    void shouldFindTheRecordBehindPaddingThatWasAddedToAnEmptyLog() {
        fill(bytes(500, 7));
        long waiting = log.tail();
        log.truncateBefore(waiting);
        long behind = append(bytes(500, 8));
        assertThat(log.head()).isEqualTo(behind);
        assertThat(log.recordFrom(waiting)).isEqualTo(behind);
    }

    @Test
    void shouldTellWhereTheGuestGotAFrameThatWaited() {
        long waiting = append(bytes(60, 1));
        log.defer(waiting);
        long atOnce = append(bytes(61, 2));
        log.give(waiting, 4);
        assertThat(inputs()).containsExactly(atOnce, waiting);
    }

    @Test
    void shouldTellOfNoPlaceForAFrameThatWaits() {
        log.defer(append(bytes(60, 1)));
        assertThat(inputs()).isEmpty();
    }

    @Test
    void shouldTellOfNoPlaceForAFrameThatIsForgotten() {
        long waiting = append(bytes(60, 1));
        log.defer(waiting);
        log.give(waiting, 4);
        log.truncateBefore(log.next(waiting));
        assertThat(inputs()).isEmpty();
    }

    @Test
    void shouldLeaveAFrameWhereItArrivedWhenThereIsNoRoomToNoteItsTurn() {
        long waiting = append(bytes(60, 1));
        log.defer(waiting);
        while (append(bytes(14, 7)) != InputLog.FULL) {}
        while (log.appendOutput(log.tail(), 1, 0, 4)) {}
        assertThat(log.give(waiting, 4)).isFalse();
        assertThat(inputs()).startsWith(waiting);
    }

    @Test
    void shouldTieFramesThatWait() {
        long first = append(bytes(60, 1));
        long second = append(bytes(61, 2));
        log.defer(first);
        log.defer(second);
        log.tie(first, second);
        assertThat(log.later(first)).isEqualTo(second);
        assertThat(log.later(second)).isEqualTo(InputLog.NONE);
    }

    private List<Long> inputs() {
        List<Long> inputs = new ArrayList<>();
        for (long position = log.head(); position < log.tail(); position = log.next(position)) {
            if (log.inputAt(position) != InputLog.NONE) {
                inputs.add(log.inputAt(position));
            }
        }
        return inputs;
    }

    @Test
    void shouldNotTakeACapacityThatIsNoPowerOfTwo() {
        assertThatThrownBy(() -> new InputLog(5000, PREFIX)).hasMessageContaining("5000");
        assertThatThrownBy(() -> new InputLog(2048, PREFIX)).hasMessageContaining("2048");
    }

    /** A reader follows the end, as the guest does. */
    @Test
    void shouldBehaveLikeAQueueForFramesOfAllSizes() {
        Deque<byte[]> model = new ArrayDeque<>();
        long read = 0;
        for (int step = 0; step < 50_000; step++) {
            byte[] frame = bytes(14 + random.nextInt(1000), random.nextInt());
            long position = append(frame);
            if (position == InputLog.FULL) {
                log.truncateBefore(log.next(log.head()));
                model.remove();
                continue;
            }
            model.add(frame);
            read = log.recordFrom(read);
            assertThat(read).isEqualTo(position);
            assertThat(frame(read)).isEqualTo(frame);
            read = log.next(read);
            assertThat(frame(log.head())).isEqualTo(model.peek());
            if (random.nextInt(10) == 0) {
                log.truncateBefore(log.tail());
                model.clear();
            }
        }
    }

    private long append(byte[] frame) {
        return log.append(InputLog.SEGMENT, 0, 1, 0, 0, 0, behindPrefix(frame), PREFIX, frame.length);
    }

    private List<byte[]> fill(byte[] frame) {
        List<byte[]> kept = new ArrayList<>();
        while (kept.size() < CAPACITY && append(frame) != InputLog.FULL) {
            kept.add(frame);
        }
        return kept;
    }

    private List<byte[]> frames() {
        List<byte[]> frames = new ArrayList<>();
        for (long position = log.head(); position < log.tail(); position = log.next(position)) {
            frames.add(frame(position));
        }
        return frames;
    }

    private byte[] frame(long position) {
        return log.memory()
                .asSlice(log.frameOffset(position), log.frameBytes(position))
                .toArray(ValueLayout.JAVA_BYTE);
    }

    private List<String> outputs() {
        List<String> outputs = new ArrayList<>();
        for (long position = log.head(); position < log.tail(); position = log.next(position)) {
            if (log.kind(position) == InputLog.OUTPUT) {
                outputs.add(log.flow(position) + ":" + log.end(position));
            }
        }
        return outputs;
    }

    private static MemorySegment behindPrefix(byte[] frame) {
        MemorySegment memory = MemorySegment.ofArray(new byte[PREFIX + frame.length]);
        MemorySegment.copy(frame, 0, memory, ValueLayout.JAVA_BYTE, PREFIX, frame.length);
        return memory;
    }

    private static byte[] bytes(int length, int fill) {
        byte[] frame = new byte[length];
        Arrays.fill(frame, (byte) fill);
        return frame;
    }
}
