package io.holdfast.audit;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.json.JsonMapper;
import io.holdfast.wall.Term;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.time.Instant;
import java.time.InstantSource;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class AuditLogTest {

    private static final Term TERM = new Term(3, Term.Claim.PROMOTION, "b");
    private static final InstantSource NOON = InstantSource.fixed(Instant.parse("2026-11-02T12:00:00.123456Z"));

    @TempDir
    Path directory;

    private Path stateDirectory() {
        return directory.resolve("state");
    }

    private AuditLog log(String program) {
        return new AuditLog(stateDirectory(), program, "b", "redis", NOON);
    }

    private List<JsonNode> entries() throws IOException {
        List<JsonNode> entries = new ArrayList<>();
        for (String line : Files.readAllLines(AuditLog.fileIn(stateDirectory()))) {
            entries.add(new JsonMapper().readTree(line));
        }
        return entries;
    }

    @Test
    void shouldSayWhoDidWhatWhenAndWhyUnderWhichTerm() throws Exception {
        try (AuditLog log = log("agent")) {
            log.note(
                    AuditEvent.PROMOTION_REFUSED,
                    TERM,
                    "no \"confirmed\" checkpoint\nyet",
                    Map.of("discarded_frames", 7L));
        }
        JsonNode entry = entries().getFirst();
        assertThat(entry)
                .isEqualTo(
                        new JsonMapper()
                                .readTree(
                                        "{\"at\":\"2026-11-02T12:00:00.123Z\",\"by\":\"agent\",\"host\":\"b\",\"guest\":\"redis\","
                                                + "\"event\":\"promotion-refused\",\"term\":3,\"claim\":\"promotion\",\"owner\":\"b\","
                                                + "\"reason\":\"no \\\"confirmed\\\" checkpoint\\nyet\",\"discarded_frames\":7}"));
    }

    @Test
    void shouldGoOnWithTheFileThatIsThere() throws Exception {
        try (AuditLog agent = log("agent");
                AuditLog proxy = log("proxy")) {
            agent.note(AuditEvent.PROMOTION, TERM, "first");
            proxy.note(AuditEvent.WALL, TERM, "beside it");
        }
        try (AuditLog again = log("agent")) {
            again.note(AuditEvent.PROMOTED, TERM, "last");
        }
        assertThat(entries()).hasSize(3);
        assertThat(entries().getLast().path("reason").asText()).isEqualTo("last");
    }

    @Test
    void shouldKeepTheOrder() throws Exception {
        try (AuditLog log = log("agent")) {
            for (int i = 0; i < 50; i++) {
                log.note(AuditEvent.WALL, TERM, "entry " + i);
            }
        }
        assertThat(entries())
                .extracting(entry -> entry.path("reason").asText())
                .first()
                .isEqualTo("entry 0");
        assertThat(entries().get(49).path("reason").asText()).isEqualTo("entry 49");
    }

    @Test
    void shouldBeginAnewWhenTheFileWasMovedAway() throws Exception {
        try (AuditLog log = log("agent")) {
            log.note(AuditEvent.PROMOTION, TERM, "old");
        }
        Path file = AuditLog.fileIn(stateDirectory());
        Files.move(file, directory.resolve("audit.jsonl.1"));
        try (AuditLog log = log("agent")) {
            log.note(AuditEvent.PROMOTED, TERM, "new");
        }
        assertThat(entries()).hasSize(1);
    }

    @Test
    void shouldBeReadableForTheGroupOnly() throws Exception {
        try (AuditLog log = log("agent")) {
            log.note(AuditEvent.MODE, TERM, "reverse");
        }
        assertThat(PosixFilePermissions.toString(Files.getPosixFilePermissions(AuditLog.fileIn(stateDirectory()))))
                .isEqualTo("rw-r-----");
    }

    /** Nobody's failover may depend on it. */
    @Test
    void shouldLetItsOwnersGoOnWhenItCannotBeWritten() throws Exception {
        Files.writeString(stateDirectory(), "a file where the directory should be");
        try (AuditLog log = log("agent")) {
            log.note(AuditEvent.PROMOTION, TERM, "unheard");
        }
        Files.delete(stateDirectory());
        try (AuditLog log = log("agent")) {
            log.note(AuditEvent.PROMOTED, TERM, "heard");
        }
        assertThat(entries()).hasSize(1);
    }
}
