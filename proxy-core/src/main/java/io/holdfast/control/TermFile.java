package io.holdfast.control;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import java.util.zip.CRC32C;
import org.jspecify.annotations.Nullable;

/**
 * The highest term that this host has ever seen, with a few words of its owner's process, on disk.
 *
 * <p>What {@code store} has returned from survives a crash of the process and of the machine, and what is stored never goes
 * back (INV-7). There is always one whole file, the old or the new ({@link DurableFile}). A checksum tells a file that was damaged otherwise.
 *
 * <p>One process at a time uses a file. All methods may be called by any thread.
 */
public final class TermFile {

    private static final int VERSION = 1;
    private static final int LIMIT_BYTES = Messages.LINE_LIMIT_BYTES;

    private final Path path;
    private @Nullable TermRecord term;
    private Map<String, String> properties;

    private TermFile(Path path, @Nullable TermRecord term, Map<String, String> properties) {
        this.path = path;
        this.term = term;
        this.properties = properties;
    }

    /**
     * Reads what is remembered; nothing if there is no file. Creates the directory.
     *
     * @throws TermFileException if there is a file that cannot be understood; the message says what to do
     */
    public static TermFile open(Path path) throws TermFileException {
        Path absolute = path.toAbsolutePath();
        try {
            createDirectory(absolute);
            if (Files.size(absolute) > LIMIT_BYTES) {
                throw damaged(path, "it is too large", null);
            }
            return decode(absolute, Files.readAllBytes(absolute));
        } catch (NoSuchFileException e) {
            return new TermFile(absolute, null, Map.of());
        } catch (IOException e) {
            throw new TermFileException(
                    "cannot read " + path + ": " + e + "; without it this host does not know which term it has seen",
                    e);
        }
    }

    /** The highest term that was ever stored. */
    public synchronized Optional<TermRecord> term() {
        return Optional.ofNullable(term);
    }

    /** What was stored with it. */
    public synchronized Map<String, String> properties() {
        return properties;
    }

    /** Stores a term and keeps the properties. */
    public synchronized void store(TermRecord newTerm) throws TermFileException, StaleTermException {
        store(newTerm, properties);
    }

    /**
     * Stores a term and replaces the properties. Returns when both are on disk.
     *
     * @param newTerm beats the one that is stored, or is the same; a sealed term stays sealed
     * @throws StaleTermException if it is neither; nothing has changed then
     * @throws TermFileException if it could not be written; what is on disk is then the old or the new content, and this
     *     object still says the old
     */
    public synchronized void store(TermRecord newTerm, Map<String, String> newProperties)
            throws TermFileException, StaleTermException {
        TermRecord known = term;
        if (known != null && !newTerm.beats(known)) {
            boolean unseals = known.sealed() && !newTerm.sealed();
            if (!newTerm.isSameTermAs(known) || unseals) {
                throw new StaleTermException(newTerm, known);
            }
        }
        byte[] content = encode(newTerm, newProperties);
        if (content.length > LIMIT_BYTES) {
            throw new IllegalArgumentException("more properties than fit into " + LIMIT_BYTES + " bytes");
        }
        try {
            DurableFile.replace(path, content);
        } catch (IOException e) {
            throw new TermFileException("cannot write " + path + ": " + e + "; term " + newTerm + " is not taken", e);
        }
        term = newTerm;
        properties = Map.copyOf(newProperties);
    }

    private static void createDirectory(Path path) throws IOException {
        Path directory = path.getParent();
        if (directory == null || Files.isDirectory(directory)) {
            return;
        }
        Files.createDirectories(
                directory, PosixFilePermissions.asFileAttribute(PosixFilePermissions.fromString("rwxr-x---")));
        for (Path above = directory.getParent(); above != null; above = above.getParent()) {
            DurableFile.force(above);
        }
    }

    private static byte[] encode(TermRecord term, Map<String, String> properties) {
        ObjectNode content = Messages.object();
        content.put("version", VERSION);
        content.putObject("term")
                .put("number", term.number())
                .put("claim", term.claim())
                .put("owner", term.owner())
                .put("sealed", term.sealed());
        ObjectNode words = content.putObject("properties");
        new TreeMap<>(properties).forEach(words::put);
        content.put("crc32c", checksum(content));
        return Messages.encode(content);
    }

    private static TermFile decode(Path path, byte[] bytes) throws TermFileException {
        try {
            ObjectNode content = Messages.parse(ByteBuffer.wrap(bytes));
            if (content.path("version").asInt() != VERSION) {
                throw damaged(path, "it is not of version " + VERSION + "; was it written by a newer Holdfast?", null);
            }
            JsonNode stated = content.remove("crc32c");
            if (stated == null || !stated.asText().equals(checksum(content))) {
                throw damaged(path, "its checksum is wrong", null);
            }
            JsonNode term = content.path("term");
            Map<String, String> properties = new TreeMap<>();
            content.path("properties")
                    .properties()
                    .forEach(word ->
                            properties.put(word.getKey(), word.getValue().asText()));
            return new TermFile(
                    path,
                    new TermRecord(
                            term.path("number").asLong(),
                            term.path("claim").asText(),
                            term.path("owner").asText(),
                            term.path("sealed").asBoolean()),
                    Map.copyOf(properties));
        } catch (BadRequestException e) {
            throw damaged(path, e.description(), e);
        } catch (IllegalArgumentException e) {
            throw damaged(path, String.valueOf(e.getMessage()), e);
        }
    }

    private static String checksum(ObjectNode contentWithoutChecksum) {
        CRC32C checksum = new CRC32C();
        checksum.update(Messages.encode(contentWithoutChecksum));
        return Long.toHexString(checksum.getValue());
    }

    private static TermFileException damaged(Path path, String reason, @Nullable Throwable cause) {
        return new TermFileException(
                path + " cannot be used: " + reason
                        + ". It keeps two hosts from owning one guest, so nothing starts without"
                        + " it. Restore it from a backup. Or make sure that the guest does not run on this host, start the"
                        + " other host first, and then remove the file: this host then begins as one that has never seen a"
                        + " term",
                cause);
    }
}
