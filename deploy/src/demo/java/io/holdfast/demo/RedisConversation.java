package io.holdfast.demo;

import java.io.IOException;
import redis.clients.jedis.Jedis;
import redis.clients.jedis.exceptions.JedisConnectionException;
import redis.clients.jedis.exceptions.JedisDataException;

/** A conversation with Redis, through Jedis. */
record RedisConversation(Jedis connection, Load load) implements Conversation {

    @Override
    public void ask() throws IOException {
        try {
            load.ask(connection);
        } catch (JedisConnectionException e) {
            throw causeOf(e);
        }
    }

    private static IOException causeOf(JedisConnectionException e) {
        String message = e.getMessage();
        if (message != null && message.startsWith("Unknown reply")) {
            throw new JedisDataException(message, e); // To Jedis this is a connection that broke.
        }
        return e.getCause() instanceof IOException cause ? cause : new IOException(e);
    }

    @Override
    public void close() {
        connection.close();
    }
}
