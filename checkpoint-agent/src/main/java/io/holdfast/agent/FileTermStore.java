package io.holdfast.agent;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.holdfast.wall.Term;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;

/** A {@link TermStore} in one small file that is replaced whole, so that a crash leaves the old term or the new one. */
final class FileTermStore implements TermStore {

    private static final ObjectMapper JSON = new ObjectMapper();
    private static final String FILE_NAME = "agent-term.json";

    private final Path file;
    private volatile Term term = Term.none();
    private volatile boolean armed;

    private FileTermStore(Path file) {
        this.file = file;
    }

    /**
     * Reads what is stored; a missing file is a host that has never seen a term.
     *
     * @throws IOException if the file cannot be read or understood: guessing a term could make two owners
     */
    static FileTermStore open(Path directory) throws IOException {
        Files.createDirectories(directory);
        FileTermStore store = new FileTermStore(directory.resolve(FILE_NAME));
        if (Files.exists(store.file)) {
            JsonNode stored = JSON.readTree(Files.readString(store.file));
            if (!stored.path("number").isIntegralNumber()
                    || !stored.path("owner").isTextual()) {
                throw new IOException(store.file + " is not a term; find out which host serves the guest before"
                        + " removing it, because without it this host forgets that another may own the guest");
            }
            store.term = new Term(
                    stored.path("number").asLong(),
                    WallLink.claim(stored.path("claim").asText()),
                    stored.path("owner").asText());
            store.armed = stored.path("backup_armed").asBoolean(true);
        }
        return store;
    }

    @Override
    public Term term() {
        return term;
    }

    @Override
    public boolean isBackupArmed() {
        return armed;
    }

    @Override
    public synchronized void store(Term next) throws IOException {
        if (next.isStaleAgainst(term)) {
            throw new IOException("term " + next + " is not newer than " + term + ", which this host has seen");
        }
        write(next, false);
    }

    @Override
    public synchronized void storeArmed() throws IOException {
        write(term, true);
    }

    private void write(Term next, boolean nextArmed) throws IOException {
        ObjectNode stored = JSON.createObjectNode()
                .put("number", next.number())
                .put("claim", WallLink.claim(next))
                .put("owner", next.owner())
                .put("backup_armed", nextArmed);
        Path temporary = file.resolveSibling(FILE_NAME + ".new");
        try (FileChannel channel = FileChannel.open(
                temporary, StandardOpenOption.CREATE, StandardOpenOption.WRITE, StandardOpenOption.TRUNCATE_EXISTING)) {
            ByteBuffer bytes = ByteBuffer.wrap((stored + "\n").getBytes(StandardCharsets.UTF_8));
            while (bytes.hasRemaining()) {
                channel.write(bytes);
            }
            channel.force(true);
        }
        Files.move(temporary, file, StandardCopyOption.ATOMIC_MOVE, StandardCopyOption.REPLACE_EXISTING);
        try (FileChannel directory = FileChannel.open(file.getParent(), StandardOpenOption.READ)) {
            directory.force(true);
        }
        term = next;
        armed = nextArmed;
    }
}
