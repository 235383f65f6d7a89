package io.holdfast.config;

import java.util.List;
import java.util.Optional;
import java.util.StringJoiner;
import java.util.regex.Pattern;
import java.util.stream.Collectors;

/** Prints values as YAML that reads back as the same values, with a comment for each setting. */
final class SettingsPrinter {

    private static final String INDENT = "  ";

    /** Texts that YAML takes as they are, in a list between brackets too. All others are quoted. */
    private static final Pattern PLAIN = Pattern.compile("[A-Za-z0-9/._][A-Za-z0-9/._+=-]*(:[A-Za-z0-9/._+=-]+)*");

    private final StringBuilder out = new StringBuilder();

    static String print(SectionValues top) {
        SettingsPrinter printer = new SettingsPrinter();
        printer.printSection("", top, "");
        return printer.out.toString();
    }

    private void printSection(String path, SectionValues values, String indent) {
        for (Setting<?> setting : Settings.in(path)) {
            comment(indent, describe(setting));
            Optional<String> value = value(setting, values);
            out.append(indent)
                    .append(value.isPresent() ? "" : "# ")
                    .append(setting.key())
                    .append(value.map(text -> ": " + text).orElse(": not set"))
                    .append('\n');
        }
        for (Section section : Settings.sectionsIn(path)) {
            if (section.kind() == Section.Kind.LIST) {
                comment(indent, section.text());
                printList(section, values.list(section.path()), indent);
            } else {
                values.section(section.path()).ifPresent(inner -> {
                    comment(indent, section.text());
                    out.append(indent).append(section.key()).append(":\n");
                    printSection(section.path(), inner, indent + INDENT);
                });
            }
        }
    }

    /** The keys are explained once, before the items. */
    private void printList(Section section, List<SectionValues> items, String indent) {
        List<Setting<?>> settings = Settings.in(section.path());
        for (Setting<?> setting : settings) {
            comment(indent, INDENT + setting.key() + ": " + describe(setting));
        }
        out.append(indent).append(section.key()).append(items.isEmpty() ? ": []\n" : ":\n");
        for (SectionValues item : items) {
            StringJoiner keys = new StringJoiner(", ", indent + INDENT + "- {", "}\n");
            for (Setting<?> setting : settings) {
                value(setting, item).ifPresent(value -> keys.add(setting.key() + ": " + value));
            }
            out.append(keys);
        }
    }

    private void comment(String indent, String text) {
        out.append(indent).append("# ").append(text).append('\n');
    }

    private static String describe(Setting<?> setting) {
        StringJoiner facts = new StringJoiner("; ", " (", ")");
        facts.add(setting.range().isEmpty() ? setting.typeName() : setting.typeName() + ", " + setting.range());
        if (setting.required()) {
            facts.add("required");
        }
        setting.defaultText().ifPresent(text -> facts.add("default " + text));
        return setting.text() + facts;
    }

    private static <T> Optional<String> value(Setting<T> setting, SectionValues values) {
        return values.find(setting).map(value -> {
            List<String> scalars = setting.print(value);
            return setting.type() instanceof ValueType.ListOf
                    ? scalars.stream().map(SettingsPrinter::quote).collect(Collectors.joining(", ", "[", "]"))
                    : quote(scalars.getFirst());
        });
    }

    private static String quote(String text) {
        if (PLAIN.matcher(text).matches() && !text.equals("null")) {
            return text;
        }
        StringBuilder quoted = new StringBuilder("\"");
        for (int i = 0; i < text.length(); i++) {
            char c = text.charAt(i);
            if (c == '"' || c == '\\') {
                quoted.append('\\').append(c);
            } else if (c < ' ' || c > '~') {
                quoted.append(String.format("\\u%04x", (int) c));
            } else {
                quoted.append(c);
            }
        }
        return quoted.append('"').toString();
    }
}
