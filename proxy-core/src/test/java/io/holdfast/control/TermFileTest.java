package io.holdfast.control;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.BufferedReader;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;
import java.util.Random;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class TermFileTest {

    private static final TermRecord ALONE_3 = new TermRecord(3, TermRecord.ALONE, "a", false);
    private static final TermRecord PROMOTION_3 = new TermRecord(3, TermRecord.PROMOTION, "b", false);
    private static final TermRecord ALONE_4 = new TermRecord(4, TermRecord.ALONE, "a", false);

    @TempDir
    private Path directory;

    private Path path;

    @BeforeEach
    void choosePath() {
        path = directory.resolve("lib/redis/term");
    }

    @Test
    void shouldBeginWithoutATerm() throws Exception {
        TermFile file = TermFile.open(path);
        assertThat(file.term()).isEmpty();
        assertThat(file.properties()).isEmpty();
        assertThat(path.getParent()).isDirectory();
        assertThat(path).doesNotExist();
    }

    @Test
    void shouldRememberTermAndProperties() throws Exception {
        TermFile file = TermFile.open(path);
        file.store(PROMOTION_3, Map.of("role", "primary", "word", "é\n\""));
        assertThat(file.term()).contains(PROMOTION_3);

        TermFile again = TermFile.open(path);
        assertThat(again.term()).contains(PROMOTION_3);
        assertThat(again.properties()).isEqualTo(Map.of("role", "primary", "word", "é\n\""));

        again.store(ALONE_4);
        assertThat(TermFile.open(path).properties()).containsEntry("role", "primary");
    }

    @Test
    void shouldOrderByNumberAndLetAPromotionBeatGoingAlone() {
        assertThat(ALONE_4.beats(PROMOTION_3)).isTrue();
        assertThat(PROMOTION_3.beats(ALONE_3)).isTrue();
        assertThat(ALONE_3.beats(PROMOTION_3)).isFalse();
        assertThat(PROMOTION_3.beats(ALONE_4)).isFalse();
        assertThat(ALONE_3.beats(ALONE_3)).isFalse();
        assertThat(ALONE_3.beats(ALONE_3.seal())).isFalse();
    }

    @Test
    void shouldNeverGoBack() throws Exception {
        TermFile file = TermFile.open(path);
        file.store(PROMOTION_3);
        TermRecord sameRankOfAnother = new TermRecord(3, TermRecord.PROMOTION, "a", false);
        TermRecord lower = new TermRecord(2, TermRecord.PROMOTION, "b", false);
        for (TermRecord stale : new TermRecord[] {ALONE_3, sameRankOfAnother, lower}) {
            assertThatThrownBy(() -> file.store(stale, Map.of("role", "primary")))
                    .isInstanceOf(StaleTermException.class)
                    .extracting("known")
                    .isEqualTo(PROMOTION_3);
        }
        assertThat(TermFile.open(path).term()).contains(PROMOTION_3);
        assertThat(TermFile.open(path).properties()).isEmpty();
    }

    @Test
    void shouldKeepASealUntilANewerTerm() throws Exception {
        TermFile file = TermFile.open(path);
        file.store(ALONE_3);
        file.store(ALONE_3.seal());
        assertThatThrownBy(() -> file.store(ALONE_3)).isInstanceOf(StaleTermException.class);
        file.store(ALONE_3.seal(), Map.of("why", "fenced"));
        assertThat(TermFile.open(path).term()).contains(ALONE_3.seal());
        file.store(PROMOTION_3);
        assertThat(TermFile.open(path).term()).contains(PROMOTION_3);
    }

    @Test
    void shouldRefuseEveryDamageWithAdvice() throws Exception {
        TermFile.open(path).store(ALONE_3, Map.of("role", "primary"));
        byte[] whole = Files.readAllBytes(path);

        for (int length = 0; length < whole.length; length++) {
            Files.write(path, java.util.Arrays.copyOf(whole, length));
            assertRefused();
        }
        for (int at = 0; at < whole.length; at++) {
            byte[] flipped = whole.clone();
            flipped[at] ^= 1;
            Files.write(path, flipped);
            assertRefused();
        }
        Files.write(path, new byte[1 << 20]);
        assertRefused();
        Files.delete(path);
        Files.createDirectory(path);
        assertThatThrownBy(() -> TermFile.open(path))
                .isInstanceOf(TermFileException.class)
                .hasMessageContaining("cannot read " + path);
    }

    private void assertRefused() {
        assertThatThrownBy(() -> TermFile.open(path))
                .isInstanceOf(TermFileException.class)
                .hasMessageContaining(path + " cannot be used")
                .hasMessageContaining("Restore it from a backup");
    }

    @Test
    void shouldRefuseAFileOfANewerVersion() throws Exception {
        TermFile.open(path).store(ALONE_3);
        Files.writeString(path, Files.readString(path).replace("\"version\":1", "\"version\":2"));
        assertThatThrownBy(() -> TermFile.open(path)).hasMessageContaining("newer Holdfast");
    }

    @Test
    void shouldNotMindWhatAnInterruptedStoreLeftBehind() throws Exception {
        TermFile.open(path).store(ALONE_3);
        Files.writeString(path.resolveSibling("term.new"), "{\"version\":1,\"te");
        TermFile file = TermFile.open(path);
        assertThat(file.term()).contains(ALONE_3);
        file.store(ALONE_4);
        assertThat(TermFile.open(path).term()).contains(ALONE_4);
    }

    @Test
    void shouldKeepTheOldTermWhenTheNewOneCannotBeWritten() throws Exception {
        TermFile file = TermFile.open(path);
        file.store(ALONE_3);
        Files.createDirectory(path.resolveSibling("term.new"));
        assertThatThrownBy(() -> file.store(ALONE_4))
                .isInstanceOf(TermFileException.class)
                .hasMessageContaining("is not taken");
        assertThat(file.term()).contains(ALONE_3);
        assertThat(TermFile.open(path).term()).contains(ALONE_3);
    }

    @Test
    void shouldSurviveBeingKilledWithEveryTermThatWasAcknowledged() throws Exception {
        long seed = System.nanoTime();
        System.out.println("TermFileTest seed " + seed);
        Random random = new Random(seed);
        long acknowledged = 0;
        for (int kill = 0; kill < 3; kill++) {
            Process writer = new ProcessBuilder(
                            ProcessHandle.current().info().command().orElseThrow(),
                            "-cp",
                            System.getProperty("java.class.path"),
                            TermWriter.class.getName(),
                            path.toString())
                    .redirectError(ProcessBuilder.Redirect.INHERIT)
                    .start();
            try (BufferedReader output = writer.inputReader(StandardCharsets.UTF_8)) {
                int storesBeforeTheKill = random.nextInt(1, 50);
                for (int i = 0; i < storesBeforeTheKill; i++) {
                    acknowledged = Long.parseLong(output.readLine());
                }
                // Not by Process itself, which would close the stream as well.
                writer.toHandle().destroyForcibly();
                for (String line = output.readLine(); line != null; line = output.readLine()) {
                    acknowledged = Long.parseLong(line);
                }
            }
            writer.waitFor();
            assertThat(TermFile.open(path).term().orElseThrow().number())
                    .as("seed %d", seed)
                    .isBetween(acknowledged, acknowledged + 1);
        }
    }
}
