package io.holdfast.config;

import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;

/**
 * One row of the table of settings.
 *
 * @param <T> what the program works with
 */
public final class Setting<T> {

    /** Of these nobody can make a secret. A type that is not here is kept secret until somebody has thought about it. */
    private static final Set<String> PUBLIC_TYPES = Set.of(
            "EtherType",
            "URL", // Where a server is, and no more than that.
            "address",
            "duration",
            "flag",
            "interface",
            "name",
            "number",
            "path", // Of a key, not the key.
            "prefix",
            "size",
            "word");

    private final String path;
    private final ValueType<T> type;
    private final boolean required;
    private final @Nullable String defaultText;
    private final Function<SectionValues, Optional<T>> fallback;
    private final String text;

    /**
     * @param defaultText how the documentation writes what {@code fallback} gives; null if it gives nothing
     * @param fallback the value if the file has none; empty if there is no default, or if the setting that it derives
     *     from is wrong
     */
    Setting(
            String path,
            ValueType<T> type,
            boolean required,
            @Nullable String defaultText,
            Function<SectionValues, Optional<T>> fallback,
            String text) {
        this.path = path;
        this.type = type;
        this.required = required;
        this.defaultText = defaultText;
        this.fallback = fallback;
        this.text = text;
    }

    /** Where it stands in the file, such as {@code proxy.wall-limit}; inside a list the path of the list and the key. */
    public String path() {
        return path;
    }

    /** The last part of the path. */
    public String key() {
        return path.substring(path.lastIndexOf('.') + 1);
    }

    /** The path of the section that it belongs to; empty for the top of the file. */
    public String sectionPath() {
        return path.substring(0, Math.max(0, path.lastIndexOf('.')));
    }

    /** {@code duration}, {@code size}, {@code path}, {@code list of durations}, ... */
    public String typeName() {
        return type.name();
    }

    /** What is allowed, such as {@code 5ms to 10s}; empty if everything of the type is. */
    public String range() {
        return type.range();
    }

    /** The file must have it wherever it has the section. */
    public boolean required() {
        return required;
    }

    /** The default as it would be written, or a phrase in angle brackets where it depends on another setting. */
    public Optional<String> defaultText() {
        return Optional.ofNullable(defaultText);
    }

    /** One sentence. */
    public String text() {
        return text;
    }

    /** Whether strangers may see its values. What is free text, such as a command, may have a password in it. */
    boolean isPublic() {
        return PUBLIC_TYPES.contains(
                switch (type) {
                    case ValueType.Scalar<T> scalar -> scalar.name();
                    case ValueType.ListOf<?> list -> list.item().name();
                });
    }

    ValueType<T> type() {
        return type;
    }

    Optional<T> fallback(SectionValues section) {
        return fallback.apply(section);
    }

    List<String> print(T value) {
        return type.print(value);
    }

    @Override
    public String toString() {
        return path;
    }
}
