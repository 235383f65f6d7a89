package io.holdfast.cli.doctor;

/**
 * One thing that was looked at.
 *
 * @param verdict how it is
 * @param what was looked at, in a word or two
 * @param text what was found, and what to do if it is not well
 */
public record Finding(Verdict verdict, String what, String text) {

    /** How it is. */
    public enum Verdict {
        OK,
        /** It works, or may work later; somebody should know. */
        WARNING,
        /** It cannot work like this. */
        FAILED
    }

    static Finding ok(String what, String text) {
        return new Finding(Verdict.OK, what, text);
    }

    static Finding warning(String what, String text) {
        return new Finding(Verdict.WARNING, what, text);
    }

    static Finding failed(String what, String text) {
        return new Finding(Verdict.FAILED, what, text);
    }
}
