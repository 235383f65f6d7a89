package io.holdfast.cli.service;

import static org.assertj.core.api.Assertions.assertThat;

import ch.qos.logback.classic.Level;
import ch.qos.logback.classic.LoggerContext;
import ch.qos.logback.classic.spi.LoggingEvent;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class LogFormatTest {

    @TempDir
    Path directory;

    @Test
    void shouldWriteForTheJournalWhereTheStandardErrorLeadsThere() throws Exception {
        Path stream = Files.createFile(directory.resolve("stream"));
        assertThat(LogFormat.choose(Map.of("JOURNAL_STREAM", nameOf(stream)), stream))
                .isEqualTo("journal");
    }

    @Test
    void shouldWriteForPeopleWhereTheNameOfTheJournalWasOnlyInherited() throws Exception {
        Path stream = Files.createFile(directory.resolve("stream"));
        Path terminal = Files.createFile(directory.resolve("terminal"));
        assertThat(LogFormat.choose(Map.of("JOURNAL_STREAM", nameOf(stream)), terminal))
                .isEqualTo("text");
    }

    @Test
    void shouldWriteJsonWhereThatIsWantedAlsoToTheJournal() throws Exception {
        Path stream = Files.createFile(directory.resolve("stream"));
        assertThat(LogFormat.choose(Map.of("JOURNAL_STREAM", nameOf(stream), "HOLDFAST_LOG_FORMAT", "json"), stream))
                .isEqualTo("json");
    }

    @Test
    void shouldGiveEachLineOfAnEntryItsPriority() {
        LoggingEvent event = new LoggingEvent(
                "", new LoggerContext().getLogger("test"), Level.WARN, "the first\nthe second", null, null);
        assertThat(new JournalPriority().transform(event, "the first\nthe second\n"))
                .isEqualTo("<4>the first\n<4>the second\n");
    }

    private static String nameOf(Path stream) throws Exception {
        return Files.getAttribute(stream, "unix:dev") + ":" + Files.getAttribute(stream, "unix:ino");
    }
}
