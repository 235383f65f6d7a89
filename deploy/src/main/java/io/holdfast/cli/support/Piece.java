package io.holdfast.cli.support;

/**
 * A text of a bundle.
 *
 * @param file its name there
 * @param about what it is, in one line
 * @param source where it comes from
 */
record Piece(String file, String about, Source source) {

    /** Gets the text, within seconds. */
    @FunctionalInterface
    interface Source {
        /** @throws Exception says why it cannot be had */
        String read() throws Exception;
    }
}
