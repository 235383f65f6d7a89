package io.holdfast.control;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.holdfast.config.NearMiss;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.OptionalLong;
import org.jspecify.annotations.Nullable;

/**
 * Reads the arguments of one command. What the command does not know is refused before anything is done, because an
 * argument that is silently ignored is a command that was misunderstood. A {@code null} counts as absent.
 */
public final class Arguments {

    private final ObjectNode arguments;
    private final List<String> names;

    private Arguments(ObjectNode arguments, List<String> names) {
        this.arguments = arguments;
        this.names = names;
    }

    /**
     * @param names all arguments that the command knows
     * @throws CommandException {@code BadArgument} if there are others
     */
    public static Arguments of(ObjectNode arguments, String... names) throws CommandException {
        List<String> known = List.of(names);
        for (var argument : arguments.properties()) {
            String name = argument.getKey();
            if (!known.contains(name)) {
                throw bad("unknown argument `" + Messages.excerpt(name) + "`"
                        + (known.isEmpty() ? "; the command takes none" : NearMiss.hint(name, known)));
            }
        }
        return new Arguments(arguments, known);
    }

    /** A whole number from {@code least} to {@code most}. */
    public long requireLong(String name, long least, long most) throws CommandException {
        return optionalLong(name, least, most).orElseThrow(() -> missing(name));
    }

    /** A whole number from {@code least} to {@code most}, if there is one. */
    public OptionalLong optionalLong(String name, long least, long most) throws CommandException {
        JsonNode value = find(name);
        if (value == null) {
            return OptionalLong.empty();
        }
        if (!value.isIntegralNumber()) {
            throw bad("`" + name + "` must be a whole number, not " + excerpt(value));
        }
        if (!value.canConvertToLong() || value.longValue() < least || value.longValue() > most) {
            throw bad("`" + name + "` is " + excerpt(value) + "; allowed is " + least + " to " + most);
        }
        return OptionalLong.of(value.longValue());
    }

    /** A text that is not empty. */
    public String requireString(String name) throws CommandException {
        return optionalString(name).orElseThrow(() -> missing(name));
    }

    /** A text that is not empty, if there is one. */
    public Optional<String> optionalString(String name) throws CommandException {
        JsonNode value = find(name);
        if (value == null) {
            return Optional.empty();
        }
        if (!value.isTextual() || value.textValue().isEmpty()) {
            throw bad("`" + name + "` must be a text that is not empty, not " + excerpt(value));
        }
        return Optional.of(value.textValue());
    }

    /** True or false. */
    public boolean optionalFlag(String name, boolean fallback) throws CommandException {
        JsonNode value = find(name);
        if (value == null) {
            return fallback;
        }
        if (!value.isBoolean()) {
            throw bad("`" + name + "` must be true or false, not " + excerpt(value));
        }
        return value.booleanValue();
    }

    /** One of an enum's constants, written in lower case with {@code -} for {@code _}. */
    public <E extends Enum<E>> E requireWord(String name, Class<E> type) throws CommandException {
        String word = requireString(name);
        List<String> words = new ArrayList<>();
        for (E constant : type.getEnumConstants()) {
            String known = constant.name().toLowerCase(Locale.ROOT).replace('_', '-');
            if (known.equals(word)) {
                return constant;
            }
            words.add(known);
        }
        throw bad("`" + name + "` is `" + Messages.excerpt(word) + "`; allowed is " + String.join(", ", words)
                + NearMiss.hint(word, words));
    }

    /** An object or list of the command's own form, if there is one. */
    public Optional<JsonNode> optionalTree(String name) {
        return Optional.ofNullable(find(name));
    }

    private @Nullable JsonNode find(String name) {
        if (!names.contains(name)) {
            throw new IllegalArgumentException("the command has not declared its argument `" + name + "`");
        }
        JsonNode value = arguments.get(name);
        return value == null || value.isNull() ? null : value;
    }

    private static String excerpt(JsonNode value) {
        return Messages.excerpt(value.toString());
    }

    private static CommandException missing(String name) {
        return bad("missing argument `" + name + "`");
    }

    private static CommandException bad(String description) {
        return new CommandException(CommandException.BAD_ARGUMENT, description);
    }
}
