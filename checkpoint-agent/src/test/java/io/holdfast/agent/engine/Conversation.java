package io.holdfast.agent.engine;

import java.io.IOException;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.FutureTask;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;

/**
 * A client that talks to the guest in its own habit, on a thread of its own, until it is told to come to an end. All that it is
 * told depends on nobody else and is checked to the last byte.
 */
final class Conversation {

    private static final int LAST_EXCHANGES = 5;
    private static final long LIMIT_SECONDS = 20;
    private static final int VALUE_BYTES = 50_000;

    /** What is said, in exchanges that are numbered from one. */
    interface Habit extends AutoCloseable {

        void exchange(int number) throws IOException;

        /** Ends the connection in an orderly way, and waits until the guest has. */
        void end() throws IOException;

        @Override
        void close() throws IOException;
    }

    private final Habit habit;
    private final long pauseMillis;
    private final CountDownLatch begun = new CountDownLatch(1);
    private final CountDownLatch ending = new CountDownLatch(1);
    private final FutureTask<Boolean> task = new FutureTask<>(this::talk, true);

    /** Begins to talk. */
    Conversation(Habit habit, long pauseMillis) {
        this.habit = habit;
        this.pauseMillis = pauseMillis;
        Thread.ofPlatform().daemon().start(task);
    }

    private void talk() {
        try (habit) {
            int number = 0;
            do {
                habit.exchange(++number);
                begun.countDown();
            } while (!ending.await(pauseMillis, TimeUnit.MILLISECONDS));
            for (int i = 0; i < LAST_EXCHANGES; i++) {
                habit.exchange(++number);
            }
            habit.end();
        } catch (IOException | InterruptedException e) {
            throw new IllegalStateException(habit + " was interrupted", e);
        }
    }

    void awaitFirstExchange() throws InterruptedException {
        if (!begun.await(LIMIT_SECONDS, TimeUnit.SECONDS)) {
            throw new IllegalStateException(habit + " got no answer");
        }
    }

    /** Tells it to come to an end. */
    void end() {
        ending.countDown();
    }

    /** Waits for the end; throws what went wrong. */
    void awaitEnd() throws InterruptedException, ExecutionException, TimeoutException {
        task.get(LIMIT_SECONDS, TimeUnit.SECONDS);
    }

    /** Counts. */
    record Counting(LineClient client, String key) implements Habit {

        @Override
        public void exchange(int number) throws IOException {
            client.expect("INCR " + key, ":" + number);
        }

        @Override
        public void end() throws IOException {
            endAndWait(client);
        }

        @Override
        public void close() throws IOException {
            client.close();
        }
    }

    /** Stores much, and fetches it. */
    record Storing(LineClient client, String key) implements Habit {

        @Override
        public void exchange(int number) throws IOException {
            String value = (key + "-" + number + "-").repeat(VALUE_BYTES / key.length());
            client.store(key, value);
            client.expectStored(key, value);
        }

        @Override
        public void end() throws IOException {
            endAndWait(client);
        }

        @Override
        public void close() throws IOException {
            client.close();
        }
    }

    /** Tells somebody who listens, on two connections. */
    record Publishing(LineClient publisher, LineClient subscriber, String channel) implements Habit {

        @Override
        public void exchange(int number) throws IOException {
            publisher.expect("PUBLISH " + channel + " item-" + number, ":1");
            subscriber.expectMessage("item-" + number);
        }

        @Override
        public void end() throws IOException {
            endAndWait(subscriber);
            endAndWait(publisher);
        }

        @Override
        public void close() throws IOException {
            publisher.close();
            subscriber.close();
        }
    }

    private static void endAndWait(LineClient client) throws IOException {
        client.finish();
        if (!client.isAtEnd()) {
            throw new IOException("there was more to read");
        }
    }
}
