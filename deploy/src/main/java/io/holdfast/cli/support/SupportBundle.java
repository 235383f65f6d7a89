package io.holdfast.cli.support;

import java.io.BufferedOutputStream;
import java.io.IOException;
import java.io.OutputStream;
import java.nio.channels.Channels;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.nio.file.attribute.PosixFilePermissions;
import java.time.Instant;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.StringJoiner;
import java.util.function.Consumer;
import java.util.zip.ZipEntry;
import java.util.zip.ZipOutputStream;

/**
 * A zip file for somebody who is not at this host. Whatever cannot be had is named, with the reason, and keeps nothing else out: a
 * bundle is wanted most when proxy and agent are dead.
 *
 * <p>Not for several threads.
 */
public final class SupportBundle {

    private static final int MOST_CHARACTERS = 4 << 20;
    private static final String MANIFEST = "MANIFEST";

    private final List<Piece> pieces;
    private final Secrets secrets;
    private final Map<String, String> texts = new LinkedHashMap<>();
    private final List<String> had = new ArrayList<>();
    private final List<String> missing = new ArrayList<>();

    SupportBundle(List<Piece> pieces, Secrets secrets) {
        this.pieces = List.copyOf(pieces);
        this.secrets = secrets;
    }

    /**
     * Gets all pieces, in their order.
     *
     * @param progress hears of each before
     */
    public void collect(Consumer<String> progress) throws InterruptedException {
        for (Piece piece : pieces) {
            progress.accept(piece.about());
            try {
                texts.put(
                        piece.file(), bounded(secrets.removeFrom(piece.source().read())));
                had.add("%-24s %s".formatted(piece.file(), piece.about()));
            } catch (InterruptedException e) {
                throw e;
            } catch (Exception e) { // Whatever it is, the other pieces are wanted all the same.
                String reason = secrets.removeFrom(String.valueOf(e.getMessage()));
                missing.add("%-24s %s: %s".formatted(piece.file(), piece.about(), reason.strip()));
            }
        }
    }

    /** What could not be had, a line each. */
    public List<String> missing() {
        return List.copyOf(missing);
    }

    /**
     * Writes what was collected to a new file, for its owner alone.
     *
     * @throws java.nio.file.FileAlreadyExistsException if there is such a file; it stays as it is
     * @throws IOException if it cannot be written; nothing is left then
     */
    public void write(Path file, Instant now) throws IOException {
        OutputStream out = Channels.newOutputStream(Files.newByteChannel(
                file,
                Set.of(StandardOpenOption.CREATE_NEW, StandardOpenOption.WRITE),
                PosixFilePermissions.asFileAttribute(PosixFilePermissions.fromString("rw-------"))));
        try (ZipOutputStream zip = new ZipOutputStream(new BufferedOutputStream(out))) {
            add(MANIFEST, manifest(now), zip);
            for (Map.Entry<String, String> text : texts.entrySet()) {
                add(text.getKey(), text.getValue(), zip);
            }
        } catch (IOException e) {
            Files.deleteIfExists(file);
            throw e;
        }
    }

    private String manifest(Instant now) {
        StringJoiner lines = new StringJoiner("\n", "", "\n");
        lines.add("Collected at " + now + ".");
        lines.add("");
        lines.add(
                "Not in here: what the guest and its clients say to each other, keys, passwords, and the commands, users");
        lines.add(
                "and other free texts of the configuration. In here are names, addresses, and texts that operators and");
        lines.add("programs have written into the logs: read them before you give them away.");
        lines.add("");
        had.forEach(lines::add);
        lines.add("");
        lines.add(missing.isEmpty() ? "Nothing is missing." : "Missing:");
        missing.forEach(lines::add);
        return lines.toString();
    }

    private static void add(String name, String text, ZipOutputStream zip) throws IOException {
        zip.putNextEntry(new ZipEntry(name));
        zip.write(text.getBytes(StandardCharsets.UTF_8));
        zip.closeEntry();
    }

    private static String bounded(String text) {
        return text.length() <= MOST_CHARACTERS
                ? text
                : "(the beginning is left out)\n" + text.substring(text.length() - MOST_CHARACTERS);
    }
}
