package io.holdfast.audit;

import com.fasterxml.jackson.databind.json.JsonMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.holdfast.wall.Term;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.nio.file.attribute.FileAttribute;
import java.nio.file.attribute.PosixFilePermissions;
import java.time.InstantSource;
import java.time.temporal.ChronoUnit;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.ThreadPoolExecutor;
import java.util.concurrent.TimeUnit;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * A file of JSON lines, one for each decision about a guest on this host, the oldest first; see {@link AuditEvent}. Proxy and
 * agent write the same one. Each line:
 *
 * <pre>
 *   {"at":"2026-11-02T03:04:05.678Z","by":"agent","host":"b","guest":"redis","event":"promoted",
 *    "term":3,"claim":"promotion","owner":"b","reason":"..."}
 * </pre>
 *
 * and what else the event has. A line is appended whole, and is on disk soon after. The file is opened for each, so that it
 * may be moved away.
 *
 * <p>Nothing waits for the disk: a failover must not. What cannot be written is in the program's log, where every entry is,
 * too.
 *
 * <p><b>Threads.</b> Any; entries keep the order in which one thread notes them.
 */
public final class AuditLog implements AutoCloseable {

    private static final Logger LOG = LoggerFactory.getLogger(AuditLog.class);
    private static final JsonMapper JSON = new JsonMapper();
    private static final FileAttribute<?> FOR_GROUP =
            PosixFilePermissions.asFileAttribute(PosixFilePermissions.fromString("rw-r-----"));
    private static final String FILE_NAME = "audit.jsonl";

    /** Beyond this the disk is stuck, and memory is better spent otherwise. */
    private static final int UNWRITTEN_LIMIT = 1024;

    private static final long CLOSE_LIMIT_MILLIS = 2_000;

    private final Path file;
    private final String program;
    private final String host;
    private final String guest;
    private final InstantSource wallClock;
    private final ThreadPoolExecutor writer;

    /** Only on the writer's thread. */
    private String trouble = "";

    /**
     * A log that goes on with the file, if there is one.
     *
     * @param stateDirectory where it is
     * @param program {@code proxy}, {@code agent}, or {@code doctor}
     */
    public AuditLog(Path stateDirectory, String program, String host, String guest, InstantSource wallClock) {
        this.file = fileIn(stateDirectory);
        this.program = program;
        this.host = host;
        this.guest = guest;
        this.wallClock = wallClock;
        this.writer = new ThreadPoolExecutor(
                1, 1, 0, TimeUnit.MILLISECONDS, new LinkedBlockingQueue<>(UNWRITTEN_LIMIT), task -> {
                    Thread thread = new Thread(task, program + "-audit");
                    thread.setDaemon(true);
                    return thread;
                });
    }

    /** Where a host's log is. */
    public static Path fileIn(Path stateDirectory) {
        return stateDirectory.resolve(FILE_NAME);
    }

    /** Writes an entry. Does not block. */
    public void note(AuditEvent event, Term term, String reason) {
        note(event, term, reason, Map.of());
    }

    /**
     * Writes an entry. Does not block.
     *
     * @param term under which it happened
     * @param reason for people: what happened, and why
     * @param counts by their names, as far as they are known
     */
    public void note(AuditEvent event, Term term, String reason, Map<String, Long> counts) {
        LOG.warn("AUDIT {}", reason);
        ObjectNode entry = JSON.createObjectNode()
                .put("at", wallClock.instant().truncatedTo(ChronoUnit.MILLIS).toString())
                .put("by", program)
                .put("host", host)
                .put("guest", guest)
                .put("event", event.word())
                .put("term", term.number())
                .put("claim", term.claim().name().toLowerCase(Locale.ROOT))
                .put("owner", term.owner())
                .put("reason", reason);
        counts.forEach(entry::put);
        try {
            writer.execute(() -> append(entry));
        } catch (RejectedExecutionException e) {
            LOG.error(
                    "the audit log {} is not written: {} entries wait for the disk",
                    file,
                    writer.getQueue().size());
        }
    }

    private void append(ObjectNode entry) {
        try {
            Path directory = file.getParent();
            if (directory != null) {
                Files.createDirectories(directory);
            }
            try (FileChannel channel = FileChannel.open(
                    file,
                    Set.of(StandardOpenOption.CREATE, StandardOpenOption.WRITE, StandardOpenOption.APPEND),
                    FOR_GROUP)) {
                ByteBuffer line = ByteBuffer.wrap((entry + "\n").getBytes(StandardCharsets.UTF_8));
                while (line.hasRemaining()) {
                    channel.write(line);
                }
                channel.force(false);
            }
            trouble = "";
        } catch (IOException e) {
            if (!e.toString().equals(trouble)) {
                trouble = e.toString();
                LOG.error(
                        "cannot write the audit log {}: {}; what belongs there is in this log until it can",
                        file,
                        trouble);
            }
        }
    }

    /** Writes what is left, within two seconds. Idempotent. */
    @Override
    public void close() {
        writer.shutdown();
        try {
            if (!writer.awaitTermination(CLOSE_LIMIT_MILLIS, TimeUnit.MILLISECONDS)) {
                LOG.error(
                        "{} entries of the audit log {} are not on disk",
                        writer.getQueue().size(),
                        file);
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }
}
