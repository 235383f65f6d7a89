package io.holdfast.demo;

import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import redis.clients.jedis.Jedis;
import redis.clients.jedis.JedisPubSub;
import redis.clients.jedis.exceptions.JedisConnectionException;
import redis.clients.jedis.exceptions.JedisException;

/**
 * A client that only listens. Its stream ends with a message that somebody else publishes over a fresh connection, so
 * that it is clear whether the old one still lives.
 */
final class Subscriber implements Client {

    static final String END = "end of stream";

    private final String name;
    private final Jedis connection;
    private final int stuckAfterMillis;
    private final StreamHistory history;
    private final Verifier verifier;
    private final AnswerTimes answers;
    private final Thread thread;
    private final CountDownLatch subscribed = new CountDownLatch(1);
    private volatile boolean ended;
    private volatile boolean broken;
    private volatile boolean stuck;

    Subscriber(String name, Jedis connection, int stuckAfterMillis, StreamHistory history, Verifier verifier) {
        this.name = name;
        this.connection = connection;
        this.stuckAfterMillis = stuckAfterMillis;
        this.history = history;
        this.verifier = verifier;
        this.answers = new AnswerTimes(System.nanoTime());
        this.thread = new Thread(this::listen, name);
    }

    @Override
    public String name() {
        return name;
    }

    @Override
    public void start() {
        thread.start();
    }

    /** Waits until the guest has confirmed the subscription: what is published from now on must arrive. */
    boolean awaitSubscription() throws InterruptedException {
        return subscribed.await(stuckAfterMillis, TimeUnit.MILLISECONDS);
    }

    @Override
    public AnswerTimes answers() {
        return answers;
    }

    @Override
    public Outcome outcome(long nowNanos) {
        long silentNanos = nowNanos - answers.latestNanos();
        if (!ended && !broken && silentNanos > TimeUnit.MILLISECONDS.toNanos(stuckAfterMillis)) {
            stuck = true;
        }
        return broken ? Outcome.RESET : stuck ? Outcome.STUCK : Outcome.SURVIVED;
    }

    /** {@inheritDoc} Something must have published {@link #END} before, or this client counts as stuck. */
    @Override
    public Outcome finish() throws InterruptedException {
        thread.join(stuckAfterMillis);
        if (thread.isAlive()) {
            stuck = true;
            connection.disconnect();
            thread.join();
        }
        return outcome(System.nanoTime());
    }

    private void listen() {
        try (connection) {
            connection.subscribe(new Listener(), history.channel());
        } catch (JedisConnectionException e) {
            broken = !stuck;
        } catch (JedisException | ClassCastException | NumberFormatException e) {
            broken = true;
            verifier.garbled(name, String.valueOf(e));
        }
    }

    private final class Listener extends JedisPubSub {

        @Override
        public void onSubscribe(String channel, int subscribedChannels) {
            subscribed.countDown();
        }

        @Override
        public void onMessage(String channel, String message) {
            if (message.equals(END)) {
                ended = true;
                unsubscribe();
                return;
            }
            long nowNanos = System.nanoTime();
            answers.add(nowNanos, nowNanos);
            history.received(message);
        }
    }
}
