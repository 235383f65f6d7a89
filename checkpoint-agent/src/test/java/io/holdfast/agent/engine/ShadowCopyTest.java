package io.holdfast.agent.engine;

import static org.assertj.core.api.Assertions.assertThat;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.ArrayList;
import java.util.BitSet;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.Test;

class ShadowCopyTest {

    private static final int PAGE = PageSink.PAGE_BYTES;
    private static final int PAGES = 1000;

    private final MemorySegment memory = MemorySegment.ofArray(new byte[PAGES * PAGE]);
    private final ShadowCopy shadow = new ShadowCopy(memory, Arena.ofAuto());
    private final List<String> runs = new ArrayList<>();
    private final PageSink noted =
            (first, pages, content, offset) -> runs.add(first + "+" + pages + (content == null ? " zero" : ""));

    @Test
    void shouldHandOutAllMemoryWithRunsOfZerosTold() {
        write(0, 1);
        write(3, 1);
        write(4, 1);
        shadow.handOutAll(noted);
        assertThat(runs).containsExactly("0+1", "1+2 zero", "3+2", "5+995 zero");
    }

    @Test
    void shouldHandOutNothingIfNothingChanged() {
        write(7, 1);
        shadow.handOutAll((first, pages, content, offset) -> {});
        shadow.handOutChanges(noted);
        assertThat(runs).isEmpty();
    }

    @Test
    void shouldHandOutOfThePagesThatWereWrittenThoseThatHaveChanged() throws EngineException {
        shadow.handOutAll((first, pages, content, offset) -> {});
        write(7, 1);
        assertThat(shadow.handOutWritten(written(7, 9), noted)).isEqualTo(ShadowCopy.NO_PAGE);
        assertThat(runs).containsExactly("7+1");
    }

    @Test
    void shouldFindAPageThatHasChangedAndOfWhichTheKernelDidNotKnow() throws EngineException {
        shadow.handOutAll((first, pages, content, offset) -> {});
        write(700, 1);
        long missed = ShadowCopy.NO_PAGE;
        for (int capture = 0; capture < 512 && missed == ShadowCopy.NO_PAGE; capture++) {
            missed = shadow.handOutWritten(written(), noted);
        }
        assertThat(missed).isEqualTo(700);
        assertThat(shadow.isWhole()).isFalse();
    }

    @Test
    void shouldNotTakeAPageForMissedThatIsWrittenDuringTheCapture() throws EngineException {
        shadow.handOutAll((first, pages, content, offset) -> {});
        write(0, 1);
        boolean[] known = {false};
        DirtyPages late = new Written(new BitSet()) {
            @Override
            public void take(BitSet pages) {
                pages.set(0, known[0] ? 1 : 0);
                known[0] = true;
            }
        };
        assertThat(shadow.handOutWritten(late, noted)).isEqualTo(ShadowCopy.NO_PAGE);
        assertThat(runs).containsExactly("0+1");
    }

    private static DirtyPages written(int... pages) {
        BitSet written = new BitSet();
        for (int page : pages) {
            written.set(page);
        }
        return new Written(written);
    }

    private static class Written implements DirtyPages {

        private final BitSet written;

        Written(BitSet written) {
            this.written = written;
        }

        @Override
        public String method() {
            return "test";
        }

        @Override
        public void restart() {}

        @Override
        public void take(BitSet pages) {
            pages.or(written);
        }

        @Override
        public void close() {}
    }

    @Test
    void shouldJoinNeighboursAndNameEachPageOnce() {
        shadow.handOutAll((first, pages, content, offset) -> {});
        write(0, 1);
        write(1, 1);
        write(10, 1);
        write(999, 1);
        shadow.handOutChanges(noted);
        shadow.handOutChanges(noted);
        assertThat(runs).containsExactly("0+2", "10+1", "999+1");
    }

    @Test
    void shouldTellPagesThatBecameZero() {
        write(20, 1);
        write(21, 1);
        shadow.handOutAll((first, pages, content, offset) -> {});
        write(20, 0);
        write(21, 2);
        shadow.handOutChanges(noted);
        assertThat(runs).containsExactly("20+1 zero", "21+1");
    }

    @Test
    void shouldBoundRunsWithContent() {
        for (int page = 0; page < 600; page++) {
            write(page, 1);
        }
        shadow.handOutAll(noted);
        assertThat(runs).containsExactly("0+256", "256+256", "512+88", "600+400 zero");
    }

    @Test
    void shouldSeeAChangeOfTheFirstAndOfTheLastByteOfAPage() {
        shadow.handOutAll((first, pages, content, offset) -> {});
        memory.set(ValueLayout.JAVA_BYTE, 5L * PAGE, (byte) 1);
        memory.set(ValueLayout.JAVA_BYTE, 8L * PAGE - 1, (byte) 1);
        shadow.handOutChanges(noted);
        assertThat(runs).containsExactly("5+1", "7+1");
    }

    @Test
    void shouldMakeTheBackupEqualAfterAnyNumberOfRandomChanges() {
        long seed = System.nanoTime();
        System.out.println("seed " + seed);
        Random random = new Random(seed);
        Checkpoints backup = new Checkpoints(memory.byteSize());
        writeAtRandom(random, 300);
        shadow.handOutAll(backup);
        for (int round = 0; round < 200; round++) {
            writeAtRandom(random, random.nextInt(40));
            shadow.handOutChanges(backup);
            assertThat(memory.mismatch(backup.memory())).as("round %d", round).isEqualTo(-1);
        }
    }

    /** The guest runs while all is handed out: what it writes behind the copying must be found by the next comparison. */
    @Test
    void shouldNotLoseWhatIsWrittenDuringTheFullCopy() {
        long seed = System.nanoTime();
        System.out.println("seed " + seed);
        Random random = new Random(seed);
        Checkpoints backup = new Checkpoints(memory.byteSize());
        writeAtRandom(random, 300);
        shadow.handOutAll((first, pages, content, offset) -> {
            writeAtRandom(random, 3);
            backup.onPages(first, pages, content, offset);
            writeAtRandom(random, 3);
        });
        shadow.handOutChanges(backup);
        assertThat(memory.mismatch(backup.memory())).isEqualTo(-1);
    }

    private void write(int page, int value) {
        memory.set(ValueLayout.JAVA_BYTE, (long) page * PAGE + 17, (byte) value);
    }

    private void writeAtRandom(Random random, int writes) {
        for (int i = 0; i < writes; i++) {
            memory.set(ValueLayout.JAVA_BYTE, random.nextInt(PAGES * PAGE), (byte) random.nextInt(3));
        }
    }
}
