package io.holdfast.config;

/**
 * A group of settings.
 *
 * @param path such as {@code proxy.announce}; empty for the top of the file
 * @param kind what its absence means
 * @param text one sentence
 */
public record Section(String path, Kind kind, String text) {

    /** What the absence of a section means. */
    public enum Kind {
        /** The process that needs it does not run from this file. */
        OPTIONAL,
        /** The same as an empty one: every setting takes its default. */
        DEFAULTED,
        /** A list of such sections, empty if absent. */
        LIST
    }

    /** The last part of the path. */
    public String key() {
        return path.substring(path.lastIndexOf('.') + 1);
    }

    /** The path of the section that this one stands in. */
    public String parentPath() {
        return path.substring(0, Math.max(0, path.lastIndexOf('.')));
    }
}
