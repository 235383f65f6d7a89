package io.holdfast.metrics;

/**
 * The answer to a probe.
 *
 * @param ok the process can do its work
 * @param reason one line for people, such as the state of the wall
 */
public record Health(boolean ok, String reason) {

    /** All is well. */
    public static Health ok(String reason) {
        return new Health(true, reason);
    }

    /** Something is missing. */
    public static Health failing(String reason) {
        return new Health(false, reason);
    }
}
