package io.holdfast.config;

import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/** What a file says about one section, with the lines, before the rules between settings are checked. */
final class SectionValues {

    /** @param value null if what the file says is wrong, which has been reported already */
    private record Entry(@Nullable Object value, int line) {}

    private final int line;
    private final @Nullable SectionValues parent;
    private final Map<Setting<?>, Entry> entries = new HashMap<>();
    private final Map<String, SectionValues> sections = new HashMap<>();
    private final Map<String, List<SectionValues>> lists = new HashMap<>();

    SectionValues(int line, @Nullable SectionValues parent) {
        this.line = line;
        this.parent = parent;
    }

    SectionValues top() {
        SectionValues top = this;
        while (top.parent != null) {
            top = top.parent;
        }
        return top;
    }

    /** Where the section begins, or the one that it would stand in. */
    int line() {
        return line;
    }

    /** Where a setting stands, or else where its section begins. */
    int line(Setting<?> setting) {
        Entry entry = entries.get(setting);
        return entry == null ? line : entry.line;
    }

    /** The file has the key, whatever its value. */
    boolean names(Setting<?> setting) {
        return entries.containsKey(setting);
    }

    /** @param value of the setting's own type; empty if what the file says is wrong */
    void put(Setting<?> setting, Optional<?> value, int entryLine) {
        entries.put(setting, new Entry(value.orElse(null), entryLine));
    }

    void putSection(String path, SectionValues section) {
        sections.put(path, section);
    }

    void putList(String path, List<SectionValues> items) {
        lists.put(path, items);
    }

    /** The value or its default; empty if it has neither, or if the file's value is wrong. */
    // The one place where the table's types meet the map's: the reader parses a value by its setting's own type.
    @SuppressWarnings("unchecked")
    <T> Optional<T> find(Setting<T> setting) {
        Entry entry = entries.get(setting);
        return entry == null ? setting.fallback(this) : Optional.ofNullable((T) entry.value);
    }

    /** The value of a setting whose presence has been checked. */
    <T> T get(Setting<T> setting) {
        return find(setting).orElseThrow(() -> new IllegalStateException("no value for " + setting.path()));
    }

    /** An inner section; empty only if it is an optional one that the file does not have. */
    Optional<SectionValues> section(String path) {
        return Optional.ofNullable(sections.get(path));
    }

    /** The items of a list of sections. */
    List<SectionValues> list(String path) {
        return lists.getOrDefault(path, List.of());
    }
}
