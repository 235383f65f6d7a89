package io.holdfast.audit;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.json.JsonMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.attribute.FileTime;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The newest entries of a host's {@link AuditLog}, however long it has become. The file is read only when it has changed.
 *
 * <p>Not thread-safe.
 */
public final class AuditTail {

    private static final Logger LOG = LoggerFactory.getLogger(AuditTail.class);
    private static final JsonMapper JSON = new JsonMapper();

    /** Room for some two hundred entries. */
    private static final int WINDOW_BYTES = 64 << 10;

    private final Path file;
    private final int mostEntries;
    private long seenBytes = -1;
    private FileTime seenChange = FileTime.fromMillis(0);
    private List<ObjectNode> entries = List.of();

    /** The tail of the log in that directory. */
    public AuditTail(Path stateDirectory, int mostEntries) {
        this.file = AuditLog.fileIn(stateDirectory);
        this.mostEntries = mostEntries;
    }

    /** The newest entry first; none if there is no file. What was known already if it cannot be read now. */
    public List<ObjectNode> newest() {
        try {
            long bytes = Files.size(file);
            FileTime change = Files.getLastModifiedTime(file);
            if (bytes != seenBytes || !change.equals(seenChange)) {
                entries = read();
                seenBytes = bytes;
                seenChange = change;
            }
        } catch (NoSuchFileException e) {
            entries = List.of();
            seenBytes = -1;
        } catch (IOException e) {
            LOG.debug("cannot read {}: {}", file, e.toString());
        }
        return entries;
    }

    private List<ObjectNode> read() throws IOException {
        List<ObjectNode> read = new ArrayList<>();
        try (FileChannel channel = FileChannel.open(file)) {
            long from = Math.max(0, channel.size() - WINDOW_BYTES);
            ByteBuffer window = ByteBuffer.allocate(WINDOW_BYTES);
            while (window.hasRemaining() && channel.read(window, from + window.position()) >= 0) {}
            String text = StandardCharsets.UTF_8.decode(window.flip()).toString();
            text.lines().forEach(line -> readEntry(line, read));
        }
        int surplus = Math.max(0, read.size() - mostEntries);
        List<ObjectNode> newest = new ArrayList<>(read.subList(surplus, read.size()));
        Collections.reverse(newest);
        return List.copyOf(newest);
    }

    /** The first line may have begun before the window, and the last one is perhaps just being written. */
    private static void readEntry(String line, List<ObjectNode> into) {
        try {
            if (JSON.readTree(line) instanceof ObjectNode entry) {
                into.add(entry);
            }
        } catch (JsonProcessingException e) {
            LOG.trace("not a whole entry: {}", line);
        }
    }
}
