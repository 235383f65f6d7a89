package io.holdfast.demo;

import java.net.SocketTimeoutException;
import java.util.concurrent.TimeUnit;
import redis.clients.jedis.Jedis;
import redis.clients.jedis.exceptions.JedisConnectionException;

/** A client that asks, waits for the answer, thinks and asks again. */
final class AskingClient implements Client {

    private final String name;
    private final Jedis connection;
    private final Load load;
    private final long thinkNanos;
    private final Verifier verifier;
    private final AnswerTimes answers;
    private final Thread thread;
    private volatile boolean stopping;
    private volatile Outcome outcome = Outcome.SURVIVED;

    AskingClient(String name, Jedis connection, Load load, long thinkNanos, Verifier verifier) {
        this.name = name;
        this.connection = connection;
        this.load = load;
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
        try (connection) {
            while (!stopping) {
                long askedNanos = System.nanoTime();
                load.ask(connection);
                answers.add(askedNanos, System.nanoTime());
                TimeUnit.NANOSECONDS.sleep(thinkNanos);
            }
        } catch (JedisConnectionException e) {
            outcome = e.getCause() instanceof SocketTimeoutException ? Outcome.STUCK : Outcome.RESET;
            reportIfGarbled(e);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        } catch (RuntimeException e) {
            // The connection lives, but what came over it is not an answer to what was asked.
            outcome = Outcome.RESET;
            verifier.garbled(name, String.valueOf(e));
        }
    }

    /** Jedis reports an answer that begins with an unknown byte as a connection that broke. */
    private void reportIfGarbled(JedisConnectionException e) {
        String message = e.getMessage();
        if (message != null && message.startsWith("Unknown reply")) {
            verifier.garbled(name, message);
        }
    }
}
