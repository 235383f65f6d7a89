package io.holdfast.audit;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class AuditTailTest {

    @TempDir
    Path directory;

    private AuditTail tail;

    @BeforeEach
    void setUp() {
        tail = new AuditTail(directory, 3);
    }

    private void append(String text) throws Exception {
        Files.writeString(AuditLog.fileIn(directory), text, StandardOpenOption.CREATE, StandardOpenOption.APPEND);
    }

    private void appendEntries(int from, int to) throws Exception {
        StringBuilder lines = new StringBuilder();
        for (int i = from; i <= to; i++) {
            lines.append("{\"term\":")
                    .append(i)
                    .append(",\"reason\":\"")
                    .append("x".repeat(300))
                    .append("\"}\n");
        }
        append(lines.toString());
    }

    @Test
    void shouldHaveNothingBeforeTheFirstEntry() {
        assertThat(tail.newest()).isEmpty();
    }

    @Test
    void shouldHaveTheNewestOfALongFileTheNewestFirst() throws Exception {
        appendEntries(1, 1000);
        assertThat(tail.newest())
                .extracting(entry -> entry.path("term").asLong())
                .containsExactly(1000L, 999L, 998L);
    }

    @Test
    void shouldSeeWhatIsAppendedLater() throws Exception {
        appendEntries(1, 1);
        tail.newest();
        appendEntries(2, 2);
        assertThat(tail.newest())
                .extracting(entry -> entry.path("term").asLong())
                .containsExactly(2L, 1L);
    }

    @Test
    void shouldLeaveOutWhatIsNotAWholeEntry() throws Exception {
        appendEntries(1, 1);
        append("nonsense\n[1]\n{\"term\":2,");
        assertThat(tail.newest())
                .extracting(entry -> entry.path("term").asLong())
                .containsExactly(1L);
    }
}
