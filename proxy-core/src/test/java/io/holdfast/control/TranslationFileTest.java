package io.holdfast.control;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.holdfast.reverse.KeptTranslation;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class TranslationFileTest {

    private static final KeptTranslation IPV4 =
            new KeptTranslation(0, 0, 0, 0xffff_0a00_0002L, 0, 0xffff_0a00_0001L, 0x9c40_18eb, -1, 7);
    private static final KeptTranslation IPV6 = new KeptTranslation(
            3, 0x8100_0064_0000_0000L, -2, -3, Long.MIN_VALUE, Long.MAX_VALUE, -1, Integer.MIN_VALUE, 0);

    @TempDir
    Path directory;

    private Path path = Path.of("");
    private TranslationFile file = new TranslationFile(path);

    @BeforeEach
    void name() {
        path = directory.resolve("translations");
        file = new TranslationFile(path);
    }

    @Test
    void shouldFindNothingWhereNothingWasKept() throws IOException {
        assertThat(file.read()).isEmpty();
    }

    @Test
    void shouldFindWhatWasKeptLast() throws IOException {
        file.write(List.of(IPV4));
        file.write(List.of(IPV6, IPV4));
        assertThat(file.read()).containsExactly(IPV6, IPV4);
    }

    @Test
    void shouldFindThatNothingIsTranslatedAnyMore() throws IOException {
        file.write(List.of(IPV4));
        file.write(List.of());
        assertThat(file.read()).isEmpty();
    }

    @Test
    void shouldRefuseAnEntryThatWasChanged() throws IOException {
        file.write(List.of(IPV4));
        Files.writeString(path, Files.readString(path).replace("18eb", "18ec"));
        assertThatThrownBy(file::read).isInstanceOf(IOException.class).hasMessageContaining("is damaged");
    }

    @Test
    void shouldRefuseWhatHasLostItsEnd() throws IOException {
        file.write(List.of(IPV4, IPV6));
        List<String> lines = Files.readAllLines(path);
        Files.write(path, lines.subList(0, 2));
        assertThatThrownBy(file::read).isInstanceOf(IOException.class).hasMessageContaining("is damaged");
    }

    @Test
    void shouldRefuseAnotherKindOfFile() throws IOException {
        Files.writeString(path, "hello\n\n");
        assertThatThrownBy(file::read).isInstanceOf(IOException.class).hasMessageContaining("does not begin with");
    }
}
