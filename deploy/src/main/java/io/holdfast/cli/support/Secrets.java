package io.holdfast.cli.support;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Collection;
import java.util.Comparator;
import java.util.TreeSet;

/**
 * Values that must not be in a bundle, whoever has written them down: the second net, for programs' logs and the like, under the
 * first, that nobody asks for a secret.
 */
final class Secrets {

    private static final String REMOVED = "(removed)";

    /** What is shorter is in every text by chance. */
    private static final int LEAST_CHARACTERS = 6;

    /** The longest first: one may be part of another. */
    private final TreeSet<String> values =
            new TreeSet<>(Comparator.comparingInt(String::length).reversed().thenComparing(Comparator.naturalOrder()));

    void addAll(Collection<String> more) {
        more.forEach(this::add);
    }

    /** Each line of a file, if it is there, is text and may be read by this user. */
    void addLinesOf(Path file) {
        try {
            addAll(Files.readAllLines(file));
        } catch (IOException e) {
            // Then no program of this user's can have told it on.
        }
    }

    /** A text without them. */
    String removeFrom(String text) {
        String clean = text;
        for (String value : values) {
            clean = clean.replace(value, REMOVED);
        }
        return clean;
    }

    private void add(String value) {
        String stripped = value.strip();
        if (stripped.length() >= LEAST_CHARACTERS) {
            values.add(stripped);
        }
    }
}
