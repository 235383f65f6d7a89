package io.holdfast.measure;

import java.util.concurrent.Executor;

/**
 * The pulse of a thread that runs what others give it: it is asked, and answers when it comes to that.
 *
 * <p><b>Threads.</b> One asks; the asked one answers.
 */
public final class Echo {

    private final String work;
    private final Executor thread;
    private final Counter answers = new Counter();
    private long questions;

    /**
     * @param work as in {@link Pulse}
     * @param thread a single one
     */
    public Echo(String work, Executor thread) {
        this.work = work;
        this.thread = thread;
    }

    /** Asks, unless the last question is still unanswered, and tells what has been answered until now. */
    public Pulse pulse() {
        long answered = answers.value();
        if (questions == answered) {
            questions++;
            thread.execute(answers::increment);
        }
        return new Pulse(work, answered);
    }
}
