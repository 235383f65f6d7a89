package io.holdfast.agent.arbiter;

import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;

/** Threads on which questions that take time are asked, one after the other. */
final class QuestionThread {

    private QuestionThread() {}

    static ExecutorService named(String name) {
        return Executors.newSingleThreadExecutor(task -> {
            Thread thread = new Thread(task, name);
            thread.setDaemon(true);
            return thread;
        });
    }
}
