package io.holdfast.measure;

/**
 * What shows, from outside, whether a thread still does its work. Whoever looks twice, with some seconds in between, sees that
 * it has gone round, or that it waits for something to do, or that it hangs.
 *
 * @param work what the thread does, for people, such as {@code release of tap0}
 * @param rounds how often it has come round; it writes this itself
 * @param waits whether it has nothing to do, so that it need not come round
 */
public record Pulse(String work, long rounds, boolean waits) {

    /** Of a thread that comes round even if there is nothing to do, or that was asked to. */
    public Pulse(String work, long rounds) {
        this(work, rounds, false);
    }
}
