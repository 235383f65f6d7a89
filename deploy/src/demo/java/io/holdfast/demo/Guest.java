package io.holdfast.demo;

import java.util.HashMap;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import redis.clients.jedis.DefaultJedisClientConfig;
import redis.clients.jedis.HostAndPort;
import redis.clients.jedis.Jedis;
import redis.clients.jedis.exceptions.JedisConnectionException;

/**
 * The Redis in the guest, as seen from the clients' side of the network.
 *
 * @param stuckAfterMillis how long a connection may be silent while something is due
 */
record Guest(HostAndPort address, int stuckAfterMillis) {

    private static final int CONNECT_MILLIS = 5_000;
    private static final int ATTEMPTS = 5;

    /** A plain connection that is never renewed, and that gives up when it has been silent for too long. */
    Jedis connect() {
        Jedis connection = new Jedis(
                address,
                DefaultJedisClientConfig.builder()
                        .connectionTimeoutMillis(CONNECT_MILLIS)
                        .socketTimeoutMillis(stuckAfterMillis)
                        .build());
        connection.connect();
        return connection;
    }

    /** A connection after the clients have ended, which may meet a guest that is just being restored. */
    Jedis connectPatiently() throws InterruptedException {
        for (int attempt = 1; ; attempt++) {
            try {
                return connect();
            } catch (JedisConnectionException e) {
                if (attempt == ATTEMPTS) {
                    throw e;
                }
                TimeUnit.SECONDS.sleep(1);
            }
        }
    }

    /** Reads what {@code verifier} has to compare. */
    static GuestState read(Jedis connection, Verifier verifier) {
        Map<String, Long> counters = new HashMap<>();
        for (CounterHistory counter : verifier.counters()) {
            counters.put(counter.key(), number(connection, counter.key()));
        }
        return new GuestState(
                counters,
                connection.lrange(verifier.tokens().key(), 0, -1),
                number(connection, verifier.sharedCounter().key()));
    }

    private static long number(Jedis connection, String key) {
        String value = connection.get(key);
        return value == null ? 0 : Long.parseLong(value);
    }
}
