package io.holdfast.demo;

import redis.clients.jedis.Jedis;
import redis.clients.jedis.Pipeline;

/** What a client asks of the guest, again and again. */
@FunctionalInterface
interface Load {

    /** Asks once and reports to a history what was asked and what was answered. */
    void ask(Jedis connection);

    static Load increments(CounterHistory history) {
        return connection -> {
            history.asked();
            history.answered(connection.incr(history.key()));
        };
    }

    static Load sharedIncrements(String client, SharedCounterHistory history) {
        return connection -> {
            history.asked();
            history.answered(client, connection.incr(history.key()));
        };
    }

    static Load tokens(String client, TokenHistory history) {
        return new Load() {
            private long sent;

            @Override
            public void ask(Jedis connection) {
                String token = client + "-" + ++sent;
                history.asked(token);
                history.answered(client, token, connection.rpush(history.key(), token));
            }
        };
    }

    /** Several messages at a time, so that a single epoch of the guest holds more than one segment to the subscriber. */
    static Load publications(StreamHistory history, int messagesAtATime) {
        return new Load() {
            private long published;

            @Override
            public void ask(Jedis connection) {
                long first = published + 1;
                published += messagesAtATime;
                try (Pipeline pipeline = connection.pipelined()) {
                    for (long sequence = first; sequence <= published; sequence++) {
                        pipeline.publish(history.channel(), new StreamMessage(sequence).encoded());
                    }
                    pipeline.sync();
                }
                history.published(new StreamMessage(published));
            }
        };
    }
}
