package io.holdfast.config;

import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.function.Predicate;

/**
 * Prints values as JSON in the shape of the file, for programs. Flags and counts are JSON's own, all else is text as in the
 * file, units included; a setting that has no value is null.
 */
final class SettingsJson {

    private static final ObjectMapper JSON = new ObjectMapper();

    private static final String WITHHELD = "(withheld)";

    private final Predicate<Setting<?>> shown;
    private final List<String> withheld = new ArrayList<>();

    private SettingsJson(Predicate<Setting<?>> shown) {
        this.shown = shown;
    }

    static String print(SectionValues top) {
        return new SettingsJson(setting -> true).section("", top).toString();
    }

    /** For strangers: of settings that are not public only whether they have a value. */
    static PublicSettings printPublic(SectionValues top) {
        SettingsJson printer = new SettingsJson(Setting::isPublic);
        return new PublicSettings(printer.section("", top).toPrettyString(), List.copyOf(printer.withheld));
    }

    private ObjectNode section(String path, SectionValues values) {
        ObjectNode object = JSON.createObjectNode();
        for (Setting<?> setting : Settings.in(path)) {
            put(object, setting, values);
        }
        for (Section section : Settings.sectionsIn(path)) {
            if (section.kind() == Section.Kind.LIST) {
                ArrayNode items = object.putArray(section.key());
                values.list(section.path()).forEach(item -> items.add(section(section.path(), item)));
            } else {
                values.section(section.path())
                        .ifPresent(inner -> object.set(section.key(), section(section.path(), inner)));
            }
        }
        return object;
    }

    private <T> void put(ObjectNode object, Setting<T> setting, SectionValues values) {
        Optional<T> value = values.find(setting);
        if (value.isEmpty()) {
            object.putNull(setting.key());
        } else if (!shown.test(setting)) {
            object.put(setting.key(), WITHHELD);
            withheld.addAll(setting.print(value.get()));
        } else if (setting.type() instanceof ValueType.ListOf) {
            ArrayNode items = object.putArray(setting.key());
            setting.print(value.get()).forEach(items::add);
        } else if (value.get() instanceof Boolean flag) {
            object.put(setting.key(), flag);
        } else if (value.get() instanceof Integer count) {
            object.put(setting.key(), count);
        } else {
            object.put(setting.key(), setting.print(value.get()).getFirst());
        }
    }
}
