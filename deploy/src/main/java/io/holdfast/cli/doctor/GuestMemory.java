package io.holdfast.cli.doctor;

import java.util.List;
import java.util.Optional;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** Finds the size of a guest's memory in the command line that starts it. */
final class GuestMemory {

    private static final Pattern BACKEND = Pattern.compile("memory-backend-file,.*\\bsize=([0-9]+)([KMGT]?)\\b.*");

    private GuestMemory() {}

    /** The size of its memory-backend-file; empty if the command line has none. */
    static Optional<Long> sizeBytes(List<String> qemuCommand) {
        return qemuCommand.stream()
                .map(BACKEND::matcher)
                .filter(Matcher::matches)
                .findFirst()
                .map(found -> Long.parseLong(found.group(1)) << shift(found.group(2)));
    }

    /** QEMU's suffixes; without one it counts bytes. */
    private static int shift(String suffix) {
        return switch (suffix) {
            case "K" -> 10;
            case "M" -> 20;
            case "G" -> 30;
            case "T" -> 40;
            default -> 0;
        };
    }
}
