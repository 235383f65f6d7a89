package io.holdfast.control;

import io.holdfast.reverse.KeptTranslation;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HexFormat;
import java.util.List;
import java.util.Locale;
import java.util.zip.CRC32C;

/**
 * How connections are translated, on disk: a line each, nine numbers in hexadecimal, and a last line with their count and a
 * checksum. Replaced as a whole and forced to disk.
 *
 * <p>One process at a time uses a file; one thread at a time.
 */
public final class TranslationFile {

    private static final String HEADER = "holdfast-translations 1";
    private static final int NUMBERS = 9;

    private final Path path;

    public TranslationFile(Path path) {
        this.path = path.toAbsolutePath();
    }

    /**
     * Reads what is there; nothing if there is no file.
     *
     * @throws IOException if it cannot be read or understood; the message says why
     */
    public List<KeptTranslation> read() throws IOException {
        List<String> lines;
        try {
            lines = Files.readAllLines(path, StandardCharsets.US_ASCII);
        } catch (NoSuchFileException e) {
            return List.of();
        }
        if (lines.size() < 2 || !lines.getFirst().equals(HEADER)) {
            throw new IOException(path + " does not begin with `" + HEADER + "`");
        }
        List<String> entries = lines.subList(1, lines.size() - 1);
        if (!lines.getLast().equals(end(entries))) {
            throw new IOException(path + " is damaged: its last line does not fit what is before it");
        }
        List<KeptTranslation> translations = new ArrayList<>();
        for (String entry : entries) {
            translations.add(parse(entry));
        }
        return translations;
    }

    /** Returns when exactly these are on disk. */
    public void write(List<KeptTranslation> translations) throws IOException {
        List<String> entries = translations.stream().map(TranslationFile::line).toList();
        StringBuilder content = new StringBuilder(HEADER).append('\n');
        entries.forEach(entry -> content.append(entry).append('\n'));
        content.append(end(entries)).append('\n');
        DurableFile.replace(path, content.toString().getBytes(StandardCharsets.US_ASCII));
    }

    private static String end(List<String> entries) {
        CRC32C checksum = new CRC32C();
        entries.forEach(entry -> checksum.update((entry + '\n').getBytes(StandardCharsets.US_ASCII)));
        return "end %d %08x".formatted(entries.size(), checksum.getValue());
    }

    private static String line(KeptTranslation of) {
        return String.format(
                Locale.ROOT,
                "%x %x %x %x %x %x %x %x %x",
                of.nic(),
                of.tags(),
                of.clientHigh(),
                of.clientLow(),
                of.guestHigh(),
                of.guestLow(),
                of.ports(),
                of.sequenceOffset(),
                of.timestampOffset());
    }

    private KeptTranslation parse(String entry) throws IOException {
        String[] words = entry.split(" ", -1);
        if (words.length != NUMBERS) {
            throw new IOException(path + " is damaged: `" + entry + "` is not a translation");
        }
        try {
            return new KeptTranslation(
                    HexFormat.fromHexDigits(words[0]),
                    HexFormat.fromHexDigitsToLong(words[1]),
                    HexFormat.fromHexDigitsToLong(words[2]),
                    HexFormat.fromHexDigitsToLong(words[3]),
                    HexFormat.fromHexDigitsToLong(words[4]),
                    HexFormat.fromHexDigitsToLong(words[5]),
                    HexFormat.fromHexDigits(words[6]),
                    HexFormat.fromHexDigits(words[7]),
                    HexFormat.fromHexDigits(words[8]));
        } catch (IllegalArgumentException e) {
            throw new IOException(path + " is damaged: " + e.getMessage(), e);
        }
    }
}
