package io.holdfast.dump;

import java.util.Locale;

/** Why a dump has ended. */
public enum DumpEnd {
    /** It has taken as long as it should. */
    SECONDS("it has taken as long as it should"),
    /** It has as many frames as it should. */
    FRAMES("it has as many frames as it should"),
    /** The next frame would have made it longer than it may be. */
    MAX_BYTES("another frame would make it longer than it may be"),
    /** Its reader has said that this is enough. */
    ASKED("its reader has enough"),
    /** Nobody came to read it. */
    NOBODY_CAME("nobody came to read it"),
    /** Its reader is gone. */
    READER_GONE("its reader is gone"),
    /** Its reader was there and took nothing. */
    READER_STUCK("its reader took nothing for too long"),
    /** The proxy ends. */
    PROXY_ENDS("the proxy ends"),
    /** A defect, or no memory. */
    FAILED("it failed; the proxy's log says why");

    private final String text;

    DumpEnd(String text) {
        this.text = text;
    }

    /** For programs. */
    public String word() {
        return name().toLowerCase(Locale.ROOT).replace('_', '-');
    }

    /** For people. */
    public String text() {
        return text;
    }
}
