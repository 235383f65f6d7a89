package io.holdfast.agent.arbiter;

import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.RejectedExecutionException;
import java.util.function.Consumer;
import java.util.function.Function;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * A thread on which questions that take time are asked, one after the other. One that fails with an exception is answered, too:
 * who waits for an answer would never ask again.
 *
 * <p><b>Threads.</b> Any.
 */
final class QuestionThread implements AutoCloseable {

    private static final Logger log = LoggerFactory.getLogger(QuestionThread.class);

    /** What takes time. */
    @FunctionalInterface
    interface Question<A> {
        A ask() throws InterruptedException;
    }

    private final ExecutorService executor;

    QuestionThread(String name) {
        executor = Executors.newSingleThreadExecutor(task -> {
            Thread thread = new Thread(task, name);
            thread.setDaemon(true);
            return thread;
        });
    }

    /**
     * Asks after all that was asked before.
     *
     * @param noAnswer what stands for the answer to a question that has failed, of the reason
     * @param onAnswer called exactly once, on this thread; never if this ends before
     */
    <A> void ask(Question<A> question, Function<String, A> noAnswer, Consumer<A> onAnswer) {
        try {
            executor.execute(() -> {
                try {
                    onAnswer.accept(answer(question, noAnswer));
                } catch (InterruptedException e) {
                    Thread.currentThread().interrupt();
                }
            });
        } catch (RejectedExecutionException e) {
            log.debug("a question came after the end", e);
        }
    }

    private static <A> A answer(Question<A> question, Function<String, A> noAnswer) throws InterruptedException {
        try {
            return question.ask();
        } catch (RuntimeException e) {
            log.error("a question could not be asked", e);
            return noAnswer.apply("the question could not be asked: " + e);
        }
    }

    /** Ends what is under way. */
    @Override
    public void close() {
        executor.shutdownNow();
    }
}
