package io.holdfast.cli;

import java.util.List;
import java.util.StringJoiner;
import picocli.CommandLine.Help.Ansi;

/** A screen that is written line by line, each with a name in front. */
final class ScreenLines {

    private static final int WIDTH = 110;
    private static final long KIB = 1024;
    private static final double MILLIS_PER_SECOND = 1_000;
    private static final double SECONDS_PER_MINUTE = 60;
    private static final double MINUTES_PER_HOUR = 60;

    /** From there on the next bigger unit says more. */
    private static final int MANY = 120;

    private final Ansi ansi;
    private final StringJoiner lines = new StringJoiner(System.lineSeparator());

    ScreenLines(Ansi ansi) {
        this.ansi = ansi;
    }

    void title(String text) {
        lines.add(text);
    }

    /** @param name at most nine characters; empty if the text goes on from the line before */
    void line(String name, String text) {
        lines.add("  %-9s %s".formatted(name, text));
    }

    /** As many to a line as fit. */
    void list(String name, List<String> words) {
        StringBuilder line = new StringBuilder();
        String head = name;
        for (String word : words) {
            if (!line.isEmpty() && line.length() + word.length() > WIDTH) {
                line(head, line.append(',').toString());
                line.setLength(0);
                head = "";
            }
            line.append(line.isEmpty() ? "" : ", ").append(word);
        }
        line(head, line.toString());
    }

    /** Text from elsewhere is not markup, so only the style is. */
    String styled(String style, String text) {
        Ansi.IStyle[] styles = Ansi.Style.parse(style);
        return ansi.enabled() ? Ansi.Style.on(styles) + text + Ansi.Style.off(styles) : text;
    }

    static String bytes(long bytes) {
        if (bytes < KIB) {
            return bytes + " B";
        }
        return bytes < KIB * KIB ? bytes / KIB + " KiB" : bytes / KIB / KIB + " MiB";
    }

    /** How long something takes or has lasted, as exactly as it matters. */
    static String time(double millis) {
        if (millis < MILLIS_PER_SECOND) {
            return "%.1f ms".formatted(millis);
        }
        double seconds = millis / MILLIS_PER_SECOND;
        if (seconds < MANY) {
            return "%.1f s".formatted(seconds);
        }
        double minutes = seconds / SECONDS_PER_MINUTE;
        return minutes < MANY ? "%.0f min".formatted(minutes) : "%.0f h".formatted(minutes / MINUTES_PER_HOUR);
    }

    @Override
    public String toString() {
        return lines.toString();
    }
}
