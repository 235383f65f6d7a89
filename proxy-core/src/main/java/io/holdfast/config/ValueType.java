package io.holdfast.config;

import java.util.ArrayList;
import java.util.List;

/**
 * What the value of a setting looks like in the file: one scalar, or a list of them.
 *
 * @param <T> what the program works with
 */
sealed interface ValueType<T> {

    /** For the documentation, with the unit: {@code duration}, {@code size}, {@code list of durations}. */
    String name();

    /** For the documentation: what is allowed, such as {@code 5ms to 10s}; empty if everything of the type is. */
    String range();

    /** The scalars that stand for {@code value}. */
    List<String> print(T value);

    /** A value that is written as one scalar. */
    record Scalar<T>(String name, String range, Parser<T> parser, Printer<T> printer) implements ValueType<T> {

        T parse(String text) throws BadValueException {
            return parser.parse(text);
        }

        @Override
        public List<String> print(T value) {
            return List.of(printer.print(value));
        }
    }

    /**
     * A value that is written as a list of scalars.
     *
     * @param splitsText one text in place of the list is taken as its items, parted by white space
     */
    record ListOf<T>(String name, Scalar<T> item, boolean splitsText) implements ValueType<List<T>> {

        @Override
        public String range() {
            return item.range();
        }

        @Override
        public List<String> print(List<T> value) {
            List<String> scalars = new ArrayList<>();
            value.forEach(element -> scalars.addAll(item.print(element)));
            return scalars;
        }
    }

    /** Reads one scalar. */
    @FunctionalInterface
    interface Parser<T> {
        T parse(String text) throws BadValueException;
    }

    /** Writes one scalar such that the parser reads the same value. */
    @FunctionalInterface
    interface Printer<T> {
        String print(T value);
    }
}
