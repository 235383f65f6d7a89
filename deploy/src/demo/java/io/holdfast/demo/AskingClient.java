package io.holdfast.demo;

import java.io.IOException;
import java.net.SocketTimeoutException;
import java.util.concurrent.TimeUnit;

/** A client that asks, waits for the answer, thinks and asks again. */
final class AskingClient implements Client {

    private final String name;
    private final Conversation conversation;
    private final long thinkNanos;
    private final Verifier verifier;
    private final AnswerTimes answers;
    private final Thread thread;
    private volatile boolean stopping;
    private volatile Outcome outcome = Outcome.SURVIVED;

    AskingClient(String name, Conversation conversation, long thinkNanos, Verifier verifier) {
        this.name = name;
        this.conversation = conversation;
        this.thinkNanos = thinkNanos;
        this.verifier = verifier;
        this.answers = new AnswerTimes(System.nanoTime());
        this.thread = new Thread(this::converse, name);
    }

    @Override
    public String name() {
        return name;
    }

    @Override
    public void start() {
        thread.start();
    }

    @Override
    public AnswerTimes answers() {
        return answers;
    }

    @Override
    public Outcome outcome(long nowNanos) {
        return outcome;
    }

    @Override
    public Outcome finish() throws InterruptedException {
        stopping = true;
        // The connection's own read timeout ends the thread.
        thread.join();
        return outcome;
    }

    private void converse() {
        try (conversation) {
            while (!stopping) {
                long askedNanos = System.nanoTime();
                conversation.ask();
                answers.add(askedNanos, System.nanoTime());
                TimeUnit.NANOSECONDS.sleep(thinkNanos);
            }
        } catch (SocketTimeoutException e) {
            outcome = Outcome.STUCK;
        } catch (IOException e) {
            outcome = Outcome.RESET;
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        } catch (RuntimeException e) {
            // The connection lives, but what came over it is not an answer to what was asked.
            outcome = Outcome.RESET;
            verifier.garbled(name, String.valueOf(e));
        }
    }
}
